"""The interpreter and the validators, where the sandbox's user can read them."""

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from codegod_sandbox.tree import remove

OLDEST_PYTHON = (3, 11)
VALIDATORS = ("ruff", "ty", "uv")
_SYSTEM_PYTHON = Path("/usr/bin/python3")
_PROBE = "import json, sys; print(json.dumps([sys.executable, sys.base_prefix, list(sys.version_info[:3])]))"
_PROBE_SECONDS = 20
# What a copy of an interpreter does without: its own tests, what it installed, and what needs a display.
_NOT_COPIED = (
    "site-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "lib2to3",
    "__pycache__",
    "config-*",
)


class NoInterpreter(Exception):
    """No Python that the sandbox's user can run; the message says what was tried."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What every sandbox is given to run."""

    python: Path
    python_version: tuple[int, int, int]
    tools: Path  # a folder with `python`, `python3`, ruff, ty and uv
    missing: tuple[str, ...]  # validators that are not installed here
    outside_usr: tuple[Path, ...]  # exactly what must be shown besides /usr


@dataclass(frozen=True, slots=True)
class _Interpreter:
    executable: Path
    prefix: Path
    version: tuple[int, int, int]


async def find_toolchain(
    state: Path,
    uid: int | None,
    environment: Mapping[str, str],
    *,
    system: Path = _SYSTEM_PYTHON,
    own: Path | None = None,
) -> Toolchain:
    """Find an interpreter (the system's, ours, or a copy of ours) and gather the validators under `state`."""
    tools = state / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    tools.chmod(0o755)
    python = await _find_python(tools, uid, _real(system), _real(own or _own_executable()))
    found = {name: path for name in VALIDATORS if (path := _find_tool(name, environment)) is not None}
    folder = await anyio.to_thread.run_sync(_gather, tools, found, python.executable)
    return Toolchain(
        python=python.executable,
        python_version=python.version,
        tools=folder,
        missing=tuple(name for name in VALIDATORS if name not in found),
        outside_usr=() if python.prefix.is_relative_to("/usr") else (python.prefix,),
    )


async def _find_python(tools: Path, uid: int | None, system: Path, own: Path) -> _Interpreter:
    tried = []
    for candidate in (system, own):
        found = await _ask(candidate, uid)
        if isinstance(found, _Interpreter):
            return found
        tried.append(f"{candidate}: {found}")
    ours = await _ask(own, None)
    if isinstance(ours, str):
        raise NoInterpreter("; ".join(tried))
    copy = await anyio.to_thread.run_sync(_copy_python, tools, ours)
    found = await _ask(copy, uid)
    if isinstance(found, _Interpreter) and (found.version, found.executable) == (ours.version, copy):
        return found
    raise NoInterpreter("; ".join([*tried, f"{copy}: {found}"]))


async def _ask(python: Path, uid: int | None) -> _Interpreter | str:
    """What `python` says about itself when that user runs it, or why it cannot be used."""
    try:
        with anyio.fail_after(_PROBE_SECONDS):
            answer = await anyio.run_process(
                [str(python), "-I", "-S", "-c", _PROBE],
                check=False,
                env={"PATH": os.defpath},
                cwd="/",
                stdin=subprocess.DEVNULL,
                user=uid,
                group=uid,
                extra_groups=None if uid is None else (),
            )
    except (OSError, TimeoutError) as error:
        return str(error) or "no answer"
    if answer.returncode != 0:
        return answer.stderr.decode(errors="replace").strip()[-200:] or f"exit {answer.returncode}"
    try:
        executable, prefix, version = json.loads(answer.stdout)
    except ValueError:
        return f"it answers {answer.stdout[:100]!r}"
    if tuple(version) < OLDEST_PYTHON:
        return f"it is {'.'.join(map(str, version))}, and {'.'.join(map(str, OLDEST_PYTHON))} is needed"
    return _Interpreter(Path(executable), Path(prefix), tuple(version))


def _real(path: Path) -> Path:
    """Without links: one inside another user's home leads nowhere for the sandbox's user."""
    return path.resolve()


def _own_executable() -> Path:
    # Not a virtual environment's link and not a version manager's shim: what the prefix really holds.
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Path(sys.base_prefix, "bin", name)


def _copy_python(tools: Path, python: _Interpreter) -> Path:
    """The interpreter and its standard library, without what was installed into it."""
    version = f"{python.version[0]}.{python.version[1]}"
    target = tools / f"python-{_key([python.executable])}"
    executable = target / "bin" / f"python{version}"
    if executable.exists():
        return executable
    with _new_folder(tools, target) as partial:
        library = Path("lib", f"python{version}")
        left_out = shutil.ignore_patterns(*_NOT_COPIED)
        shutil.copytree(python.prefix / library, partial / library, symlinks=True, ignore=left_out)
        for shared in (python.prefix / "lib").glob("libpython*.so*"):
            shutil.copy2(shared, partial / "lib", follow_symlinks=False)
        (partial / "bin").mkdir()
        _copy_program(python.executable.resolve(), partial / "bin" / executable.name, python.prefix / "lib")
    return executable


def _copy_program(source: Path, target: Path, libraries: Path) -> None:
    """A copy that looks for its libraries beside itself: those of the original are closed to the sandbox's user."""
    place, beside = f"{libraries}\0".encode(), b"$ORIGIN/../lib"
    content = source.read_bytes()
    if len(beside) < len(place):  # otherwise it does not fit, and the copy will say which library it misses
        content = content.replace(b"\0" + place, b"\0" + beside.ljust(len(place), b"\0"))
    target.write_bytes(content)
    target.chmod(0o755)


def _find_tool(name: str, environment: Mapping[str, str]) -> Path | None:
    """A tool installed beside us, else one on the server's PATH; never a script of a version manager."""
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    path = os.pathsep.join([*folders, environment.get("PATH", os.defpath)])
    for folder in path.split(os.pathsep):
        candidate = Path(folder, name)
        if os.access(candidate, os.X_OK) and candidate.is_file():
            with candidate.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    return candidate.resolve()
    return None


def _gather(tools: Path, found: Mapping[str, Path], python: Path) -> Path:
    """One folder with links to the interpreter and the validators themselves, the same for the same files."""
    target = tools / _key([*found.values(), python])
    if not target.exists():
        with _new_folder(tools, target) as partial:
            for name, path in found.items():
                _link_or_copy(path, partial / name)
            for name in ("python", "python3"):
                (partial / name).symlink_to(python)
    return target


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)  # the three are 100 MB
    except OSError:  # another file system
        shutil.copy2(source, target)
    if target.stat().st_mode & 0o005 != 0o005:
        target.unlink()
        shutil.copyfile(source, target)
        target.chmod(0o755)


@contextmanager
def _new_folder(tools: Path, target: Path) -> Iterator[Path]:
    """Fill a folder under another name, so that nobody ever sees half of it."""
    partial = tools / f".{target.name}.{secrets.token_hex(4)}"
    partial.mkdir()
    partial.chmod(0o755)  # whatever the umask is: another user reads it
    try:
        yield partial
        try:
            partial.rename(target)
        except OSError:
            if not target.exists():  # otherwise another server was as quick, with the same content
                raise
    finally:
        remove(partial)


def _key(files: list[Path]) -> str:
    """A name that changes when one of the files does, without reading all of them."""
    seen = [(str(file), status.st_size, status.st_mtime_ns) for file in files for status in (file.stat(),)]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]
