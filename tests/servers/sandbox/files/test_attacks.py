"""Ways out of the root, tried through the protocol; after each the server still answers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from codegod_kit.beneath import openat

from .conftest import Tools

CANARY = "CANARY-OUTSIDE"


@pytest.fixture
def outside(root: Path) -> Path:
    """A folder beside the root, with a secret that no answer may hold."""
    folder = root.parent / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text(CANARY)
    (root / "d").mkdir()
    (root / "in.txt").write_text("inside")
    return folder


@pytest.mark.parametrize(
    "path",
    [
        "{outside}/secret.txt",
        "{root}//..//outside//secret.txt",
        "{root}/./d/./../../outside/secret.txt",
        "{root}/..%2foutside/secret.txt",
        "{root}/..\\outside\\secret.txt",
        "/workspace/../outside/secret.txt",
        "~root/.bashrc",
        "file://{outside}/secret.txt",
        "C:\\Windows\\win.ini",
        "/proc/self/root{outside}/secret.txt",
        "/dev/stdin",
        "{root}/in.txt\0.png",
    ],
)
async def test_no_spelling_of_a_path_reads_outside(
    tools: Tools, root: Path, outside: Path, path: str
) -> None:
    fault = await tools.fault("file_read", path=path.format(root=root, outside=outside))
    assert CANARY not in fault
    assert await tools.text("file_read", path="in.txt") == "inside"


async def test_no_tool_follows_a_link(tools: Tools, root: Path, outside: Path) -> None:
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret.txt")
    (root / "new").symlink_to(outside / "new.txt")
    os.link(outside / "secret.txt", root / "hard")
    calls: list[tuple[str, dict[str, object]]] = [
        ("file_read", {"path": "file"}),
        ("file_read", {"path": "hard"}),
        ("file_read", {"path": "folder/secret.txt"}),
        ("file_info", {"path": "folder/secret.txt"}),
        ("dir_list", {"path": "folder"}),
        ("dir_tree", {"path": "folder"}),
        ("file_search", {"pattern": "*", "path": "folder"}),
        ("text_search", {"text": "CANARY", "path": "folder"}),
        ("file_write", {"path": "new", "content": "x"}),
        ("file_write", {"path": "folder/new.txt", "content": "x"}),
        ("file_append", {"path": "file", "content": "x"}),
        ("file_edit", {"path": "file", "old": "CANARY", "new": "x"}),
        ("files_edit", {"paths": ["file"], "olds": ["CANARY"], "news": ["x"]}),
        ("file_copy", {"source": "file", "destination": "copy"}),
        ("file_copy", {"source": "in.txt", "destination": "folder/copy"}),
        ("file_move", {"source": "in.txt", "destination": "folder/in.txt"}),
        ("file_delete", {"path": "folder/secret.txt"}),
        ("dir_make", {"path": "folder/a/b"}),
    ]
    for tool, arguments in calls:
        assert CANARY not in await tools.fault(tool, **arguments), tool
    assert os.listdir(outside) == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == CANARY
    assert "secret" not in await tools.text("dir_tree")
    assert await tools.text("text_search", text=CANARY) == (
        "[nothing found]\n[1 files not searched: too large, not text, or not readable]"
    )


async def test_a_delete_takes_the_link_and_leaves_its_target(tools: Tools, root: Path, outside: Path) -> None:
    (root / "d/link").symlink_to(outside)
    assert (await tools.data("file_delete", path="d", recursive=True))["entries"] == 2
    assert (outside / "secret.txt").read_text() == CANARY


@pytest.fixture
def swapping(root: Path, outside: Path) -> Iterator[None]:
    """Another process swaps the folder `d` for a link to the outside and back, without a pause."""
    (root / "s").symlink_to(outside)
    program = (
        "import ctypes, os, sys\nos.chdir(sys.argv[1])\nlibc = ctypes.CDLL(None)\nprint(flush=True)\n"
        "while True:\n    libc.renameat2(-100, b'd', -100, b's', 2)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE) as attacker:
        assert attacker.stdout is not None
        attacker.stdout.readline()
        yield
        attacker.kill()


@pytest.mark.parametrize("way", ["openat2", "walk"])
async def test_a_swapped_folder_leads_nowhere(
    tools: Tools, root: Path, outside: Path, swapping: None, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "walk":
        monkeypatch.setattr(openat, "openat2_works", lambda: False)
    written = 0
    async with anyio.create_task_group() as group:

        async def attempt() -> None:
            nonlocal written
            for _ in range(150):
                written += not (await tools.call("file_write", path="d/x", content="x")).is_error
                read = await tools.call("file_read", path="d/secret.txt")
                assert read.is_error

        group.start_soon(attempt)
        group.start_soon(attempt)
    assert 0 < written < 300
    assert os.listdir(outside) == ["secret.txt"]
