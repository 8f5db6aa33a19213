"""Commits: what they hold, who moves which ref, what is left out."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from codegod_git import build_server, walk
from codegod_kit import ServerSettings


async def test_a_build_begins_with_an_empty_tree_and_a_commit_on_main(build: Any) -> None:
    head = await build.begin({"src/app.py": "print(1)\n", "run.sh": "#!/bin/sh\n"})
    assert build.git("rev-parse", "refs/heads/main") == head
    assert build.git("ls-tree", "-r", "--name-only", "main").split() == ["run.sh", "src/app.py"]
    assert build.git("log", "-1", "--format=%an <%ae>", "main") == "Code-God <codegod@localhost>"
    assert build.repository.stat().st_mode & 0o777 == 0o700


async def test_init_again_changes_nothing(build: Any) -> None:
    head = await build.begin({"a": "1"})
    again = await build.orchestrator.ok("git_init", workspace="b1/other")
    assert again == {"workspace": "b1/other", "created": False, "branch": "refs/heads/main"}
    assert build.git("rev-parse", "main") == head


async def test_without_a_repository_the_caller_is_sent_to_init(build: Any) -> None:
    assert "`git_init`" in await build.orchestrator.refused("git_log", workspace="b1/main")


async def test_a_workers_commit_goes_to_its_attempt_with_its_trailers(build: Any) -> None:
    head = await build.begin({"app.py": "x = 0\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/storage.2")
    build.write("storage.2", {"app.py": "x = 1\n", "docs/a b.md": "ü\n"})
    commit = await build.worker("storage.2").ok(
        "git_commit", message="Add storage\n\nTask-Id: forged", trailers=["Task-Id: storage", "Build-Id: b1"]
    )
    assert commit["parent"] == head
    assert commit["ref"] == "refs/codegod/attempts/storage/2"
    assert commit["changed"] == ["app.py", "docs/a b.md"]
    assert build.git("rev-parse", "refs/codegod/attempts/storage/2", "main").split() == [commit["id"], head]
    trailers = build.git("log", "-1", "--format=%(trailers:only)", commit["id"])
    assert trailers.splitlines() == ["Task-Id: storage", "Build-Id: b1"]


async def test_the_next_commit_of_a_tree_follows_the_one_before(build: Any) -> None:
    await build.begin({"app.py": "x = 0\n"})
    first = await build.attempt("a.1", {"app.py": "x = 1\n"})
    build.write("a.1", {"app.py": "x = 2\n"})
    second = await build.worker("a.1").ok("git_commit", message="Repair")
    assert second["parent"] == first["id"]
    assert build.git("rev-parse", "refs/codegod/attempts/a/1") == second["id"]


async def test_an_unchanged_tree_is_no_commit(build: Any) -> None:
    head = await build.begin({"app.py": "x = 0\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    assert head in await build.worker("a.1").refused("git_commit", message="Nothing")


async def test_a_worker_moves_no_ref_but_its_own(build: Any) -> None:
    head = await build.begin({"app.py": "x = 0\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    build.write("a.1", {"app.py": "x = 1\n"})
    before = build.git("for-each-ref")
    for ref in (
        "refs/heads/main",
        "refs/codegod/attempts/other/1",
        "refs/codegod/attempts/a-2/1",
        "refs/codegod/contract",
        "refs/codegod/trees/a.1",
    ):
        refusal = await build.worker("a.1").refused("git_commit", message="m", ref=ref)
        assert "refs/codegod/attempts/a/1" in refusal
    assert build.git("for-each-ref") == before
    assert build.git("rev-parse", "main") == head


async def test_the_servers_own_refs_move_by_their_own_tools_only(build: Any) -> None:
    await build.begin({"app.py": "x = 0\n"})
    build.write("skeleton", {"app.py": "x = 1\n"})
    for ref in (
        "refs/codegod/archive/x/1",
        "refs/codegod/landed/1",
        "refs/codegod/candidates/1",
        "refs/tags/v1",
    ):
        refusal = await build.orchestrator.refused(
            "git_commit", workspace="b1/skeleton", message="m", ref=ref
        )
        assert "may not go onto" in refusal


async def test_a_ref_that_went_elsewhere_meanwhile_is_not_overwritten(build: Any) -> None:
    await build.begin({"app.py": "x = 0\n"})
    for tree in ("a.1", "b.1"):
        await build.orchestrator.ok("worktree_create", workspace=f"b1/{tree}")
        build.write(tree, {"app.py": f"x = '{tree}'\n"})
    onto_main = {"message": "m", "ref": "refs/heads/main"}
    won = await build.orchestrator.ok("git_commit", workspace="b1/a.1", **onto_main)
    assert won["id"] in await build.orchestrator.refused("git_commit", workspace="b1/b.1", **onto_main)
    assert build.git("rev-parse", "main") == won["id"]


async def test_of_many_who_commit_at_once_to_one_ref_one_succeeds(build: Any) -> None:
    await build.begin({"app.py": "x = 0\n"})
    trees = [f"t.{number}" for number in range(5)]
    for tree in trees:
        await build.orchestrator.ok("worktree_create", workspace=f"b1/{tree}")
        build.write(tree, {"app.py": f"x = '{tree}'\n"})
    outcomes: list[bool] = []

    async def commit(tree: str) -> None:
        result = await build.orchestrator.result(
            "git_commit", workspace=f"b1/{tree}", message=tree, ref="refs/heads/main"
        )
        outcomes.append(result.is_error)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for tree in trees:
                group.start_soon(commit, tree)
    assert sorted(outcomes) == [False, True, True, True, True]
    assert build.git("rev-list", "--count", "main") == "2"


async def test_the_same_files_give_the_same_tree(build: Any) -> None:
    await build.begin({"base": "0"})
    files = {"b/z.py": "z\n", "b/a.sh": "#!/bin/sh\n", "é.txt": b"\xff\x00\r\n", "c": ""}
    trees: list[str] = []
    for name in ("x.1", "y.1"):
        await build.orchestrator.ok("worktree_create", workspace=f"b1/{name}")
        folder = build.write(name, dict(reversed(files.items())) if trees else files)
        (folder / "b/a.sh").chmod(0o755 if not trees else 0o711)
        (folder / "empty").mkdir()
        (folder / "c").chmod(0o640)
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "a.pyc").write_bytes(name.encode())
        trees.append((await build.worker(name).ok("git_commit", message="m"))["tree"])
    assert trees[0] == trees[1]
    listing = build.git("-c", "core.quotePath=false", "ls-tree", "-r", trees[0])
    assert [line.split()[0] + " " + line.split("\t")[1] for line in listing.splitlines()] == [
        "100755 b/a.sh",
        "100644 b/z.py",
        "100644 base",
        "100644 c",
        "100644 é.txt",
    ]


async def test_what_is_ignored_is_not_recorded_but_what_was_recorded_stays(build: Any) -> None:
    await build.begin({"kept.log": "0", "src/a.py": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    build.write(
        "a.1",
        {
            ".gitignore": "*.log\n/dist/\n!keep.log\n",
            "src/.gitignore": "generated*\n",
            "kept.log": "1",
            "new.log": "x",
            "keep.log": "x",
            "dist/a": "x",
            "src/dist/a": "x",
            "src/generated.py": "x",
            "node_modules/m/i.js": "x",
            ".venv/bin/python": "x",
            "src/__pycache__/a.pyc": "x",
            "src/b.pyc": "x",
            ".pytest_cache/v": "x",
            ".cg-tmp-abc": "half written",
            ":(top)odd[1].py": "x",
        },
    )
    commit = await build.worker("a.1").ok("git_commit", message="m")
    assert commit["changed"] == [
        ".gitignore",
        ":(top)odd[1].py",
        "keep.log",
        "kept.log",
        "src/.gitignore",
        "src/dist/a",
    ]


async def test_secrets_are_left_out_and_named(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    secrets = {
        ".env": "API_KEY=1\n",
        "deploy/server.pem": "-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----\n",
        "key": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nabc\n-----END RSA PRIVATE KEY-----\n",
    }
    build.write("a.1", {**secrets, "b": "x", ".env.example": "API_KEY=\n"})
    commit = await build.worker("a.1").ok("git_commit", message="m")
    assert commit["left_out"] == [{"path": name, "reason": "secret"} for name in secrets]
    assert commit["changed"] == [".env.example", "b"]


async def test_source_that_talks_about_keys_is_recorded(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    build.write("a.1", {"keys.py": 'MARK = "-----BEGIN PRIVATE KEY-----"\n'})
    assert (await build.worker("a.1").ok("git_commit", message="m"))["changed"] == ["keys.py"]


async def test_links_inside_are_recorded_and_links_that_lead_out_are_named(build: Any) -> None:
    await build.begin({"d/a": "0", "b": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    folder = build.write("a.1", {"d/e/f": "0"})
    for path, target in {
        "in": "d/a",
        "d/e/up": "../../b",
        "here": ".",
        "absolute": "/etc/passwd",
        "out": "../../../etc/passwd",
        "through": "here/../../etc/passwd",
        ".gitattributes": "b",
    }.items():
        (folder / path).symlink_to(target)
    os.mkfifo(folder / "pipe")
    commit = await build.worker("a.1").ok("git_commit", message="m")
    assert commit["changed"] == ["d/e/f", "d/e/up", "here", "in"]
    assert [(one["path"], one["reason"]) for one in commit["left_out"]] == [
        (".gitattributes", "symlink"),
        ("absolute", "symlink"),
        ("out", "symlink"),
        ("pipe", "special"),
        ("through", "symlink"),
    ]


async def test_names_that_would_forge_lines_are_left_out(build: Any) -> None:
    await build.begin({"a": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    folder = build.write("a.1", {"b": "x", "new\nline": "x", "esc\x1b[2J": "x"})
    (folder / os.fsdecode(b"\xff")).touch()
    commit = await build.worker("a.1").ok("git_commit", message="m")
    assert commit["changed"] == ["b"]
    assert [one["path"] for one in commit["left_out"]] == ["\\\\xff", "esc\\x1b[2J", "new\\nline"]


async def test_a_nested_repository_is_refused_by_name(build: Any) -> None:
    await build.begin({"x": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    for where in ("vendor/lib/.git", "a/.GIT", "a/.git ", "a/git~1", "a/.g\u200cit", ".git"):
        folder = build.write("a.1", {f"{where}/config": "[core]\n", "b": "x"})
        place = where.rpartition("/")[0] or "."
        assert f"{place!r} (repository)" in await build.worker("a.1").refused("git_commit", message="m")
        status = await build.worker("a.1").ok("git_status")
        assert {"path": place, "reason": "repository"} in status["left_out"]
        shutil.rmtree(folder / where)


async def test_a_bare_repository_in_the_tree_is_refused_too(build: Any) -> None:
    await build.begin({"x": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    build.write("a.1", {"emb/HEAD": "ref: refs/heads/main\n", "emb/objects/a": "", "emb/refs/a": ""})
    assert "'emb' (repository)" in await build.worker("a.1").refused("git_commit", message="m")


async def test_a_repository_that_is_ignored_is_no_problem(build: Any) -> None:
    await build.begin({"x": "0", ".gitignore": "vendor/\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    build.write("a.1", {"vendor/lib/.git/config": "[core]\n", "b": "x"})
    assert (await build.worker("a.1").ok("git_commit", message="m"))["changed"] == ["b"]


async def test_a_huge_file_is_refused_by_name(build: Any, make_huge: Callable[[Path], None]) -> None:
    await build.begin({"x": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    make_huge(build.folder / "trees/a.1/big.bin")
    assert "'big.bin' (too_large)" in await build.worker("a.1").refused("git_commit", message="m")


async def test_folders_nested_without_end_are_refused_and_can_be_removed(build: Any) -> None:
    await build.begin({"x": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    here = os.open(build.folder / "trees/a.1", os.O_RDONLY)
    for _ in range(1200):  # deeper than Python recurses
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    assert "(depth)" in await build.worker("a.1").refused("git_commit", message="m")
    removed = await build.worker("a.1").ok("worktree_remove")
    assert removed["archived"] == ""
    assert not (build.folder / "trees/a.1").exists()
    assert not list((build.folder / "scratch/git").iterdir())


async def test_a_tree_too_large_to_record_can_be_removed(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await build.begin({"x": "0"})
    await build.orchestrator.ok("worktree_create", workspace="b1/a.1")
    build.write("a.1", {f"many/{number}": "" for number in range(20)})
    monkeypatch.setattr(walk, "NAMES_LIMIT", 10)
    assert "`.gitignore`" in await build.worker("a.1").refused("git_commit", message="m")
    removed = await build.worker("a.1").ok("worktree_remove")
    assert removed["left_out"] == [{"path": ".", "reason": "too_large"}]
    assert not (build.folder / "trees/a.1").exists()


async def test_a_message_that_says_nothing_or_too_much_is_refused(user: Any, alone: Any) -> None:
    alone.write({"b": "x"})
    for message in ("", "  \n ", "a\x00b", "x" * 20_000, "a\x1b[2J"):
        assert "commit message" in await user.refused("git_commit", message=message)


async def test_a_trailer_is_one_line_with_key_and_value(user: Any, alone: Any) -> None:
    alone.write({"b": "x"})
    for trailer in ("no colon", "Key:", "-x: y", "Key: a\nOther: b", " Key: a", "Ke y: a"):
        assert "trailer" in await user.refused("git_commit", message="m", trailers=[trailer])


async def test_a_commit_in_ones_own_repository_leaves_it_as_git_would(user: Any, alone: Any) -> None:
    alone.write({"f.txt": "changed\n", "new.txt": "x\n"})
    alone.git("add", "f.txt")
    commit = await user.ok("git_commit", message="three")
    assert commit["ref"] == "refs/heads/main"
    assert alone.git("status", "--porcelain") == ""
    assert alone.git("log", "--format=%s").split() == ["three", "two", "one"]
    assert alone.git("fsck", "--strict") == ""


async def test_a_branch_can_be_named_in_ones_own_repository(user: Any, alone: Any) -> None:
    alone.write({"new.txt": "x\n"})
    commit = await user.ok("git_commit", message="aside", ref="refs/heads/aside")
    assert alone.git("rev-parse", "aside") == commit["id"]
    assert alone.git("status", "--porcelain") == "?? new.txt"


async def test_a_merge_that_somebody_began_is_not_buried(user: Any, alone: Any) -> None:
    (alone.root / ".git" / "MERGE_HEAD").write_text(alone.git("rev-parse", "HEAD") + "\n", encoding="utf-8")
    alone.write({"new.txt": "x\n"})
    assert "merge" in await user.refused("git_commit", message="m")


async def test_submodules_of_ones_own_repository_stay_as_they_are(user: Any, alone: Any) -> None:
    alone.git("update-index", "--add", "--cacheinfo", f"160000,{alone.git('rev-parse', 'HEAD')},sub")
    alone.git("commit", "-qm", "sub")
    alone.write({"sub/.git": "gitdir: /nowhere\n", "sub/a": "x", "b": "x"})
    commit = await user.ok("git_commit", message="m")
    assert commit["changed"] == ["b"]
    assert commit["left_out"] == []
    assert "160000 commit" in alone.git("ls-tree", "HEAD", "sub")


async def test_files_of_a_filter_are_left_as_they_were(user: Any, alone: Any) -> None:
    alone.write({".gitattributes": "*.bin filter=lfs -text\n", "a.bin": "pointer\n"})
    alone.commit_all("pointer")
    alone.write({"a.bin": "the real content\n", "b.bin": "new\n", "c": "x"})
    commit = await user.ok("git_commit", message="m")
    assert commit["changed"] == ["c"]
    assert [(one["path"], one["reason"]) for one in commit["left_out"]] == [
        ("a.bin", "filter"),
        ("b.bin", "filter"),
    ]
    assert alone.git("show", "HEAD:a.bin") == "pointer"


async def test_the_users_name_is_on_the_commits(alone: Any, connect: Callable[..., Any]) -> None:
    names = {"CODEGOD_GIT_NAME": "Ann\n <Other>", "CODEGOD_GIT_EMAIL": "ann@example.org"}
    settings = ServerSettings(alone.root, alone.top, environment={"PATH": os.environ["PATH"], **names})
    alone.write({"b": "x"})
    async with Client(build_server(settings)) as client:
        await connect(client).ok("git_commit", message="m")
    assert alone.git("log", "-1", "--format=%an|%ae|%cn") == "Ann Other|ann@example.org|Ann Other"


async def test_notes_are_added_to_and_seen_by_git(user: Any, alone: Any) -> None:
    await user.ok("git_note", revision="HEAD", text="First")
    for _ in range(2):
        noted = await user.ok("git_note", revision="main", text="Second \x1b[31mred")
        assert noted == {"id": alone.git("rev-parse", "HEAD"), "text": "First\n\nSecond ␛[31mred"}
    assert alone.git("notes", "show") == "First\n\nSecond ␛[31mred"
    for text in ("", " \n", "x" * 70_000):
        assert "note" in await user.refused("git_note", revision="main", text=text)
    many = "\n".join(f"tests/test_a.py::test_{number}" for number in range(1800))
    assert (await user.ok("git_note", revision="HEAD~1", text=many))["text"] == many[:24_000]
    assert alone.git("notes", "show", "HEAD~1") == many


async def test_a_repository_is_made_in_an_empty_folder(state_dir: Any, connect: Callable[..., Any]) -> None:
    (state_dir / "a.py").write_text("x\n", encoding="utf-8")
    settings = ServerSettings(state_dir, state_dir, environment={"PATH": os.environ["PATH"]})
    async with Client(build_server(settings)) as client:
        user = connect(client)
        assert "`git_init`" in await user.refused("git_status")
        assert (await user.ok("git_init"))["created"] is True
        assert (await user.ok("git_status"))["changes"] == [{"path": "a.py", "status": "added"}]
        assert (await user.ok("git_commit", message="one"))["parent"] == ""
        assert (await user.ok("git_status"))["clean"] is True
        assert (await user.ok("git_init"))["created"] is False


async def test_without_git_the_caller_is_told_what_to_install(
    state_dir: Any, connect: Callable[..., Any]
) -> None:
    settings = ServerSettings(state_dir, state_dir, environment={"PATH": str(state_dir)})
    async with Client(build_server(settings)) as client:
        assert "Install git 2.34" in await connect(client).refused("git_init")


async def test_an_old_git_is_refused(state_dir: Any, connect: Callable[..., Any]) -> None:
    old = state_dir / "git"
    old.write_text("#!/bin/sh\necho git version 2.25.1\n", encoding="utf-8")
    old.chmod(0o755)
    settings = ServerSettings(state_dir, state_dir, environment={"PATH": str(state_dir)})
    async with Client(build_server(settings)) as client:
        assert "2.25.1" in await connect(client).refused("git_init")


async def test_a_sparse_checkout_is_not_taken_for_a_deletion(user: Any, alone: Any) -> None:
    alone.write({"kept/a": "x", "hidden/b": "x"})
    alone.commit_all("three")
    alone.git("sparse-checkout", "set", "kept")
    assert not (alone.root / "hidden").exists()
    for tool, arguments in (("git_status", {}), ("git_commit", {"message": "m"})):
        assert "sparse" in await user.refused(tool, **arguments)


async def test_a_repository_that_names_objects_by_sha256_is_served_alike(
    state_dir: Path, connect: Callable[..., Any], run_git: Callable[..., str]
) -> None:
    root = state_dir / "r"
    root.mkdir()
    run_git(root, "init", "-q", "-b", "main", "--object-format=sha256")
    (root / "a").write_text("x\n", encoding="utf-8")
    settings = ServerSettings(root, state_dir, environment={"PATH": os.environ["PATH"]})
    place = str(state_dir / "delivered")
    async with Client(build_server(settings, allow_deliver=place)) as client:
        user = connect(client)
        commit = await user.ok("git_commit", message="one")
        assert len(commit["id"]) == 64
        assert "+x" in (await user.ok("git_show"))["text"]
        (root / "a").write_text("y\n", encoding="utf-8")
        assert "-x\n+y" in (await user.ok("git_diff"))["text"]
        await user.ok("repo_deliver", destination=place)
    assert run_git(root, "fsck", "--strict") == ""
    assert run_git(Path(place), "fsck", "--strict") == ""


async def test_a_root_may_be_a_link_and_a_path_may_have_colons(
    alone: Any, connect: Callable[..., Any]
) -> None:
    moved = alone.top / 'a:b "c"'
    alone.root.rename(moved)
    alone.root.symlink_to(moved)
    (moved / "new").write_text("x\n", encoding="utf-8")
    settings = ServerSettings(alone.root, alone.top, environment={"PATH": os.environ["PATH"]})
    async with Client(build_server(settings)) as client:
        assert "+x" in (await connect(client).ok("git_diff"))["text"]
        await connect(client).ok("git_commit", message="three")
