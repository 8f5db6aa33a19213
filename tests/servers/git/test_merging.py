"""The merge queue: what a candidate holds, who lands, what a crash leaves."""

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client

from codegod_git import build_server
from codegod_git.repository import Repository
from codegod_kit import META_KEY, Grant, GrantIssuer, GrantVerifier, ServerSettings

# A sweep of processes and attacks: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

MAIN = "refs/heads/main"
CONTRACT = "refs/codegod/contract"


async def propose(build: Any, attempt: str, paths: list[str], **more: Any) -> dict[str, Any]:
    task, _, number = attempt.rpartition(".")
    source = f"refs/codegod/attempts/{task}/{number}"
    proposed: dict[str, Any] = await build.orchestrator.ok(
        "merge_propose", source=source, paths=paths, **more
    )
    return proposed


async def land(build: Any, candidate: dict[str, Any], task: str = "t") -> dict[str, Any]:
    landed: dict[str, Any] = await build.orchestrator.ok(
        "merge_land",
        candidate=candidate["candidate"],
        expected_head=candidate["head"],
        message=f"Add {task}",
        trailers=[f"Task-Id: {task}", "Build-Id: b1"],
    )
    return landed


async def test_a_candidate_is_the_target_with_the_owned_files_of_the_source(build: Any) -> None:
    head = await build.begin({"app.py": "0\n", "other.py": "0\n", "old.py": "0\n"})
    await build.attempt(
        "t.1", {"app.py": "1\n", "other.py": "meddled\n", "stray.py": "x\n", "pkg/new.py": "n\n"}
    )
    candidate = await propose(build, "t.1", ["app.py", "pkg"])
    assert candidate["head"] == head
    assert candidate["changed"] == ["app.py", "pkg/new.py"]
    assert candidate["foreign"] == ["other.py", "stray.py"]
    assert candidate["conflicts"] == []
    tree = build.root / "b1" / "trees" / candidate["workspace"].removeprefix("b1/")
    assert (tree / "app.py").read_text(encoding="utf-8") == "1\n"
    assert (tree / "other.py").read_text(encoding="utf-8") == "0\n"
    assert not (tree / "stray.py").exists()
    assert build.git("rev-parse", MAIN) == head


async def test_an_overlay_wins_and_what_was_copied_from_it_is_not_foreign(build: Any) -> None:
    await build.begin({"app.py": "0\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/contract")
    build.write("contract", {"tests/test_t.py": "contract\n", "tests/test_u.py": "other task\n"})
    await build.orchestrator.ok("git_commit", workspace="b1/contract", message="Contract", ref=CONTRACT)
    await build.attempt("t.1", {"app.py": "1\n", "tests/test_t.py": "contract\n"})
    await build.attempt("t.2", {"app.py": "1\n", "tests/test_t.py": "weakened\n"})
    overlay = {"overlay": CONTRACT, "overlay_paths": ["tests/test_t.py"]}
    honest = await propose(build, "t.1", ["app.py"], **overlay)
    tampered = await propose(build, "t.2", ["app.py"], **overlay)
    assert (honest["foreign"], tampered["foreign"]) == ([], ["tests/test_t.py"])
    assert honest["tree"] == tampered["tree"]
    assert honest["changed"] == ["app.py", "tests/test_t.py"]
    assert build.git("show", f"{tampered['tree']}:tests/test_t.py") == "contract"
    refusal = await build.orchestrator.refused(
        "merge_propose",
        source="refs/codegod/attempts/t/1",
        paths=["app.py"],
        overlay=CONTRACT,
        overlay_paths=["none"],
    )
    assert "'none'" in refusal


async def test_a_file_that_the_source_deleted_is_deleted(build: Any) -> None:
    await build.begin({"app.py": "0\n", "old/a.py": "0\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    (build.folder / "trees/t.1/old/a.py").unlink()
    await build.worker("t.1").ok("git_commit", message="m")
    candidate = await propose(build, "t.1", ["old"])
    landed = await land(build, candidate)
    assert landed["changed"] == ["old/a.py"]
    assert build.git("ls-tree", "-r", "--name-only", MAIN) == "app.py"


async def test_landing_makes_one_commit_with_trailers_and_removes_the_tree(build: Any) -> None:
    head = await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    candidate = await propose(build, "t.1", ["app.py"])
    landed = await land(build, candidate)
    assert (landed["parent"], landed["tree"], landed["ref"]) == (head, candidate["tree"], MAIN)
    assert build.git("rev-parse", MAIN) == landed["id"]
    assert build.git("rev-list", "--count", "--parents", MAIN) == "2"
    assert build.git("log", "-1", "--format=%(trailers:only)", MAIN) == "Task-Id: t\nBuild-Id: b1"
    assert not (build.root / "b1/trees" / candidate["workspace"].removeprefix("b1/")).exists()
    status = await build.orchestrator.ok("merge_status")
    assert (status["candidates"], status["landed"]) == ([], 1)
    assert build.git("rev-parse", "refs/codegod/attempts/t/1")


async def test_landing_again_gives_the_same_commit_and_changes_nothing(build: Any) -> None:
    await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    candidate = await propose(build, "t.1", ["app.py"])
    assert await land(build, candidate) == await land(build, candidate)
    assert build.git("rev-list", "--count", MAIN) == "2"


async def test_a_landing_is_found_by_its_trailer(build: Any) -> None:
    await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    landed = await land(build, await propose(build, "t.1", ["app.py"]), "storage")
    found = await build.orchestrator.ok("git_log", trailer="Task-Id: storage")
    assert [one["id"] for one in found["commits"]] == [landed["id"]]
    assert (await build.orchestrator.ok("git_log", trailer="Task-Id: other"))["commits"] == []


async def test_what_both_sides_changed_is_a_conflict_and_does_not_land(build: Any) -> None:
    await build.begin({"app.py": "0\n", "same.py": "0\n", "b.py": "0\n"})
    await build.attempt("t.1", {"app.py": "first\n", "same.py": "agreed\n"})
    await build.attempt("u.1", {"app.py": "second\n", "same.py": "agreed\n", "b.py": "1\n"})
    first = await land(build, await propose(build, "t.1", ["app.py", "same.py"]))
    candidate = await propose(build, "u.1", ["."])
    assert candidate["conflicts"] == ["app.py"]
    refusal = await build.orchestrator.refused(
        "merge_land", candidate=candidate["candidate"], expected_head=candidate["head"], message="m"
    )
    assert "'app.py'" in refusal and "`worktree_create`" in refusal
    assert build.git("rev-parse", MAIN) == first["id"]


async def test_what_only_the_target_changed_is_kept(build: Any) -> None:
    await build.begin({"app.py": "0\n", "b.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    await build.attempt("u.1", {"b.py": "1\n"})
    await land(build, await propose(build, "t.1", ["app.py"]))
    candidate = await propose(build, "u.1", ["app.py", "b.py"])
    assert (candidate["changed"], candidate["conflicts"]) == (["b.py"], [])
    await land(build, candidate, "u")
    assert build.git("show", f"{MAIN}:app.py") == "1"


async def test_of_two_candidates_for_one_head_one_lands(build: Any) -> None:
    await build.begin({"a.py": "0\n", "b.py": "0\n"})
    await build.attempt("t.1", {"a.py": "1\n"})
    await build.attempt("u.1", {"b.py": "1\n"})
    first, second = await propose(build, "t.1", ["a.py"]), await propose(build, "u.1", ["b.py"])
    landed = await land(build, first)
    for head in (second["head"], landed["id"]):
        refusal = await build.orchestrator.refused(
            "merge_land", candidate=second["candidate"], expected_head=head, message="m"
        )
        assert landed["id"] in refusal
    status = await build.orchestrator.ok("merge_status")
    assert [one["current"] for one in status["candidates"]] == [False]
    again = await propose(build, "u.1", ["b.py"])
    await land(build, again, "u")
    assert build.git("ls-tree", "-r", MAIN).count("\n") == 1


async def test_two_servers_that_land_at_once_agree_on_one(build: Any, connect: Callable[..., Any]) -> None:
    """Two processes' worth: each server has its own locks and meets the other only in the repository."""
    await build.begin({"a.py": "0\n", "b.py": "0\n"})
    candidates = []
    for attempt, path in (("t.1", "a.py"), ("u.1", "b.py")):
        await build.attempt(attempt, {path: "1\n"})
        candidates.append(await propose(build, attempt, [path]))
    settings = ServerSettings(
        build.root,
        build.root.parent,
        GrantVerifier(build.issuer.public_key),
        environment={"PATH": os.environ["PATH"]},
    )
    grant = Grant(
        build="b1", task="", attempt="x", tools=("git.*",), workspace="b1/*", deadline=time.time() + 60
    )
    meta = {META_KEY: build.issuer.issue(grant)}
    outcomes: list[bool] = []

    async def race(client: Client, candidate: dict[str, Any]) -> None:
        result = await connect(client, meta).result(
            "merge_land",
            candidate=candidate["candidate"],
            expected_head=candidate["head"],
            message="m",
            workspace="b1/main",
        )
        outcomes.append(result.is_error)

    with anyio.fail_after(30):
        async with (
            Client(build_server(settings)) as one,
            Client(build_server(settings)) as two,
            anyio.create_task_group() as group,
        ):
            group.start_soon(race, one, candidates[0])
            group.start_soon(race, two, candidates[1])
    assert sorted(outcomes) == [False, True]
    assert build.git("rev-list", "--count", MAIN) == "2"


async def test_a_branch_that_somebody_moves_at_the_last_moment_stays_where_they_put_it(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody without our lock: only the swap in git itself can notice."""
    await build.begin({"app.py": "0\n"})
    attempt = await build.attempt("t.1", {"app.py": "1\n"})
    candidate = await propose(build, "t.1", ["app.py"])
    real = Repository.make_commit

    async def slow(self: Repository, *arguments: Any) -> str:
        build.git("update-ref", MAIN, attempt["id"])
        return await real(self, *arguments)

    monkeypatch.setattr(Repository, "make_commit", slow)
    refusal = await build.orchestrator.refused(
        "merge_land", candidate=candidate["candidate"], expected_head=candidate["head"], message="m"
    )
    assert attempt["id"] in refusal
    assert build.git("rev-parse", MAIN) == attempt["id"]


CRASH = """
    import anyio, os, signal, sys
    from pathlib import Path
    from mcp import Client
    from codegod_git import build_server, {module} as module
    from codegod_kit import GrantVerifier, META_KEY, ServerSettings

    async def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    module.{function} = die
    root, key, token, candidate, head = sys.argv[1:]
    settings = ServerSettings(Path(root), Path(root), GrantVerifier(bytes.fromhex(key)), {{"PATH": os.environ["PATH"]}})

    async def main():
        async with Client(build_server(settings)) as client:
            arguments = {{"candidate": candidate, "expected_head": head, "message": "m", "workspace": "b1/main",
                          "trailers": ["Task-Id: t"]}}
            await client.call_tool("merge_land", arguments, meta={{META_KEY: token}})

    anyio.run(main)
"""


@pytest.mark.parametrize(
    ("module", "function", "commits"),
    [
        ("merging", "discard", 2),
        ("queue.Repository", "move", 1),
        pytest.param("merging", "commit_report", 2, marks=pytest.mark.long),
    ],
)
async def test_a_landing_survives_the_death_of_the_server(
    build: Any, module: str, function: str, commits: int
) -> None:
    """The server is killed before the refs move, or after, before it has answered: the caller just asks again."""
    await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    candidate = await propose(build, "t.1", ["app.py"])
    program = textwrap.dedent(CRASH)
    if "." in module:
        program = program.replace("from codegod_git import build_server, {module} as module", "")
        program = (
            "from codegod_git import build_server\nfrom codegod_git.queue import Repository as module\n"
            + program
        )
    token = build.issuer.issue(
        Grant(build="b1", task="", attempt="x", tools=("git.*",), workspace="b1/*", deadline=time.time() + 60)
    )
    key = build.issuer.public_key.hex()
    arguments = [str(build.root), key, token, candidate["candidate"], candidate["head"]]
    source = program.format(module=module, function=function)
    done = await anyio.run_process([sys.executable, "-c", source, *arguments], check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert build.git("rev-list", "--count", MAIN) == str(commits)
    found = (await build.orchestrator.ok("git_log", trailer="Task-Id: t"))["commits"]
    landed = await land(build, candidate)
    assert [one["id"] for one in found] == [landed["id"]] * (commits - 1)
    assert build.git("rev-list", "--count", MAIN) == "2"
    assert not (build.root / "b1/trees" / candidate["workspace"].removeprefix("b1/")).exists()


async def test_a_dropped_candidate_is_archived_with_the_reason(build: Any) -> None:
    head = await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    candidate = await propose(build, "t.1", ["app.py"])
    dropped = await build.orchestrator.ok(
        "merge_drop", candidate=candidate["candidate"], reason="test_a fails"
    )
    assert build.git("rev-parse", dropped["archived"]) == candidate["candidate"]
    assert build.git("notes", "show", candidate["candidate"]) == "test_a fails"
    assert not (build.root / "b1/trees" / candidate["workspace"].removeprefix("b1/")).exists()
    again = await build.orchestrator.ok("merge_drop", candidate=candidate["candidate"], reason="again")
    assert again == dropped
    refusal = await build.orchestrator.refused(
        "merge_land", candidate=candidate["candidate"], expected_head=head, message="m"
    )
    assert "was dropped" in refusal
    assert build.git("rev-parse", MAIN) == head


async def test_what_landed_cannot_be_dropped(build: Any) -> None:
    await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    candidate = await propose(build, "t.1", ["app.py"])
    landed = await land(build, candidate)
    refusal = await build.orchestrator.refused("merge_drop", candidate=candidate["candidate"], reason="r")
    assert landed["id"] in refusal


async def test_a_candidate_is_the_whole_id_of_a_proposal(build: Any) -> None:
    head = await build.begin({"app.py": "0\n"})
    for candidate in ("main", "--all", "0" * 40, "../x", "a" * 39, "A" * 40):
        await build.orchestrator.refused("merge_drop", candidate=candidate, reason="r")
        await build.orchestrator.refused("merge_land", candidate=candidate, expected_head=head, message="m")


async def test_a_commit_that_is_no_proposal_cannot_land(build: Any) -> None:
    head = await build.begin({"app.py": "0\n"})
    attempt = await build.attempt("t.1", {"app.py": "1\n"})
    refusal = await build.orchestrator.refused(
        "merge_land", candidate=attempt["id"], expected_head=head, message="m"
    )
    assert "`merge_status`" in refusal


async def test_a_proposal_without_a_change_is_refused(build: Any) -> None:
    await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    refusal = await build.orchestrator.refused(
        "merge_propose", source="refs/codegod/attempts/t/1", paths=["other.py"]
    )
    assert "changes nothing" in refusal
    assert build.git("for-each-ref", "refs/codegod/candidates") == ""


async def test_a_file_cannot_lie_under_a_file(build: Any) -> None:
    await build.begin({"lib": "0\n"})
    await build.orchestrator.ok("worktree_create", workspace="b1/t.1")
    (build.folder / "trees/t.1/lib").unlink()
    build.write("t.1", {"lib/a.py": "x\n"})
    await build.worker("t.1").ok("git_commit", message="m")
    refusal = await build.orchestrator.refused(
        "merge_propose", source="refs/codegod/attempts/t/1", paths=["lib/a.py"]
    )
    assert "'lib'" in refusal
    assert (await propose(build, "t.1", ["lib"]))["changed"] == ["lib", "lib/a.py"]


async def test_a_target_is_an_existing_branch_and_paths_stay_in_the_tree(build: Any) -> None:
    await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    wish = {"source": "refs/codegod/attempts/t/1", "paths": ["."]}
    for target in ("refs/codegod/contract", "main", "refs/heads/none", "refs/heads/-x"):
        await build.orchestrator.refused("merge_propose", **{**wish, "target": target})
    for path in ("../x", "/etc", "", ".git/config"):
        refusal = await build.orchestrator.refused("merge_propose", **{**wish, "paths": [path]})
        assert "path inside the tree" in refusal
    assert build.git("for-each-ref", "refs/codegod/candidates") == ""


async def test_a_worker_cannot_reach_the_queue(build: Any) -> None:
    head = await build.begin({"app.py": "0\n"})
    await build.attempt("t.1", {"app.py": "1\n"})
    candidate = await propose(build, "t.1", ["app.py"])
    worker = build.worker("t.1")
    for tool, arguments in (
        ("merge_propose", {"source": "main", "paths": ["."]}),
        ("merge_land", {"candidate": candidate["candidate"], "expected_head": head, "message": "m"}),
        ("merge_drop", {"candidate": candidate["candidate"], "reason": "r"}),
        ("merge_status", {}),
    ):
        assert "`git_commit`" in await worker.refused(tool, **arguments)
    assert build.git("rev-parse", MAIN) == head


async def test_a_grant_names_the_tools(build: Any) -> None:
    await build.begin({"app.py": "0\n"})
    reader = build.caller(workspace="b1/*", task="", attempt="x", tools=("git.git_log", "git.git_show"))
    assert "not granted" in await reader.refused("merge_status")
    await reader.ok("git_log")


async def test_a_foreign_key_signs_nothing(build: Any, connect: Callable[..., Any]) -> None:
    await build.begin({"app.py": "0\n"})
    grant = Grant(build="b1", task="", attempt="x", tools=("*",), workspace="b1/*", deadline=time.time() + 60)
    forged = connect(build.client, {META_KEY: GrantIssuer.new().issue(grant)}, workspace="b1/main")
    assert "signature" in await forged.refused("git_log")
    assert "grant" in await connect(build.client, None, workspace="b1/main").refused("git_log")


async def test_the_queue_of_a_folder_of_ones_own_does_not_exist(user: Any) -> None:
    names = await user.tools()
    assert not [name for name in names if name.startswith(("merge_", "worktree_"))]
    assert "git_status" in names
