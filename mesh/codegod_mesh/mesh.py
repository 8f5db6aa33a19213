"""All servers of a build, each behind a link of its own."""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Self

import anyio
from mcp_types import Tool

from codegod_kit import log_warning
from codegod_mesh.connect import MeshSettings
from codegod_mesh.endpoints import Endpoint
from codegod_mesh.link import Link, ServerDown
from codegod_mesh.record import Recorder
from codegod_mesh.view import Allocation, View

# Listing tools takes milliseconds, but a server's first start may take as long as `Link` gives it.
_LIST_SECONDS = 60.0
# A view without somebody else's slow server is better than a build that waits for it; a later view may have it.
_FOREIGN_WAIT_SECONDS = 20.0
# Children get two seconds to end by themselves and two after SIGTERM.
_CLOSE_SECONDS = 8.0
_log = logging.getLogger("codegod.mesh")


class Mesh:
    """The servers by name, connected while `open` is entered; a server that dies is reconnected, alone."""

    def __init__(self, endpoints: Iterable[Endpoint], *, settings: MeshSettings, recorder: Recorder) -> None:
        self._settings = settings
        self._recorder = recorder
        self._links: dict[str, Link] = {}
        for endpoint in endpoints:
            if endpoint.name in self._links:
                raise ValueError(f"two servers are called {endpoint.name!r}")
            self._links[endpoint.name] = Link(endpoint, settings)

    @property
    def servers(self) -> Mapping[str, Link]:
        """The links by the names of their servers."""
        return MappingProxyType(self._links)

    @property
    def problems(self) -> dict[str, str]:
        """Servers that cannot be reached now, and why."""
        return {name: link.problem for name, link in self._links.items() if link.problem}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Start connecting to all servers at once, without waiting for any; leave no child behind."""
        failure: Exception | None = None
        async with anyio.create_task_group() as group:
            for link in self._links.values():
                group.start_soon(link.run)
            try:
                yield self
            except Exception as error:  # noqa: BLE001 - raised again below, where the group cannot wrap it
                failure = error
            finally:
                for link in self._links.values():
                    link.stop()
                # Those that do not end by themselves are cut off.
                group.cancel_scope.deadline = anyio.current_time() + _CLOSE_SECONDS
        if failure is not None:
            raise failure

    async def settled(self) -> None:
        """Wait until each server has been reached once or has failed to be; then `problems` says which are missing."""
        async with anyio.create_task_group() as group:
            for link in self._links.values():
                group.start_soon(link.settled)

    async def view(self, allocation: Allocation) -> View:
        """The tools of `allocation`; raises `ServerDown` if one of our own servers is needed and away.

        A server of somebody else that is away is left out, and stands in `problems`.
        """
        wanted = [link for name, link in sorted(self._links.items()) if allocation.may_allow(name)]
        listed: dict[str, tuple[Tool, ...]] = {}
        downs: list[ServerDown] = []

        async def ask(link: Link) -> None:
            try:
                listed[link.endpoint.name] = await _tools(link)
            except ServerDown as down:
                if link.endpoint.gets_grants:
                    downs.append(down)
                    return
                log_warning(_log, "server_left_out", server=down.server, reason=down.reason)

        async with anyio.create_task_group() as group:
            for link in wanted:
                group.start_soon(ask, link)
        if downs:
            raise downs[0]
        found = [
            (link, tool)
            for link in wanted
            for tool in sorted(listed.get(link.endpoint.name, ()), key=lambda tool: tool.name)
            if allocation.allows(link.endpoint.name, tool.name)
        ]
        issuer = self._settings.issuer
        token = None if issuer is None else issuer.issue(allocation.grant)
        return View(found, allocation, token, self._recorder)


async def _tools(link: Link) -> tuple[Tool, ...]:
    """The tools of `link`; nobody waits long for a server of somebody else."""
    if not link.endpoint.gets_grants:
        with anyio.move_on_after(_FOREIGN_WAIT_SECONDS):
            await link.settled()
        if link.problem:
            raise ServerDown(link.endpoint.name, link.problem)
    return await link.tools(within=_LIST_SECONDS)
