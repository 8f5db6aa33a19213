"""Git servers in memory, real git beside them, and callers with and without grants."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from codegod_git import build_server
from codegod_kit import META_KEY, Grant, GrantIssuer, GrantVerifier, ServerSettings

ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath)}


class Caller:
    """One client of a git server, with what it says in `_meta`."""

    def __init__(self, client: Client, meta: Any = None, **pinned: str) -> None:
        self._client = client
        self._meta = meta
        self._pinned = pinned

    async def result(self, tool: str, **arguments: Any) -> CallToolResult:
        return await self._client.call_tool(tool, {**self._pinned, **arguments}, meta=self._meta)

    async def ok(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a call that must succeed."""
        result = await self.result(tool, **arguments)
        assert not result.is_error, said(result)
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    async def refused(self, tool: str, **arguments: Any) -> str:
        """What a call says that must fail, and fail on purpose."""
        result = await self.result(tool, **arguments)
        assert result.is_error, said(result)
        assert "Error executing tool" not in said(result), said(result)
        return said(result)

    async def tools(self) -> list[str]:
        return [tool.name for tool in (await self._client.list_tools()).tools]


class Build:
    """A build `b1` in a state folder: its orchestrator, its workers, and its files as a sandbox would write them."""

    def __init__(self, client: Client, issuer: GrantIssuer, root: Path, templates: Path) -> None:
        self.templates = templates
        self.client = client
        self.issuer = issuer
        self.root = root
        self.folder = root / "b1"
        self.repository = self.folder / "repo.git"
        self.orchestrator = self.caller(workspace="b1/*", task="", attempt="build")

    def caller(self, **fields: Any) -> Caller:
        grant = {"build": "b1", "tools": ("git.*",), "deadline": time.time() + 120, **fields}
        meta = {META_KEY: self.issuer.issue(Grant.model_validate(grant))}
        handle = grant["workspace"].replace("*", "main")
        return Caller(self.client, meta, workspace=handle)

    def worker(self, attempt: str) -> Caller:
        return self.caller(workspace=f"b1/{attempt}", task=attempt.rpartition(".")[0], attempt=attempt)

    def write(self, tree: str, files: dict[str, str | bytes]) -> Path:
        folder = self.folder / "trees" / tree
        write_files(folder, files)
        return folder

    async def begin(self, files: dict[str, str | bytes]) -> str:
        """`git_init` and a first commit of `files` on main; its id. Made once for equal files, then copied."""
        return await self.once(repr(sorted(files.items())), lambda: self._begin(files))

    async def once(self, name: str, make: Callable[[], Awaitable[None]]) -> str:
        """The build as `make` leaves it; made for the first who asks, copied for the others. Gives the head of main."""
        made = self.templates / hashlib.sha256(name.encode()).hexdigest()
        if made.exists():
            shutil.copytree(made, self.folder, symlinks=True)
        else:
            await make()
            shutil.copytree(self.folder, made, symlinks=True)
        return (self.repository / "refs/heads/main").read_text(encoding="ascii").strip()

    async def _begin(self, files: dict[str, str | bytes]) -> None:
        await self.orchestrator.ok("git_init", workspace="b1/skeleton")
        await self.orchestrator.ok("worktree_create", workspace="b1/skeleton", revision="")
        self.write("skeleton", files)
        await self.orchestrator.ok(
            "git_commit", workspace="b1/skeleton", message="Lay out", ref="refs/heads/main"
        )

    async def attempt(
        self, attempt: str, files: dict[str, str | bytes], revision: str = "main"
    ) -> dict[str, Any]:
        """A tree of `attempt` made from `revision`, with `files` written and committed by its worker."""
        await self.orchestrator.ok("worktree_create", workspace=f"b1/{attempt}", revision=revision)
        self.write(attempt, files)
        return await self.worker(attempt).ok("git_commit", message=f"Try {attempt}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The write lock, held as another process would hold it."""
        with open(self.repository / "codegod.lock", "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def git(self, *arguments: str) -> str:
        """What real git says about the repository."""
        return git(self.folder, "--git-dir", str(self.repository), *arguments)


class Standalone:
    """Somebody's own repository, served alone; `outside` lies beside it, `pwned` appears when something ran."""

    def __init__(self, top: Path, allow_deliver: str = "") -> None:
        self.top = top
        self.root = top / "ws" / "r"
        self.outside = top / "outside"
        self.pwned = top / "pwned"
        self.evil = top / "evil.sh"
        self.root.mkdir(parents=True)
        self.outside.mkdir()
        (self.outside / "secret.txt").write_text("CANARY-OUTSIDE\n", encoding="utf-8")
        self.evil.write_text(f"#!/bin/sh\ntouch {self.pwned}\ncat\n", encoding="utf-8")
        self.evil.chmod(0o755)
        self.server = build_server(
            ServerSettings(self.root, top / "state", environment=ENVIRONMENT), allow_deliver=allow_deliver
        )

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def write(self, files: dict[str, str | bytes]) -> None:
        write_files(self.root, files)

    def commit_all(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)


def write_files(folder: Path, files: dict[str, str | bytes]) -> None:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)


def git(folder: Path, *arguments: str) -> str:
    """Run real git as a user would, without this machine's configuration."""
    environment = {
        **ENVIRONMENT,
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Ann" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ann@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def said(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where builds that many tests begin with are kept."""
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
async def build(state_dir: Path, templates: Path) -> AsyncIterator[Build]:
    issuer = GrantIssuer.new()
    settings = ServerSettings(
        state_dir / "builds", state_dir, GrantVerifier(issuer.public_key), environment=ENVIRONMENT
    )
    async with Client(build_server(settings)) as client:
        yield Build(client, issuer, settings.root, templates)


@pytest.fixture(scope="session")
def two_commits(templates: Path) -> Path:
    """A repository with two commits on main: `f.txt` first says hi, then two lines."""
    folder = templates / "two"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for message, text in (("one", "hi\n"), ("two", "hi\ntwo\n")):
        write_files(folder, {"f.txt": text})
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", message)
    return folder


@pytest.fixture
def alone(tmp_path: Path, two_commits: Path) -> Standalone:
    """Somebody's own repository, a copy of `two_commits`."""
    made = Standalone(tmp_path, allow_deliver=str(tmp_path / "delivered"))
    shutil.copytree(two_commits, made.root, dirs_exist_ok=True)
    return made


@pytest.fixture
async def user(alone: Standalone) -> AsyncIterator[Caller]:
    """A caller of the server that serves `alone`."""
    async with Client(alone.server) as client:
        yield Caller(client)


@pytest.fixture
def names() -> Callable[[Path], list[str]]:
    """What a folder holds."""
    return lambda folder: sorted(path.name for path in folder.iterdir())


@pytest.fixture
def make_huge() -> Callable[[Path], None]:
    """Makes a file of 40 MB that takes no space."""

    def make(path: Path) -> None:
        with open(path, "wb") as file:
            file.truncate(40_000_000)

    return make


@pytest.fixture
def run_git() -> Callable[..., str]:
    return git


@pytest.fixture
def connect() -> Callable[..., Caller]:
    """Makes a caller of an open client."""
    return Caller
