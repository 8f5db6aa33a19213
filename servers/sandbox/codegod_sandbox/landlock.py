"""The level "landlock", for machines on which bubblewrap does not run.

Weaker, and `status` says so: programs see which paths exist, share the machine's process table and have no network of
their own, so that a test cannot even listen on loopback.
"""

import base64
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codegod_sandbox import launcher
from codegod_sandbox.descriptors import Descriptors
from codegod_sandbox.jail import PreparedRun
from codegod_sandbox.limits import resource_limits, threads_of
from codegod_sandbox.places import Places
from codegod_sandbox.process import Launch
from codegod_sandbox.seccomp import build_filter
from codegod_sandbox.spec import Level, RunSpec
from codegod_sandbox.toolchain import Toolchain

_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/ssl/certs"),
    *("/proc/cpuinfo", "/proc/meminfo"),  # not /proc/self: it tells about the machine's network and mounts
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_SHARED_MEMORY = ("shmget", "semget", "msgget", "mq_open")  # no namespace keeps these to the run
_SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")


@dataclass(frozen=True, slots=True)
class Landlock:
    """Starts programs that landlock confines to their folders."""

    abi: int
    toolchain: Toolchain
    uid: int | None
    memory_is_bounded: bool
    level: Level = "landlock"

    def places(self, spec: RunSpec, folder: Path) -> Places:
        """The real paths: nothing is mounted at this level."""
        python = spec.env / "bin" / "python" if spec.env else self.toolchain.python
        return Places(
            workspace=str(spec.workspace),
            env=str(spec.env or ""),
            files=str(folder / "files"),
            tools=str(self.toolchain.tools),
            python=str(python),
            home=str(folder / "home"),
            temporary=str(folder / "tmp"),
            mounts={name: str(path) for name, path in (*spec.read_only.items(), *spec.writable.items())},
        )

    def launch(self, run: PreparedRun, given: Descriptors) -> Launch:
        """Everything that `run_process` needs."""
        spec, folder = run.spec, run.folder
        self._fill(folder, spec)
        listen, status = given.from_child()
        block, release = given.to_child()
        config = {
            "argv": run.argv,
            "variables": dict(run.variables),
            "folder": str(spec.workspace),
            "uid": self.uid,
            "parent": os.getpid(),
            "abi": self.abi,
            "read": list(self._readable(spec, folder)),
            "write": list(self._writable(spec, folder)),
            "ports": [run.proxy.port] if run.proxy else [],
            "limits": resource_limits(
                spec.limits, others=threads_of(self._user), memory_is_bounded=self.memory_is_bounded
            ),
            "filter": base64.b64encode(self._filter(spec)).decode(),
            "status": status,
            "block": block,
        }
        argument = str(given.data(json.dumps(config).encode()))
        command = [sys.executable, "-I", "-S", launcher.__file__, argument]
        return Launch(self.level, command, given, listen, release, None, signal.SIGTERM)

    @property
    def _user(self) -> int:
        return os.geteuid() if self.uid is None else self.uid

    def _fill(self, folder: Path, spec: RunSpec) -> None:
        for name in ("home", "tmp"):
            (folder / name).mkdir(mode=0o700)
            if self.uid is not None:
                os.chown(folder / name, self.uid, self.uid)
        files = folder / "files"
        files.mkdir(mode=0o755)
        for name, content in spec.files.items():
            (files / name).write_bytes(content)
            (files / name).chmod(0o444)

    def _readable(self, spec: RunSpec, folder: Path) -> Iterator[str]:
        yield from _SYSTEM
        own = [self.toolchain.tools, *self.toolchain.outside_usr, folder / "files", *spec.in_place]
        yield from map(str, [*own, *spec.read_only.values()])
        if spec.env and not spec.env_writable:
            yield str(spec.env)
        if not spec.workspace_writable:
            yield str(spec.workspace)

    def _writable(self, spec: RunSpec, folder: Path) -> Iterator[str]:
        yield from (*_DEVICES, str(folder / "home"), str(folder / "tmp"))
        yield from map(str, spec.writable.values())
        if spec.env and spec.env_writable:
            yield str(spec.env)
        if spec.workspace_writable:
            yield str(spec.workspace)

    def _filter(self, spec: RunSpec) -> bytes:
        refused = [*_SHARED_MEMORY]
        if not self.memory_is_bounded:
            refused.append("memfd_create")
        if self.abi < launcher.SCOPES_ABI:
            refused += (
                _SIGNALS  # else a program could kill whatever runs as the same user, this server for one
            )
        return build_filter(sockets="tcp" if spec.egress else "pairs", refuse=refused)
