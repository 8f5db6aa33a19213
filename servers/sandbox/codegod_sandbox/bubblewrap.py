"""The level "bubblewrap": namespaces, a file system of its own, and a system call filter."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codegod_sandbox.descriptors import Descriptors
from codegod_sandbox.jail import EGRESS_NAME, PreparedRun
from codegod_sandbox.limits import prlimit_options, resource_limits
from codegod_sandbox.places import Places
from codegod_sandbox.process import Launch
from codegod_sandbox.seccomp import build_filter
from codegod_sandbox.spec import Level, RunSpec
from codegod_sandbox.toolchain import Toolchain

WORKSPACE_PLACE = "/workspace"
_ENV, _FILES, _TOOLS, _MOUNTS = "/env", "/opt/codegod/files", "/opt/codegod/bin", "/mnt"
_HOME, _TEMPORARY = "/home/agent", "/tmp"  # noqa: S108 - the sandbox's own, new for every run
EGRESS_FOLDER = "/run/egress"

_UID = "1000"  # inside; outside it is the server's own or the sandbox's user
_SHARED_MEMORY_BYTES = 64 << 20  # Docker's default; multiprocessing needs some
_TEMPORARY_BYTES = 256 << 20
_RUN_BYTES = 1 << 20
_PASSWD = b"root:x:0:0:root:/:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n"
_GROUP = b"root:x:0:\nagent:x:1000:\n"
_HOSTS = b"127.0.0.1 localhost sandbox\n::1 localhost\n"
# Nothing of these tells about the machine's users; programs are slow or fail without them.
_SYSTEM_FILES = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/ssl/certs",
)
_SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

CHOOM, PRLIMIT = "/usr/bin/choom", "/usr/bin/prlimit"  # util-linux; they run inside, before the program
NEEDED_OPTIONS = (
    "--args",
    "--block-fd",
    "--json-status-fd",
    "--perms",
    "--ro-bind-data",
    "--seccomp",
    "--size",
)
DISABLE_USERNS = "--disable-userns"
BIND_BY_DESCRIPTOR = "--ro-bind-fd"


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Starts programs inside bubblewrap."""

    program: str
    options: frozenset[str]  # what this version of it understands
    toolchain: Toolchain
    uid: int | None
    memory_is_bounded: bool
    level: Level = "bubblewrap"

    def places(self, spec: RunSpec, _folder: Path) -> Places:
        """The fixed paths that a program sees."""
        return Places(
            workspace=WORKSPACE_PLACE,
            env=_ENV,
            files=_FILES,
            tools=_TOOLS,
            python=f"{_ENV}/bin/python" if spec.env else str(self.toolchain.python),
            home=_HOME,
            temporary=_TEMPORARY,
            mounts={name: f"{_MOUNTS}/{name}" for name in (*spec.read_only, *spec.writable)},
        )

    def launch(self, run: PreparedRun, given: Descriptors) -> Launch:
        """Everything that `run_process` needs."""
        spec = run.spec
        listen, status = given.from_child()
        block, release = given.to_child()
        options = [
            *self._isolation(),
            *_setenv(run.variables),
            *self._system(given),
            *self._project(spec, given),
            *_mounted(spec),
            *(("--ro-bind", str(run.folder / EGRESS_NAME), EGRESS_FOLDER) if spec.egress else ()),
            *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORKSPACE_PLACE),
            *("--seccomp", str(given.data(build_filter(refuse=self._refused())))),
            *("--json-status-fd", str(status), "--block-fd", str(block)),
        ]
        # Through a descriptor: anybody may read a command line, inside (/proc/1/cmdline) and outside.
        arguments = given.data(b"".join(os.fsencode(option) + b"\0" for option in options))
        limits = resource_limits(spec.limits, others=None, memory_is_bounded=self.memory_is_bounded)
        command = [self.program, "--args", str(arguments), "--", *(CHOOM, "--adjust", "500", "--")]
        command += [PRLIMIT, *prlimit_options(limits), "--", *run.argv]
        return Launch(self.level, command, given, listen, release, self.uid, None)

    def _refused(self) -> tuple[str, ...]:
        # Memory that is in no process: without a cgroup nothing would see it.
        return () if self.memory_is_bounded else ("memfd_create",)

    def _isolation(self) -> Iterator[str]:
        yield from ("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts")
        yield from ("--unshare-cgroup-try", "--uid", _UID, "--gid", _UID, "--cap-drop", "ALL")
        if DISABLE_USERNS in self.options:
            yield DISABLE_USERNS
        yield from ("--hostname", "sandbox", "--new-session", "--die-with-parent", "--clearenv")

    def _system(self, given: Descriptors) -> Iterator[str]:
        yield from ("--ro-bind", "/usr", "/usr")
        for name in _SYSTEM_LINKS:
            yield from _system_folder(name)
        yield from ("--dir", "/etc")
        for file in _SYSTEM_FILES:
            yield from ("--ro-bind-try", file, file)
        for name, content in (("passwd", _PASSWD), ("group", _GROUP), ("hosts", _HOSTS)):
            yield from _file(f"/etc/{name}", content, given)
        yield from ("--proc", "/proc", "--dev", "/dev")
        for folder, size in (
            ("/dev/shm", _SHARED_MEMORY_BYTES),  # noqa: S108 - inside
            (_TEMPORARY, _TEMPORARY_BYTES),
            (_HOME, _TEMPORARY_BYTES),
            ("/run", _RUN_BYTES),
        ):
            yield from ("--perms", "1777", "--size", str(size), "--tmpfs", folder)

    def _project(self, spec: RunSpec, given: Descriptors) -> Iterator[str]:
        yield from ("--ro-bind", str(self.toolchain.tools), _TOOLS)
        for prefix in self.toolchain.outside_usr:
            yield from ("--ro-bind", str(prefix), str(prefix))
        yield from (
            "--bind" if spec.workspace_writable else "--ro-bind",
            str(spec.workspace),
            WORKSPACE_PLACE,
        )
        yield from self._protect_git(spec.workspace, given)
        if spec.env:
            yield from ("--bind" if spec.env_writable else "--ro-bind", str(spec.env), _ENV)
            if not spec.env_writable and (modules := spec.node_modules):
                # Where Node.js looks last from any folder; read-only, and no link inside the tree.
                yield from ("--ro-bind", str(modules), f"/{modules.name}")
        for name, content in spec.files.items():
            yield from _file(f"{_FILES}/{name}", content, given)

    def _protect_git(self, workspace: Path, given: Descriptors) -> Iterator[str]:
        """A repository's hooks and configuration are programs that the host's git would run."""
        place = workspace / ".git"
        try:
            git = given.give(os.open(place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC))
        except FileNotFoundError:
            return
        if stat.S_ISLNK(os.fstat(git).st_mode):
            return  # it leads to nothing inside, and a mount over it would show its target
        if BIND_BY_DESCRIPTOR in self.options:
            yield from (BIND_BY_DESCRIPTOR, str(git), f"{WORKSPACE_PLACE}/.git")
        else:
            yield from ("--ro-bind", str(place), f"{WORKSPACE_PLACE}/.git")


def _system_folder(name: str) -> Iterator[str]:
    """/bin and the like: a link into /usr nearly everywhere, a folder of its own on older systems."""
    path = Path("/", name)
    if path.is_symlink():
        yield from ("--symlink", os.readlink(path), str(path))
    elif path.is_dir():
        yield from ("--ro-bind", str(path), str(path))


def _file(place: str, content: bytes, given: Descriptors) -> Iterator[str]:
    yield from ("--perms", "0444", "--ro-bind-data", str(given.data(content)), place)


def _setenv(variables: Mapping[str, str]) -> Iterator[str]:
    for name, value in variables.items():
        yield from ("--setenv", name, value)


def _mounted(spec: RunSpec) -> Iterator[str]:
    for name, path in spec.read_only.items():
        yield from ("--ro-bind", str(path), f"{_MOUNTS}/{name}")
    for name, path in spec.writable.items():
        yield from ("--bind", str(path), f"{_MOUNTS}/{name}")
    for path in spec.in_place:
        yield from ("--ro-bind", str(path), str(path))
