"""Trees of a build: made whole, listed, and removed without losing anything."""

import os
from functools import partial
from typing import Any

import anyio


async def test_a_tree_holds_the_revisions_files_with_their_modes(build: Any) -> None:
    await build.begin({"src/a.py": "a\n", "é b": b"\xff\r\n"})
    folder = build.write("skeleton", {"run.sh": "#!/bin/sh\n"})
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("src/a.py")
    commit = await build.orchestrator.ok(
        "git_commit", workspace="b1/skeleton", message="more", ref="refs/heads/main"
    )
    made = await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    tree = build.folder / "trees/t.1"
    assert made == {"workspace": "b1/t.1", "head": commit["id"], "files": 4, "left_out": []}
    assert {str(path.relative_to(tree)) for path in tree.rglob("*")} == {
        "src", "src/a.py", "é b", "run.sh", "link",
    }  # fmt: skip
    assert (tree / "é b").read_bytes() == b"\xff\r\n"
    assert [os.stat(tree / name).st_mode & 0o777 for name in ("run.sh", "é b", ".")] == [0o755, 0o644, 0o755]
    assert os.readlink(tree / "link") == "src/a.py"
    assert (await build.orchestrator.ok("git_status", workspace="b1/t.1"))["clean"] is True


async def test_no_filter_and_no_line_end_changes_what_is_checked_out(build: Any) -> None:
    await build.begin({".gitattributes": "* text eol=crlf filter=x ident export-ignore\n", "a": "$Id$\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    assert (build.folder / "trees/t.1/a").read_bytes() == b"$Id$\n"


async def test_files_of_another_commit_can_be_laid_over(build: Any) -> None:
    head = await build.begin({"app.py": "0\n", "tests/test_a.py": "old\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/contract", revision="")
    build.write(
        "contract", {"tests/test_a.py": "contract\n", "tests/deep/test_b.py": "b\n", "app.py": "stub\n"}
    )
    contract = "refs/codegod/contract"
    await build.orchestrator.ok("git_commit", workspace="b1/contract", message="Contract", ref=contract)
    made = await build.orchestrator.ok(
        "worktree_create", workspace="b1/t.1", overlay=contract, overlay_paths=["tests/"]
    )
    assert (made["head"], made["files"]) == (head, 3)
    assert (await build.worker("t.1").ok("git_status"))["changes"] == [
        {"path": "tests/deep/test_b.py", "status": "added"},
        {"path": "tests/test_a.py", "status": "modified"},
    ]
    refusal = await build.orchestrator.refused(
        "worktree_create", workspace="b1/t.2", overlay=contract, overlay_paths=["tests/none.py"]
    )
    assert "'tests/none.py'" in refusal
    assert not (build.folder / "trees/t.2").exists()


async def test_a_file_is_not_laid_over_a_folder(build: Any) -> None:
    await build.begin({"lib/a.py": "0\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/other", revision="")
    build.write("other", {"lib": "x\n"})
    other = "refs/codegod/other"
    await build.orchestrator.ok("git_commit", workspace="b1/other", message="m", ref=other)
    refusal = await build.orchestrator.refused(
        "worktree_create", workspace="b1/t.1", overlay=other, overlay_paths=["lib"]
    )
    assert "'lib'" in refusal


async def test_a_tree_is_never_made_over_another(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    build.write("t.1", {"precious": "x"})
    assert "'b1/t.1'" in await build.orchestrator.refused("worktree_create", workspace="b1/t.1")
    assert (build.folder / "trees/t.1/precious").exists()


async def test_a_tree_that_cannot_be_made_leaves_nothing(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.refused("worktree_create", workspace="b1/t.1", revision="none")
    assert not (build.folder / "trees/t.1").exists()
    assert not list((build.folder / "scratch/git").iterdir())


async def test_what_a_crash_left_half_made_goes_with_the_next_tree(build: Any) -> None:
    await build.begin({"a": "0"})
    (build.folder / "scratch/git/tree-crashed/src").mkdir(parents=True)
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    assert not list((build.folder / "scratch/git").iterdir())


async def test_trees_are_listed_with_where_they_stand(build: Any) -> None:
    head = await build.begin({"a": "0"})
    commit = await build.attempt("t.1", {"a": "1"})
    listed = await build.orchestrator.ok("worktree_list", workspace="b1/main")
    assert listed["worktrees"] == [
        {"workspace": "b1/skeleton", "head": head},
        {"workspace": "b1/t.1", "head": commit["id"]},
    ]


async def test_removing_a_tree_keeps_what_was_never_committed(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    build.write("t.1", {"a": "1", "lost.py": "x\n"})
    removed = await build.orchestrator.ok("worktree_remove", workspace="b1/t.1")
    assert removed["archived"].startswith("refs/codegod/archive/t.1/")
    assert build.git("show", f"{removed['archived']}:lost.py") == "x"
    assert not (build.folder / "trees/t.1").exists()
    assert build.git("for-each-ref", "refs/codegod/trees/t.1") == ""


async def test_removing_a_committed_tree_needs_no_archive(build: Any) -> None:
    await build.begin({"a": "0"})
    commit = await build.attempt("t.1", {"a": "1"})
    assert (await build.orchestrator.ok("worktree_remove", workspace="b1/t.1"))["archived"] == ""
    assert build.git("rev-parse", "refs/codegod/attempts/t/1") == commit["id"]


async def test_a_removed_tree_can_be_made_again(build: Any) -> None:
    await build.begin({"a": "0"})
    for _ in range(2):
        await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
        build.write("t.1", {"a": "1"})
        await build.orchestrator.ok("worktree_remove", workspace="b1/t.1")
    assert build.git("for-each-ref", "--format=%(refname)", "refs/codegod/archive/t.1").count("\n") <= 1


async def test_a_tree_whose_folders_were_closed_can_be_removed(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    folder = build.write("t.1", {"d/e": "x"})
    (folder / "d").chmod(0)
    await build.orchestrator.ok("worktree_remove", workspace="b1/t.1")
    assert not folder.exists()


async def test_removing_a_tree_follows_no_link(build: Any, state_dir: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    outside = state_dir / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    (build.folder / "trees/t.1/out").symlink_to(outside)
    await build.orchestrator.ok("worktree_remove", workspace="b1/t.1")
    assert (outside / "kept").exists()


async def test_a_writer_waits_for_another_process(build: Any) -> None:
    await build.begin({"a": "0"})
    with build.locked(), anyio.move_on_after(0.3) as waiting:
        await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    assert waiting.cancelled_caught
    assert not (build.folder / "trees/t.1").exists()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            with build.locked():
                group.start_soon(partial(build.orchestrator.ok, "worktree_create", workspace="b1/t.1"))
                await build.orchestrator.ok("git_log")
                assert not (build.folder / "trees/t.1").exists()
    assert (build.folder / "trees/t.1/a").exists()


async def test_lock_files_of_a_git_that_was_killed_do_not_stop_the_build(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    build.write("t.1", {"a": "1"})
    (build.repository / "refs/codegod/attempts/t").mkdir(parents=True)
    for name in ("refs/codegod/attempts/t/1.lock", "packed-refs.lock", "HEAD.lock"):
        (build.repository / name).touch()
    await build.worker("t.1").ok("git_commit", message="m")
    assert not list(build.repository.rglob("*.lock.lock"))
