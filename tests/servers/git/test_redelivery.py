"""Handing a repository over once more, when more has landed since."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

Land = Callable[[str, dict[str, str | bytes]], Awaitable[str]]


@pytest.fixture
def land(build: Any) -> Land:
    """Lands an attempt's files on main; gives the new head."""

    async def land(attempt: str, files: dict[str, str | bytes]) -> str:
        await build.attempt(attempt, files)
        task, _, number = attempt.rpartition(".")
        source = f"refs/codegod/attempts/{task}/{number}"
        proposed = await build.orchestrator.ok("merge_propose", source=source, paths=["."])
        await build.orchestrator.ok(
            "merge_land",
            candidate=proposed["candidate"],
            expected_head=proposed["head"],
            message=f"Add {task}",
            trailers=[f"Task-Id: {task}"],
        )
        return str((build.repository / "refs/heads/main").read_text("ascii").strip())

    return land


@pytest.fixture
async def delivered(build: Any, land: Land, tmp_path: Path) -> Path:
    """A build with one landed task, in the user's folder."""
    await build._begin({"app.py": "0\n", "old.txt": "old\n", "run.sh": "#!/bin/sh\n"})
    await land("t.1", {"app.py": "1\n"})
    place = tmp_path / "todo"
    await deliver(build, place)
    return place


def deliverer(build: Any, place: Path) -> Any:
    return build.caller(workspace="b1/*", task="", attempt="x", deliver=str(place))


async def deliver(build: Any, place: Path) -> dict[str, Any]:
    return dict(await deliverer(build, place).ok("repo_deliver", destination=str(place)))


async def refused(build: Any, place: Path) -> str:
    return str(await deliverer(build, place).refused("repo_deliver", destination=str(place)))


async def test_what_came_since_is_added_and_the_owners_own_files_stay(
    build: Any, land: Land, delivered: Path, run_git: Callable[..., str]
) -> None:
    (delivered / "notes.txt").write_text("mine", "utf-8")
    (delivered / "run.sh").write_text("#!/bin/sh\nmine\n", "utf-8")
    run_git(delivered, "branch", "mine")
    head = await land("u.1", {"app.py": "2\n", "data/a.txt": "a\n"})
    assert (await deliver(build, delivered))["head"] == head
    assert run_git(delivered, "rev-parse", "main", "HEAD").split() == [head, head]
    assert (delivered / "app.py").read_text("utf-8") == "2\n"
    assert (delivered / "data/a.txt").read_text("utf-8") == "a\n"
    assert run_git(delivered, "status", "--porcelain").splitlines() == ["M run.sh", "?? notes.txt"]
    assert run_git(delivered, "fsck", "--strict", "--full") == ""
    refs = run_git(delivered, "for-each-ref", "--format=%(refname)").split()
    assert {"refs/heads/mine", "refs/codegod/attempts/u/1"} <= set(refs)


async def test_files_that_went_go_there_too(build: Any, land: Land, delivered: Path) -> None:
    tree = build.folder / "trees/u.1"
    await build.orchestrator.ok("worktree_create", workspace="b1/u.1", revision="main")
    (tree / "old.txt").unlink()
    await build.worker("u.1").ok("git_commit", message="Remove it")
    proposed = await build.orchestrator.ok("merge_propose", source="refs/codegod/attempts/u/1", paths=["."])
    await build.orchestrator.ok(
        "merge_land", candidate=proposed["candidate"], expected_head=proposed["head"], message="Remove"
    )
    await deliver(build, delivered)
    assert not (delivered / "old.txt").exists()


@pytest.mark.parametrize("path", ["app.py", "data/a.txt"])
async def test_a_file_that_its_owner_changed_is_never_written_over(
    build: Any, land: Land, delivered: Path, run_git: Callable[..., str], path: str
) -> None:
    (delivered / path).parent.mkdir(exist_ok=True)
    (delivered / path).write_text("mine\n", "utf-8")
    before = run_git(delivered, "rev-parse", "main")
    await land("u.1", {"app.py": "2\n", "data/a.txt": "a\n"})
    told = await refused(build, delivered)
    assert f"'{path}' was changed there" in told and "move that folder away" in told
    assert (delivered / path).read_text("utf-8") == "mine\n"
    assert run_git(delivered, "rev-parse", "main") == before


async def test_a_branch_that_went_on_is_left_alone(
    build: Any, land: Land, delivered: Path, run_git: Callable[..., str]
) -> None:
    run_git(delivered, "commit", "-q", "--allow-empty", "-m", "mine")
    mine = run_git(delivered, "rev-parse", "main")
    await land("u.1", {"app.py": "2\n"})
    assert "commits of its own" in await refused(build, delivered)
    assert run_git(delivered, "rev-parse", "main") == mine


async def test_a_link_in_the_folder_leads_nowhere(
    build: Any, land: Land, delivered: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("a\n", "utf-8")
    os.symlink(outside, delivered / "data")
    await land("u.1", {"data/a.txt": "b\n"})
    assert "'data/a.txt' was changed there" in await refused(build, delivered)
    assert (outside / "a.txt").read_text("utf-8") == "a\n"


async def test_what_the_folder_configures_does_not_run(
    build: Any, land: Land, delivered: Path, run_git: Callable[..., str], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook = delivered / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {trace}\n", "utf-8")
        hook.chmod(0o755)
    run_git(delivered, "config", "core.fsmonitor", f"touch {trace}; false")
    run_git(delivered, "config", "filter.x.clean", f"touch {trace}; cat")
    (delivered / ".git/info").mkdir(exist_ok=True)
    (delivered / ".git/info/attributes").write_text("* filter=x\n", "utf-8")
    trace.unlink(missing_ok=True)
    await land("u.1", {"app.py": "2\n"})
    await deliver(build, delivered)
    assert not trace.exists()


async def test_who_was_stopped_on_the_way_begins_again(
    build: Any, land: Land, delivered: Path, run_git: Callable[..., str]
) -> None:
    head = await land("u.1", {"app.py": "2\n", "data/a.txt": "a\n"})
    (delivered / "app.py").write_text("2\n", "utf-8")
    assert (await deliver(build, delivered))["head"] == head
    assert run_git(delivered, "status", "--porcelain") == ""


async def test_a_repository_of_somebody_else_is_no_earlier_delivery(
    build: Any, land: Land, delivered: Path, tmp_path: Path, run_git: Callable[..., str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    run_git(other, "init", "-q", "-b", "main")
    run_git(other, "commit", "-q", "--allow-empty", "-m", "theirs")
    assert "not an empty folder" in await refused(build, other)
