"""Which packages a manifest asks for."""

from pathlib import Path

import pytest

from codegod_kit.faults import ToolFault
from codegod_sandbox.manifest import BadManifest, RequirementRefused, requirements_of

_ALWAYS = {"pytest", "pytest-timeout"}


def _tree(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        (folder / {"pyproject": "pyproject.toml", "requirements": "requirements.txt"}[name]).write_text(
            content, "utf-8"
        )
    return folder


def test_an_empty_project_needs_pytest(tmp_path: Path) -> None:
    assert set(requirements_of(tmp_path)) == _ALWAYS


def test_dependencies_groups_and_extras_for_development_are_added_up(tmp_path: Path) -> None:
    manifest = """
[project]
name = "My.App"
dependencies = ["Starlette>=1", "httpx [http2] ; python_version >= '3.11'"]
[project.optional-dependencies]
test = ["anyio", "my-app[Extra_One]"]
extra-one = ["click"]
docs = ["sphinx"]
[dependency-groups]
dev = ["ruff<1", {include-group = "Lint_Tools"}]
lint-tools = ["mypy"]
docs = ["mkdocs"]
"""
    found = set(requirements_of(_tree(tmp_path, pyproject=manifest)))
    assert found == _ALWAYS | {
        "starlette>=1",
        'httpx[http2]; python_version >= "3.11"',
        "anyio",
        "click",
        "ruff<1",
        "mypy",
    }


def test_the_order_and_the_spelling_do_not_matter(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, listed in ((one, '["A_b>=1", "c"]'), (other, '["c", "a-b >= 1", "c"]')):
        folder.mkdir()
        _tree(folder, pyproject=f'[project]\nname = "x"\ndependencies = {listed}\n')
    assert requirements_of(one) == requirements_of(other)


def test_a_requirements_file_counts_where_there_is_no_project(tmp_path: Path) -> None:
    listed = "# a comment\nflask>=3  # another\n\nrequests \\\n  ==2.32.0 --hash=sha256:00\n"
    assert set(requirements_of(_tree(tmp_path, requirements=listed))) == _ALWAYS | {
        "flask>=3",
        "requests==2.32.0",
    }


def test_a_requirements_file_counts_beside_a_project_without_dependencies(tmp_path: Path) -> None:
    manifest = '[project]\nname = "x"\ndynamic = ["dependencies"]\n[dependency-groups]\ndev = ["ruff"]\n'
    assert set(requirements_of(_tree(tmp_path, pyproject=manifest, requirements="flask\n"))) == _ALWAYS | {
        "flask",
        "ruff",
    }


def test_a_projects_dependencies_come_before_a_requirements_file(tmp_path: Path) -> None:
    manifest = '[project]\nname = "x"\ndependencies = ["httpx"]\n'
    assert set(requirements_of(_tree(tmp_path, pyproject=manifest, requirements="flask\n"))) == _ALWAYS | {
        "httpx"
    }


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "--index-url https://evil.test/simple",
        "-e .",
        "./local",
        "/etc/passwd",
        "git+https://evil.test/repository",
        "demo @ file:///etc/passwd",
        "demo @ https://evil.test/demo-1.0-py3-none-any.whl",
        "https://evil.test/demo.tar.gz",
        "demo; import os",
    ],
)
def test_what_is_no_package_of_an_index_is_refused_by_name(tmp_path: Path, line: str) -> None:
    with pytest.raises(RequirementRefused) as caught:
        requirements_of(_tree(tmp_path, requirements=f"{line}\n"))
    assert line.split()[0] in str(caught.value)
    assert "`project_add_dependency`" in str(caught.value)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ("[project", "no TOML"),
        ("project = 1", "not a table"),
        ('[project]\nname = "x"\ndependencies = "httpx"', "not a list"),
        ('[project]\nname = "x"\ndependencies = [1]', "no requirement"),
        ('[dependency-groups]\ndev = [{include-group = "dev"}]', "includes itself"),
        (
            '[dependency-groups]\ndev = [{include-group = "a"}]\na = [{include-group = "dev"}]',
            "includes itself",
        ),
        ('[dependency-groups]\ndev = [{include-group = "gone"}]', "not a list"),
        ('[dependency-groups]\ndev = [{other = "x"}]', "no requirement"),
        ("x = " + "[" * 5000, "no TOML"),
        (
            '[project]\nname = "x"\ndependencies = [' + ",".join(f'"p{n}"' for n in range(300)) + "]",
            "more than 200",
        ),
    ],
)
def test_a_manifest_that_says_nothing_clear_is_named(tmp_path: Path, manifest: str, reason: str) -> None:
    with pytest.raises(BadManifest, match=reason):
        requirements_of(_tree(tmp_path, pyproject=manifest))


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadManifest, match="UTF-8"):
        requirements_of(tmp_path)


def test_a_link_to_a_file_outside_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret-package\n", "utf-8")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "requirements.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(ToolFault) as caught:
        requirements_of(tmp_path / "tree")
    assert "secret" not in str(caught.value)
