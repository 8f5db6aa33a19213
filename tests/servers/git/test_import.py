"""A user's own repository as what a build starts from, and a branch of it as what a build hands over."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegod_git import branches
from codegod_git.faults import GitFailed
from codegod_git.importing import carry

BRANCH = "codegod/mend"


@pytest.fixture
def own(tmp_path: Path, two_commits: Path) -> Path:
    """Somebody's repository with two commits, clean."""
    place = tmp_path / "own"
    shutil.copytree(two_commits, place)
    return place


def caller(build: Any, source: Path, **fields: str) -> Any:
    wanted = {"source": str(source), "deliver": str(source), "branch": BRANCH, **fields}
    return build.caller(workspace="b1/*", task="", attempt="x", **wanted)


def looker(build: Any, source: Path) -> Any:
    """As `caller`, for the tool that has no workspace."""
    asked = caller(build, source)
    asked._pinned = {}
    return asked


async def imported(build: Any, own: Path) -> str:
    """The build `b1` with the head of `own` as its base; gives that commit."""
    asked = caller(build, own)
    await asked.ok("git_init")
    seen = await looker(build, own).ok("repo_look", source=str(own))
    await asked.ok("repo_import", source=str(own), commit=seen["head"])
    return str(seen["head"])


async def worked(build: Any, own: Path, files: dict[str, str | bytes]) -> str:
    """As `imported`, and `files` changed in a commit on main; gives the head of main."""
    await imported(build, own)
    await build.orchestrator.ok("worktree_create", workspace="b1/work", revision="refs/codegod/base")
    build.write("work", files)
    made = await build.orchestrator.ok(
        "git_commit", workspace="b1/work", message="Mend", ref="refs/heads/main"
    )
    return str(made["id"])


def state(own: Path, run_git: Callable[..., str]) -> tuple[str, ...]:
    """All that belongs to the user and may not change."""
    config = (own / ".git/config").read_text("utf-8")
    index = (own / ".git/index").read_bytes().hex()
    status = run_git(own, "--no-optional-locks", "status", "--porcelain", "--branch", "-uall")
    return config, index, status, run_git(own, "rev-parse", "HEAD"), (own / ".git/HEAD").read_text("ascii")


async def test_a_repository_is_looked_at_without_a_trace(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    run_git(own, "branch", "codegod/mend")
    before = state(own, run_git)
    seen = await looker(build, own).ok("repo_look", source=str(own), branch=BRANCH)
    assert seen == {
        "path": str(own),
        "head": run_git(own, "rev-parse", "HEAD"),
        "branch": "main",
        "changed": [],
        "cut": False,
        "free_branch": "codegod/mend-2",
    }
    assert state(own, run_git) == before


async def test_uncommitted_files_are_named_and_ignored_ones_are_not(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    (own / ".gitignore").write_text("*.log\n", encoding="utf-8")
    run_git(own, "add", "-A")
    run_git(own, "commit", "-qm", "ignore")
    (own / "run.log").write_text("noise", encoding="utf-8")
    (own / "__pycache__").mkdir()
    (own / "__pycache__/f.pyc").write_bytes(b"x")
    assert (await looker(build, own).ok("repo_look", source=str(own)))["changed"] == []
    (own / "f.txt").write_text("mine", encoding="utf-8")
    (own / "new.txt").touch()
    assert (await looker(build, own).ok("repo_look", source=str(own)))["changed"] == ["f.txt", "new.txt"]


async def test_other_line_ends_in_the_work_tree_are_no_change(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    (own / ".gitattributes").write_text("*.bat text eol=crlf\n", encoding="utf-8")
    (own / "make.bat").write_bytes(b"one\r\ntwo\r\n")
    run_git(own, "add", "-A")
    run_git(own, "commit", "-qm", "bat")
    assert run_git(own, "status", "--porcelain") == ""
    assert (await looker(build, own).ok("repo_look", source=str(own)))["changed"] == []


async def test_the_commit_is_there_with_its_own_id_and_without_its_history(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    before = state(own, run_git)
    head = await imported(build, own)
    assert head == run_git(own, "rev-parse", "HEAD")
    assert build.git("rev-parse", "refs/codegod/base") == head
    assert build.git("log", "--format=%s", "refs/codegod/base") == "two"
    assert build.git("fsck", "--strict", "--full") == ""
    assert state(own, run_git) == before
    again = await caller(build, own).ok("repo_import", source=str(own), commit=head)
    assert again["commit"] == head and again["files"] == 1


async def test_work_comes_back_as_a_branch_and_nothing_else_moves(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    head = await worked(build, own, {"f.txt": "mended\n", "new/g.txt": "g\n"})
    before = state(own, run_git)
    asked = caller(build, own)
    made = await asked.ok("branch_deliver", destination=str(own), branch=BRANCH)
    base = run_git(own, "rev-parse", "HEAD")
    assert made == {"path": str(own), "branch": BRANCH, "head": head, "base": base, "commits": 1}
    assert state(own, run_git) == before
    assert run_git(own, "log", "--format=%s", BRANCH) == "Mend\ntwo\none"
    assert run_git(own, "show", f"{BRANCH}:new/g.txt") == "g"
    assert run_git(own, "fsck", "--strict", "--full") == ""
    assert sorted(run_git(own, "for-each-ref", "--format=%(refname)").split()) == [
        "refs/heads/codegod/mend",
        "refs/heads/main",
    ]
    assert await asked.ok("branch_deliver", destination=str(own), branch=BRANCH) == made


async def test_a_branch_of_the_user_is_never_overwritten(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    await worked(build, own, {"f.txt": "mended\n"})
    run_git(own, "branch", BRANCH, "HEAD~1")
    before = run_git(own, "rev-parse", BRANCH)
    refused = await caller(build, own).refused("branch_deliver", destination=str(own), branch=BRANCH)
    assert "exists already" in refused
    assert run_git(own, "rev-parse", BRANCH) == before


async def test_a_branch_that_stands_in_the_way_of_the_name_is_told(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    await worked(build, own, {"f.txt": "mended\n"})
    run_git(own, "branch", "codegod")
    asked = caller(build, own)
    assert "exists already" in await asked.refused("branch_deliver", destination=str(own), branch=BRANCH)
    assert (await looker(build, own).ok("repo_look", source=str(own), branch=BRANCH))[
        "free_branch"
    ] == "codegod-mend"


async def test_a_build_that_went_on_moves_its_own_branch_forward_unless_it_is_checked_out(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    await worked(build, own, {"f.txt": "half\n"})
    asked = caller(build, own)
    await asked.ok("branch_deliver", destination=str(own), branch=BRANCH)
    build.write("work", {"f.txt": "whole\n"})
    await build.orchestrator.ok("git_commit", workspace="b1/work", message="Go on", ref="refs/heads/main")
    run_git(own, "checkout", "-q", BRANCH)
    refused = await asked.refused("branch_deliver", destination=str(own), branch=BRANCH)
    assert "checked out" in refused
    run_git(own, "checkout", "-q", "main")
    made = await asked.ok("branch_deliver", destination=str(own), branch=BRANCH)
    assert made["commits"] == 2
    assert run_git(own, "show", f"{BRANCH}:f.txt") == "whole"


async def test_a_crash_between_objects_and_ref_is_mended_by_asking_again(
    build: Any, own: Path, run_git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await worked(build, own, {"f.txt": "mended\n"})

    async def then_dies(*arguments: Any) -> None:
        await carry(*arguments)
        raise GitFailed("update-ref", 1, "the power went")

    asked = caller(build, own)
    with monkeypatch.context() as patch:
        patch.setattr(branches, "carry", then_dies)
        await asked.refused("branch_deliver", destination=str(own), branch=BRANCH)
    assert run_git(own, "branch", "--list", BRANCH) == ""
    await asked.ok("branch_deliver", destination=str(own), branch=BRANCH)
    assert run_git(own, "show", f"{BRANCH}:f.txt") == "mended"


async def test_only_the_granted_repository_and_branch_are_touched(
    build: Any, own: Path, tmp_path: Path, run_git: Callable[..., str]
) -> None:
    await worked(build, own, {"f.txt": "mended\n"})
    other = tmp_path / "other"
    shutil.copytree(own, other)
    asked = caller(build, own)
    assert "may read" in await looker(build, own).refused("repo_look", source=str(other))
    assert "may read" in await build.orchestrator.refused("repo_import", source=str(own), commit="0" * 40)
    assert "may read" in await asked.refused("branch_deliver", destination=str(other), branch=BRANCH)
    assert "may make" in await asked.refused("branch_deliver", destination=str(own), branch="main")
    assert "may make" in await caller(build, own, branch="").refused(
        "branch_deliver", destination=str(own), branch=""
    )
    worker = build.caller(workspace="b1/t.1", task="t", attempt="t.1", deliver=str(own), branch=BRANCH)
    await worker.refused("branch_deliver", destination=str(own), branch=BRANCH)
    for place in (own, other):
        assert run_git(place, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


async def test_work_does_not_go_into_a_repository_that_it_did_not_come_from(
    build: Any, own: Path, tmp_path: Path, run_git: Callable[..., str]
) -> None:
    await worked(build, own, {"f.txt": "mended\n"})
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    run_git(stranger, "init", "-q")
    asked = caller(build, stranger)
    assert "started from" in await asked.refused("branch_deliver", destination=str(stranger), branch=BRANCH)


async def test_what_is_no_whole_repository_is_refused_in_one_line(
    build: Any, own: Path, tmp_path: Path, run_git: Callable[..., str]
) -> None:
    empty, plain, bare = tmp_path / "empty", tmp_path / "plain", tmp_path / "bare"
    plain.mkdir()
    empty.mkdir()
    run_git(empty, "init", "-q")
    run_git(tmp_path, "clone", "-q", "--bare", str(own), str(bare))
    linked, borrowing = tmp_path / "linked", tmp_path / "borrowing"
    run_git(own, "worktree", "add", "-q", "-b", "side", str(linked))
    run_git(tmp_path, "clone", "-q", "--shared", str(own), str(borrowing))
    await build.orchestrator.ok("git_init")
    cases = {
        empty: "no commit",
        plain: "no git repository",
        bare: "no git repository",
        linked: "outside its folder",
        borrowing: "outside its folder",
        tmp_path / "nowhere": "no absolute path",
        build.folder: "inside the served folder",
    }
    for place, words in cases.items():
        refused = await looker(build, place).refused("repo_look", source=str(place))
        assert words in refused and "\n" not in refused


async def test_nothing_that_the_repository_names_is_run(
    build: Any, own: Path, tmp_path: Path, run_git: Callable[..., str]
) -> None:
    pwned, evil = tmp_path / "pwned", tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {pwned}\ncat\n", encoding="utf-8")
    evil.chmod(0o755)
    (own / ".gitattributes").write_text("*.txt filter=evil diff=evil\n", encoding="utf-8")
    run_git(own, "add", "-A")
    run_git(own, "commit", "-qm", "attributes")
    more = tmp_path / "more.config"
    more.write_text(f"[core]\n\tfsmonitor = {evil}\n\thooksPath = {tmp_path}\n", encoding="utf-8")
    for name, value in {
        "filter.evil.clean": str(evil),
        "filter.evil.smudge": str(evil),
        "filter.evil.required": "true",
        "diff.evil.command": str(evil),
        "diff.evil.textconv": str(evil),
        "core.fsmonitor": str(evil),
        "core.pager": str(evil),
        "core.alternateRefsCommand": str(evil),
        "uploadpack.packObjectsHook": str(evil),
        "gpg.program": str(evil),
        "commit.gpgSign": "true",
        "include.path": str(more),
        "remote.origin.url": f"ext::{evil}",
        "remote.origin.promisor": "true",
    }.items():
        run_git(own, "config", name, value)
    hooks = own / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-checkout", "pre-commit", "post-update", "update"):
        shutil.copy(evil, hooks / name)
    await worked(build, own, {"f.txt": "mended\n"})
    asked = caller(build, own)
    await looker(build, own).ok("repo_look", source=str(own), branch=BRANCH)
    await asked.ok("branch_deliver", destination=str(own), branch=BRANCH)
    assert not pwned.exists()


async def test_what_no_tree_holds_stays_in_the_branch(
    build: Any, own: Path, run_git: Callable[..., str]
) -> None:
    (own / "away").symlink_to("/etc/hostname")
    (own / "near").symlink_to("f.txt")
    run_git(own, "add", "-A")
    module = run_git(own, "rev-parse", "HEAD")
    run_git(own, "update-index", "--add", "--cacheinfo", f"160000,{module},vendor")
    run_git(own, "commit", "-qm", "links")
    (own / "vendor").mkdir()
    assert (await looker(build, own).ok("repo_look", source=str(own)))["changed"] == []
    await worked(build, own, {"f.txt": "mended\n"})
    await caller(build, own).ok("branch_deliver", destination=str(own), branch=BRANCH)
    assert run_git(own, "diff", "--name-status", "HEAD", BRANCH) == "M\tf.txt"


async def test_the_imported_commit_is_shown_as_one_without_parents(build: Any, own: Path) -> None:
    await imported(build, own)
    shown = await build.orchestrator.ok("git_show", revision="refs/codegod/base")
    assert shown["commit"]["parents"] == []
    assert shown["files"] == [{"path": "f.txt", "status": "added", "added": 2, "removed": 0, "binary": False}]
    log = await build.orchestrator.ok("git_log", revision="refs/codegod/base")
    assert [commit["subject"] for commit in log["commits"]] == ["two"]
