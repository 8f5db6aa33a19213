"""What a model sees of the shape of a workspace."""

import os
import time
from pathlib import Path

import pytest

from .conftest import Tools


async def test_a_folder_is_listed_with_kinds_and_sizes(tools: Tools, root: Path) -> None:
    (root / "d").mkdir()
    (root / "f").write_text("abc")
    (root / "l").symlink_to("/etc")
    assert (await tools.data("dir_list"))["entries"] == [
        {"name": "d", "kind": "folder", "size": (root / "d").stat().st_size},
        {"name": "f", "kind": "file", "size": 3},
        {"name": "l", "kind": "link", "size": 4},
    ]


async def test_a_large_folder_is_listed_page_by_page(tools: Tools, root: Path) -> None:
    for number in range(450):
        (root / f"{number:03}").touch()
    names: list[str] = []
    cursor = ""
    for _ in range(3):
        page = await tools.data("dir_list", cursor=cursor)
        names += [entry["name"] for entry in page["entries"]]
        cursor = page["next_cursor"]
    assert (names, cursor) == ([f"{number:03}" for number in range(450)], "")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        (b"a\xffb", "a\\xffb"),
        (b"a\nb", "a\\nb"),
        (b"\x1b[2Jx", "\\x1b[2Jx"),
        ("u\u202egpj.exe".encode(), "u\\u202egpj.exe"),
        ("schön".encode(), "schön"),
    ],
)
async def test_a_name_cannot_forge_a_line_or_command_a_terminal(
    tools: Tools, root: Path, name: bytes, seen: str
) -> None:
    (root / os.fsdecode(name)).touch()
    assert (await tools.data("dir_list"))["entries"][0]["name"] == seen
    assert await tools.text("dir_tree") == seen
    assert (await tools.data("file_search", pattern="*"))["paths"] == [seen]


async def test_a_tree_is_indented_and_leaves_out_what_tools_fill(tools: Tools, root: Path) -> None:
    for path in ("src/todo/app.py", "tests/test_app.py", "node_modules/x/i.js", ".git/config"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    assert (await tools.text("dir_tree")).splitlines() == [
        "src/",
        "  todo/",
        "    app.py",
        "tests/",
        "  test_app.py",
        "[not looked into: .git, node_modules]",
    ]
    assert (await tools.text("dir_tree", path="src", depth=1)).splitlines()[0] == "todo/"


@pytest.mark.long
async def test_a_tree_of_twenty_thousand_files_is_a_short_answer(tools: Tools, root: Path) -> None:
    for folder in range(100):
        (root / f"nm/{folder}").mkdir(parents=True)
        for number in range(200):
            os.close(os.open(root / f"nm/{folder}/{number}", os.O_CREAT))
    started = time.monotonic()
    text = await tools.text("dir_tree")
    assert time.monotonic() - started < 3
    assert len(text) < 34_000
    assert "19701 more entries" in text


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.py", ["src/app.py", "src/db/models.py", "tests/test_app.py"]),
        ("src/**/*.py", ["src/app.py", "src/db/models.py"]),
        ("**/test_*.py", ["tests/test_app.py"]),
        ("src/*", ["src/app.py"]),
        ("**", ["README.md", "src/app.py", "src/db/models.py", "tests/test_app.py"]),
        ("model?.py", ["src/db/models.py"]),
        ("[rR]EADME*", ["README.md"]),
        ("nothing", []),
    ],
)
async def test_files_are_found_by_pattern(tools: Tools, root: Path, pattern: str, found: list[str]) -> None:
    for path in ("README.md", "src/app.py", "src/db/models.py", "tests/test_app.py"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    assert (await tools.data("file_search", pattern=pattern))["paths"] == found


@pytest.mark.parametrize(
    "pattern", ["+(a|aa|aaa)+(a|aa|aaa)+(a|aa)c", "*a" * 100 + "c", "**/" * 60 + "x", "a*" * 70 + "/**/c"]
)
async def test_a_hostile_pattern_costs_nothing(tools: Tools, root: Path, pattern: str) -> None:
    (root / "/".join(["a" * 60] * 10)).mkdir(parents=True)
    (root / ("a" * 60 + "b")).touch()
    started = time.monotonic()
    assert (await tools.data("file_search", pattern=pattern))["paths"] == []
    assert time.monotonic() - started < 2


async def test_a_search_of_five_thousand_files_is_quick(tools: Tools, root: Path) -> None:
    for folder in range(50):
        (root / f"{folder}").mkdir()
        for number in range(100):
            (root / f"{folder}/{number}.py").write_text(f"value = {number}\n" * 20)
    (root / "40/needle.py").write_text("the needle\n")
    started = time.monotonic()
    assert (await tools.data("file_search", pattern="needle.py"))["paths"] == ["40/needle.py"]
    assert await tools.text("text_search", text="the needle") == "40/needle.py:1: the needle"
    assert await tools.text("text_search", text="the n.*dle$", regex=True) == "40/needle.py:1: the needle"
    assert time.monotonic() - started < 10
