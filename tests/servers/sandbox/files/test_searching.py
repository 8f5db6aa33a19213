"""Searching in files, with texts and with expressions."""

import time
from pathlib import Path

import pytest

from codegod_sandbox.files import searching

from .conftest import Tools


async def test_each_line_that_holds_the_text_is_named(tools: Tools, root: Path) -> None:
    (root / "src").mkdir()
    (root / "src/a.py").write_bytes(b"import os\r\nx = os.sep + os.sep\r\n\r\nos.\r\n")
    (root / "b.md").write_text("os\n")
    assert (await tools.text("text_search", text="os.", glob="*.py")).splitlines() == [
        "src/a.py:2: x = os.sep + os.sep",
        "src/a.py:4: os.",
    ]
    assert await tools.text("text_search", text="OS", path="b.md", ignore_case=True) == "b.md:1: os"
    assert await tools.text("text_search", text="OS") == "[nothing found]"


async def test_a_text_is_no_expression_unless_said(tools: Tools, root: Path) -> None:
    (root / "a").write_text("a.c\nabc\n")
    assert await tools.text("text_search", text="a.c") == "a:1: a.c"
    assert await tools.text("text_search", text="a.c", regex=True) == "a:1: a.c\na:2: abc"
    assert await tools.text("text_search", text="(?<=A)B.", regex=True, ignore_case=True) == "a:2: abc"
    assert "is no regular expression: " in await tools.fault("text_search", text="(", regex=True)


async def test_an_endless_expression_is_ended(
    tools: Tools, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "REGEX_SECONDS", 0.5)
    (root / "a").write_text("a" * 60 + "b\n")
    started = time.monotonic()
    assert "was stopped after 0.5 s" in await tools.fault("text_search", text="^(a|a)*$", regex=True)
    assert time.monotonic() - started < 4


async def test_many_hits_are_paged(tools: Tools, root: Path) -> None:
    (root / "a").write_text("x\n" * 150)
    first = (await tools.text("text_search", text="x")).splitlines()
    assert len(first) == 101
    cursor = first[-1].split("cursor='")[1].split("'")[0]
    second = (await tools.text("text_search", text="x", cursor=cursor)).splitlines()
    assert second == [f"a:{number}: x" for number in range(101, 151)]


@pytest.mark.parametrize(
    ("content", "seen"), [(b"x\x1b[31m\n", "f:1: x\\x1b[31m"), (b"\x00x\n", "[nothing found]")]
)
async def test_what_no_line_shows_is_escaped_or_left_out(
    tools: Tools, root: Path, content: bytes, seen: str
) -> None:
    (root / "f").write_bytes(content)
    assert (await tools.text("text_search", text="x")).splitlines()[0] == seen


async def test_a_long_line_is_cut(tools: Tools, root: Path) -> None:
    (root / "min.js").write_text("x" * 100_000)
    text = await tools.text("text_search", text="x")
    assert len(text) < 400
    assert text.endswith("(100000 characters)")


async def test_links_and_large_files_are_not_searched(tools: Tools, root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("CANARY\n")
    (root / "l").symlink_to(tmp_path)
    (root / "f").symlink_to(tmp_path / "secret.txt")
    (root / "big").write_text("CANARY\n" * 200_000)
    assert (await tools.text("text_search", text="CANARY")).splitlines() == [
        "[nothing found]",
        "[1 files not searched: too large, not text, or not readable]",
    ]
