"""What an application needs besides its code, for a plan whose tasks write none, from plan and manifests alone.

README, Dockerfile, compose and ignore files and a CI workflow for every application; Kubernetes manifests when they
were asked for.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codegod_kit.plan import Plan
from codegod_kit.plan_records import PORT_MARK
from codegod_orchestrator.finish.kubernetes import MANIFESTS, has_manifests, manifests, wants_kubernetes
from codegod_orchestrator.finish.recipes import GO, NODE, PYTHON, Recipe, command_of, compiled

README, DOCKERFILE, COMPOSE = "README.md", "Dockerfile", "compose.yaml"
_COMPOSE_NAMES = frozenset({COMPOSE, "compose.yml", "docker-compose.yaml", "docker-compose.yml"})
GITIGNORE, DOCKERIGNORE = ".gitignore", ".dockerignore"
MANIFEST, REQUIREMENTS = "pyproject.toml", "requirements.txt"
NODE_MANIFEST, GO_MANIFEST = "package.json", "go.mod"
WORKFLOW = ".github/workflows/tests.yml"
_WORKFLOWS = (".github/workflows/", ".gitlab-ci", ".circleci/")
SERVICE_NAME_CHARS = 50  # a cluster allows 63, and adds a suffix of its own
_NODE_TESTS = "npm install && npm test"
_GO_TESTS = "go test ./..."
PORT = 8000  # what a server listens at in its container; the plan's start command takes any
_READMES = frozenset({README, "README.rst", "README.txt", "README"})


@dataclass(frozen=True, slots=True)
class Project:
    """What the files of a project say of how it is installed, tested and started."""

    recipe: Recipe
    install: str
    """The command of an image that brings its dependencies, or nothing when it has none."""
    tests: str
    """What somebody types to run its tests."""
    command: tuple[str, ...] = ()
    """What starts it; empty when nothing does."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the command finds in its environment."""
    serves: bool = False
    """Whether the command listens at `PORT`."""


def tests_command(present: Collection[str], uv: str = "uv") -> str:
    """What somebody types to run the tests of a project that has the files `present` at its top."""
    if not {MANIFEST, REQUIREMENTS}.intersection(present):
        if NODE_MANIFEST in present:
            return _NODE_TESTS
        if GO_MANIFEST in present:
            return _GO_TESTS
    return f"{uv} {uv_tests(present)}"


def uv_tests(present: Collection[str]) -> str:
    """What uv is told to run the tests of a project that has the files `present`."""
    listed = (
        f"--with-requirements {REQUIREMENTS} " if REQUIREMENTS in present and MANIFEST not in present else ""
    )
    return f"run {listed}--with pytest pytest"


def missing_artifacts(
    plan: Plan,
    manifest: str,
    present: Collection[str],
    *,
    node: str = "",
    dockerfile: str = "",
    prompt: str = "",
) -> Mapping[str, str]:
    """The texts, by path, of those that are not among `present`.

    `manifest`, `node` and `dockerfile` are the texts of pyproject.toml, package.json and Dockerfile where they are
    there; `prompt` is what the user asked for.
    """
    project = _project(plan, manifest, node, present)
    found: dict[str, str] = {}
    if GITIGNORE not in present:
        found[GITIGNORE] = project.recipe.ignored_by_git
    if DOCKERFILE not in present:
        found[DOCKERFILE] = dockerfile = _dockerfile(project)
        if DOCKERIGNORE not in present:
            found[DOCKERIGNORE] = project.recipe.kept_out_of_images
    if not _COMPOSE_NAMES.intersection(present):
        found[COMPOSE] = _compose(plan, project)
    if not any(path.startswith(_WORKFLOWS) for path in present):
        found[WORKFLOW] = project.recipe.workflow(project.tests)
    if wants_kubernetes(plan, prompt) and not has_manifests(present):
        found[MANIFESTS] = manifests(_service(plan), dockerfile, plan.health, serves=_serves(plan))
    if not _READMES.intersection(present):
        found[README] = _readme(plan, project, {*present, *found})
    return found


def _project(plan: Plan, manifest: str, node: str, present: Collection[str]) -> Project:
    """Read the manifests; one that cannot be read says nothing."""
    variables, command = command_of(plan.start, PORT)
    started = {"command": command, "variables": variables, "serves": PORT_MARK in plan.start}
    if NODE_MANIFEST in present and not {MANIFEST, REQUIREMENTS}.intersection(present):
        return _node_project(node, present, started)
    if GO_MANIFEST in present and not {MANIFEST, REQUIREMENTS}.intersection(present):
        run = {"command": ("go", "run", _go_program(present))}
        return Project(GO, "go build ./...", _GO_TESTS, **{**run, **_given(started)})
    return _python_project(manifest, present, started)


def _go_program(present: Collection[str]) -> str:
    """The folder of a program's `main.go`, as Go names it; the top where nothing says more."""
    mains = sorted(path for path in present if path.endswith("/main.go"))
    return "." if "main.go" in present or not mains else f"./{mains[0].rpartition('/')[0]}"


def _given(started: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the plan says that the application is started, if it does."""
    return started if started["command"] else {}


def _node_project(node: str, present: Collection[str], started: Mapping[str, Any]) -> Project:
    try:
        data = json.loads(node)
        scripts = dict(data.get("scripts", {}))
    except (ValueError, AttributeError, TypeError):
        scripts = {}
    locked = "npm ci" if "package-lock.json" in present else "npm install"
    install = f"{locked} && npm run build" if "build" in scripts else locked
    command = ("npm", "start") if "start" in scripts else ()
    return Project(NODE, install, f"{locked} && npm test", **{"command": command, **_given(started)})


def _python_project(manifest: str, present: Collection[str], started: Mapping[str, Any]) -> Project:
    try:
        data = tomllib.loads(manifest)
    except tomllib.TOMLDecodeError:
        data = {}
    table: Mapping[str, Any] = data.get("project", {})
    scripts = sorted(table.get("scripts", {}))
    mains = sorted(path for path in present if path.endswith("/__main__.py"))
    main = ("python", "-m", mains[0].split("/")[-2]) if mains else ()
    is_package = "build-system" in data
    command = (scripts[0],) if scripts and is_package else main
    install = _pip_install(tuple(table.get("dependencies", ())), present, is_package=is_package)
    # Without a build system nothing installs what lies under `src`: whoever starts it has to say where it is.
    found = {"PYTHONPATH": "src"} if not is_package and any(one.startswith("src/") for one in present) else {}
    given = {"command": command, **_given(started), "variables": {**found, **started["variables"]}}
    return Project(PYTHON, install, f"uv {uv_tests(present)}", **given)


def _pip_install(dependencies: Sequence[str], present: Collection[str], *, is_package: bool) -> str:
    """The pip command of an image, or nothing when there is nothing to install."""
    if is_package:
        return "pip install --no-cache-dir ."
    if REQUIREMENTS in present:
        return f"pip install --no-cache-dir -r {REQUIREMENTS}"
    return shlex.join(["pip", "install", "--no-cache-dir", *dependencies]) if dependencies else ""


def _readme(plan: Plan, project: Project, present: Collection[str]) -> str:
    parts = [f"# {plan.name}", plan.summary]
    if plan.behaviours:
        parts.append(
            "\n".join(["It is meant to do this:", "", *(f"- {one.text}" for one in plan.behaviours)])
        )
    how = "With [uv](https://docs.astral.sh/uv/):\n\n" if project.recipe is PYTHON else ""
    parts.append(f"## Run the tests\n\n{how}```\n{project.tests}\n```")
    if project.command:
        runner = "uv run " if project.recipe is PYTHON else ""
        settings = "".join(f"{name}={shlex.quote(value)} " for name, value in project.variables.items())
        parts.append(f"## Run it\n\n```\n{settings}{runner}{shlex.join(project.command)}\n```")
    else:
        parts.append(
            "Nothing in the project says how it is started: write the command into the `CMD` of the Dockerfile."
        )
    start = "up --build" if _serves(plan) else f"run --build --rm {_service(plan)}"
    parts.append(f"In a container:\n\n```\ndocker compose {start}\n```")
    if MANIFESTS in present:
        parts.append(
            f"In a cluster, once the image is in its registry:\n\n```\nkubectl apply -f {MANIFESTS}\n```"
        )
    return "\n\n".join(part for part in parts if part) + "\n"


def _dockerfile(project: Project) -> str:
    build, command = compiled(project.command)
    install = build or project.install
    lines = [
        f"FROM {project.recipe.image}",
        *project.recipe.user,
        "WORKDIR /app",
        "COPY . .",
        *([f"RUN {install}"] if install else []),
        *(f"ENV {name}={json.dumps(value)}" for name, value in project.variables.items()),
        *([f"EXPOSE {PORT}"] if project.serves else []),
        f"USER {project.recipe.user_name}",
        f"CMD {json.dumps(list(command) or [project.recipe.interpreter])}",
    ]
    return "\n".join(lines) + "\n"


def _compose(plan: Plan, project: Project) -> str:
    ports = f'    ports: ["{PORT}:{PORT}"]\n' if project.serves else ""
    return (
        f"services:\n  {_service(plan)}:\n    build: .\n    init: true\n{ports}"
        "    read_only: true\n    tmpfs: [/tmp]\n"
    )


def _serves(plan: Plan) -> bool:
    return PORT_MARK in plan.start or "backend" in plan.platforms or "web" in plan.platforms


def _service(plan: Plan) -> str:
    """The name in lower case, as images and clusters want it."""
    return re.sub(r"[^a-z0-9]+", "-", plan.name.lower()).strip("-")[:SERVICE_NAME_CHARS].rstrip("-") or "app"
