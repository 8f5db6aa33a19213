"""Files below one folder: what is reached, what never is, and that nobody can race it."""

import ctypes
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegod_kit.beneath import (
    AlreadyThere,
    Beneath,
    FileTooBig,
    FolderNotEmpty,
    LinkRefused,
    NoSuchPath,
    NotAFile,
    NotAFolder,
    PathRefused,
    SharedFile,
    WalkLimits,
    openat,
)

CANARY = b"CANARY-OUTSIDE"


@pytest.fixture(params=["openat2", "walk"])
def beneath(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Beneath]:
    """A root with a secret beside it, reached in each of the two ways."""
    if request.param == "walk":
        monkeypatch.setattr(openat, "openat2_works", lambda: False)
    elif not openat.openat2_works():
        pytest.skip("this kernel has no openat2")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_bytes(CANARY)
    (tmp_path / "root/d").mkdir(parents=True)
    (tmp_path / "root/d/in.txt").write_bytes(b"inside")
    with Beneath(tmp_path / "root") as root:
        yield root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return tmp_path / "outside"


def test_a_file_is_read_whole_by_any_spelling_that_stays_inside(beneath: Beneath) -> None:
    assert [beneath.read(path) for path in ("d/in.txt", "./d//in.txt", "d/./in.txt")] == [b"inside"] * 3


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../outside/secret.txt",
        "d/../../outside/secret.txt",
        "d/..",
        "in\0.txt",
        "",
        ".",
        "x" * 5000,
    ],
)
def test_a_path_that_cannot_mean_a_file_inside_is_refused_before_it_is_opened(
    beneath: Beneath, path: str
) -> None:
    with pytest.raises(PathRefused):
        beneath.read(path)
    with pytest.raises(PathRefused):
        beneath.write(path, b"x")


@pytest.mark.parametrize(
    "path", ["~root/.bashrc", "file:///etc/passwd", "..%2foutside", "C:\\Windows\\win.ini"]
)
def test_what_looks_like_another_place_is_only_a_name_here(beneath: Beneath, path: str) -> None:
    with pytest.raises(NoSuchPath):
        beneath.read(path)


def test_links_are_seen_and_never_followed(beneath: Beneath, root: Path, outside: Path) -> None:
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret.txt")
    (root / "chain").symlink_to("file")
    (root / "environ").symlink_to("/proc/self/environ")
    (root / "inner").symlink_to("d/in.txt")
    for path in ("folder/secret.txt", "file", "chain", "environ", "inner"):
        with pytest.raises(LinkRefused):
            beneath.read(path)
    with pytest.raises(LinkRefused):
        beneath.list("folder")
    with pytest.raises(LinkRefused):
        beneath.walk("folder")
    assert dict(beneath.walk())["folder"] == "link"
    assert not [path for path, _ in beneath.walk() if path.startswith("folder/")]


def test_nothing_is_written_made_or_moved_through_a_link(beneath: Beneath, root: Path, outside: Path) -> None:
    (root / "folder").symlink_to(outside)
    (root / "dangling").symlink_to(outside / "new.txt")
    with pytest.raises(LinkRefused):
        beneath.write("dangling", b"x")
    with pytest.raises(LinkRefused):
        beneath.write("folder/new.txt", b"x")
    with pytest.raises(LinkRefused):
        beneath.make_folder("folder/a/b")
    with pytest.raises(LinkRefused):
        beneath.move("d/in.txt", "folder/in.txt")
    with pytest.raises(LinkRefused):
        beneath.delete("folder/secret.txt")
    assert [entry.name for entry in outside.iterdir()] == ["secret.txt"]


def test_a_second_hard_link_may_belong_to_somebody_else(beneath: Beneath, root: Path, outside: Path) -> None:
    os.link(outside / "secret.txt", root / "shared")
    with pytest.raises(SharedFile):
        beneath.read("shared")
    beneath.write("shared", b"ours")
    assert (outside / "secret.txt").read_bytes() == CANARY


def test_pipes_and_sockets_are_refused_at_once(beneath: Beneath, root: Path) -> None:
    os.mkfifo(root / "pipe")
    started = time.monotonic()
    for _ in range(10):
        with pytest.raises(NotAFile) as fault:
            beneath.read("pipe")
    assert time.monotonic() - started < 1
    assert fault.value.kind == "pipe"
    with pytest.raises(NotAFile):
        beneath.write("pipe", b"x")


def test_a_folder_is_no_file_and_a_file_no_folder(beneath: Beneath) -> None:
    with pytest.raises(NotAFile):
        beneath.read("d")
    with pytest.raises(NotAFile):
        beneath.write("d", b"x")
    with pytest.raises(PathRefused):
        beneath.write("new/", b"x")
    with pytest.raises(NotAFolder):
        beneath.list("d/in.txt")
    with pytest.raises(NotAFolder):
        beneath.read("d/in.txt/deeper")


def test_a_file_over_the_limit_is_refused_by_its_size(beneath: Beneath, root: Path) -> None:
    (root / "big").touch()
    os.truncate(root / "big", 300 << 20)
    with pytest.raises(FileTooBig) as fault:
        beneath.read("big")
    assert fault.value.size == 300 << 20


def test_a_write_makes_its_folders_and_replaces_whole(beneath: Beneath, root: Path) -> None:
    assert beneath.write("a/b/c.txt", b"one")
    assert not beneath.write("a/b/c.txt", b"two")
    assert (root / "a/b/c.txt").read_bytes() == b"two"
    assert [entry.name for entry in beneath.list("a/b")] == ["c.txt"]


def test_a_write_that_must_be_new_leaves_what_is_there(beneath: Beneath) -> None:
    with pytest.raises(AlreadyThere):
        beneath.write("d/in.txt", b"x", overwrite=False)
    assert beneath.read("d/in.txt") == b"inside"
    assert [entry.name for entry in beneath.list("d")] == ["in.txt"]


@pytest.mark.parametrize(
    ("before", "after"), [(0o600, 0o600), (0o644, 0o644), (0o755, 0o755), (0o6755, 0o755)]
)
def test_an_overwrite_keeps_permissions_but_never_setuid(
    beneath: Beneath, root: Path, before: int, after: int
) -> None:
    (root / "m").touch()
    (root / "m").chmod(before)
    beneath.write("m", b"x")
    assert stat.S_IMODE((root / "m").stat().st_mode) == after


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own a tree for somebody else")
def test_what_root_writes_belongs_to_the_owner_of_the_tree(beneath: Beneath, root: Path) -> None:
    os.chown(root, 1500, 1500)
    beneath.write("x/y.txt", b"x")
    assert {(root / path).stat().st_uid for path in ("x", "x/y.txt")} == {1500}


def test_a_move_never_overwrites_unless_asked(beneath: Beneath) -> None:
    beneath.write("other", b"other")
    with pytest.raises(AlreadyThere):
        beneath.move("d/in.txt", "other")
    beneath.move("d/in.txt", "other", overwrite=True)
    assert beneath.read("other") == b"inside"
    assert not beneath.exists("d/in.txt")


def test_a_moved_link_stays_a_link(beneath: Beneath, root: Path, outside: Path) -> None:
    (root / "file").symlink_to(outside / "secret.txt")
    beneath.move("file", "elsewhere/file")
    assert (root / "elsewhere/file").is_symlink()
    assert (outside / "secret.txt").read_bytes() == CANARY


def test_a_folder_cannot_move_below_itself(beneath: Beneath) -> None:
    with pytest.raises(PathRefused):
        beneath.move("d", "d/e")
    with pytest.raises(NoSuchPath):
        beneath.move("nothing", "e")


def test_a_delete_takes_links_and_not_what_they_name(beneath: Beneath, root: Path, outside: Path) -> None:
    (root / "d/link").symlink_to(outside)
    with pytest.raises(FolderNotEmpty):
        beneath.delete("d")
    assert beneath.delete("d", recursive=True) == 3
    assert not (root / "d").exists()
    assert (outside / "secret.txt").read_bytes() == CANARY


def test_a_tree_deeper_than_recursion_and_paths_is_deleted(beneath: Beneath, root: Path) -> None:
    folder = os.open(root, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("deep", dir_fd=folder)
        inner = os.open("deep", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    assert beneath.delete("deep", recursive=True) == 2500
    assert not (root / "deep").exists()


def test_a_wide_tree_with_closed_folders_is_deleted(beneath: Beneath, root: Path) -> None:
    for number in range(20):
        (root / f"w/{number}/x").mkdir(parents=True)
        (root / f"w/{number}/x/f").touch()
        (root / f"w/{number}/x").chmod(0o000)
        (root / f"w/{number}").chmod(0o500)
    beneath.delete("w", recursive=True)
    assert not (root / "w").exists()


def test_a_listing_says_what_everything_is(beneath: Beneath, root: Path) -> None:
    (root / "link").symlink_to("d")
    (root / os.fsdecode(b"a\xffb")).touch()
    assert [(entry.path, entry.kind) for entry in beneath.list()] == [
        (os.fsdecode(b"a\xffb"), "file"),
        ("d", "folder"),
        ("link", "link"),
    ]


def test_a_walk_goes_in_order_and_leaves_out_what_it_is_told_to(beneath: Beneath) -> None:
    beneath.write("a/x.py", b"")
    beneath.write("node_modules/y.js", b"")
    walk = beneath.walk(skip={"node_modules"})
    assert [path for path, _ in walk] == ["a", "a/x.py", "d", "d/in.txt"]
    assert (walk.skipped, walk.cut) == (["node_modules"], "")


def test_a_walk_stops_at_its_limits_and_says_so(beneath: Beneath, root: Path) -> None:
    (root / "x/y/z").mkdir(parents=True)
    for number in range(10):
        (root / f"d/{number}").touch()
    few = beneath.walk(limits=WalkLimits(entries=5))
    assert len(list(few)) == 5
    assert "more than 5" in few.cut
    flat = beneath.walk(limits=WalkLimits(depth=1))
    assert "x/y/z" not in [path for path, _ in flat]
    assert "deeper than 1" in flat.cut


_SWAP = """
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
print("swapping", flush=True)
while True:
    libc.renameat2(-100, b"d", -100, b"s", 2)
"""


@pytest.fixture
def swapped(root: Path, outside: Path, beneath: Beneath) -> Iterator[Beneath]:
    """`beneath`, while another process swaps the folder `d` and a link to the outside as fast as it can."""
    if not hasattr(ctypes.CDLL(None), "renameat2"):
        pytest.skip("this C library has no renameat2")
    (outside / "in.txt").write_bytes(CANARY)
    (root / "s").symlink_to(outside)
    with subprocess.Popen([sys.executable, "-c", _SWAP, str(root)], stdout=subprocess.PIPE) as attacker:
        assert attacker.stdout is not None
        attacker.stdout.readline()
        yield beneath
        attacker.send_signal(signal.SIGKILL)


def test_a_swapped_folder_never_leads_outside(swapped: Beneath, outside: Path) -> None:
    outcomes: dict[object, int] = {}
    for _ in range(4000):
        try:
            seen: object = swapped.read("d/in.txt")
            swapped.write("d/new.txt", b"x")
        except (LinkRefused, NotAFolder):
            # Without openat2, a link that is a folder again when it is looked at is only "no folder".
            seen = "refused"
        outcomes[seen] = outcomes.get(seen, 0) + 1
    # Both were met, so that the race was really run.
    assert set(outcomes) == {b"inside", "refused"}
    assert sorted(entry.name for entry in outside.iterdir()) == ["in.txt", "secret.txt"]
