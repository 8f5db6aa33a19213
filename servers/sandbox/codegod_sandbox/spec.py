"""What a sandboxed run is given and what it gives back.

`RunSpec` names everything a program may see; whatever it does not name does not exist for the program.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from codegod_sandbox.egress import EgressPolicy

Level = Literal["bubblewrap", "landlock"]
RunStatus = Literal["exit", "signal", "timeout", "output_limit", "memory_limit", "disk_limit"]

# Places inside the sandbox. They may stand anywhere in `argv` and in the values of `variables`
# (f"--rootdir={WORKSPACE}", f"{FILES}/plugin.py") and are replaced when the level is known: bubblewrap mounts fixed
# paths, landlock has only the real ones. The NUL makes it impossible for a model's text to contain one.
WORKSPACE: Final = "\0workspace\0"  # the tree; also the working directory
ENV: Final = "\0env\0"  # the prepared environment (RunSpec.env)
FILES: Final = "\0files\0"  # the folder that holds RunSpec.files
PYTHON: Final = "\0python\0"  # the environment's interpreter when RunSpec.env is given, else the plain one
TOOLS: Final = "\0tools\0"  # the folder with ruff, ty and uv, also on PATH: f"{TOOLS}/ruff"


def mounted(name: str) -> str:
    """Where the program finds `RunSpec.read_only[name]` or `RunSpec.writable[name]`; use it like `WORKSPACE`."""
    return f"\0mount:{name}\0"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use before it is stopped."""

    wall_seconds: float = 60
    memory_bytes: int = 1 << 30  # a test suite with a web framework stays under 300 MiB
    processes: int = 256  # threads count
    output_bytes: int = 64 << 10  # kept of each stream: half of it from the beginning, half from the end
    disk_bytes: int = 1 << 30  # what the workspace and the writable mounts may grow by


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One program, and all it can see."""

    argv: tuple[str, ...]
    workspace: Path
    workspace_writable: bool = True
    read_only: Mapping[str, Path] = field(
        default_factory=dict
    )  # name ([a-z0-9_-]+) -> folder or file; see `mounted`
    writable: Mapping[str, Path] = field(default_factory=dict)
    in_place: tuple[Path, ...] = ()  # folders and files to read, seen at their own path
    files: Mapping[str, bytes] = field(default_factory=dict)  # flat name -> content, read-only under FILES
    env: Path | None = None  # a prepared environment (`Environments.find`)
    env_writable: bool = False  # only while it is being made
    egress: "EgressPolicy | None" = None  # None: no network at all
    variables: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    limits: Limits = field(default_factory=Limits)

    @property
    def node_modules(self) -> Path | None:
        """The npm packages of the environment; a link in their place would be followed on our side of the wall."""
        folder = self.env / "node_modules" if self.env else None
        return folder if folder is not None and folder.is_dir() and not folder.is_symlink() else None


@dataclass(frozen=True, slots=True)
class RunResult:
    """How the program ended, and what it said."""

    status: RunStatus
    exit_code: int  # 128 + n when signal n ended it
    stdout: bytes  # raw: `text.printable` makes it fit for a model
    stderr: bytes
    truncated: bool
    seconds: float
    level: Level
    workspace: str  # where the program saw the tree, e.g. "/workspace"
    refused_hosts: tuple[str, ...] = ()
