"""The distribution as somebody finds it: what it installs, what its papers say, that they agree."""

import json
import re
import tomllib
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
SERVERS = ("database", "fetch", "git", "memory", "sandbox", "thinking")
SETTING = re.compile(
    r"[\"'$ ]((?:CODEGOD|ANTHROPIC|OLLAMA|OPENAI)_[A-Z_]+|MASTER_MODEL|WORKER_MODEL|MAX_PARALLEL_TASKS)\b"
)
# Named in the code for other reasons: what a program's own exit is reported as, Ollama's own, and a constant.
NO_SETTINGS = {"CODEGOD_EXIT", "OLLAMA_CONTEXT_LENGTH", "OLLAMA_NUM_PARALLEL", "OLLAMA_PORT"}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))


def fences(text: str, language: str = "") -> list[str]:
    """The code blocks of a Markdown text."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_every_package_of_the_tree_is_in_the_wheel_and_typed(project: dict[str, Any]) -> None:
    found = {
        str(path.parent.relative_to(ROOT))
        for path in ROOT.glob("[a-z]*/**/codegod_*/__init__.py")
        if not path.parent.parent.name.startswith("codegod_")
    }
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == found
    assert [package for package in found if not (ROOT / package / "py.typed").exists()] == []
    assert set(project["tool"]["importlinter"]["root_packages"]) == {Path(package).name for package in found}


def test_every_command_starts_something(project: dict[str, Any]) -> None:
    commands = project["project"]["scripts"]
    assert {f"codegod-{name}" for name in SERVERS} <= set(commands)
    for target in commands.values():
        module, _, name = target.partition(":")
        assert callable(getattr(import_module(module), name)), target


@pytest.mark.parametrize("name", ["orchestrator", "simulator", "workers", *SERVERS])
def test_every_command_also_runs_as_a_module(name: str) -> None:
    assert find_spec(f"codegod_{name}.__main__")


def test_the_mesh_finds_every_server_by_its_entry_point() -> None:
    found = {entry.name: entry for entry in entry_points(group="codegod.servers")}
    assert set(found) == set(SERVERS)
    for entry in found.values():
        assert callable(entry.load())


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_can_be_listed_in_the_registry(name: str, project: dict[str, Any]) -> None:
    listed = json.loads(read(f"servers/{name}/server.json"))
    assert f"<!-- mcp-name: {listed['name']} -->" in read(f"servers/{name}/README.md")
    assert listed["name"].endswith(f"/codegod-{name}")
    # The registry takes no more.
    assert len(listed["description"]) <= 100
    package = listed["packages"][0]
    assert {listed["version"], package["version"]} == {project["project"]["version"]}
    assert package["identifier"] == project["project"]["name"]
    assert f"codegod-{name}" in [argument["value"] for argument in package["runtimeArguments"]]


@pytest.mark.parametrize("path", ["README.md", *(f"servers/{name}/README.md" for name in SERVERS)])
def test_the_host_settings_in_a_readme_start_a_command_of_ours(path: str, project: dict[str, Any]) -> None:
    for block in fences(read(path), "json"):
        for server in json.loads(block).get("mcpServers", {}).values():
            words = [server["command"], *server["args"]]
            assert [word for word in words if word in project["project"]["scripts"]], block


def test_the_readme_begins_with_the_two_commands_and_ci_runs_the_second_to_the_letter() -> None:
    first = fences(read("README.md"))[0].splitlines()
    assert first == ['./codegod build "Create a REST API for todo management"', "./codegod test"]
    assert first[1] in read(".ci/run").splitlines()


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md"])
def test_what_a_page_links_to_is_there(path: str) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", read(path))
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_example_settings_are_all_that_the_code_reads_and_no_more() -> None:
    code = [
        path.read_text(encoding="utf-8")
        for folder in ("mesh", "models", "orchestrator", "servers", "simulator", "workers")
        for path in (ROOT / folder).rglob("*.py")
        if "projects" not in path.parts
    ]
    named = {found for text in code for found in SETTING.findall(text)} - NO_SETTINGS
    listed = set(re.findall(r"^#?([A-Z_]+)=", read(".env.example"), re.MULTILINE))
    assert listed == named


def test_the_constraints_pin_every_dependency_within_its_bounds_and_name_no_place(
    project: dict[str, Any],
) -> None:
    text = read("constraints.txt")
    assert "://" not in text
    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\n]+)", text, re.MULTILINE))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    loose = [
        str(requirement)
        for requirement in map(Requirement, wanted)
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"))
    ]
    assert loose == []


def test_the_licence_is_whole() -> None:
    text = read("LICENSE")
    assert text.startswith("MIT License\n\nCopyright (c) 2026 The Code-God authors\n")
    assert "WITHOUT WARRANTY OF ANY KIND" in text


def test_the_changelog_has_a_place_for_what_is_new() -> None:
    assert "\n## Unreleased\n" in read("CHANGELOG.md")
