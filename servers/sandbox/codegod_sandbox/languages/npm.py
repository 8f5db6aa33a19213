"""npm as the user has set it up: which registry, with which password, and an installation inside the sandbox."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

import anyio

from codegod_kit.beneath import Beneath, PathFault
from codegod_kit.faults import ToolFault
from codegod_sandbox.egress import EgressPolicy, Network, SystemNetwork
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.index_page import https_host, read_page
from codegod_sandbox.indexes import IndexUnusable
from codegod_sandbox.output import printable, shorten
from codegod_sandbox.reach import trusted_certificates
from codegod_sandbox.spec import FILES, Limits, RunSpec, mounted
from codegod_sandbox.upstream import Upstream

_ASK_SECONDS: Final = 30
_SAMPLES: Final = 3  # packages that are looked up until one says where its files lie
_LIMITS: Final = Limits(wall_seconds=600, memory_bytes=4 << 30, processes=512, disk_bytes=4 << 30)
_SAID_CHARS: Final = 2000
_LISTED_BYTES: Final = 8 << 20  # a thousand packages take half a megabyte
_OPTIONS: Final = (
    # Nothing that a package brings is run while there is a network.
    "--ignore-scripts",
    *(
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--no-progress",
        "--loglevel=error",
        "--color=false",
    ),
    *("--fetch-retries=1", "--fetch-timeout=60000", "--legacy-peer-deps=false"),
)
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class NoNode(ToolFault):
    """Node.js or npm is not there."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"This project needs npm packages, and {missing} is not installed on this machine: apt install nodejs npm. "
            "Tell the user: nothing in the project changes that."
        )


class NpmFailed(ToolFault):
    """The npm packages could not be installed."""

    def __init__(self, said: str, refused: Iterable[str], *, network: bool) -> None:
        words = [f"The npm packages could not be installed. npm says: {said}"]
        if "E404" in said or "ETARGET" in said:
            words.append("There is no such package or version: correct its name or range in package.json.")
        if told := "; ".join(refused):
            words.append(f"Connections that were refused: {told}.")
        if not network:
            words.append("This task may not use the network, so only packages in the cache can be had.")
        words.append("Mend package.json, then call `env_prepare` again.")
        super().__init__(" ".join(words))
        self.said = said


@dataclass(frozen=True, slots=True)
class Node:
    """Node.js and npm of this machine, where the sandbox's user can run them."""

    node: Path
    npm: Path
    version: str


@dataclass(frozen=True, slots=True)
class Registry:
    """Where npm packages come from here."""

    urls: tuple[str, ...]  # the registry, then those of single scopes
    npmrc: str


def find_node(environment: Mapping[str, str]) -> Node | str:
    """Node.js below /usr, which every sandbox sees; else the name of what is missing."""
    path = environment.get("PATH", os.defpath)
    found = {name: shutil.which(name, path=path) for name in ("node", "npm")}
    for name, place in found.items():
        if place is None or not Path(place).resolve().is_relative_to("/usr"):
            found[name] = shutil.which(name, path="/usr/local/bin:/usr/bin")
    node, npm = found["node"], found["npm"]
    if node is None or npm is None:
        return "node" if node is None else "npm"
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "a node that works"
    if said.returncode != 0 or not said.stdout.startswith("v"):
        return "a node that works"
    return Node(Path(node).resolve(), Path(npm).resolve(), said.stdout.strip())


async def read_registry(node: Node, environment: Mapping[str, str]) -> Registry:
    """Ask npm. No host is named in this code: npm's own default is what it says it is."""
    with anyio.fail_after(_ASK_SECONDS):
        said = await anyio.run_process(
            [str(node.npm), "config", "list", "--json"],
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.defpath, "HOME": "/nonexistent", **environment},
        )
    try:
        settings = json.loads(said.stdout)
        default = str(settings["registry"])
    except (ValueError, LookupError, TypeError) as error:
        words = said.stderr.decode(errors="replace").strip()[-200:]
        raise IndexUnusable("npm", f"npm does not say which registry it uses ({words})") from error
    scoped = {name: str(url) for name, url in settings.items() if name.endswith(":registry")}
    files = [str(settings.get(name, "")) for name in ("globalconfig", "userconfig")]
    hosts = frozenset(filter(None, map(https_host, (default, *scoped.values()))))
    secrets = await anyio.to_thread.run_sync(lambda: list(_credentials(files, hosts, environment)))
    lines = [f"registry={default}", *(f"{name}={url}" for name, url in scoped.items()), *secrets]
    return Registry((default, *scoped.values()), "".join(f"{line}\n" for line in lines))


async def registry_reach(
    registry: Registry, names: Iterable[str], environment: Mapping[str, str], network: Network | None
) -> EgressPolicy:
    """The hosts of the registries, and those that their packages' files lie on."""
    hosts = frozenset(_host(url) for url in registry.urls)
    policy = EgressPolicy(hosts, Upstream.from_environment(environment), network or SystemNetwork())
    certificates = await anyio.to_thread.run_sync(trusted_certificates, environment)
    for name in [*names][:_SAMPLES]:
        page = f"{registry.urls[0].rstrip('/')}/{quote(name, safe='@')}/latest"
        redirect, links = await read_page(page, policy, certificates)
        found = {host for link in (*links, redirect) if link and (host := https_host(link))}
        if found:
            return replace(policy, hosts=policy.hosts | found)
    return policy


async def install_packages(
    sandbox: Sandbox,
    node: Node,
    folder: Path,
    cache: Path,
    registry: Registry,
    policy: EgressPolicy | None,
    certificates: bytes,
) -> tuple[str, ...]:
    """Run `npm install` in `folder`, which holds a manifest; the connections that were refused."""
    offline = () if policy is not None else ("--offline",)
    settings = (f"--userconfig={FILES}/npmrc", "--globalconfig=/dev/null", f"--cafile={FILES}/ca.pem")
    spec = RunSpec(
        (str(node.node), str(node.npm), "install", *_OPTIONS, *settings, *offline),
        folder,
        writable={"npm-cache": cache},
        egress=policy,
        files={"npmrc": registry.npmrc.encode(), "ca.pem": certificates},
        variables={"npm_config_cache": mounted("npm-cache"), "NODE_EXTRA_CA_CERTS": f"{FILES}/ca.pem"},
        limits=_LIMITS,
    )
    result = await sandbox.run(spec)
    if (result.status, result.exit_code) != ("exit", 0):
        said = shorten(printable(result.stderr or result.stdout).strip(), _SAID_CHARS)
        reason = said if result.status == "exit" else f"{result.status} after {result.seconds} s. {said}"
        raise NpmFailed(reason, result.refused_hosts, network=policy is not None)
    return result.refused_hosts


def installed_packages(modules: Path) -> tuple[str, ...]:
    """What lies in a `node_modules`, as `name@version`."""
    try:
        with Beneath(modules) as files:
            listed = json.loads(files.read(".package-lock.json", limit=_LISTED_BYTES))["packages"]
        return tuple(
            sorted(
                f"{place.rpartition('node_modules/')[2]}@{each.get('version', '')}"
                for place, each in listed.items()
            )
        )
    except (OSError, PathFault, ValueError, LookupError, AttributeError, RecursionError):
        return ()


def _credentials(
    files: Iterable[str], hosts: frozenset[str], environment: Mapping[str, str]
) -> Iterator[str]:
    """The lines with passwords of the user's own configuration, which npm itself does not tell; for `hosts` alone."""
    for file in files:
        path = Path(file)
        try:
            text = path.read_text("utf-8") if file and path.is_file() else ""
        except (OSError, UnicodeDecodeError):
            continue
        for line in text.splitlines():
            known = _VARIABLE.sub(lambda found: environment.get(found[1], ""), line.strip())
            if known.startswith("//") and https_host(f"https:{known.partition('=')[0]}") in hosts:
                yield known


def _host(url: str) -> str:
    host = https_host(url)
    if not host:
        raise IndexUnusable(url, "only https on port 443 is passed on")
    return host


__all__ = [
    "Node",
    "Registry",
    "find_node",
    "install_packages",
    "installed_packages",
    "read_registry",
    "registry_reach",
]
