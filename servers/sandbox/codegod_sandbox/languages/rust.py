"""The Rust toolchain of this machine, where the sandbox's user can run it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAMS: Final = ("cargo", "rustc", "rustfmt", "cargo-clippy", "clippy-driver")
_ASK_SECONDS: Final = 30
# rustup would install what is missing, and look for a project's own choice of a toolchain.
_QUIETLY: Final = {"RUSTUP_AUTO_INSTALL": "0"}
_KEPT_VARIABLES: Final = ("HOME", "PATH", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN")
# Sources and manuals: a third of a toolchain, and nothing of it is run.
_LEFT_OUT: Final = ("src", "rustc-src", "share", "etc")


@dataclass(frozen=True, slots=True)
class Rust:
    """A toolchain that works: where it lies and what it calls itself."""

    root: Path
    version: str

    @property
    def is_shown(self) -> bool:
        """Whether every sandbox sees it where it is."""
        return self.root.is_relative_to("/usr")


def find_rust(environment: Mapping[str, str]) -> Rust | str:
    """The toolchain whose rustc is found on PATH; else the name of what is missing."""
    path = environment.get("PATH", os.defpath)
    rustc = shutil.which("rustc", path=path)
    if rustc is None:
        return "rustc"
    kept = {name: environment[name] for name in _KEPT_VARIABLES if name in environment}
    said = [
        _ask([rustc, *options], {"PATH": os.defpath, **kept, **_QUIETLY})
        for options in (["--print", "sysroot"], ["--version"])
    ]
    if not all(said):
        return "a rustc that works"
    root = Path(said[0]).resolve()
    missing = next((name for name in PROGRAMS[:2] if not os.access(root / "bin" / name, os.X_OK)), "")
    return missing or Rust(root, said[1])


def copy_toolchain(rust: Rust, kit: Path) -> None:
    """Lay what compiles into `kit`: the toolchain of a user lies in a home that is closed to the sandbox's."""
    if rust.is_shown:
        return
    (kit / "rust" / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        if (rust.root / "bin" / name).is_file():
            _link_or_copy(str(rust.root / "bin" / name), str(kit / "rust" / "bin" / name))
    shutil.copytree(
        rust.root / "lib", kit / "rust" / "lib", symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT),
        copy_function=_link_or_copy,
    )  # fmt: skip
    for folder, _, _ in os.walk(kit / "rust"):
        Path(folder).chmod(0o755)  # whatever the umask is


def _ask(command: list[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False, cwd="/", env=dict(environment),
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _link_or_copy(source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    try:
        os.link(source, target)  # half a gigabyte
    except OSError:  # another file system
        shutil.copy2(source, target)
