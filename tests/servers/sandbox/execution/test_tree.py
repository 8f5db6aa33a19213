"""Walks over trees that a program may have filled."""

import os
from pathlib import Path

import pytest

from codegod_sandbox import tree
from codegod_sandbox.execution_faults import ForeignFile
from codegod_sandbox.tree import Usage, give, remove, usage

_UID = 59_997 if os.geteuid() == 0 else os.geteuid()


def _deep(folder: Path, levels: int) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 20, dir_fd=here)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_a_deep_tree_is_counted_and_removed(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    _deep(tmp_path / "tree", 1100)
    assert usage(tmp_path / "tree").entries == 1100
    remove(tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_removed_already(tmp_path: Path) -> None:
    remove(tmp_path / "gone")


def test_links_are_counted_given_and_removed_as_links(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x", "utf-8")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "folder").symlink_to(tmp_path / "precious")
    (tmp_path / "tree" / "file").symlink_to(tmp_path / "precious" / "file")
    (tmp_path / "tree" / "nowhere").symlink_to("/nowhere/at/all")
    before = (tmp_path / "precious").stat()
    assert give(tmp_path / "tree", _UID).entries == 3
    assert {path.lstat().st_uid for path in (tmp_path / "tree").iterdir()} == {_UID}
    assert (tmp_path / "precious").stat() == before
    remove(tmp_path / "tree")
    assert (tmp_path / "precious" / "file").read_text("utf-8") == "x"


def test_odd_things_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "closed").mkdir()
    (folder / "closed" / "in").write_text("x", "utf-8")
    (folder / "closed").chmod(0)
    for name in (b"a\nb", b"\xff\xfe", b"-rf", b"x" * 255):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("x", "utf-8")
    remove(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives trees away")
def test_what_may_be_somebody_elses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "precious").write_text("x", "utf-8")
    (tmp_path / "tree" / "name").hardlink_to(tmp_path / "precious")
    with pytest.raises(ForeignFile, match="'name'"):
        give(tmp_path / "tree", _UID + 1)


def test_the_second_names_a_program_made_itself_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("x", "utf-8")
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    if os.geteuid() == 0:
        os.chown(tmp_path / "one", _UID, _UID)
    assert give(tmp_path, _UID).entries == 2


def test_a_folder_that_moves_while_it_is_read_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going up from a folder that was moved higher would lead out of the tree."""
    inner = tmp_path / "tree" / "a" / "b" / "c"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x", "utf-8")
    real = tree._status

    def moving(parent: int, name: str) -> os.stat_result | None:
        if name == "file":
            inner.rename(tmp_path / "tree" / "moved")
        return real(parent, name)

    monkeypatch.setattr(tree, "_status", moving)
    with pytest.raises(ForeignFile, match="moved"):
        usage(tmp_path / "tree")


def test_usages_add_up() -> None:
    assert sum((Usage(1, 2), Usage(10, 20)), Usage()) == Usage(11, 22)
