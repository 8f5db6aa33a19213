"""Where groups can be made, on layouts of both versions, and what a group is told."""

import os
from pathlib import Path

import pytest

from codegod_sandbox.cgroups import Cgroup, CgroupHome, find_home
from codegod_sandbox.execution import Limits

_LIMITS = Limits(memory_bytes=1000, processes=10)


def _proc(folder: Path, groups: str, mounts: str) -> Path:
    proc = folder / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(groups, "utf-8")
    (proc / "mountinfo").write_text(mounts, "utf-8")
    return proc


def _mount(root: str, point: Path, kind: str, options: str) -> str:
    return f"30 20 0:26 {root} {point} rw,nosuid - {kind} {kind} {options}\n"


def test_version_one_is_found_below_the_own_groups(tmp_path: Path) -> None:
    for controller in ("memory", "pids"):
        (tmp_path / controller / "mine").mkdir(parents=True)
    proc = _proc(
        tmp_path,
        "8:pids:/docker/x/mine\n4:memory:/mine\n0::/\n",
        _mount("/docker/x", tmp_path / "pids", "cgroup", "rw,pids")
        + _mount("/", tmp_path / "memory", "cgroup", "rw,memory"),
    )
    home = find_home(proc)
    # On plain folders a group's files are files that keep it from being removed: it is not usable, and says so.
    assert home is None
    assert (tmp_path / "pids" / "mine" / "codegod").is_dir()
    assert (tmp_path / "memory" / "mine" / "codegod").is_dir()


def test_version_two_is_found_where_controllers_are_handed_on(tmp_path: Path) -> None:
    own = tmp_path / "user" / "app" / "mine"
    own.mkdir(parents=True)
    (own / "cgroup.subtree_control").write_text("\n", "utf-8")
    (own.parent / "cgroup.subtree_control").write_text("memory pids\n", "utf-8")
    (own.parent.parent / "cgroup.subtree_control").write_text("cpu memory pids\n", "utf-8")
    find_home(_proc(tmp_path, "0::/user/app/mine\n", _mount("/", tmp_path, "cgroup2", "rw")))
    assert (own.parent / "codegod" / "cgroup.subtree_control").read_text("utf-8") == "+memory +pids"
    assert not (own / "codegod").exists()


@pytest.mark.parametrize("groups", ["", "0::/\n", "4:memory:/\n"])
def test_where_nothing_can_be_made_there_is_no_home(tmp_path: Path, groups: str) -> None:
    assert find_home(_proc(tmp_path, groups, _mount("/", tmp_path / "memory", "cgroup", "rw,memory"))) is None


def test_a_group_of_version_two_is_told_its_limits(tmp_path: Path) -> None:
    (tmp_path / "memory.swap.max").write_text("max", "utf-8")
    group = Cgroup(2, tmp_path, tmp_path)
    group.limit(_LIMITS)
    group.add(4321)
    told = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert told == {"memory.max": "1000", "memory.swap.max": "0", "pids.max": "12", "cgroup.procs": "4321"}


def test_a_group_of_version_one_is_told_its_limits(tmp_path: Path) -> None:
    for name in ("memory", "pids"):
        (tmp_path / name).mkdir()
    Cgroup(1, tmp_path / "memory", tmp_path / "pids").limit(_LIMITS)
    assert (tmp_path / "memory" / "memory.limit_in_bytes").read_text("utf-8") == "1000"
    assert (tmp_path / "pids" / "pids.max").read_text("utf-8") == "12"


@pytest.mark.parametrize(
    ("version", "file", "content", "killed"),
    [
        (2, "memory.events", "low 0\nmax 3\noom 1\noom_kill 1\n", True),
        (2, "memory.events", "low 0\nmax 3\noom 0\noom_kill 0\n", False),
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", True),
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", False),
    ],
)
def test_whether_memory_ran_out_is_read_from_the_groups_events(
    tmp_path: Path, version: int, file: str, content: str, killed: bool
) -> None:
    (tmp_path / file).write_text(content, "utf-8")
    assert Cgroup(1 if version == 1 else 2, tmp_path, tmp_path).ran_out_of_memory() is killed


def test_groups_of_servers_that_died_are_swept_and_others_are_left(tmp_path: Path) -> None:
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    dead, living, foreign = f"{namespace}-999999999-a", f"{namespace}-{os.getpid()}-b", "1-999999999-c"
    for name in (dead, living, foreign, "else"):
        (tmp_path / name).mkdir()
    CgroupHome(2, tmp_path, tmp_path).sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([living, foreign, "else"])
