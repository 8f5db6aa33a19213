"""What one task may use of the mesh: its tools, as models take them."""

import fnmatch
import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import anyio
from mcp_types import Tool

from codegod_kit import META_KEY, Grant
from codegod_mesh.link import Link, ServerDown
from codegod_mesh.record import Recorder, ToolCall
from codegod_mesh.result import CallResult, read_result

# What every provider takes as a tool's name.
_NAME_CHARS = 64
_FORBIDDEN = re.compile(r"[^a-zA-Z0-9_-]")
_HASH_CHARS = 8
# Ours take a few hundred; a description that is longer fills a small model's window.
_DESCRIPTION_CHARS = 4000
# A record is small; a journal that takes longer than this over one is not going to keep it.
_RECORD_SECONDS = 10.0


class AllocationFault(Exception):
    """An allocation cannot be shown to a model."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Which tools one task gets, and the grant that says the same to the servers."""

    allow: tuple[str, ...]
    """Patterns on "server.tool"."""
    grant: Grant
    pin: Mapping[str, Any] = field(default_factory=dict)
    """Argument name -> the value it has in every tool that takes it; models neither see nor choose it."""
    max_tools: int = 60

    def allows(self, server: str, tool: str) -> bool:
        """Whether this names the tool."""
        return any(fnmatch.fnmatchcase(f"{server}.{tool}", pattern) for pattern in self.allow)

    def may_allow(self, server: str) -> bool:
        """Whether any tool of the server could be named, before it has been asked for them."""
        return any(fnmatch.fnmatchcase(server, pattern.partition(".")[0]) for pattern in self.allow)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it; pinned arguments are gone from the schema."""

    name: str
    """Safe for every provider, e.g. `sandbox__file_read`."""
    server: str
    tool: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Entry:
    spec: ToolSpec
    link: Link
    pinned: Mapping[str, Any]
    repeatable: bool


class View:
    """The tools of one task. What is not among them is refused before anything is sent."""

    def __init__(
        self,
        found: Iterable[tuple[Link, Tool]],
        allocation: Allocation,
        token: str | None,
        recorder: Recorder,
    ) -> None:
        self._grant = allocation.grant
        self._token = token
        self._recorder = recorder
        self._entries: dict[str, _Entry] = {}
        for link, tool in found:
            entry = _entry(link, tool, allocation.pin)
            if entry.spec.name in self._entries:
                raise AllocationFault(f"two tools would both be called {entry.spec.name!r}")
            self._entries[entry.spec.name] = entry
        if len(self._entries) > allocation.max_tools:
            raise AllocationFault(
                f"the allocation has {len(self._entries)} tools; {allocation.max_tools} at most"
            )

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """All tools, always in the same order, so that prompts can be cached."""
        return tuple(entry.spec for entry in self._entries.values())

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
        """Call the tool `name` ("server.tool" or as in `tools`) and record the call.

        What goes wrong in or around the tool is a result with `is_error`; a server that is away raises `ServerDown`.
        """
        entry = self._entries.get(_either_name(name))
        if entry is None:
            refusal = CallResult(
                True, f"There is no tool {name!r} here. The tools are: {', '.join(self._entries)}."
            )
            server, _, tool = name.replace("__", ".", 1).rpartition(".")
            await self._record(server, tool, arguments, refusal, datetime.now(UTC), 0.0)
            return refusal
        return await self._call(entry, {**arguments, **entry.pinned}, within)

    async def _call(self, entry: _Entry, arguments: Mapping[str, Any], within: float) -> CallResult:
        spec = entry.spec
        started, clock = datetime.now(UTC), time.monotonic()
        result = CallResult(True, f"`{spec.name}` was cut off; whether it had an effect is not known.")
        meta = {META_KEY: self._token} if self._token and entry.link.endpoint.gets_grants else None
        try:
            answer = await entry.link.call(
                spec.tool, arguments, within=within, again=entry.repeatable, meta=meta
            )
            result = read_result(spec.name, answer)
        except ServerDown as error:
            result = CallResult(True, str(error))
            raise
        finally:
            seconds = time.monotonic() - clock
            await self._record(spec.server, spec.tool, arguments, result, started, seconds)
        return result

    async def _record(
        self,
        server: str,
        tool: str,
        arguments: Mapping[str, Any],
        result: CallResult,
        started: datetime,
        seconds: float,
    ) -> None:
        grant = self._grant
        call = ToolCall(
            build=grant.build,
            task=grant.task,
            attempt=grant.attempt,
            server=server,
            tool=tool,
            arguments=dict(arguments),
            is_error=result.is_error,
            text=result.text,
            data=result.data,
            seconds=seconds,
            started=started,
        )
        # A caller that is being cancelled has made the call all the same.
        with anyio.fail_after(_RECORD_SECONDS, shield=True):
            await self._recorder.tool_called(call)


def shown_name(server: str, tool: str) -> str:
    """The name that models call the tool by: `server__tool`, with a hash for an end when that is too long."""
    name = _FORBIDDEN.sub("_", f"{server}__{tool}")
    if len(name) <= _NAME_CHARS and name == f"{server}__{tool}":
        return name
    # Also when characters were replaced: two tools must not fall together.
    mark = hashlib.sha256(f"{server}.{tool}".encode()).hexdigest()[:_HASH_CHARS]
    return f"{name[: _NAME_CHARS - _HASH_CHARS - 1]}_{mark}"


def _either_name(name: str) -> str:
    server, dot, tool = name.partition(".")
    return shown_name(server, tool) if dot else name


def _entry(link: Link, tool: Tool, pin: Mapping[str, Any]) -> _Entry:
    pinned = {name: value for name, value in pin.items() if name in _properties(tool.input_schema)}
    server, hints = link.endpoint.name, tool.annotations
    spec = ToolSpec(
        name=shown_name(server, tool.name),
        server=server,
        tool=tool.name,
        description=(tool.description or "")[:_DESCRIPTION_CHARS],
        schema=_without(tool.input_schema, pinned),
    )
    # A call that may be made twice without harm is one that may be made again when nobody knows how it ended.
    repeatable = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
    return _Entry(spec, link, pinned, repeatable)


def _without(schema: Mapping[str, Any], pinned: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: kind for name, kind in _properties(schema).items() if name not in pinned}
    shown = {**schema, "properties": properties}
    if isinstance(required := schema.get("required"), list):
        shown["required"] = [name for name in required if name not in pinned]
    return shown


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments in a schema; somebody else's may have none, or something else in their place."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}
