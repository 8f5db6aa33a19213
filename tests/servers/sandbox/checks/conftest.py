"""Projects to check, and the tool that checks them, with an environment made of what the tests themselves run on."""

import os
import shutil
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from codegod_kit import ServerSettings, Workspaces, tool_server
from codegod_sandbox.checks import register_checks
from codegod_sandbox.checks.inside.finding import Finding
from codegod_sandbox.checks.inside.project import Project, Source
from codegod_sandbox.environments import Environments
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.server import build_server

# What pytest needs, and an asynchronous library with a plugin; all of it pure Python.
_PACKAGES = (
    "_pytest", "anyio", "idna", "iniconfig", "packaging", "pluggy", "py.py", "pygments", "pytest", "pytest_timeout.py",
    "typing_extensions.py",
)  # fmt: skip
_METADATA = ("anyio", "pytest", "pytest_timeout")
# The first test that needs the tools of a language installs them, and the others wait for it.
INSTALL_SECONDS = 300


@dataclass(frozen=True)
class Report:
    """What `check_run` answered."""

    data: dict[str, Any]
    text: str

    @property
    def ok(self) -> bool:
        return bool(self.data["ok"])

    @property
    def stages(self) -> dict[str, str]:
        return {stage["name"]: stage["status"] for stage in self.data["stages"]}

    @property
    def notes(self) -> dict[str, str]:
        return {stage["name"]: stage["note"] for stage in self.data["stages"]}

    @property
    def rules(self) -> set[tuple[str, str]]:
        """Path and rule of each finding."""
        return {(finding["path"], finding["rule"]) for finding in self.data["findings"]}

    @property
    def messages(self) -> str:
        return "\n".join(finding["message"] for finding in self.data["findings"])

    @property
    def tests(self) -> dict[str, tuple[str, str]]:
        """Outcome and reason of each test."""
        return {test["id"]: (test["outcome"], test["reason"]) for test in self.data["tests"]}


@dataclass
class Checker:
    """`check_run` on a project of the test's own."""

    client: Client
    root: Path
    environments: "FixedEnvironments"
    files: dict[str, str] = field(default_factory=dict)

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, "utf-8")

    async def run(self, **arguments: Any) -> Report:
        result = await self.call(**arguments)
        assert not result.is_error, said(result)
        return Report(result.structured_content or {}, said(result))

    async def call(self, **arguments: Any) -> CallToolResult:
        with anyio.fail_after(90):
            return await self.client.call_tool("check_run", arguments)


class FixedEnvironments(Environments):
    """Every project has the one environment of the tests, unless a test takes it away."""

    env: Path | None = None

    async def find(self, tree: Path) -> Path | None:
        return self.env


@dataclass
class Workshop:
    """`env_prepare` and `check_run` of the whole server on a folder of the test's own."""

    client: Client
    root: Path

    def fill(self, files: Mapping[str, str]) -> None:
        """Let the folder hold exactly these files."""
        for path in self.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, "utf-8")

    async def prepare(self) -> dict[str, Any]:
        with anyio.fail_after(INSTALL_SECONDS):
            result = await self.client.call_tool("env_prepare", {})
        assert not result.is_error, said(result)
        return result.structured_content or {}

    async def report_on(self, files: Mapping[str, str], **arguments: Any) -> Report:
        """Check a folder that holds exactly `files`, with everything that it asks for."""
        self.fill(files)
        await self.prepare()
        return await self.check(**arguments)

    async def check(self, **arguments: Any) -> Report:
        with anyio.fail_after(120):
            result = await self.client.call_tool("check_run", arguments)
        assert not result.is_error, said(result)
        return Report(result.structured_content or {}, said(result))


def said(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.fixture(scope="session")
def shared_state() -> Iterator[Path]:
    """A state folder for all checks: the interpreter and the validators are looked for once."""
    folder = Path(tempfile.mkdtemp(prefix="codegod-checks-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def checker(shared_state: Path, state_dir: Path) -> AsyncIterator[Checker]:
    """The tool on an empty project."""
    root = state_dir / "project"
    root.mkdir()
    root.chmod(0o755)
    settings = ServerSettings(
        root=root, state=shared_state, environment={"PATH": "/usr/local/bin:/usr/bin:/bin"}
    )
    sandbox = Sandbox(settings)
    environments = FixedEnvironments(settings, sandbox)
    environments.env = await _environment(shared_state, sandbox)
    server = tool_server("sandbox", settings, instructions="Checks of a test.")
    register_checks(server, Workspaces(settings), sandbox, environments)
    async with Client(server) as client:
        yield Checker(client, root, environments)


@pytest.fixture
async def workshop(kit_state: Path, state_dir: Path) -> AsyncIterator[Workshop]:
    """The whole server on an empty folder, with the user's own package indexes."""
    root = state_dir / "tree"
    root.mkdir()
    root.chmod(0o755)
    settings = ServerSettings(root=root, state=kit_state, environment=dict(os.environ))
    async with Client(build_server(settings)) as client:
        yield Workshop(client, root)


async def _environment(state: Path, sandbox: Sandbox) -> Path:
    """A virtual environment for the sandbox's interpreter, without an index: copies of what we run on."""
    env = state / "env"
    if not env.exists():
        ground = await sandbox.ground()
        assert ground.toolchain is not None, ground.problems
        python = ground.toolchain.python
        packages = env / f"lib/python{'.'.join(map(str, ground.toolchain.python_version[:2]))}/site-packages"
        packages.mkdir(parents=True)
        (env / "bin").mkdir()
        (env / "bin/python").symlink_to(python)
        (env / "pyvenv.cfg").write_text(
            f"home = {python.parent}\ninclude-system-site-packages = false\n", "utf-8"
        )
        await anyio.to_thread.run_sync(_copy_packages, Path(sysconfig.get_path("purelib")), packages)
        # As `env_prepare` does: without bytecode each run would spend a second on pytest alone.
        await anyio.run_process([str(python), "-m", "compileall", "-q", str(packages)])
    return env


def _copy_packages(ours: Path, packages: Path) -> None:
    for name in _PACKAGES:
        source = ours / name
        if source.is_dir():
            shutil.copytree(source, packages / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, packages / name)
    for name in _METADATA:
        for source in ours.glob(f"{name}-*.dist-info"):
            shutil.copytree(source, packages / source.name)


def project_of(files: Mapping[str, str]) -> Project:
    """A project that is not on any disk."""
    return Project({path: Source(path, text.encode()) for path, text in files.items()})


def failing(findings: list[Finding]) -> list[tuple[str, int, str]]:
    """What fails: path, line and rule of each finding."""
    return [(finding.path, finding.line, finding.rule) for finding in findings if not finding.advice]
