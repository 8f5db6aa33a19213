"""Totals for one sandbox (memory, processes) through cgroups, version 1 or 2, where this process may make them."""

import errno
import os
import secrets
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio

from codegod_sandbox.spec import Limits

_NEEDED = ("memory", "pids")
_OWN_PROCESSES = 2  # bubblewrap's init, and the reaper's fork before it becomes the program
_EMPTY_SECONDS = 2  # a killed process leaves its cgroup when the kernel has taken it apart
_FOLDER = "codegod"


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The group of one run."""

    version: Literal[1, 2]
    memory: Path
    pids: Path

    def add(self, process: int) -> None:
        """Put a process, and all it will start, under the limits."""
        for folder in self._folders():
            _write(folder / "cgroup.procs", process)

    def limit(self, limits: Limits) -> None:
        """Set what the group may use."""
        _write(self.pids / "pids.max", limits.processes + _OWN_PROCESSES)
        if self.version == 2:
            _write(self.memory / "memory.max", limits.memory_bytes)
            _write_if_there(self.memory / "memory.swap.max", 0)
            return
        _write(self.memory / "memory.limit_in_bytes", limits.memory_bytes)
        _write_if_there(self.memory / "memory.memsw.limit_in_bytes", limits.memory_bytes)

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel killed a member for the group's use of memory."""
        events = self.memory / ("memory.events" if self.version == 2 else "memory.oom_control")
        counts = dict(line.split() for line in events.read_text("ascii").splitlines())
        return counts.get("oom_kill", "0") != "0"

    def kill(self) -> None:
        """Kill every member."""
        if self.version == 2 and _write_if_there(self.pids / "cgroup.kill", 1):
            return
        for folder in self._folders():
            for process in _members(folder):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    async def close(self) -> None:
        """Kill what is left and remove the group."""
        self.kill()
        with anyio.move_on_after(_EMPTY_SECONDS):
            while not self.remove():
                await anyio.sleep(0.005)
                self.kill()

    def remove(self) -> bool:
        """Remove the group; False while it still has members."""
        for folder in self._folders():
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                return False
        return True

    def _folders(self) -> Iterable[Path]:
        return dict.fromkeys((self.memory, self.pids))


@dataclass(frozen=True, slots=True)
class CgroupHome:
    """The folders in which this process may make groups."""

    version: Literal[1, 2]
    memory: Path
    pids: Path

    def make(self, limits: Limits) -> Cgroup:
        """A new, empty group under `limits`."""
        name = f"{_pid_namespace()}-{os.getpid()}-{secrets.token_hex(6)}"
        group = Cgroup(self.version, self.memory / name, self.pids / name)
        for folder in (group.memory, group.pids):
            folder.mkdir(exist_ok=True)
        group.limit(limits)
        return group

    def sweep(self) -> None:
        """Kill and remove what servers that were themselves killed have left behind."""
        for folder in self.pids.iterdir():
            namespace, _, server = folder.name.rpartition("-")[0].partition("-")
            if namespace == _pid_namespace() and not Path("/proc", server).exists():
                left = Cgroup(self.version, self.memory / folder.name, folder)
                left.kill()
                left.remove()


def find_home(proc: Path = Path("/proc/self")) -> CgroupHome | None:
    """Where this process may make groups that bound memory and processes; None when it may not."""
    own = _own_groups(proc)
    mounts = list(_mounts(proc))
    for candidate in (_first_version(own, mounts), *_second_version(own, mounts)):
        if candidate is not None and _usable(candidate):
            candidate.sweep()
            return candidate
    return None


def _usable(home: CgroupHome) -> bool:
    """Whether a group can really be made there."""
    try:
        for folder in dict.fromkeys((home.memory, home.pids)):
            folder.mkdir(exist_ok=True)
        if home.version == 2:
            _write(home.pids / "cgroup.subtree_control", "+memory +pids")
        return home.make(Limits()).remove()
    except OSError:  # read-only, not delegated, no such controller: all of them mean "not here"
        return False


def _first_version(own: Mapping[str, str], mounts: list["_Mount"]) -> CgroupHome | None:
    folders = {}
    for controller in _NEEDED:
        for mount in mounts:
            if mount.kind == "cgroup" and controller in mount.options and controller in own:
                folders[controller] = mount.folder(own[controller]) / _FOLDER
    return CgroupHome(1, folders["memory"], folders["pids"]) if len(folders) == len(_NEEDED) else None


def _second_version(own: Mapping[str, str], mounts: list["_Mount"]) -> Iterator[CgroupHome]:
    """The nearest group around ours that hands its controllers on. Ours cannot: it has processes, us for one."""
    for mount in mounts:
        if mount.kind == "cgroup2" and "" in own:
            folder = mount.folder(own[""])
            while folder.is_relative_to(mount.point):
                if set(_NEEDED) <= set(_read(folder / "cgroup.subtree_control").split()):
                    yield CgroupHome(2, folder / _FOLDER, folder / _FOLDER)
                folder = folder.parent


@dataclass(frozen=True, slots=True)
class _Mount:
    root: str
    point: Path
    kind: str
    options: tuple[str, ...]

    def folder(self, group: str) -> Path:
        """Where `group`, as /proc/self/cgroup names it, is seen through this mount."""
        inside = group if self.root == "/" else group.removeprefix(self.root)
        return self.point / inside.lstrip("/")


def _mounts(proc: Path) -> Iterator[_Mount]:
    for line in _read(proc / "mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ")[:3]
        if kind.startswith("cgroup"):
            root, point = fields.split(" ")[3:5]
            yield _Mount(root, Path(point), kind, tuple(options.split(",")))


def _own_groups(proc: Path) -> dict[str, str]:
    """Controller -> group of this process; the empty name is version 2."""
    groups = {}
    for line in _read(proc / "cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = group
    return groups


def _pid_namespace() -> str:
    """Another container may share our groups; its process numbers mean nothing to us."""
    return str(os.stat("/proc/self/ns/pid").st_ino)


def _members(folder: Path) -> list[int]:
    return [int(line) for line in _read(folder / "cgroup.procs").split()]


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


def _write(path: Path, value: object) -> None:
    path.write_text(str(value), "ascii")


def _write_if_there(path: Path, value: object) -> bool:
    """Write to a file that older kernels, or kernels without swap, do not have."""
    if not path.exists():
        return False
    _write(path, value)
    return True
