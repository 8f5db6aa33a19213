"""What this machine offers for isolating programs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import anyio

from codegod_kit.serving import ServerSettings
from codegod_sandbox import launcher
from codegod_sandbox.bubblewrap import CHOOM, NEEDED_OPTIONS, PRLIMIT, Bubblewrap
from codegod_sandbox.cgroups import CgroupHome, find_home
from codegod_sandbox.execution_faults import BadSetting
from codegod_sandbox.jail import Jail
from codegod_sandbox.landlock import Landlock
from codegod_sandbox.spec import Level
from codegod_sandbox.toolchain import NoInterpreter, Toolchain, find_toolchain

LEVEL_SETTING: Final = "CODEGOD_SANDBOX"
UID_SETTING: Final = "CODEGOD_SANDBOX_UID"
# In nobody's range on a usual system: below Debian's and systemd's reserved ones, far above where accounts start.
DEFAULT_UID: Final = 49374

_INSTALL = "Install it: apt install bubblewrap (or dnf, pacman, apk add bubblewrap)."
_APPARMOR = (
    "AppArmor keeps user namespaces from it (Ubuntu 24.04 and later). Fix: apt install apparmor-profiles, copy "
    "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict to /etc/apparmor.d/, then apparmor_parser -r "
    "/etc/apparmor.d/bwrap-userns-restrict."
)
_NAMESPACES = (
    "This machine or container does not allow user namespaces. In a container: run as a user other than root, with a "
    "seccomp profile that allows them and with systempaths=unconfined."
)
_HELP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Ground:
    """What was found; `jail` is None when nothing isolates."""

    uid: int | None  # the sandbox's user; None: our own
    cgroups: CgroupHome | None
    toolchain: Toolchain | None
    jail: Jail | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A level that was asked for: ready to be tried, or the reason why it cannot be."""

    level: Level
    jail: Jail | None
    problem: str = ""


async def find_ground(settings: ServerSettings) -> Ground:
    """Look at everything but the levels themselves."""
    problems = []
    toolchain = None
    if sys.platform != "linux":
        return Ground(
            None, None, None, None, (f"Programs are sandboxed on Linux only, and this is {sys.platform}.",)
        )
    uid = _uid(settings.environment)
    if closed := closed_to(settings.state, uid):
        problems.append(f"The sandbox's user cannot reach the state folder: chmod o+x {closed}.")
    else:
        try:
            toolchain = await find_toolchain(settings.state, uid, settings.environment)
            problems += [f"{tool} is not installed here: pip install {tool}." for tool in toolchain.missing]
        except NoInterpreter as error:
            problems.append(
                f"No Python 3.11 or newer that the sandbox's user can run ({error}): apt install python3."
            )
    cgroups = await anyio.to_thread.run_sync(find_home)
    if cgroups is None:
        problems.append(
            "This process may make no cgroups: memory is bounded per process and looked at, not by the kernel."
        )
    return Ground(uid, cgroups, toolchain, None, tuple(problems))


async def candidates(settings: ServerSettings, ground: Ground) -> list[Candidate]:
    """The levels to try, strongest first."""
    wanted = settings.environment.get(LEVEL_SETTING, "auto")
    levels = get_args(Level)
    if wanted not in ("auto", *levels):
        raise BadSetting(LEVEL_SETTING, wanted, "auto, bubblewrap or landlock")
    if ground.toolchain is None:
        return []
    chosen = levels if wanted == "auto" else (wanted,)
    found = {
        "bubblewrap": await _bubblewrap(settings, ground, ground.toolchain),
        "landlock": _landlock(ground, ground.toolchain),
    }
    return [found[level] for level in chosen]


def explain(level: Level, said: str) -> str:
    """What a level's failure means, and what to do about it."""
    words = f"{level} does not work here ({said[-300:] or 'it says nothing'})."
    if level == "bubblewrap" and ("setting up uid map" in said or "RTM_NEWADDR" in said):
        return f"{words} {_APPARMOR}"
    if level == "bubblewrap" and ("namespace" in said or "Operation not permitted" in said):
        return f"{words} {_NAMESPACES}"
    return words


def closed_to(path: Path, uid: int | None) -> Path | None:
    """The first folder on the way to `path` that this user may not walk through."""
    if uid is None:
        return None
    for folder in (*reversed(path.parents), path):
        try:
            status = folder.stat()
        except FileNotFoundError:
            return None  # it is made later, and made open
        mine = status.st_uid == uid
        if not status.st_mode & (0o100 if mine else 0o001):
            return folder
    return None


async def _bubblewrap(settings: ServerSettings, ground: Ground, toolchain: Toolchain) -> Candidate:
    program = shutil.which("bwrap", path=settings.environment.get("PATH", os.defpath))
    if program is None:
        return Candidate("bubblewrap", None, f"bubblewrap is not installed. {_INSTALL}")
    missing = [tool for tool in (CHOOM, PRLIMIT) if not os.access(tool, os.X_OK)]
    if missing:
        return Candidate("bubblewrap", None, f"{' and '.join(missing)} must be there: install util-linux.")
    options = await _options(program)
    if lacking := [option for option in NEEDED_OPTIONS if option not in options]:
        return Candidate(
            "bubblewrap", None, f"{program} is too old: it lacks {' '.join(lacking)}. {_INSTALL}"
        )
    return Candidate(
        "bubblewrap", Bubblewrap(program, options, toolchain, ground.uid, ground.cgroups is not None)
    )


def _landlock(ground: Ground, toolchain: Toolchain) -> Candidate:
    version = launcher.abi()
    if version < launcher.OLDEST_ABI:
        has = f"version {version}" if version else "none"
        return Candidate(
            "landlock",
            None,
            f"landlock needs Linux 6.2 or newer with landlock enabled; this kernel has {has}.",
        )
    return Candidate("landlock", Landlock(version, toolchain, ground.uid, ground.cgroups is not None))


async def _options(program: str) -> frozenset[str]:
    """What this bubblewrap understands; distributions carry newer options back, so its version does not tell."""
    with anyio.fail_after(_HELP_SECONDS):
        said = await anyio.run_process([program, "--help"], check=False, stdin=subprocess.DEVNULL)
    return frozenset(word for line in _lines(said.stdout + said.stderr) for word in line.split()[:1])


def _lines(said: bytes) -> Iterator[str]:
    yield from said.decode(errors="replace").splitlines()


def _uid(environment: Mapping[str, str]) -> int | None:
    if os.geteuid() != 0:
        return None
    value = environment.get(UID_SETTING, str(DEFAULT_UID))
    if not value.isdigit() or not 0 < int(value) < 1 << 31:
        raise BadSetting(UID_SETTING, value, "the number of an unprivileged user, e.g. 49374")
    return int(value)
