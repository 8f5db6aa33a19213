"""Declaring what a project needs."""

from pathlib import Path

import pytest

from .conftest import Tools

PYPROJECT = """# ours
[project]
name = "todo"
version = "1.0"
dependencies = ["starlette>=0.40"]  # web

[tool.x]
y = 1
"""


async def test_a_requirement_is_added_and_all_else_stays(tools: Tools, root: Path) -> None:
    (root / "pyproject.toml").write_text(PYPROJECT)
    added = await tools.data("project_add_dependency", requirement="httpx >= 0.28")
    assert added == {
        "path": "pyproject.toml",
        "requirement": "httpx>=0.28",
        "group": "",
        "changed": True,
        "replaced": "",
    }
    text = (root / "pyproject.toml").read_text()
    assert '"starlette>=0.40",\n    "httpx>=0.28",\n' in text
    assert text.startswith("# ours\n")
    assert text.endswith("[tool.x]\ny = 1\n")


async def test_asking_again_changes_nothing(tools: Tools, root: Path) -> None:
    (root / "pyproject.toml").write_text(PYPROJECT)
    for requirement in ("Starlette", "starlette>=0.40", "STARLETTE >=0.40"):
        assert not (await tools.data("project_add_dependency", requirement=requirement))["changed"]
    assert (root / "pyproject.toml").read_text() == PYPROJECT


async def test_another_version_takes_the_place_of_the_old(tools: Tools, root: Path) -> None:
    (root / "pyproject.toml").write_text(PYPROJECT)
    added = await tools.data("project_add_dependency", requirement="starlette[full]>=1")
    assert added["replaced"] == "starlette>=0.40"
    assert (root / "pyproject.toml").read_text().count("starlette") == 1


async def test_a_group_is_made_or_found(tools: Tools, root: Path) -> None:
    (root / "pyproject.toml").write_text(PYPROJECT)
    await tools.data("project_add_dependency", requirement="pytest", group="dev")
    assert '[dependency-groups]\ndev = [\n    "pytest",\n]' in (root / "pyproject.toml").read_text()
    (root / "pyproject.toml").write_text(PYPROJECT + "[project.optional-dependencies]\ntest = []\n")
    await tools.data("project_add_dependency", requirement="pytest", group="test")
    assert "dependency-groups" not in (root / "pyproject.toml").read_text()


async def test_a_requirements_file_is_used_where_there_is_no_project(tools: Tools, root: Path) -> None:
    (root / "requirements.txt").write_text("# web\n-r base.txt\nflask==3.0  # pinned\n")
    await tools.data("project_add_dependency", requirement="httpx>=0.28")
    await tools.data("project_add_dependency", requirement="Flask==3.1")
    assert (root / "requirements.txt").read_text() == "# web\n-r base.txt\nFlask==3.1\nhttpx>=0.28\n"
    assert "knows no group" in await tools.fault("project_add_dependency", requirement="x", group="dev")


@pytest.mark.parametrize(
    "requirement",
    [
        "",
        "--index-url=http://x",
        "x @ https://example.org/x.whl",
        "./local",
        "a b",
        "x;",
        "x\ny",
        "x" * 300,
        "x>=",
    ],
)
async def test_what_is_no_requirement_is_refused(tools: Tools, root: Path, requirement: str) -> None:
    (root / "pyproject.toml").write_text(PYPROJECT)
    assert "is no requirement" in await tools.fault("project_add_dependency", requirement=requirement)
    assert (root / "pyproject.toml").read_text() == PYPROJECT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[project", "is no TOML"),
        ('[project]\ndynamic = ["dependencies"]\n', "dynamic"),
        ('[project]\ndependencies = "x"\n', "not a list"),
        ('[project]\ndependencies = ["a b"]\n', "'a b' in it is no requirement"),
        ("[tool.poetry]\n", "no 'pyproject.toml' with a [project] table"),
        ("a = " + "[" * 5000, "is no TOML"),
    ],
)
async def test_a_manifest_that_cannot_take_it_is_named(
    tools: Tools, root: Path, text: str, said: str
) -> None:
    (root / "pyproject.toml").write_text(text)
    assert said in await tools.fault("project_add_dependency", requirement="httpx")
    assert (root / "pyproject.toml").read_text() == text


async def test_without_a_manifest_the_next_step_is_named(tools: Tools) -> None:
    assert "`file_write` first" in await tools.fault("project_add_dependency", requirement="httpx")
