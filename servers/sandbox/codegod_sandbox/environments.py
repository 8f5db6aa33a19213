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
from codegod_sandbox.manifest import ALWAYS, requirements_of
from codegod_sandbox.reach import find_reach
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


class Environments:
    """The environments of one state folder."""

    def __init__(self, settings: ServerSettings, sandbox: Sandbox, network: Network | None = None) -> None:
        self._folder = settings.state / "envs"
        self._cache = settings.state / "uv-cache"
        self._environment = settings.environment
        self._sandbox = sandbox
        self._network = network
        self._indexes: Indexes | None = None

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
        requirements = await anyio.to_thread.run_sync(requirements_of, tree)
        home = self._home_of(requirements, toolchain)
        refused: tuple[str, ...] = ()
        packages = await anyio.to_thread.run_sync(_read_report, home)
        cached = packages is not None
        if packages is None:
            await anyio.to_thread.run_sync(self._make_room)
            async with locked(home.with_suffix(".lock")):
                packages = await anyio.to_thread.run_sync(_read_report, home)
                if not (cached := packages is not None):
                    refused = await self._make(home, requirements, toolchain, network=network)
                    packages = await anyio.to_thread.run_sync(_finish, home, ground.uid)
        seconds = round(time.monotonic() - started, 3)
        return Prepared(home.name, home / "venv", packages or (), cached, seconds, refused)

    async def _make(
        self, home: Path, requirements: Sequence[str], toolchain: Toolchain, *, network: bool
    ) -> tuple[str, ...]:
        """Install into the folder beside `home` that nobody else looks at; the connections that were refused."""
        if self._indexes is None:
            self._indexes = await read_indexes(toolchain.tools / "uv", toolchain.python, self._environment)
        indexes = self._indexes if network else self._indexes.only_local()
        names = list(dict.fromkeys([*ALWAYS, *(Requirement(line).name for line in requirements)]))
        reach = await find_reach(indexes, names, self._environment, self._network)
        if not network:  # an index in a folder here may link to files that are not
            reach = replace(reach, policy=None)
        partial = _partial(home)
        await anyio.to_thread.run_sync(_clear, partial)
        what = Installation(requirements, indexes, reach, partial / "venv", self._cache, partial / "scratch")
        try:
            return await install(self._sandbox, toolchain, what)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(remove, partial)
            raise

    def _home(self, tree: Path, toolchain: Toolchain) -> Path:
        return self._home_of(requirements_of(tree), toolchain)

    def _home_of(self, requirements: Sequence[str], toolchain: Toolchain) -> Path:
        made_from = [
            _FORMAT,
            platform.machine(),
            str(toolchain.python),
            toolchain.python_version,
            list(requirements),
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
    for folder in (partial, partial / "venv", partial / "scratch"):
        folder.mkdir()
        folder.chmod(0o755)


def _finish(home: Path, uid: int | None) -> tuple[str, ...]:
    """Give the environment its name."""
    partial = _partial(home)
    if uid is not None:
        give(partial / "venv", os.geteuid())  # no program may so much as change a mode in it
    remove(partial / "scratch")
    packages = _packages(partial / "venv")
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
