"""What every run of Rust needs: the packages in a copy of the project, and cargo without a network."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .project import Project
from .rust_source import RustFile

MANIFEST = "Cargo.toml"
_ASK_SECONDS = 30.0


@dataclass(frozen=True)
class Cargo:
    """The programs of a Rust toolchain, and the folders that they may write to."""

    root: str

    def has(self, program: str) -> bool:
        """Whether the toolchain holds a program."""
        return os.access(os.path.join(self.root, "bin", program), os.X_OK)

    def run(
        self, folder: str, *arguments: str, seconds: float, said: bytes = b"", program: str = "cargo"
    ) -> tuple[int, str, str]:
        """Run cargo, or another program of the toolchain: exit code (124 when it was stopped), output, errors."""
        try:
            done = subprocess.run(
                [os.path.join(self.root, "bin", program), *arguments],
                cwd=folder, env=self.environment(), input=said, capture_output=True, timeout=max(1.0, seconds), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 124, "", f"{program} {' '.join(arguments[:2])} did not end within {seconds:.0f} s"
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def environment(self) -> dict[str, str]:
        """Variables that keep cargo where it is, and small: what it writes lies in memory."""
        writable = tempfile.gettempdir()
        own = {
            "PATH": f"{self.root}/bin:{os.environ.get('PATH', os.defpath)}", "CARGO_HOME": os.path.join(writable, "cargo"),
            "CARGO_TARGET_DIR": os.path.join(writable, "target"), "CARGO_NET_OFFLINE": "true", "CARGO_INCREMENTAL": "0",
            "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_TEST_DEBUG": "0", "CARGO_TERM_COLOR": "never",
            "CARGO_TERM_PROGRESS_WHEN": "never", "RUST_BACKTRACE": "0",
        }  # fmt: skip
        return {**os.environ, **own}


@dataclass(frozen=True)
class Place:
    """A workspace, or a package alone: what cargo is run on. `problem` says why it cannot be."""

    folder: str  # relative to the project
    problem: str = ""


def read_cargo() -> Cargo:
    """From the command line: the root of the toolchain, and the environment, whose crates are laid ready."""
    root, env = sys.argv[2:4]
    cargo = Cargo(root)
    crates = os.path.join(env, "cargo") if env else ""
    if crates and os.path.isdir(os.path.join(crates, "registry")):
        home = cargo.environment()["CARGO_HOME"]
        os.makedirs(home)
        shutil.copyfile(os.path.join(crates, "config.toml"), os.path.join(home, "config.toml"))
        os.symlink(os.path.join(crates, "registry"), os.path.join(home, "registry"))
    return cargo


def leave_out_settings(folder: str) -> None:
    """Cargo's settings of a project name programs to run in the place of its tests: in the copy there are none."""
    for here, folders, files in os.walk(folder):
        if ".cargo" in folders:
            shutil.rmtree(os.path.join(here, ".cargo"))
            folders.remove(".cargo")
        for name in (
            "rust-toolchain",
            "rust-toolchain.toml",
            "clippy.toml",
            ".clippy.toml",
            "rustfmt.toml",
            ".rustfmt.toml",
        ):
            if name in files:
                os.remove(os.path.join(here, name))


def places_of(cargo: Cargo, project: Project, folder: str) -> list[Place]:
    """The workspaces of the project, and the packages that belong to none."""
    found: dict[str, Place] = {}
    for path in sorted(project.sources):
        here = path.rpartition("/")[0]
        if path.rpartition("/")[2] != MANIFEST:
            continue
        document, problem = metadata(cargo, os.path.join(folder, here))
        if problem:
            found[here] = Place(here, problem)
            continue
        root = os.path.relpath(document["workspace_root"], folder)
        root = "" if root == "." else root
        found.setdefault(root, Place(root))
    return [found[each] for each in sorted(found)]


def metadata(cargo: Cargo, folder: str) -> tuple[dict[str, Any], str]:
    """What cargo says about the packages of a workspace; or nothing, and what is wrong with it."""
    options = ("metadata", "--no-deps", "--offline", "--format-version=1")
    code, output, errors = cargo.run(folder, *options, seconds=_ASK_SECONDS)
    if code:
        return {}, told(errors, folder)
    document: dict[str, Any] = json.loads(output)
    return document, ""


def told(errors: str, folder: str) -> str:
    """What cargo itself has to say, without the place that the copy lies in."""
    lines = [line.strip() for line in errors.replace(f"{folder}/", "").splitlines() if line.strip()]
    return " ".join(lines)[:300] or "cargo fails, and does not say why"


def messages(output: str) -> Iterator[dict[str, Any]]:
    """The lines of cargo's JSON."""
    for line in output.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


def rust_files(project: Project) -> list[RustFile]:
    """Every file of Rust."""
    return [RustFile(each.path, each.text) for each in project.sources.values() if each.name.endswith(".rs")]


def primary(message: dict[str, Any], folder: str, root: str) -> tuple[str, int]:
    """File and line that a message of the compiler is about, the file relative to the project."""
    for span in message.get("spans", ()):
        if span.get("is_primary"):
            while span.get("expansion") and os.path.isabs(span["file_name"]):
                span = span["expansion"]["span"]
            full = os.path.join(folder, root, span["file_name"])
            return os.path.relpath(full, folder), int(span["line_start"])
    return os.path.join(root, MANIFEST), 0
