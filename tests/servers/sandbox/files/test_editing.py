"""Edits hit exactly what was meant, and leave every other byte alone."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from .conftest import Tools


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"a\r\nb\r\nc\r\n", "b", "B", b"a\r\nB\r\nc\r\n"),
        (b"a\r\nb\r\nc\r\n", "a\nb\n", "a\nx\nb\n", b"a\r\nx\r\nb\r\nc\r\n"),
        (b"a\r\nb\nc\r\n", "b\nc", "B\nC", b"a\r\nB\nC\r\n"),
        (b"x\xe9y\nold\n", "old", "new", b"x\xe9y\nnew\n"),
        (b"\xef\xbb\xbfa\nold\n", "old", "n\xe9w", b"\xef\xbb\xbfa\nn\xc3\xa9w\n"),
        (b"no end", "end", "$& \\1", b"no $& \\1"),
        (b"drop me\nkeep\n", "drop me\n", "", b"keep\n"),
    ],
)
async def test_only_the_matched_bytes_change(
    tools: Tools, root: Path, before: bytes, old: str, new: str, after: bytes
) -> None:
    (root / "f").write_bytes(before)
    await tools.data("file_edit", path="f", old=old, new=new)
    assert (root / "f").read_bytes() == after


async def test_in_a_file_of_mixed_line_ends_nothing_is_guessed(tools: Tools, root: Path) -> None:
    (root / "f").write_bytes(b"a\r\nb\nc\r\n")
    assert "is not in 'f'" in await tools.fault("file_edit", path="f", old="a\nb", new="x")


async def test_an_ambiguous_edit_changes_nothing_and_names_the_lines(tools: Tools, root: Path) -> None:
    (root / "f").write_text("x=1\nx=1\n")
    fault = await tools.fault("file_edit", path="f", old="x=1", new="x=2")
    assert "2 times in 'f' (lines 1, 2), not 1" in fault
    assert (root / "f").read_text() == "x=1\nx=1\n"
    assert (await tools.data("file_edit", path="f", old="x=1", new="x=2", expected=2))["replaced"] == 2


async def test_a_text_that_differs_in_spaces_is_shown_and_not_guessed(tools: Tools, root: Path) -> None:
    (root / "f.py").write_text("if a:\n    go()\nelse:\n        stop()\n")
    fault = await tools.fault("file_edit", path="f.py", old="else:\n    stop()\n", new="")
    assert "Line 3 is similar: 'else:'" in fault
    assert "Nothing was changed" in fault


async def test_an_empty_old_text_is_refused(tools: Tools, root: Path) -> None:
    (root / "f").write_text("abc\n")
    assert "is empty" in await tools.fault("file_edit", path="f", old="", new="PWN")
    assert (root / "f").read_text() == "abc\n"


async def test_an_edit_of_a_changed_file_is_refused(tools: Tools, root: Path) -> None:
    (root / "f").write_text("abc\n")
    fault = await tools.fault("file_edit", path="f", old="abc", new="x", if_match=sha256(b"old").hexdigest())
    assert "has changed" in fault
    right = sha256(b"abc\n").hexdigest()
    assert (await tools.data("file_edit", path="f", old="abc", new="x", if_match=right))["size"] == 2


async def test_what_no_editor_touches_is_refused(tools: Tools, root: Path) -> None:
    (root / "b").write_bytes(b"a\0b")
    (root / "l").write_bytes(b"x\xe9y\n")
    assert "not text" in await tools.fault("file_edit", path="b", old="a", new="x")
    assert "not UTF-8" in await tools.fault("file_edit", path="l", old="x", new="ü")
    assert (root / "l").read_bytes() == b"x\xe9y\n"


async def test_an_edit_keeps_the_mode_and_leaves_nothing_beside(tools: Tools, root: Path) -> None:
    (root / "m").write_text("a")
    (root / "m").chmod(0o750)
    await tools.data("file_edit", path="m", old="a", new="b")
    assert (root / "m").stat().st_mode & 0o777 == 0o750
    assert os.listdir(root) == ["m"]


async def test_several_edits_go_together(tools: Tools, root: Path) -> None:
    (root / "a").write_text("one two\n")
    (root / "b").write_text("three\n")
    done = await tools.data(
        "files_edit", paths=["a", "b", "a"], olds=["one", "three", "two"], news=["1", "3", "2"]
    )
    assert [file["path"] for file in done["files"]] == ["a", "b"]
    assert ((root / "a").read_text(), (root / "b").read_text()) == ("1 2\n", "3\n")


@pytest.mark.parametrize(
    ("paths", "olds"),
    [(["a", "b"], ["one", "nothing"]), (["a", "missing"], ["one", "x"]), (["a", "a"], ["one", "one"])],
)
async def test_several_edits_fail_together(
    tools: Tools, root: Path, paths: list[str], olds: list[str]
) -> None:
    (root / "a").write_text("one\n")
    (root / "b").write_text("two\n")
    await tools.fault("files_edit", paths=paths, olds=olds, news=["x"] * 2)
    assert ((root / "a").read_text(), (root / "b").read_text()) == ("one\n", "two\n")
    assert sorted(os.listdir(root)) == ["a", "b"]


async def test_lists_of_different_lengths_are_refused(tools: Tools) -> None:
    fault = await tools.fault("files_edit", paths=["a"], olds=["x", "y"], news=["z"])
    assert "1 paths, 2 old texts and 1 new texts" in fault
