"""What `sandbox_status` answers."""

import os
from typing import Final, Literal

from pydantic import BaseModel, Field

from codegod_sandbox.cgroups import CgroupHome
from codegod_sandbox.ground import Ground
from codegod_sandbox.landlock import Landlock
from codegod_sandbox.launcher import NET_ABI, SCOPES_ABI
from codegod_sandbox.spec import Limits
from codegod_sandbox.toolchain import VALIDATORS

_LANDLOCK_WEAKER: Final = (
    "Level landlock: programs share this machine's process table and see which paths exist, cannot use loopback or "
    "/dev/shm, may change modes and times of files of their own user, and a repository's .git is not protected."
)


class SandboxStatus(BaseModel):
    """What isolates programs here, and how well."""

    level: Literal["bubblewrap", "landlock", "none"] = Field(
        description="What isolates programs; none: none is run"
    )
    user: int = Field(description="The user that programs run as, seen from outside; -1: there are none")
    memory_limit: str = Field(description="What bounds the memory of all processes of a run together")
    process_limit: str = Field(description="What bounds the number of processes of a run")
    disk_limit: str = Field(description="What bounds the files of a run")
    network: str = Field(description="What a program can reach; `env_prepare` has its own way")
    python: str = Field(description="The interpreter, empty when there is none")
    python_version: str
    validators: list[str] = Field(description="Which of ruff, ty and uv are there")
    problems: list[str] = Field(description="What is missing or weaker than it could be, with the fix")


def describe(ground: Ground) -> SandboxStatus:
    """The status of what was found."""
    toolchain = ground.toolchain
    return SandboxStatus(
        level="none" if ground.jail is None else ground.jail.level,
        user=_own_user() if ground.uid is None else ground.uid,
        memory_limit=_memory(ground.cgroups),
        process_limit=_processes(ground),
        disk_limit=f"{Limits().disk_bytes >> 20} MiB more than before, looked at while a program runs",
        network="none",
        python="" if toolchain is None else str(toolchain.python),
        python_version="" if toolchain is None else ".".join(map(str, toolchain.python_version)),
        validators=[]
        if toolchain is None
        else [tool for tool in VALIDATORS if tool not in toolchain.missing],
        problems=[*ground.problems, *_weaknesses(ground)],
    )


def _own_user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else -1  # Windows has none


def _memory(cgroups: CgroupHome | None) -> str:
    limit = f"{Limits().memory_bytes >> 20} MiB"
    if cgroups is None:
        return f"{limit} for each process, and for all together as far as it is looked at"
    return f"{limit}, by the kernel (cgroup version {cgroups.version})"


def _processes(ground: Ground) -> str:
    limit = str(Limits().processes)
    if ground.cgroups is not None:
        return f"{limit}, by the kernel (cgroup version {ground.cgroups.version})"
    if isinstance(ground.jail, Landlock):
        return "only together with every other program of the same user"
    return f"{limit}, by the kernel (RLIMIT_NPROC in its own user namespace)"


def _weaknesses(ground: Ground) -> list[str]:
    if not isinstance(ground.jail, Landlock):
        return []
    found = [_LANDLOCK_WEAKER]
    if ground.jail.abi < NET_ABI:
        found.append(
            "This kernel's landlock cannot limit connections, so `env_prepare` uses packages on this machine only."
        )
    else:
        found.append("While `env_prepare` installs, connections are limited by port and not by address.")
    if ground.jail.abi < SCOPES_ABI:
        found.append(
            "This kernel's landlock does not keep signals in, so programs cannot send any, not even to a child."
        )
    return found
