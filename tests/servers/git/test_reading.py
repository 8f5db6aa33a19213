"""Status, diffs, logs, commits and refs as a model reads them."""

from typing import Any


async def test_status_names_what_was_added_modified_and_deleted(build: Any) -> None:
    head = await build.begin({"a": "0", "b": "0", "c/d": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    folder = build.write("t.1", {"a": "1", "new": "x"})
    (folder / "c/d").unlink()
    status = await build.worker("t.1").ok("git_status")
    assert status == {
        "head": head,
        "branch": "refs/codegod/trees/t.1",
        "clean": False,
        "changes": [
            {"path": "a", "status": "modified"},
            {"path": "c/d", "status": "deleted"},
            {"path": "new", "status": "added"},
        ],
        "left_out": [],
        "cut": False,
    }


async def test_a_changed_mode_is_a_change(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    (build.folder / "trees/t.1/a").chmod(0o755)
    assert (await build.worker("t.1").ok("git_status"))["changes"] == [{"path": "a", "status": "modified"}]


async def test_looking_leaves_the_repository_as_it_was(user: Any, alone: Any) -> None:
    before = sorted(alone.root.rglob("*"))
    alone.write({"f.txt": "changed\n"})
    for tool in ("git_status", "git_diff", "git_log", "git_show", "git_branch_list"):
        await user.ok(tool)
    assert sorted(alone.root.rglob("*")) == before


async def test_a_diff_of_the_workspace_applies_with_git(user: Any, alone: Any) -> None:
    alone.write({"f.txt": "hi\nthree\n", "new/é.txt": "x\n"})
    diff = await user.ok("git_diff")
    assert diff["files"] == [
        {"path": "f.txt", "status": "modified", "added": 1, "removed": 1, "binary": False},
        {"path": "new/é.txt", "status": "added", "added": 1, "removed": 0, "binary": False},
    ]
    (alone.top / "patch").write_text(diff["text"], encoding="utf-8")
    alone.git("stash", "-qu")
    alone.git("apply", str(alone.top / "patch"))
    assert (alone.root / "new/é.txt").read_text(encoding="utf-8") == "x\n"


async def test_a_diff_between_commits_can_be_narrowed_to_paths(user: Any, alone: Any) -> None:
    alone.write({"src/a": "1\n", "docs/b": "1\n"})
    alone.commit_all("three")
    diff = await user.ok("git_diff", base="HEAD~1", head="HEAD", paths=["src/"])
    assert [one["path"] for one in diff["files"]] == ["src/a"]
    assert "docs" not in diff["text"]
    assert diff["head"] == alone.git("rev-parse", "HEAD")


async def test_a_binary_file_is_named_and_not_printed(user: Any, alone: Any) -> None:
    alone.write({"x.bin": bytes(range(256))})
    diff = await user.ok("git_diff")
    assert diff["files"][0]["binary"] is True
    assert "Binary files" in diff["text"]


async def test_a_long_diff_is_read_page_by_page(user: Any, alone: Any) -> None:
    lines = "".join(f"line {number}\n" for number in range(10_000))
    alone.write({"long": lines})
    text, cursor = "", ""
    while True:
        page = await user.ok("git_diff", cursor=cursor)
        text, cursor = text + page["text"], page["next_cursor"]
        if not cursor:
            break
    assert "".join(line[1:] + "\n" for line in text.splitlines() if line.startswith("+line")) == lines


async def test_a_cursor_of_another_text_is_refused(user: Any, alone: Any) -> None:
    alone.write({"long": "line\n" * 10_000})
    cursor = (await user.ok("git_diff"))["next_cursor"]
    alone.write({"long": "other\n" * 10_000})
    assert "`next_cursor`" in await user.refused("git_diff", cursor=cursor)


async def test_the_log_is_paged_and_knows_trailers(user: Any, alone: Any) -> None:
    for number in range(5):
        alone.git(
            "commit", "-q", "--allow-empty", "-m", f"c{number}\n\nWhy.\n\nTask-Id: t{number % 2}\nBuild-Id: b"
        )
    first = await user.ok("git_log", limit=3)
    second = await user.ok("git_log", limit=3, cursor=first["next_cursor"])
    third = await user.ok("git_log", limit=3, cursor=second["next_cursor"])
    subjects = [one["subject"] for page in (first, second, third) for one in page["commits"]]
    assert subjects == ["c4", "c3", "c2", "c1", "c0", "two", "one"]
    assert third["next_cursor"] == ""
    assert first["total"] == 7
    newest = first["commits"][0]
    assert newest["trailers"] == {"Task-Id": "t0", "Build-Id": "b"}
    assert newest["parents"] == [alone.git("rev-parse", "HEAD~1")]
    assert (newest["author"], newest["email"]) == ("Ann", "ann@example.org")
    assert newest["date"].endswith("+00:00")
    assert newest["tree"] == alone.git("rev-parse", "HEAD^{tree}")


async def test_commits_are_found_by_trailer_and_not_by_what_looks_like_one(user: Any, alone: Any) -> None:
    for message in (
        "wanted\n\nTask-Id: storage",
        "in the text\n\nTask-Id: storage\n\nMore text.",
        "mixed\n\nTask-Id: storage\nnot a trailer",
        "other\n\nTask-Id: storage-2",
        "Task-Id: storage",
    ):
        alone.git("commit", "-q", "--allow-empty", "-m", message)
    found = await user.ok("git_log", trailer="Task-Id: storage")
    assert [one["subject"] for one in found["commits"]] == ["wanted"]
    any_value = await user.ok("git_log", trailer="Task-Id")
    assert [one["subject"] for one in any_value["commits"]] == ["other", "wanted"]
    assert "trailer" in await user.refused("git_log", trailer="--all")


async def test_a_commit_is_shown_with_its_diff_also_the_first(user: Any, alone: Any) -> None:
    shown = await user.ok("git_show", revision="HEAD~1")
    assert shown["kind"] == "commit"
    assert shown["commit"]["subject"] == "one"
    assert [one["status"] for one in shown["files"]] == ["added"]
    assert "+hi" in shown["text"]


async def test_files_and_folders_are_shown_as_they_were(user: Any, alone: Any) -> None:
    alone.write({"src/a.py": "a\n", "src/é b": "x", "src/deep/c": "x", "bin": b"\0\1", "latin": b"\xe9\n"})
    alone.commit_all("three")
    alone.write({"src/a.py": "changed\n"})
    assert (await user.ok("git_show", path="src/a.py"))["text"] == "a\n"
    assert (await user.ok("git_show", path="src"))["text"] == "a.py\ndeep/\né b\n"
    assert (await user.ok("git_show", path="src/"))["kind"] == "folder"
    assert (await user.ok("git_show", path="."))["text"] == "bin\nf.txt\nlatin\nsrc/\n"
    binary = await user.ok("git_show", path="bin")
    assert (binary["binary"], binary["size"], binary["text"]) == (True, 2, "")
    assert (await user.ok("git_show", path="latin"))["text"] == "\ufffd\n"
    assert "'src/none'" in await user.refused("git_show", path="src/none")


async def test_an_unknown_revision_points_at_the_log(user: Any) -> None:
    for revision in ("v9", "HEAD~40", "deadbeef", "0" * 40):
        assert "`git_log`" in await user.refused("git_show", revision=revision)


async def test_branches_are_listed_with_the_one_checked_out(user: Any, alone: Any) -> None:
    alone.git("branch", "aside", "HEAD~1")
    page = await user.ok("git_branch_list")
    assert [(one["name"], one["subject"], one["current"]) for one in page["branches"]] == [
        ("refs/heads/aside", "one", False),
        ("refs/heads/main", "two", True),
    ]
    first = await user.ok("git_branch_list", limit=1)
    assert (await user.ok("git_branch_list", limit=1, cursor=first["next_cursor"]))["total"] == 2


async def test_head_is_the_commit_of_ones_own_tree(build: Any) -> None:
    await build.begin({"a": "0"})
    commit = await build.attempt("t.1", {"a": "1"})
    assert (await build.worker("t.1").ok("git_show"))["id"] == commit["id"]
    assert (await build.worker("t.1").ok("git_log", revision="HEAD~1"))["total"] == 1
    assert (await build.worker("t.1").ok("git_log"))["total"] == 1


async def test_a_worker_reads_what_is_shared_and_not_what_others_try(build: Any) -> None:
    await build.begin({"a": "0"})
    other = await build.attempt("other.1", {"a": "secret attempt"})
    await build.orchestrator.ok("worktree_create", workspace="b1/hidden")
    build.write("hidden", {"acceptance/test_api.py": "x"})
    hidden = await build.orchestrator.ok(
        "git_commit", workspace="b1/hidden", message="m", ref="refs/codegod/acceptance"
    )
    own = await build.attempt("t.1", {"a": "1"})
    worker = build.worker("t.1")
    for revision in (other["id"], hidden["id"], "refs/codegod/attempts/other/1", "codegod/acceptance"):
        assert "No commit is called" in await worker.refused("git_show", revision=revision)
    assert (await worker.ok("git_show", revision=own["id"]))["id"] == own["id"]
    names = (await worker.ok("git_branch_list", prefix="refs"))["branches"]
    assert [one["name"] for one in names] == [
        "refs/codegod/attempts/t/1",
        "refs/codegod/trees/t.1",
        "refs/heads/main",
    ]
    assert (await build.orchestrator.ok("git_show", revision=hidden["id"]))["id"] == hidden["id"]


async def test_a_worker_sees_only_its_own_tree(build: Any) -> None:
    await build.begin({"a": "0"})
    for tree in ("t.1", "other.1"):
        await build.orchestrator.ok("worktree_create", workspace=f"b1/{tree}")
    worker = build.worker("t.1")
    for tool, arguments in (
        ("git_status", {}),
        ("worktree_remove", {}),
        ("git_commit", {"message": "m"}),
    ):
        assert "not granted" in await worker.refused(tool, workspace="b1/other.1", **arguments)
    assert [one["workspace"] for one in (await worker.ok("worktree_list"))["worktrees"]] == ["b1/t.1"]


async def test_many_may_read_at_once_while_somebody_writes(build: Any) -> None:
    await build.begin({"a": "0"})
    with build.locked():
        for tool in ("git_log", "git_status", "git_diff", "git_show", "merge_status", "worktree_list"):
            await build.orchestrator.ok(tool, workspace="b1/skeleton")


async def test_long_messages_and_long_lists_fit_into_an_answer(user: Any, alone: Any) -> None:
    for number in range(8):
        alone.git("commit", "-q", "--allow-empty", "-m", f"{'😀' * 600}{number}", "-m", '"' * 30_000)
    subjects, cursor, pages = 0, "", 0
    while pages == 0 or cursor:
        page = await user.ok("git_log", limit=100, cursor=cursor)
        subjects, cursor, pages = subjects + len(page["commits"]), page["next_cursor"], pages + 1
    assert subjects == 10
    assert pages > 1
    await user.ok("git_branch_list")
    name = "dir/" + "n" * 100
    alone.write({f"{name}{number:04}": "😀\n" * 20 for number in range(600)})
    for tool, arguments in (
        ("git_status", {}),
        ("git_diff", {}),
        ("git_commit", {"message": "m"}),
        ("git_show", {}),
    ):
        assert (await user.ok(tool, **arguments))["cut"] is True
