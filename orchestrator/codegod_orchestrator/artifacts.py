"""README, Dockerfile, compose and ignore files for a plan whose tasks write none, from plan and manifest alone."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from codegod_kit.plan import Plan

README, DOCKERFILE, COMPOSE = "README.md", "Dockerfile", "compose.yaml"
_COMPOSE_NAMES = frozenset({COMPOSE, "compose.yml", "docker-compose.yaml", "docker-compose.yml"})
GITIGNORE, DOCKERIGNORE = ".gitignore", ".dockerignore"
MANIFEST, REQUIREMENTS = "pyproject.toml", "requirements.txt"
_READMES = frozenset({README, "README.rst", "README.txt", "README"})

# What running the tests, an editor's environment or a container leaves behind, and secrets.
_IGNORED_BY_GIT = "__pycache__/\n*.egg-info/\n.pytest_cache/\n.venv/\n.env\n"
_KEPT_OUT_OF_IMAGES = ".git\n.venv\n.env\n.pytest_cache\n**/__pycache__\n"


@dataclass(frozen=True, slots=True)
class Project:
    """What the files of a project say of how it is installed, tested and started."""

    dependencies: tuple[str, ...]
    """Declared in a manifest that is no package; empty when `pip install .` brings them."""
    is_package: bool
    has_requirements: bool
    command: tuple[str, ...]
    """What starts it; empty when nothing does."""

    @property
    def install(self) -> str:
        """The pip command of an image, or nothing when there is nothing to install."""
        if self.is_package:
            return "pip install --no-cache-dir ."
        if self.has_requirements:
            return f"pip install --no-cache-dir -r {REQUIREMENTS}"
        return (
            shlex.join(["pip", "install", "--no-cache-dir", *self.dependencies]) if self.dependencies else ""
        )


def uv_tests(present: Collection[str]) -> str:
    """What uv is told to run the tests of a project that has the files `present`."""
    listed = (
        f"--with-requirements {REQUIREMENTS} " if REQUIREMENTS in present and MANIFEST not in present else ""
    )
    return f"run {listed}--with pytest pytest"


def missing_artifacts(plan: Plan, manifest: str, present: Collection[str]) -> Mapping[str, str]:
    """The texts, by path, of those that are not among `present`."""
    project = _project(manifest, present)
    found: dict[str, str] = {}
    if GITIGNORE not in present:
        found[GITIGNORE] = _IGNORED_BY_GIT
    if not _READMES.intersection(present):
        found[README] = _readme(plan, project, present)
    if DOCKERFILE not in present:
        found[DOCKERFILE] = _dockerfile(project)
        if DOCKERIGNORE not in present:
            found[DOCKERIGNORE] = _KEPT_OUT_OF_IMAGES
    if not _COMPOSE_NAMES.intersection(present):
        found[COMPOSE] = _compose(plan)
    return found


def _project(manifest: str, present: Collection[str]) -> Project:
    """Read the manifest; one that cannot be read says nothing."""
    try:
        data = tomllib.loads(manifest)
    except tomllib.TOMLDecodeError:
        data = {}
    table: Mapping[str, Any] = data.get("project", {})
    scripts = sorted(table.get("scripts", {}))
    mains = sorted(path for path in present if path.endswith("/__main__.py"))
    main = ("python", "-m", mains[0].split("/")[-2]) if mains else ()
    return Project(
        dependencies=tuple(table.get("dependencies", ())),
        is_package="build-system" in data,
        has_requirements=REQUIREMENTS in present,
        command=(scripts[0],) if scripts and "build-system" in data else main,
    )


def _readme(plan: Plan, project: Project, present: Collection[str]) -> str:
    parts = [f"# {plan.name}", plan.summary]
    if plan.behaviours:
        parts.append(
            "\n".join(["It is meant to do this:", "", *(f"- {one.text}" for one in plan.behaviours)])
        )
    parts.append(
        f"## Run the tests\n\nWith [uv](https://docs.astral.sh/uv/):\n\n```\nuv {uv_tests(present)}\n```"
    )
    if project.command:
        parts.append(f"## Run it\n\n```\nuv run {shlex.join(project.command)}\n```")
    else:
        parts.append(
            "Nothing in the project says how it is started: write the command into the `CMD` of the Dockerfile."
        )
    serves = "backend" in plan.platforms or "web" in plan.platforms
    start = "up --build" if serves else f"run --build --rm {_service(plan)}"
    parts.append(f"In a container:\n\n```\ndocker compose {start}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _dockerfile(project: Project) -> str:
    lines = [
        "FROM python:3.12-slim",
        "RUN useradd --create-home --uid 10001 app",
        "WORKDIR /app",
        "COPY . .",
        *([f"RUN {project.install}"] if project.install else []),
        "USER app",
        f"CMD {json.dumps(list(project.command) or ['python'])}",
    ]
    return "\n".join(lines) + "\n"


def _compose(plan: Plan) -> str:
    return f"services:\n  {_service(plan)}:\n    build: .\n    init: true\n    read_only: true\n    tmpfs: [/tmp]\n"


def _service(plan: Plan) -> str:
    return plan.name.lower().replace("_", "-").replace(" ", "-")
