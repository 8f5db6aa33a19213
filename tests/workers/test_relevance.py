"""Which given files a worker is shown: those that its own files, tests and words lead to, and all where that cannot be read."""

import pytest

from codegod_kit.plan import Task, TaskType
from codegod_workers import Assignment, Finding
from codegod_workers.material import Material
from codegod_workers.records import Kind
from codegod_workers.relevance import less_shown

PYPROJECT = '[project]\nname = "app"\n\n[tool.ruff]\nline-length = 100\n'
PYTHON = {
    "pyproject.toml": PYPROJECT,
    ".gitignore": "dist/\n",
    "src/app/__init__.py": '"""The app."""\n',
    "src/app/errors.py": "class BadInput(Exception):\n    pass\n",
    "src/app/settings.py": "def read_port(text: str) -> int:\n    return int(text)\n",
    "src/app/server.py": "from app.settings import read_port\n\n\ndef make_server() -> int:\n    return read_port('1')\n",
    "tests/conftest.py": "from app.server import make_server\n\n\ndef client() -> int:\n    return make_server()\n",
    "schema.sql": "CREATE TABLE a (b);\n",
}
SCRIPTS = {
    "package.json": '{"type": "module"}',
    "tsconfig.json": '{"compilerOptions": {"strict": true}}',
    "tsconfig.build.json": "{}",
    "src/types.ts": "export interface Item { id: number }\nexport class BadInput extends Error {}\n",
    "src/main.ts": 'import { serve } from "./server.js";\nexport function start(): void { serve(); }\n',
    "src/lib/index.ts": "export const twice = (n: number): number => 2 * n;\n",
}
GO = {
    "go.mod": "module example.com/app\n",
    "errors/errors.go": 'package errors\n\nimport "errors"\n\nvar ErrBad = errors.New("bad")\n',
    "main.go": "package main\n\nfunc main() {}\n",
    "store/kinds.go": "package store\n\ntype Kind int\n",
    "web/web.go": "package web\n\nfunc Serve() {}\n",
}


def _left_out(
    given: dict[str, str],
    stub: tuple[str, str],
    test: tuple[str, str] = ("", ""),
    *,
    description: str = "",
    task_type: TaskType = "backend",
    kind: Kind = "first",
    findings: tuple[Finding, ...] = (),
    depended: dict[str, str] | None = None,
) -> dict[str, str]:
    tests = {test[0]: test[1]} if test[0] else {}
    task = Task(
        id="t", type=task_type, title="It", description=description, files=(stub[0],), tests=tuple(tests)
    )
    assignment = Assignment(
        build="b",
        project="app",
        summary="",
        stack={},
        task=task,
        attempt="t.1",
        number=1,
        kind=kind,
        reads=(*given, *(depended or {})),
        skeleton=tuple(given),
        findings=findings,
        context_tokens=8_192,
        answer_tokens=1_024,
    )
    owned = {stub[0]: stub[1]} if stub[1] else {}
    return dict(less_shown(assignment, Material(owned, tests, {**given, **(depended or {})})))


STUB = ("src/app/items.py", "def parse(text: str) -> int:\n    raise NotImplementedError\n")
ALL_BUT_SCHEMA = {
    "pyproject.toml": "short",
    ".gitignore": "name",
    "src/app/__init__.py": "name",
    "src/app/errors.py": "name",
    "src/app/settings.py": "name",
    "src/app/server.py": "name",
    "tests/conftest.py": "name",
}


def _without(*paths: str) -> dict[str, str]:
    return {path: view for path, view in ALL_BUT_SCHEMA.items() if path not in paths}


def test_what_nothing_leads_to_is_named_only_and_the_manifest_is_short() -> None:
    assert _left_out(PYTHON, STUB) == ALL_BUT_SCHEMA


@pytest.mark.parametrize(
    "line",
    [
        "from app.errors import BadInput",
        "import app.errors",
        "from app import errors",
        "from . import errors",
    ],
)
def test_what_a_stub_imports_is_shown(line: str) -> None:
    assert _left_out(PYTHON, (STUB[0], f"{line}\n{STUB[1]}")) == _without("src/app/errors.py")


@pytest.mark.parametrize(
    "test",
    [
        "from app.errors import BadInput\n",
        "def test_a() -> None:\n    from app.errors import BadInput\n",
        "PLACE = 'app.errors.BadInput'\n",
    ],
)
def test_what_a_test_imports_is_shown(test: str) -> None:
    assert _left_out(PYTHON, STUB, ("tests/test_items.py", test)) == _without("src/app/errors.py")


@pytest.mark.parametrize("said", ["Wrong text raises BadInput.", "The errors stand in errors.py."])
def test_what_the_description_or_a_finding_names_is_shown(said: str) -> None:
    finding = Finding(stage="types", message=said)
    assert _left_out(PYTHON, STUB, description=said) == _without("src/app/errors.py")
    assert _left_out(PYTHON, STUB, findings=(finding,), kind="repair") == _without("src/app/errors.py")


def test_fixtures_are_shown_to_tests_that_ask_for_them_with_what_they_run() -> None:
    test = "def test_a(client: int) -> None:\n    assert client == 1\n"
    left = _left_out(PYTHON, STUB, ("tests/test_items.py", test))
    assert left == _without("tests/conftest.py", "src/app/server.py")
    assert _left_out(PYTHON, STUB, ("tests/test_items.py", "client = 1\n")) == ALL_BUT_SCHEMA


def test_what_the_signatures_of_a_dependency_refer_to_is_shown() -> None:
    depended = {
        "src/app/store.py": "from app.errors import BadInput\nfrom app.settings import read_port\n\n\n"
        "def store(fault: BadInput) -> None:\n    read_port('1')\n"
    }
    assert _left_out(PYTHON, STUB, depended=depended) == _without("src/app/errors.py")


@pytest.mark.parametrize("task_type", ["testing", "devops", "documentation"])
def test_who_looks_at_the_whole_project_is_shown_all(task_type: TaskType) -> None:
    assert _left_out(PYTHON, STUB, task_type=task_type) == {}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/app/items.py", "def parse(:\n"),
        ("src/app/items.py", ""),  # nobody has declared it yet
        ("src/items.ts", "export function ("),
        ("src/items.rs", "pub fn parse() {}\n"),
        ("web/index.html", "<p>\n"),
    ],
)
def test_where_imports_cannot_be_read_all_is_shown(path: str, text: str) -> None:
    assert _left_out({**PYTHON, **SCRIPTS}, (path, text)) == {}


def test_a_dependency_that_does_not_parse_hides_nothing() -> None:
    assert _left_out(PYTHON, STUB, depended={"src/app/store.py": "def (:\n"}) == {}


def test_a_fresh_try_after_failures_is_shown_all() -> None:
    assert _left_out(PYTHON, STUB, kind="resample") == {}


TYPESCRIPT = ("src/items.ts", "export function parse(text: string): number { throw new Error(); }\n")
UNREACHED = {
    "package.json": "short",
    "tsconfig.json": "short",
    "tsconfig.build.json": "name",
    "src/types.ts": "name",
    "src/main.ts": "name",
    "src/lib/index.ts": "name",
}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("", ""),
        ('import type { Item } from "./types.js";', "src/types.ts"),
        ('import { Item } from "./types";', "src/types.ts"),
        ('export * from "./types.ts";', "src/types.ts"),
        ('const { x } = require("./types");', "src/types.ts"),
        ('const { x } = await import("./types.js");', "src/types.ts"),
        ('import { x } from "@/types";', "src/types.ts"),
        ('import { x } from "./lib";', "src/lib/index.ts"),
        ('import "./lib/index.js";', "src/lib/index.ts"),
        ('import { readFile } from "node:fs";', ""),
        ("/** Throws BadInput. */", "src/types.ts"),
        ('const worker = new URL("./main.js", import.meta.url);', "src/main.ts"),
    ],
)
def test_imports_of_typescript_are_followed(line: str, shown: str) -> None:
    left = _left_out(SCRIPTS, (TYPESCRIPT[0], f"{line}\n{TYPESCRIPT[1]}"))
    assert left == {path: view for path, view in UNREACHED.items() if path != shown}


def test_a_signature_of_typescript_leads_to_its_types() -> None:
    depended = {
        "src/store.ts": 'import { type Item } from "./types.js";\nimport { start } from "./main.js";\n'
        "export class Store {\n  private constructor(readonly items: Item[]) { start(); }\n"
        "  all(): Item[] { return this.items; }\n}\n"
    }
    left = _left_out(SCRIPTS, TYPESCRIPT, depended=depended)
    assert left == {path: view for path, view in UNREACHED.items() if path != "src/types.ts"}


def test_go_sees_its_own_package_and_those_it_imports() -> None:
    stub = 'package store\n\nimport "example.com/app/errors"\n\nfunc Parse() error { return errors.ErrBad }\n'
    assert _left_out(GO, ("store/store.go", stub)) == {"go.mod": "short", "web/web.go": "name"}
    alone = 'package store\n\nfunc Parse() error { panic("not implemented") }\n'
    left = _left_out(GO, ("store/store.go", alone))
    assert left == {"go.mod": "short", "errors/errors.go": "name", "web/web.go": "name"}
