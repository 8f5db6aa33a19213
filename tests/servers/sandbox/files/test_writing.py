"""What a model changes in a workspace, and what it cannot."""

import os
import stat
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from codegod_kit import META_KEY, Grant, GrantIssuer, GrantVerifier, ServerSettings, Workspaces, tool_server
from codegod_sandbox.files import Trees, register_files

from .conftest import Tools, said


async def test_a_write_creates_then_replaces_and_tells_the_hash(tools: Tools, root: Path) -> None:
    first = await tools.data("file_write", path="src/app.py", content="x = 1\n")
    second = await tools.data("file_write", path="src/app.py", content="y = 2\r\n")
    assert (first["created"], second["created"]) == (True, False)
    assert (root / "src/app.py").read_bytes() == b"y = 2\r\n"
    assert second["sha256"] == sha256(b"y = 2\r\n").hexdigest()


async def test_a_write_that_expects_another_content_changes_nothing(tools: Tools, root: Path) -> None:
    (root / "a.txt").write_text("theirs")
    fault = await tools.fault("file_write", path="a.txt", content="mine", if_match="0" * 64)
    assert sha256(b"theirs").hexdigest() in fault
    assert (root / "a.txt").read_text() == "theirs"


async def test_an_append_grows_a_file_or_begins_it(tools: Tools, root: Path) -> None:
    await tools.data("file_append", path="log.md", content="one\n")
    await tools.data("file_append", path="log.md", content="two\n")
    assert (root / "log.md").read_text() == "one\ntwo\n"


async def test_appends_at_once_lose_nothing(tools: Tools, root: Path) -> None:
    async with anyio.create_task_group() as group:
        for number in range(16):
            group.start_soon(lambda line: tools.data("file_append", path="log", content=line), f"{number}\n")
    assert sorted(map(int, (root / "log").read_text().split())) == list(range(16))


async def test_one_call_cannot_fill_the_disk(tools: Tools, root: Path) -> None:
    assert "52428800 bytes" in await tools.fault("file_write", path="q", content="x" * (50 << 20))
    assert os.listdir(root) == []


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/pre-commit",
        "r/.git/config",
        ".git",
        ".GIT/config",
        ".git./config",
        "git~1/config",
        ".g\u200cit/config",
        ".git::$INDEX_ALLOCATION/config",
    ],
)
async def test_gits_own_data_is_neither_written_nor_read(tools: Tools, root: Path, path: str) -> None:
    assert "`git_status`" in await tools.fault("file_write", path=path, content="[core]\nfsmonitor=x\n")
    assert "`git_status`" in await tools.fault("file_read", path=path)
    assert os.listdir(root) == []


@pytest.mark.parametrize("path", [".mcp.json", ".vscode/tasks.json", "a/.cursor/mcp.json", ".gitmodules"])
async def test_files_that_command_a_developers_tools_are_not_written(
    tools: Tools, root: Path, path: str
) -> None:
    assert "Leave it out" in await tools.fault("file_write", path=path, content="{}")
    assert os.listdir(root) == []


@pytest.mark.parametrize("path", [".gitignore", ".gitattributes", ".github/workflows/ci.yml", ".env.example"])
async def test_what_a_project_needs_is_written(tools: Tools, root: Path, path: str) -> None:
    await tools.data("file_write", path=path, content="x\n")
    assert (root / path).read_text() == "x\n"


@pytest.mark.parametrize(
    "path", ["", ".", "/", "a\nb", "a\x1b[2Jb", "a\0b", "..\\x", "../x", "/etc/x", "new/"]
)
async def test_a_path_that_means_no_file_here_is_refused(tools: Tools, root: Path, path: str) -> None:
    fault = await tools.fault("file_write", path=path, content="x")
    assert "\n" not in fault
    assert "\x1b" not in fault
    assert os.listdir(root) == []
    assert os.listdir(root.parent) == ["root"]


async def test_a_copy_keeps_the_mode_and_overwrites_only_when_asked(tools: Tools, root: Path) -> None:
    (root / "run.sh").write_text("true\n")
    (root / "run.sh").chmod(0o755)
    await tools.data("file_copy", source="run.sh", destination="bin/run.sh")
    assert stat.S_IMODE((root / "bin/run.sh").stat().st_mode) == 0o755
    assert "exists already" in await tools.fault("file_copy", source="run.sh", destination="bin/run.sh")
    await tools.data("file_copy", source="run.sh", destination="bin/run.sh", overwrite=True)


async def test_a_folder_moves_with_what_it_holds(tools: Tools, root: Path) -> None:
    await tools.data("file_write", path="a/b/c.py", content="x\n")
    assert await tools.data("file_move", source="a", destination="src/a") == {
        "source": "a",
        "destination": "src/a",
    }
    assert (root / "src/a/b/c.py").read_text() == "x\n"
    assert "cannot move" in await tools.fault("file_move", source="src", destination="src/a/src")


async def test_a_full_folder_is_deleted_only_when_asked(tools: Tools, root: Path) -> None:
    await tools.data("file_write", path="a/b/c.py", content="x\n")
    assert "`recursive`" in await tools.fault("file_delete", path="a")
    assert await tools.data("file_delete", path="a", recursive=True) == {"path": "a", "entries": 3}
    assert "There is no 'a'" in await tools.fault("file_delete", path="a")


async def test_a_folder_is_made_once(tools: Tools, root: Path) -> None:
    assert (await tools.data("dir_make", path="a/b/"))["created"]
    assert not (await tools.data("dir_make", path="a/b"))["created"]
    (root / "f").touch()
    assert "exists already" in await tools.fault("dir_make", path="f")


async def test_pipes_do_not_stop_the_server(tools: Tools, root: Path) -> None:
    for number in range(50):
        os.mkfifo(root / f"p{number}")
    started = time.monotonic()
    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(lambda name: tools.fault("file_read", path=name), f"p{number}")
    await tools.data("file_write", path="a", content="x")
    assert time.monotonic() - started < 5


@pytest.fixture
async def limited(state_dir: Path) -> AsyncIterator[tuple[Client, Any, Path]]:
    """A client whose grant lets it change `src/a.py` and all of `docs` in one of two trees."""
    issuer = GrantIssuer.new()
    settings = ServerSettings(root=state_dir, state=state_dir, verifier=GrantVerifier(issuer.public_key))
    for tree in ("t.1", "t.2"):
        (state_dir / f"b1/trees/{tree}/src/deep").mkdir(parents=True)
    server = tool_server("sandbox", settings, instructions="Files of a test.")
    register_files(server, Trees(Workspaces(settings)))
    grant = Grant(
        build="b1",
        task="t",
        attempt="t.1",
        tools=("sandbox.*",),
        workspace="b1/t.1",
        write=("src/a.py", "docs/**"),
        deadline=time.time() + 60,
    )
    async with Client(server) as client:
        yield client, {META_KEY: issuer.issue(grant)}, state_dir / "b1/trees/t.1"


async def test_a_grant_holds_every_change_to_its_files(
    limited: tuple[Client, Any, Path],
) -> None:
    client, meta, tree = limited

    async def call(tool: str, **arguments: object) -> str:
        result = await client.call_tool(tool, {"workspace": "b1/t.1", **arguments}, meta=meta)
        return said(result) if result.is_error else "done"

    (tree / "src/deep/x.py").write_text("x\n")
    (tree / "docs").mkdir()
    (tree / "docs/i.md").write_text("x\n")
    assert await call("file_write", path="src/a.py", content="x = 1\n") == "done"
    assert await call("file_edit", path="./src//a.py", old="1", new="2") == "done"
    for tool, arguments in (
        ("file_write", {"path": "src/b.py", "content": "x"}),
        ("file_append", {"path": "src/b.py", "content": "x"}),
        ("file_edit", {"path": "src/deep/x.py", "old": "x", "new": "y"}),
        ("files_edit", {"paths": ["src/a.py", "src/deep/x.py"], "olds": ["2", "x"], "news": ["3", "y"]}),
        ("file_copy", {"source": "src/a.py", "destination": "src/b.py"}),
        ("file_move", {"source": "src/a.py", "destination": "src/b.py"}),
        ("file_move", {"source": "src/deep/x.py", "destination": "docs/x.py"}),
        ("file_move", {"source": "docs", "destination": "src/docs"}),
        ("file_delete", {"path": "src", "recursive": True}),
    ):
        assert "It may change: src/a.py, docs/**" in await call(tool, **arguments)
    assert (tree / "src/a.py").read_text() == "x = 2\n"
    assert "not granted" in await call("file_read", path="src/a.py", workspace="b1/t.2")
    assert await call("file_delete", path="docs/i.md") == "done"
