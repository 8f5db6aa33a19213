"""Environments: the packages that a project needs, installed once for each set of requirements.

An environment lies in `<state>/envs/<hash>/`; its report is written last, so that what has one is whole.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import anyio
from packaging.requirements import Requirement

from codegod_kit.beneath import Beneath
from codegod_kit.faults import ToolFault
from codegod_kit.serving import ServerSettings
from codegod_sandbox.egress import Network
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.execution_faults import SandboxMissing
from codegod_sandbox.file_lock import locked
from codegod_sandbox.ground import Ground
from codegod_sandbox.indexes import Indexes, read_indexes
from codegod_sandbox.install import Installation, install
from codegod_sandbox.languages.crates import CrateNeeds, crate_needs, download_crates
from codegod_sandbox.languages.go_modules import GoNeeds, download_modules, go_needs
from codegod_sandbox.languages.kits import KIT_OF, Kits, npm_cache
from codegod_sandbox.languages.npm import (
    Node,
    NoNode,
    install_packages,
    installed_packages,
    read_registry,
    registry_reach,
)
from codegod_sandbox.languages.package_json import LOCK, MANIFEST, NodeNeeds, node_needs
from codegod_sandbox.languages.spoken import languages_of
from codegod_sandbox.manifest import ALWAYS, requirements_of
from codegod_sandbox.reach import find_reach, trusted_certificates
from codegod_sandbox.toolchain import Toolchain
from codegod_sandbox.tree import give, remove

_FORMAT: Final = 1  # of the folder and of what is in it; a change makes all of them anew
_REPORT: Final = "report.json"
_DIST_INFO: Final = ".dist-info"
_KEPT = 40  # environments; that of a web project has 50 MB
_KEPT_SECONDS = 24 * 3600  # whatever their number, one that was made or asked for today stays


class NoInstaller(ToolFault):
    """uv is not there."""

    def __init__(self) -> None:
        super().__init__(
            "Packages are installed by uv, which is not installed beside this server: pip install uv."
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """An environment that can be used."""

    name: str  # the hash of what it was made from
    folder: Path
    packages: tuple[str, ...]
    cached: bool
    seconds: float
    refused_hosts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what is not there, and why


@dataclass(frozen=True, slots=True)
class _Needs:
    """All that a project asks for."""

    requirements: tuple[str, ...]
    node: NodeNeeds | None
    go: GoNeeds | None
    crates: CrateNeeds | None

    def key(self) -> list[object]:
        """What tells it from others; a project of Python alone has the key that it always had."""
        parts: list[object] = [list(self.requirements)]
        if self.node is not None:
            parts.append(["npm", self.node.packages, self.node.lock])
        if self.go is not None:
            parts.append(["go", self.go.manifest, self.go.sums])
        if self.crates is not None:
            parts.append(["cargo", self.crates.manifests, self.crates.lock])
        return parts


class Environments:
    """The environments of one state folder."""

    def __init__(self, settings: ServerSettings, sandbox: Sandbox, network: Network | None = None) -> None:
        self._folder = settings.state / "envs"
        self._cache = settings.state / "uv-cache"
        self._environment = settings.environment
        self._sandbox = sandbox
        self._network = network
        self._indexes: Indexes | None = None
        self.kits = Kits(settings, sandbox, network)

    async def find(self, tree: Path) -> Path | None:
        """The environment of the project in `tree`, if it has been made; the value for `RunSpec.env`."""
        ground = await self._sandbox.ground()
        if ground.toolchain is None:
            return None
        home = await anyio.to_thread.run_sync(self._home, tree, ground.toolchain)
        return home / "venv" if (home / _REPORT).exists() else None

    async def prepare(self, tree: Path, *, network: bool) -> Prepared:
        """Make the environment of the project in `tree`, unless it is there."""
        started = time.monotonic()
        ground = await self._sandbox.ground()
        toolchain = _require(ground)
        needs = await anyio.to_thread.run_sync(_needs, tree)
        notes = await self._make_kits(tree, toolchain, network=network)
        home = self._home_of(needs, toolchain)
        refused: tuple[str, ...] = ()
        packages = await anyio.to_thread.run_sync(_read_report, home)
        cached = packages is not None
        if packages is None:
            await anyio.to_thread.run_sync(self._make_room)
            async with locked(home.with_suffix(".lock")):
                packages = await anyio.to_thread.run_sync(_read_report, home)
                if not (cached := packages is not None):
                    refused = await self._make(home, needs, toolchain, network=network)
                    packages = await anyio.to_thread.run_sync(_finish, home, ground.uid)
        seconds = round(time.monotonic() - started, 3)
        return Prepared(home.name, home / "venv", packages or (), cached, seconds, refused, notes)

    async def _make_kits(self, tree: Path, toolchain: Toolchain, *, network: bool) -> tuple[str, ...]:
        """The tools of the tree's languages; what could not be had. The checks that need it say so, too."""

        async def wheels(requirements: Sequence[str], env: Path) -> None:
            # With a cache of its own: a kit is made once, and every later installation would walk through its files.
            scratch, cache = env.with_name("scratch"), env.with_name("cache-of-wheels")
            await anyio.to_thread.run_sync(_folders, env, scratch, cache)
            await self._install(requirements, env, scratch, toolchain, network=network, cache=cache)
            for folder in (scratch, cache):
                await anyio.to_thread.run_sync(remove, folder)

        notes = []
        await anyio.to_thread.run_sync(self._make_room)
        for language in sorted(await anyio.to_thread.run_sync(languages_of, tree)):
            if name := KIT_OF.get(language):
                reason = await self.kits.make(name, network=network, wheels=wheels)
                notes += [f"{language} is not checked by its own tools: {reason}"] if reason else []
        return tuple(notes)

    async def _make(
        self, home: Path, needs: _Needs, toolchain: Toolchain, *, network: bool
    ) -> tuple[str, ...]:
        """Install into the folder beside `home` that nobody else looks at; the connections that were refused."""
        partial = _partial(home)
        await anyio.to_thread.run_sync(_clear, partial)
        try:
            refused = await self._install(
                needs.requirements, partial / "venv", partial / "scratch", toolchain, network=network
            )
            if needs.node is not None:
                refused += await self._install_node(needs.node, partial, network=network)
            if needs.go is not None:
                refused += await self._install_go(needs.go, partial, network=network)
            if needs.crates is not None:
                refused += await download_crates(
                    self._sandbox,
                    self.kits,
                    needs.crates,
                    partial,
                    self._environment,
                    self._network,
                    network=network,
                )
            return refused
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(remove, partial)
            raise

    async def _install_node(self, needs: NodeNeeds, partial: Path, *, network: bool) -> tuple[str, ...]:
        """npm's packages, in `node_modules` beside the Python of the environment."""
        node = self.kits.node
        if not isinstance(node, Node):
            raise NoNode(node)
        folder = partial / "npm"
        await anyio.to_thread.run_sync(_folders, folder)
        (folder / MANIFEST).write_text(needs.manifest(), "utf-8")
        if needs.lock:
            (folder / LOCK).write_text(needs.lock, "utf-8")
        registry = await read_registry(node, self._environment)
        names = [name for name, _ in needs.packages]
        policy = await registry_reach(registry, names, self._environment, self._network) if network else None
        certificates = await anyio.to_thread.run_sync(trusted_certificates, self._environment)
        cache = npm_cache(self._cache.parent)
        refused = await install_packages(self._sandbox, node, folder, cache, registry, policy, certificates)
        if (folder / "node_modules").is_dir():
            (folder / "node_modules").rename(partial / "venv" / "node_modules")
        return refused

    async def _install_go(self, needs: GoNeeds, partial: Path, *, network: bool) -> tuple[str, ...]:
        return await download_modules(
            self._sandbox, self.kits, needs, partial, self._environment, self._network, network=network
        )

    async def _install(
        self,
        requirements: Sequence[str],
        env: Path,
        scratch: Path,
        toolchain: Toolchain,
        *,
        network: bool,
        cache: Path | None = None,
    ) -> tuple[str, ...]:
        """Install Python packages into `env`; the connections that were refused."""
        if self._indexes is None:
            self._indexes = await read_indexes(toolchain.tools / "uv", toolchain.python, self._environment)
        indexes = self._indexes if network else self._indexes.only_local()
        names = list(
            dict.fromkeys(
                [*ALWAYS, *(Requirement(line.partition(" --hash")[0]).name for line in requirements)]
            )
        )
        reach = await find_reach(indexes, names, self._environment, self._network)
        if not network:  # an index in a folder here may link to files that are not
            reach = replace(reach, policy=None)
        what = Installation(requirements, indexes, reach, env, cache or self._cache, scratch)
        return await install(self._sandbox, toolchain, what)

    def _home(self, tree: Path, toolchain: Toolchain) -> Path:
        return self._home_of(_needs(tree), toolchain)

    def _home_of(self, needs: _Needs, toolchain: Toolchain) -> Path:
        made_from = [
            _FORMAT,
            platform.machine(),
            str(toolchain.python),
            toolchain.python_version,
            *needs.key(),
        ]
        return self._folder / hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:32]

    def _make_room(self) -> None:
        """Forget the environments that were made longest ago, when there are many."""
        for folder in (self._folder, self._cache):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)  # whatever the umask is: the sandbox's user walks through
        reports = sorted(self._folder.glob(f"*/{_REPORT}"), key=lambda report: report.stat().st_mtime)
        for report in reports[:-_KEPT]:
            if time.time() - report.stat().st_mtime > _KEPT_SECONDS:
                report.unlink()  # first: a half removed environment must not look whole
                remove(report.parent)


def _needs(tree: Path) -> _Needs:
    return _Needs(requirements_of(tree), node_needs(tree), go_needs(tree), crate_needs(tree))


def _require(ground: Ground) -> Toolchain:
    if ground.toolchain is None or ground.jail is None:
        raise SandboxMissing(ground.problems)
    if "uv" in ground.toolchain.missing:
        raise NoInstaller
    return ground.toolchain


def _partial(home: Path) -> Path:
    return home.with_suffix(".partial")


def _clear(partial: Path) -> None:
    """An empty folder to install into; a server that was killed may have left one."""
    remove(partial)
    _folders(partial, partial / "venv", partial / "scratch")


def _folders(*made: Path) -> None:
    for folder in made:
        folder.mkdir()
        folder.chmod(0o755)


def _finish(home: Path, uid: int | None) -> tuple[str, ...]:
    """Give the environment its name."""
    partial = _partial(home)
    if uid is not None:
        give(partial / "venv", os.geteuid())  # no program may so much as change a mode in it
    for folder in ("scratch", "npm", "go", "crates"):
        remove(partial / folder)
    packages = (*_packages(partial / "venv"), *installed_packages(partial / "venv" / "node_modules"))
    (partial / _REPORT).write_text(json.dumps({"packages": packages}), "utf-8")
    partial.rename(home)
    return packages


def _packages(env: Path) -> tuple[str, ...]:
    """What is installed, as `name==version`."""
    with Beneath(env) as files:
        (python,) = (entry.path for entry in files.list("lib") if entry.name.startswith("python"))
        names = (entry.name for entry in files.list(f"{python}/site-packages"))
        found = (name.removesuffix(_DIST_INFO).split("-", 1) for name in names if name.endswith(_DIST_INFO))
        return tuple(sorted("==".join(parts) for parts in found))


def _read_report(home: Path) -> tuple[str, ...] | None:
    """The packages of a whole environment; None when there is none. It counts as used."""
    report = home / _REPORT
    try:
        packages = json.loads(report.read_text("utf-8"))["packages"]
        os.utime(report)
    except FileNotFoundError:
        return None
    return tuple(packages)
