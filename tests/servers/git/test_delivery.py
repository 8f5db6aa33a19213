"""Handing a repository over."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from codegod_git import build_server, delivery
from codegod_kit import ServerSettings


async def finished(build: Any) -> str:
    """A build with one accepted task, one that was not, and a dropped candidate; the head of main."""
    return str(await build.once("finished", lambda: finish(build)))


async def finish(build: Any) -> None:
    await build._begin({"app.py": "0\n", "run.sh": "#!/bin/sh\n", ".gitattributes": "*.txt eol=lf\n"})
    await build.attempt("t.1", {"app.py": "wrong\n"})
    await build.attempt("t.2", {"app.py": "right\n", "data/a.txt": "x\n"})
    source = "refs/codegod/attempts/t/{}"
    dropped = await build.orchestrator.ok("merge_propose", source=source.format(1), paths=["."])
    await build.orchestrator.ok("merge_drop", candidate=dropped["candidate"], reason="wrong")
    good = await build.orchestrator.ok("merge_propose", source=source.format(2), paths=["."])
    await build.orchestrator.ok(
        "merge_land",
        candidate=good["candidate"],
        expected_head=good["head"],
        message="Add t",
        trailers=["Task-Id: t"],
    )


def deliverer(build: Any, place: Path) -> Any:
    return build.caller(workspace="b1/*", task="", attempt="x", deliver=str(place))


async def test_a_delivered_repository_is_plain_whole_and_clean(
    build: Any, tmp_path: Path, names: Callable[[Path], list[str]], run_git: Callable[..., str]
) -> None:
    head = await finished(build)
    place = tmp_path / "todo"
    delivered = await deliverer(build, place).ok("repo_deliver", destination=str(place))
    assert delivered == {"path": str(place), "head": head, "commits": 2}
    assert run_git(place, "status", "--porcelain", "--branch") == "## main"
    assert run_git(place, "rev-parse", "--is-bare-repository", "HEAD").split() == ["false", head]
    assert (place / "app.py").read_text(encoding="utf-8") == "right\n"
    assert run_git(place, "remote") == ""
    assert run_git(place, "fsck", "--strict", "--full") == ""
    assert not (place / ".git/objects/info/alternates").exists()
    refs = run_git(place, "for-each-ref", "--format=%(refname)").split()
    assert [ref for ref in refs if "archive" not in ref] == [
        "refs/codegod/attempts/t/1",
        "refs/codegod/attempts/t/2",
        "refs/heads/main",
        "refs/notes/commits",
    ]
    assert any(ref.startswith("refs/codegod/archive/candidate-") for ref in refs)
    assert run_git(place, "show", "refs/codegod/attempts/t/1:app.py") == "wrong"
    config = (place / ".git/config").read_text(encoding="utf-8")
    assert str(build.root) not in config and "worktree" not in config
    assert names(tmp_path) == ["todo"]


async def test_a_delivered_repository_lives_without_the_build(
    build: Any, tmp_path: Path, run_git: Callable[..., str]
) -> None:
    await finished(build)
    place = tmp_path / "todo"
    await deliverer(build, place).ok("repo_deliver", destination=str(place))
    build.folder.rename(build.folder.with_name("gone"))
    (place / "app.py").write_text("mine\n", encoding="utf-8")
    run_git(place, "commit", "-qam", "mine")
    run_git(tmp_path, "clone", "-q", str(place), "copy")
    assert (tmp_path / "copy/app.py").read_text(encoding="utf-8") == "mine\n"


async def test_who_asks_again_for_what_was_handed_over_gets_the_same_answer(
    build: Any, tmp_path: Path
) -> None:
    await finished(build)
    out = tmp_path / "out"
    first = await deliverer(build, out).ok("repo_deliver", destination=str(out))
    (out / "app.py").write_text("the user's own change", encoding="utf-8")
    assert await deliverer(build, out).ok("repo_deliver", destination=str(out)) == first
    assert (out / "app.py").read_text("utf-8") == "the user's own change"


async def test_an_empty_folder_is_filled_and_a_full_one_is_left_alone(
    build: Any, tmp_path: Path, names: Callable[[Path], list[str]]
) -> None:
    await finished(build)
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    (full / "precious").touch()
    await deliverer(build, empty).ok("repo_deliver", destination=str(empty))
    assert (empty / "app.py").exists()
    assert "not an empty folder" in await deliverer(build, full).refused(
        "repo_deliver", destination=str(full)
    )
    assert names(full) == ["precious"]
    assert names(tmp_path) == ["empty", "full"]


async def test_only_the_granted_folder_is_made(
    build: Any, tmp_path: Path, names: Callable[[Path], list[str]]
) -> None:
    await finished(build)
    granted = tmp_path / "granted"
    (tmp_path / "link").symlink_to(tmp_path)
    for other in (
        str(tmp_path / "other"),
        f"{granted}/..",
        f"{tmp_path}/link/granted",
        "granted",
        "",
        f"{granted}\0",
        str(granted / "below"),
    ):
        await deliverer(build, granted).refused("repo_deliver", destination=other)
    assert "may deliver to" in await build.orchestrator.refused("repo_deliver", destination=str(granted))
    assert names(tmp_path) == ["link"]


@pytest.mark.parametrize("kind", ["file", "link to nothing", "link to a folder"])
async def test_what_is_no_folder_is_not_replaced(build: Any, tmp_path: Path, kind: str) -> None:
    await finished(build)
    place, target = tmp_path / "todo", tmp_path / "target"
    if kind == "file":
        place.touch()
    else:
        place.symlink_to(target)
    if kind.endswith("folder"):
        target.mkdir()
    assert "not an empty folder" in await deliverer(build, place).refused(
        "repo_deliver", destination=str(place)
    )
    assert not target.exists() or not list(target.iterdir())


async def test_a_missing_parent_and_the_builds_own_folder_are_refused(build: Any, tmp_path: Path) -> None:
    await finished(build)
    for place in (tmp_path / "none" / "todo", build.folder / "trees" / "x", build.root.parent):
        await deliverer(build, place).refused("repo_deliver", destination=str(place))
    assert not (build.folder / "trees" / "x").exists()


async def test_a_delivery_that_fails_leaves_nothing_behind(
    build: Any, tmp_path: Path, names: Callable[[Path], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await finished(build)
    place = tmp_path / "todo"

    real = delivery._put

    def taken(building: Path, wanted: Path) -> None:
        place.mkdir()
        (place / "somebody").touch()
        real(building, wanted)

    monkeypatch.setattr(delivery, "_put", taken)
    assert "not an empty folder" in await deliverer(build, place).refused(
        "repo_deliver", destination=str(place)
    )
    assert names(tmp_path) == ["todo"]
    assert names(place) == ["somebody"]


async def test_what_a_crash_left_beside_the_folder_goes_with_the_next_try(
    build: Any, tmp_path: Path, names: Callable[[Path], list[str]]
) -> None:
    await finished(build)
    place = tmp_path / "todo"
    (tmp_path / ".todo.codegod-b1" / "src").mkdir(parents=True)
    await deliverer(build, place).ok("repo_deliver", destination=str(place))
    assert names(tmp_path) == ["todo"]


async def test_a_folder_of_ones_own_is_delivered_where_the_command_line_allows(
    user: Any, alone: Any, run_git: Callable[..., str]
) -> None:
    place = alone.top / "delivered"
    assert "may deliver to" in await user.refused("repo_deliver", destination=str(alone.top / "other"))
    delivered = await user.ok("repo_deliver", destination=str(place))
    assert delivered["commits"] == 2
    assert run_git(place, "status", "--porcelain") == ""


async def test_without_allowance_nothing_is_delivered(alone: Any, connect: Callable[..., Any]) -> None:
    settings = ServerSettings(alone.root, alone.top, environment={"PATH": os.environ["PATH"]})
    async with Client(build_server(settings)) as client:
        place = str(alone.top / "delivered")
        assert "may deliver to" in await connect(client).refused("repo_deliver", destination=place)


async def test_a_shallow_history_is_delivered_as_such(
    alone: Any, connect: Callable[..., Any], run_git: Callable[..., str]
) -> None:
    shallow, place = alone.top / "shallow", alone.top / "delivered"
    run_git(alone.top, "clone", "-q", "--depth=1", f"file://{alone.root}", str(shallow))
    settings = ServerSettings(shallow, alone.top, environment={"PATH": os.environ["PATH"]})
    async with Client(build_server(settings, allow_deliver=str(place))) as client:
        assert (await connect(client).ok("repo_deliver", destination=str(place)))["commits"] == 1
    assert run_git(place, "fsck", "--strict") == ""
    assert run_git(place, "log", "--format=%s") == "two"
