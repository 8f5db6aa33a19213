"""README, Dockerfile, compose and ignore files for a plan whose tasks write none, from plan and manifest alone."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from codegod_kit.plan import Plan

README, DOCKERFILE, COMPOSE = "README.md", "Dockerfile", "compose.yaml"
_COMPOSE_NAMES = frozenset({COMPOSE, "compose.yml", "docker-compose.yaml", "docker-compose.yml"})
GITIGNORE, DOCKERIGNORE = ".gitignore", ".dockerignore"
_READMES = frozenset({README, "README.rst", "README.txt", "README"})

# What running the tests, an editor's environment or a container leaves behind, and secrets.
_IGNORED_BY_GIT = "__pycache__/\n*.egg-info/\n.pytest_cache/\n.venv/\n.env\n"
_KEPT_OUT_OF_IMAGES = ".git\n.venv\n.env\n.pytest_cache\n**/__pycache__\n"


def missing_artifacts(plan: Plan, manifest: str, present: Collection[str]) -> Mapping[str, str]:
    """The texts, by path, of those that are not among `present`."""
    project = _project(manifest)
    found: dict[str, str] = {}
    if GITIGNORE not in present:
        found[GITIGNORE] = _IGNORED_BY_GIT
    if not _READMES.intersection(present):
        found[README] = _readme(plan, project)
    if DOCKERFILE not in present:
        found[DOCKERFILE] = _dockerfile(project, present)
        if DOCKERIGNORE not in present:
            found[DOCKERIGNORE] = _KEPT_OUT_OF_IMAGES
    if not _COMPOSE_NAMES.intersection(present):
        found[COMPOSE] = _compose(plan)
    return found


def _project(manifest: str) -> Mapping[str, Any]:
    try:
        project = tomllib.loads(manifest).get("project", {})
    except tomllib.TOMLDecodeError:
        return {}
    return project if isinstance(project, dict) else {}


def _readme(plan: Plan, project: Mapping[str, Any]) -> str:
    parts = [f"# {plan.name}", plan.summary or plan.prompts[0] if plan.summary or plan.prompts else ""]
    if plan.behaviours:
        parts.append(
            "\n".join(["It is meant to do this:", "", *(f"- {one.text}" for one in plan.behaviours)])
        )
    parts.append(
        "## Run the tests\n\nWith [uv](https://docs.astral.sh/uv/):\n\n```\nuv run --with pytest pytest\n```"
    )
    if script := _script(project):
        parts.append(f"## Run it\n\n```\nuv run {script}\n```")
    serves = "backend" in plan.platforms or "web" in plan.platforms
    start = "up --build" if serves else f"run --build --rm {_service(plan)}"
    parts.append(f"In a container:\n\n```\ndocker compose {start}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _dockerfile(project: Mapping[str, Any], present: Collection[str]) -> str:
    lines = [
        "FROM python:3.12-slim",
        "RUN useradd --create-home --uid 10001 app",
        "WORKDIR /app",
        "COPY . .",
        "RUN pip install --no-cache-dir .",
        "USER app",
        f"CMD {json.dumps(_command(project, present))}",
    ]
    return "\n".join(lines) + "\n"


def _command(project: Mapping[str, Any], present: Collection[str]) -> list[str]:
    if script := _script(project):
        return [script]
    mains = sorted(path for path in present if path.endswith("/__main__.py"))
    return ["python", "-m", mains[0].split("/")[-2]] if mains else ["python"]


def _script(project: Mapping[str, Any]) -> str:
    scripts = project.get("scripts", {})
    return min(scripts, default="") if isinstance(scripts, dict) else ""


def _compose(plan: Plan) -> str:
    return f"services:\n  {_service(plan)}:\n    build: .\n    init: true\n    read_only: true\n    tmpfs: [/tmp]\n"


def _service(plan: Plan) -> str:
    return plan.name.lower().replace("_", "-").replace(" ", "-")
