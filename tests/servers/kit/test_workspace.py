"""Handles, folders and write globs."""

from pathlib import Path
from typing import Any

import pytest

from codegod_kit import (
    Grant,
    GrantIssuer,
    GrantVerifier,
    Handle,
    MissingGrant,
    ServerSettings,
    Workspaces,
    require_write,
)
from codegod_kit.grant import holding
from codegod_kit.workspace import (
    BadHandle,
    StandaloneWorkspace,
    WorkspaceMissing,
    WorkspaceNotGranted,
    WriteNotGranted,
)


def granted(workspace: str = "", **more: Any) -> Grant:
    return Grant(build="b1", task="t", attempt="t.1", tools=("*",), deadline=9e9, workspace=workspace, **more)


@pytest.fixture
def workspaces(tmp_path: Path) -> Workspaces:
    (tmp_path / "b1" / "trees" / "t.1").mkdir(parents=True)
    (tmp_path / "b1" / "trees" / "t.2").mkdir()
    (tmp_path / "b1" / "trees" / "file").write_text("", encoding="utf-8")
    (tmp_path / "b1" / "trees" / "link").symlink_to(tmp_path)
    return Workspaces(ServerSettings(tmp_path, tmp_path, GrantVerifier(GrantIssuer.new().public_key)))


@pytest.mark.parametrize(
    "text",
    ["", "b1", "b1/", "/t", "b1/t/x", "B1/t", "../t", "b1/..", "b1/.t", "b1/t\n", "b1/" + "t" * 65, "b1\\t"],
)
def test_what_is_no_handle_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadHandle, match="`<build>/<tree>`") as caught:
        Handle.parse(text)
    assert caught.value.handle == text


def test_a_granted_workspace_is_its_tree(workspaces: Workspaces, tmp_path: Path) -> None:
    with holding(granted("b1/t.1")):
        assert workspaces.path("b1/t.1") == tmp_path / "b1" / "trees" / "t.1"
        assert workspaces.path("") == tmp_path / "b1" / "trees" / "t.1"
        assert workspaces.build_folder("b1/t.1") == tmp_path / "b1"


def test_another_tree_is_refused_with_the_own_one(workspaces: Workspaces) -> None:
    with holding(granted("b1/t.1")), pytest.raises(WorkspaceNotGranted, match=r"Use 'b1/t\.1'"):
        workspaces.path("b1/t.2")


def test_a_star_is_every_tree_of_its_build_and_none_of_another(workspaces: Workspaces) -> None:
    with holding(granted("b1/*")):
        assert workspaces.path("b1/t.2").name == "t.2"
        with pytest.raises(WorkspaceNotGranted):
            workspaces.path("b2/t.2")
        with pytest.raises(BadHandle):
            workspaces.path("")


def test_a_grant_without_a_workspace_has_none(workspaces: Workspaces) -> None:
    with holding(granted()), pytest.raises(WorkspaceNotGranted, match="no workspace"):
        workspaces.path("b1/t.1")


def test_without_a_grant_there_is_no_workspace(workspaces: Workspaces) -> None:
    with pytest.raises(MissingGrant):
        workspaces.path("b1/t.1")


@pytest.mark.parametrize("tree", ["nothing", "file", "link"])
def test_a_workspace_that_is_not_there_names_the_tool_that_makes_it(
    workspaces: Workspaces, tree: str
) -> None:
    with holding(granted(f"b1/{tree}")), pytest.raises(WorkspaceMissing, match="`worktree_create`"):
        workspaces.path(f"b1/{tree}")


def test_the_place_of_a_workspace_need_not_exist(workspaces: Workspaces, tmp_path: Path) -> None:
    with holding(granted("b9/new")):
        assert workspaces.place("b9/new") == tmp_path / "b9" / "trees" / "new"


def test_standalone_serves_one_folder(tmp_path: Path) -> None:
    workspaces = Workspaces(ServerSettings(tmp_path, tmp_path))
    assert workspaces.path("") == workspaces.build_folder("") == tmp_path
    for ask in (workspaces.path, workspaces.place, workspaces.build_folder):
        with pytest.raises(StandaloneWorkspace, match="'b1/t'"):
            ask("b1/t")


def test_standalone_says_when_its_folder_has_gone(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceMissing):
        Workspaces(ServerSettings(tmp_path / "gone", tmp_path)).path("")


@pytest.mark.parametrize(
    ("patterns", "path", "allowed"),
    [
        (("**",), "a/b/c.py", True),
        (("src/**",), "src/a/b.py", True),
        (("src/**",), "./src//a.py", True),
        (("src/**",), "srcs/a.py", False),
        (("src/*.py",), "src/a.py", True),
        (("src/*.py",), "src/a/b.py", False),
        (("**/test_?.py",), "test_a.py", True),
        (("**/test_?.py",), "x/y/test_a.py", True),
        (("a.py",), "axpy", False),
        (("a[1].py",), "a1.py", False),
        (("src/a.py",), "src/a.py\n", False),
        (("**",), "../a.py", False),
        (("**",), "src/../../a.py", False),
        (("**",), "/etc/passwd", False),
        (("src/**",), "src\\..\\a.py", False),
        (("tests/**",), "tests\\x.py", False),
        (("**",), "", True),
        ((), "a.py", False),
    ],
)
def test_write_globs(patterns: tuple[str, ...], path: str, allowed: bool) -> None:
    with holding(granted(write=patterns)):
        if allowed:
            require_write(path)
        else:
            with pytest.raises(WriteNotGranted, match="may not change"):
                require_write(path)


def test_without_a_grant_every_path_may_be_written() -> None:
    require_write("anything")
