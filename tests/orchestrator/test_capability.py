"""What is refused by name, what is not, and what the master is told."""

from dataclasses import replace
from typing import Any

import pytest

from codegod_kit.plan import Plan
from codegod_orchestrator.capability import (
    Facts,
    PlanNotBuildable,
    WishNotBuildable,
    capability_sheet,
    facts_of,
    refuse_plan,
    refuse_wish,
    unproved_parts,
)

FACTS = Facts("3.11.2", "bubblewrap", ("ruff 0.15", "ty 0.0.30"), (), ("git", "docker"))
NODE = ("git", "node", "npm")


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("Create an iOS app for todos", ["iOS"]),
        ("Build a todo app for iOS", ["iOS"]),
        ("Create a REST API for todos and an iOS app", ["iOS"]),
        ("Build a native iPhone client", ["iOS"]),
        ("Make me an Android game", ["Android"]),
        ("A todo list for Android phones", ["Android"]),
        ("Create an API with an Android app", ["Android"]),
        ("Build a Kotlin Android application", ["Android", "Kotlin"]),
        ("build a Swift app", ["Swift"]),
        ("Create a mobile app for recipes with a REST API", ["a mobile app"]),
        ("An iOS shopping list", ["iOS"]),
        ("Create an app using SwiftUI", ["Swift"]),
        ("a notes app in flutter", ["Flutter"]),
        ("Write a CLI in Rust", ["Rust"]),
        ("Create a Spring Boot API", ["Java"]),
        ("a REST API using Node.js", ["JavaScript"]),
        ("build a weather service with Express", ["JavaScript"]),
        ("Create a shopping list in TypeScript", ["TypeScript"]),
        ("Create a page in Vue", ["Vue"]),
        ("Create a C++ parser library", ["C++"]),
        ("A REST API for bikes, written in C#", ["C#"]),
    ],
)
def test_a_wish_for_what_cannot_be_built_is_refused_by_name(prompt: str, named: list[str]) -> None:
    with pytest.raises(WishNotBuildable) as caught:
        refuse_wish(prompt)
    assert list(caught.value.named) == named
    assert "in Python" in str(caught.value) and "--stack backend=FastAPI" in str(caught.value)


@pytest.mark.parametrize(
    "prompt",
    [
        "Create a REST API for todo management",
        "Create a REST API for our iOS app",
        "API for our iOS and Android apps",
        "a mobile backend consumed by Android and iOS clients",
        "A swift reply service",
        "Create the backend for a mobile app",
        "Create a go-to tool",
        "please write an express delivery tracking API",
        "Create a tool that lists files written in Rust",
        "Create a CLI that talks with Java servers",
        "Write a Python backend with FastAPI, used by a React frontend",
        "Create a node graph API",
        "Create a service that reacts to events",
        "A tool that looks for rust in photographs of ships",
        "An API for a phoenix sanctuary",
        "A to-do page without JavaScript",
        "A calculator for the desk, not for Android",
        "Create a tool that reads Android logs",
        "Write an Android log reader as a command-line tool",
    ],
)
def test_a_wish_that_only_mentions_it_is_not_refused(prompt: str) -> None:
    refuse_wish(prompt)


def test_what_is_checked_and_not_built_is_told_where_its_tools_are() -> None:
    tools = replace(FACTS, programs=(*FACTS.programs, "cargo", "javac"))
    sheet = capability_sheet(tools, ["master", "worker"])
    assert "not to be planned:\n- Rust: rustfmt" in sheet and "- Java: javac" in sheet
    assert "Refused, by name" in sheet and "Rust" in sheet.partition("Refused, by name")[2]
    assert "not to be planned" not in capability_sheet(FACTS, ["master", "worker"])
    landlock = replace(tools, sandbox_level="landlock")
    assert "not to be planned" not in capability_sheet(landlock, ["master", "worker"])


def test_what_a_prompt_mentions_is_told_to_the_master() -> None:
    sheet = capability_sheet(FACTS, ["master", "worker"], "Create a REST API for our iOS app")
    assert "speaks of iOS" in sheet
    assert "speaks of" not in capability_sheet(FACTS, ["master", "worker"], "Create a REST API")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"platforms": ["backend", "ios"]}, r"--platform asks for iOS"),
        ({"stack": {"backend": "Spring Boot"}}, r"--stack backend=Spring Boot asks for Java"),
        (
            {"stack": {"frontend": "Svelte"}},
            r"--stack frontend=Svelte asks for Svelte.*Svelte will come later",
        ),
        (
            {"stack": {"frontend": "React + TypeScript"}},
            r"TypeScript and JavaScript.*can be built where Node\.js is: apt install nodejs npm",
        ),
    ],
)
def test_options_are_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(WishNotBuildable, match=said):
        refuse_wish("Create a REST API", **options)


def test_a_buildable_stack_settles_the_language_but_not_the_platform() -> None:
    refuse_wish("Create a clone of that API in Rust", stack={"backend": "FastAPI"})
    with pytest.raises(WishNotBuildable, match="iOS"):
        refuse_wish("Create an iOS app", stack={"backend": "FastAPI"})


def plan(**fields: Any) -> Plan:
    task = {"id": "a", "type": "backend", "title": "A", "files": fields.pop("files", ["src/a.py"])}
    return Plan.model_validate({"name": "x", "skeleton": ["pyproject.toml"], "tasks": [task], **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"platforms": ["backend", "android"]}, "The plan is for Android"),
        ({"stack": {"mobile": "Kotlin"}}, r"stack \(mobile: Kotlin\) names Kotlin"),
        ({"files": ["app/Main.swift"]}, r"'app/Main\.swift' is written in Swift"),
        ({"files": ["web/page.tsx"]}, r"TypeScript.*can be built where Node\.js is"),
    ],
)
def test_a_plan_for_what_cannot_be_built_is_refused_by_name(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanNotBuildable, match=said):
        refuse_plan(plan(**fields))


@pytest.mark.parametrize("prompt", ["Create a list in TypeScript", "an API using Node.js", "a Go service"])
def test_where_the_toolchain_is_other_languages_are_built(prompt: str) -> None:
    refuse_wish(prompt, programs=NODE)
    refuse_wish("Create an API", stack={"backend": prompt}, programs=NODE)
    refuse_plan(plan(stack={"backend": "Express"}, files=["src/app.ts", "main.go"]), NODE)


def test_node_without_npm_is_not_enough() -> None:
    with pytest.raises(WishNotBuildable, match="TypeScript"):
        refuse_wish("Create a list in TypeScript", programs=("node",))


def test_what_the_toolchains_can_check_is_told_to_the_master() -> None:
    sheet = capability_sheet(replace(FACTS, programs=NODE), ["big"])
    assert "TypeScript and JavaScript on Node.js" in sheet
    assert "Not yet: Angular, Vue, Svelte, Deno, Bun." in sheet
    assert "Go: gofmt" in sheet
    assert "Go: gofmt" not in capability_sheet(replace(FACTS, sandbox_level="landlock"), ["big"])


def test_an_ordinary_plan_is_not_refused() -> None:
    stack = {
        "backend": "Starlette",
        "database": "SQLite",
        "tests": "pytest",
        "server": "uvicorn",
        "frontend": "none, no JavaScript",
    }
    refuse_plan(
        plan(stack=stack, platforms=["backend", "web", "cli"], files=["src/a.py", "pages/index.html"])
    )


def test_what_no_check_runs_is_named() -> None:
    parts = unproved_parts(plan(stack={"database": "PostgreSQL 16"}, files=["Dockerfile", "page.html"]))
    assert [part.split()[0] for part in parts] == ["PostgreSQL", "container", "pages"]
    assert unproved_parts(plan()) == ()


def test_the_sheet_says_what_is_verified_and_by_whom() -> None:
    sheet = capability_sheet(FACTS, ["anthropic:big", "ollama:small", "anthropic:big"])
    for words in (
        "Python 3.11.2 in a sandbox of level bubblewrap",
        "ruff 0.15, ty 0.0.30",
        "built and started at the end if an engine answers",
        "Refused, by name: iOS, Android",
        "Not yet: Angular, Vue, Svelte, Deno, Bun, TypeScript, JavaScript.",
        "the master is anthropic:big; the files are written by ollama:small, then anthropic:big",
    ):
        assert words in sheet


def test_facts_come_from_the_sandbox_and_from_the_path() -> None:
    status = {
        "level": "landlock",
        "python": "/usr/bin/python3",
        "python_version": "3.12.1",
        "validators": ["ruff"],
        "problems": ["no cgroups"],
        "more": 1,
    }
    facts = facts_of(status, which={"git": "/usr/bin/git"}.get)
    assert facts == Facts("3.12.1", "landlock", ("ruff",), ("no cgroups",), ("git",))
    assert "no cgroups" in capability_sheet(facts, ["m"])
