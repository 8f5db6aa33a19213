"""JavaScript and TypeScript through the whole pipeline, with the real tools."""

import pytest

from .conftest import INSTALL_SECONDS, Workshop

# Installs real packages and tools.
pytestmark = [pytest.mark.long, pytest.mark.timeout(INSTALL_SECONDS + 120)]

_PACKAGE = '{"name": "todo", "private": true, "type": "module"}\n'
_TODO = (
    "export interface Todo {\n  id: number;\n  text: string;\n}\n\n"
    "const todos: Todo[] = [];\n\n"
    "export function add(text: string): Todo {\n"
    "  const todo = { id: todos.length + 1, text };\n  todos.push(todo);\n  return todo;\n}\n\n"
    "export async function save(): Promise<number> {\n  return await Promise.resolve(todos.length);\n}\n"
)
_TEST = (
    'import assert from "node:assert/strict";\nimport { describe, it } from "node:test";\n'
    'import { add } from "../src/todo.ts";\n\n'
    'describe("todo", () => {\n  it("adds", () => {\n    assert.equal(add("milk").text, "milk");\n  });\n});\n'
)
GOOD = {"package.json": _PACKAGE, "src/todo.ts": _TODO, "test/todo.test.ts": _TEST}


async def test_a_sound_project_passes_every_stage(workshop: Workshop) -> None:
    report = await workshop.report_on(GOOD, tests=["."])
    assert report.ok, report.text
    assert set(report.stages.values()) == {"passed"}
    assert report.tests == {"test/todo.test.ts::todo::adds": ("passed", "")}


DEFECTS = [
    ("src/bad.ts", "export const port: number = ;\n", "syntax"),
    ("src/bad.ts", 'export const port: number = "8080";\n', "TS2322"),
    ("src/bad.ts", "export function f(): number {\n  return missing + 1;\n}\n", "TS2304"),
    ("src/bad.js", "export function f() {\n  return missing + 1;\n}\n", "TS2304"),
    ("src/bad.ts", 'import { gone } from "./todo.ts";\n\nexport const a = gone;\n', "TS2305"),
    ("src/bad.js", 'import leftpad from "left-pad-magic";\n\nexport const a = leftpad(1);\n', "unknown-package"),
    ("src/bad.ts", 'export function later(): number {\n  throw new Error("not implemented");\n}\n', "placeholder"),
    ("src/bad.js", "// ... rest of the code remains unchanged ...\nexport const a = 1;\n", "elision"),
    ("src/bad.js", "export function f(x) {\n  return eval(x);\n}\n", "no-eval"),
    ("src/bad.js", "export function f(x) {\n  if (x == 1) {\n    debugger;\n  }\n  return x;\n}\n", "no-debugger"),
    (
        "src/bad.js",
        "export function find(db, name) {\n  return db.query(`SELECT * FROM t WHERE name = '${name}'`);\n}\n",
        "sql-injection",
    ),
    ("src/bad.js", "export function show(li, todo) {\n  li.innerHTML = `<b>${todo.text}</b>`;\n}\n", "html-injection"),
    ("src/bad.js", "export function run() {\n  while (true) {\n    console.log(1);\n  }\n}\n", "endless-loop"),
    ("src/bad.js", 'export const dbPassword = "hunter2-Pr0d!";\n', "secret"),
    ("src/bad.js", 'throw new Error("APP_URL is not set");\n', "import"),
    (
        "test/bad.test.js",
        'import { it } from "node:test";\n\nit("adds", () => {\n  [2, 1].sort();\n});\n',
        "no-assertion",
    ),
    (
        "test/bad.test.js",
        'import assert from "node:assert";\nimport { it } from "node:test";\n\nit("a", () => {\n  assert.ok(true);\n});\n',
        "assert-true",
    ),
    ("public/page.css", "body { color: red;\n", "syntax"),
]  # fmt: skip


async def test_each_defect_is_found(workshop: Workshop) -> None:
    bad = {
        path.replace("bad.", f"bad{number}."): (text, rule)
        for number, (path, text, rule) in enumerate(DEFECTS)
    }
    files = {path: text for path, (text, _) in bad.items()}
    # Each stage by name: a file that does not parse must not keep the others from being looked at.
    report = await workshop.report_on(
        {**GOOD, **files}, stages=["syntax", "rules", "lint", "types", "imports"]
    )
    assert report.rules >= {(path, rule) for path, (_, rule) in bad.items()}, report.text
    assert {path for path, _ in report.rules} == set(bad)


async def test_a_file_that_does_not_parse_hides_nothing_in_the_others(workshop: Workshop) -> None:
    report = await workshop.report_on(
        {**GOOD, "src/half.ts": "export function half( {\n", "src/bad.ts": 'export const n: number = "1";\n'},
        stages=["syntax", "types"],
    )
    assert report.rules == {("src/half.ts", "syntax"), ("src/bad.ts", "TS2322")}


async def test_each_test_says_how_it_failed(workshop: Workshop) -> None:
    tests = (
        'import assert from "node:assert/strict";\nimport { it } from "node:test";\n'
        'import { add, later } from "../src/todo.ts";\n\n'
        'it("holds", () => assert.equal(add("a").text, "a"));\n'
        'it("differs", () => assert.equal(add("a").text, "b"));\n'
        'it("is a stub", () => assert.equal(later(), 1));\n'
        'it("breaks", () => assert.equal(add(undefined as never).text.length, 1));\n'
    )
    stub = 'export function later(): number {\n  throw new Error("not implemented: later");\n}\n'
    broken = 'import { gone } from "../src/nowhere.ts";\nimport { it } from "node:test";\n\nit("x", () => gone());\n'
    report = await workshop.report_on(
        {**GOOD, "src/todo.ts": _TODO + stub, "test/todo.test.ts": tests, "test/broken.test.ts": broken},
        tests=["."],
        stages=["tests"],
    )
    assert report.tests == {
        "test/todo.test.ts::holds": ("passed", ""),
        "test/todo.test.ts::differs": ("failed", "assertion"),
        "test/todo.test.ts::is a stub": ("failed", "stub"),
        "test/todo.test.ts::breaks": ("failed", "error"),
        "test/broken.test.ts": ("error", "import"),
    }
    one = await workshop.check(tests=["test/todo.test.ts::holds"], stages=["tests"])
    assert (one.ok, one.tests) == (True, {"test/todo.test.ts::holds": ("passed", "")})


async def test_vitest_runs_where_the_project_has_it_and_its_packages_lie_outside_the_tree(
    workshop: Workshop,
) -> None:
    package = (
        '{"name": "v", "private": true, "type": "module", "dependencies": {"zod": "^3.23.0"}, '
        '"devDependencies": {"vitest": "^3.0.0"}}\n'
    )
    source = 'import { z } from "zod";\n\nexport const item = z.object({ text: z.string() });\n'
    test = (
        'import { describe, expect, it } from "vitest";\nimport { item } from "../src/item.ts";\n\n'
        'describe("item", () => {\n  it("parses", () => {\n    expect(item.parse({ text: "a" })).toEqual({ text: "a" });\n  });\n'
        '  it("differs", () => {\n    expect(item.parse({ text: "a" })).toEqual({ text: "b" });\n  });\n});\n'
    )
    workshop.fill({"package.json": package, "src/item.ts": source, "tests/item.test.ts": test})
    prepared = await workshop.prepare()
    assert any(each.startswith("zod@3.") for each in prepared["packages"])
    report = await workshop.check(tests=["."])
    assert report.stages == {
        "syntax": "passed", "rules": "passed", "lint": "passed", "types": "passed", "imports": "passed", "tests": "failed",
    }  # fmt: skip
    assert report.tests == {
        "tests/item.test.ts::item::parses": ("passed", ""),
        "tests/item.test.ts::item::differs": ("failed", "assertion"),
    }
    assert sorted(path.name for path in workshop.root.iterdir()) == ["package.json", "src", "tests"]


async def test_a_package_that_does_not_exist_is_named(workshop: Workshop) -> None:
    workshop.fill(
        {"package.json": '{"name": "x", "dependencies": {"codegod-no-such-package-9f3": "^1.0.0"}}\n'}
    )
    result = await workshop.client.call_tool("env_prepare", {})
    assert result.is_error
    assert "There is no such package" in result.content[0].text  # type: ignore[union-attr]
