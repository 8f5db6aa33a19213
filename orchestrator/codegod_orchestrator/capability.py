"""What this installation can verify: told to the master before it plans, and the reason for refusing what it cannot."""

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codegod_orchestrator.unsupported import (
    SUPPORTED,
    UNSUPPORTED,
    Support,
    Unsupported,
    demanded_in,
    mentioned_in,
    named_in,
    unsupported_with,
    written_in,
)

if TYPE_CHECKING:
    from codegod_kit.plan import Plan

# Services that an application may be written for, while no build here starts one: SQLite stands in for them in tests.
SERVICES = {
    "postgres": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "mongo": "MongoDB",
    "redis": "Redis",
    "rabbitmq": "RabbitMQ",
    "kafka": "Kafka",
    "elasticsearch": "Elasticsearch",
    "kubernetes": "Kubernetes",
}
NO_IMAGE = "container images were not built and no container was started"
_HOST_TOOLS = ("git", "docker", "node", "npm", "go", "cargo", "javac")
_BUBBLEWRAP = "bubblewrap"
_PLATFORM_NAMES = {"ios": "iOS", "android": "Android"}


class NotBuildable(Exception):
    """Something is wanted that cannot be built or verified here; the message names it and what can be built."""

    def __init__(self, named: Sequence[str], where: str) -> None:
        known = [one for one in UNSUPPORTED if one.name in named]
        later = [one.name for one in known if one.support == "later" and not one.needs]
        plan = f" {_listed(later)} will come later." if later else ""
        missing = [one.name for one in known if one.needs]
        needs = (
            f" {_listed(missing)} can be built where Node.js is: apt install nodejs npm." if missing else ""
        )
        super().__init__(
            f"{where} {_listed(named)}, which cannot be built here. What can be built: {SUPPORTED}.{plan}{needs} "
            "Ask for one of these, e.g. with `--stack backend=FastAPI --platform backend`."
        )
        self.named = tuple(named)


class WishNotBuildable(NotBuildable):
    """The user's own words or options ask for it."""


class PlanNotBuildable(NotBuildable):
    """A plan asks for it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured of this machine. An empty version means that the program is not there."""

    python: str
    sandbox_level: str
    validators: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()  # the sandbox's own words on what is missing
    programs: tuple[str, ...] = ()  # of git, docker, node, npm, go, cargo and javac: those on PATH


def facts_of(status: Mapping[str, Any], which: Callable[[str], str | None] = shutil.which) -> Facts:
    """The facts in the answer of `sandbox_status`, and the programs that are found on PATH."""
    return Facts(
        python=str(status.get("python_version", "")),
        sandbox_level=str(status["level"]),
        validators=tuple(str(one) for one in status.get("validators", ())),
        problems=tuple(str(one) for one in status.get("problems", ())),
        programs=programs_here(which),
    )


def programs_here(which: Callable[[str], str | None] = shutil.which) -> tuple[str, ...]:
    """Those programs that decide what can be built, as far as they are on PATH."""
    return tuple(name for name in _HOST_TOOLS if which(name))


def capability_sheet(facts: Facts, models: Sequence[str], prompt: str = "") -> str:
    """The sheet for the master; `models` are its own name, then the workers' from the weakest up."""
    lines = [
        f"What can be built here: {SUPPORTED}. Plan nothing else.",
        "",
        "Verified in every build:",
        *(f"- {line}" for line in _verified(facts)),
        "",
        *_checked_only(facts),
        "Not verified here. Plan without it where you can; else say so in the plan's summary:",
        *(f"- {line}" for line in _unverified(facts)),
        "",
        f"Refused, by name: {', '.join(_names(facts, 'no'))}. Not yet: {', '.join(_names(facts, 'later'))}.",
        *_mentions(facts, prompt),
        "",
        f"Models: the master is {models[0]}; the files are written by {', then '.join(models[1:]) or models[0]}. "
        "Give each task files of 200 lines at most.",
    ]
    return "\n".join(lines)


def refuse_wish(
    prompt: str,
    *,
    platforms: Sequence[str] = (),
    stack: Mapping[str, str] | None = None,
    programs: Collection[str] = (),
) -> None:
    """Raise `WishNotBuildable` for a prompt, `--platform` or `--stack` that asks for what cannot be built here.

    A stack that names something buildable settles the language, so the prompt's words then only name platforms.
    """
    chosen = stack or {}
    among = unsupported_with(programs)
    _refuse(WishNotBuildable, _of_platforms(platforms), "--platform asks for")
    for part, choice in chosen.items():
        _refuse(
            WishNotBuildable,
            [one.name for one in named_in(choice, among)],
            f"--stack {part}={choice} asks for",
        )
    demanded = [one.name for one in demanded_in(prompt, among) if one.platform or not chosen]
    _refuse(WishNotBuildable, demanded, "The prompt asks for")


def refuse_plan(plan: "Plan", programs: Collection[str] = ()) -> None:
    """Raise `PlanNotBuildable` for a plan with a platform, a stack or files that cannot be built here."""
    among = unsupported_with(programs)
    _refuse(PlanNotBuildable, _of_platforms(plan.platforms), "The plan is for")
    for part, choice in plan.stack.items():
        _refuse(
            PlanNotBuildable,
            [one.name for one in named_in(choice, among)],
            f"The plan's stack ({part}: {choice}) names",
        )
    files = [*plan.skeleton, *(path for task in plan.tasks for path in (*task.files, *task.tests))]
    for one, path in written_in(files, among).items():
        _refuse(PlanNotBuildable, [one.name], f"The plan's file {path!r} is written in")


def unproved_parts(plan: "Plan") -> tuple[str, ...]:
    """What this plan holds that no check of a build runs: the report names it."""
    choices = " ".join(plan.stack.values()).lower()
    services = [name for word, name in SERVICES.items() if word in choices]
    files = [path for task in plan.tasks for path in task.files]
    parts = [f"{name} was not started: the tests ran without it" for name in services]
    if any("dockerfile" in path.lower() or "compose" in path.lower() for path in files):
        parts.append(NO_IMAGE)
    if any(path.endswith((".html", ".css")) for path in files):
        parts.append("pages were not opened in a browser")
    return tuple(parts)


def _refuse(fault: type[NotBuildable], named: Sequence[str], where: str) -> None:
    if named:
        raise fault(named, where)


def _of_platforms(platforms: Sequence[str]) -> list[str]:
    return [_PLATFORM_NAMES[one.lower()] for one in platforms if one.lower() in _PLATFORM_NAMES]


def _verified(facts: Facts) -> list[str]:
    checks = f" ({', '.join(facts.validators)})" if facts.validators else ""
    return [
        f"Python {facts.python} in a sandbox of level {facts.sandbox_level}: syntax, rules, types and imports{checks}",
        "pytest: every test of the contract first fails on the stubs, then passes on the code, and the whole suite "
        "passes at every commit",
        "SQLite, in files and in memory; HTTP on loopback or in process",
        *_other_languages(facts),
    ]


def _other_languages(facts: Facts) -> list[str]:
    lines: list[str] = []
    if {"node", "npm"} <= set(facts.programs):
        lines.append(
            "TypeScript and JavaScript on Node.js: syntax, rules, strict types (tsc), imports, and Node's own test runner "
            "or vitest; npm packages by package.json"
        )
    if facts.sandbox_level == _BUBBLEWRAP:
        lines.append("Go: gofmt, vet and go test; prefer the standard library")
    return lines


def _checked_only(facts: Facts) -> list[str]:
    """Languages that no application is built in, while what is written in them is checked."""
    checked = {
        "cargo": "Rust: rustfmt, clippy where it is installed, the compiler and its tests; crates from cargo's own registry",
        "javac": "Java: javac, and JUnit where its jars lie on this machine; neither Maven nor Gradle is run",
    }
    lines = [f"- {line}" for program, line in checked.items() if program in facts.programs]
    if not lines or facts.sandbox_level != _BUBBLEWRAP:
        return []
    return ["Checked where a repository has it already, and not to be planned:", *lines, ""]


def _unverified(facts: Facts) -> list[str]:
    lines = [
        "other databases and services (PostgreSQL, MySQL, MongoDB, Redis, message queues): none can be started",
        "the network: tests reach loopback only",
        "browsers: pages are not opened, so keep what a page shows in functions that tests can call",
        "cluster manifests: written, not applied",
        "container images: "
        + (
            "built and started at the end if an engine answers"
            if "docker" in facts.programs
            else "written, not built"
        ),
    ]
    return [*lines, *facts.problems]


def _names(facts: Facts, support: Support) -> list[str]:
    return [one.name for one in unsupported_with(facts.programs) if one.support == support]


def _mentions(facts: Facts, prompt: str) -> list[str]:
    mentioned: tuple[Unsupported, ...] = mentioned_in(prompt, unsupported_with(facts.programs))
    if not mentioned:
        return []
    names = _listed([one.name for one in mentioned])
    return [
        f"The request speaks of {names}. If it wants that built, put it into `platforms` or `stack`, and the plan will "
        "be refused by name. If it only names who uses the result, build the result."
    ]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
