"""How a program inside a sandbox reaches its proxy."""

import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from codegod_sandbox import bridge
from codegod_sandbox.bubblewrap import EGRESS_FOLDER
from codegod_sandbox.egress import SOCKET_NAME, EgressPolicy, EgressProxy, open_proxy
from codegod_sandbox.execution_faults import NoEgress
from codegod_sandbox.jail import EGRESS_NAME, Jail
from codegod_sandbox.landlock import Landlock
from codegod_sandbox.launcher import NET_ABI
from codegod_sandbox.spec import FILES, TOOLS

_BRIDGE: Final = "codegod_bridge.py"
_BRIDGE_PORT: Final = 3128  # of the sandbox's own loopback; the usual one of a proxy


@dataclass(frozen=True, slots=True)
class Route:
    """What a run needs for it; empty when it has no network."""

    proxy: EgressProxy | None = None
    before: tuple[str, ...] = ()  # what the command is started by
    files: Mapping[str, bytes] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def open_route(policy: EgressPolicy | None, jail: Jail, folder: Path) -> AsyncIterator[Route]:
    """Open the proxy of one run, if it may have one."""
    if policy is None:
        yield Route()
    elif isinstance(jail, Landlock):
        if jail.abi < NET_ABI:
            raise NoEgress(jail.level)
        async with open_proxy(policy) as proxy:
            yield Route(proxy, variables=_variables(proxy.url))
    else:
        async with open_proxy(policy, folder / EGRESS_NAME) as proxy:
            yield Route(
                proxy,
                before=(
                    *(f"{TOOLS}/python", "-I", "-S", f"{FILES}/{_BRIDGE}"),
                    *(f"{EGRESS_FOLDER}/{SOCKET_NAME}", str(_BRIDGE_PORT)),
                ),
                files={_BRIDGE: inspect.getsource(bridge).encode()},
                variables=_variables(f"http://127.0.0.1:{_BRIDGE_PORT}"),
            )


def _variables(url: str) -> dict[str, str]:
    names = ("http_proxy", "https_proxy", "all_proxy")
    return {spelling: url for name in names for spelling in (name, name.upper())}
