"""What is said of other languages without running their tools."""

import json
from pathlib import Path

import pytest

from codegod_sandbox.checks.all_languages import merged
from codegod_sandbox.checks.inside import go_tests, script_frameworks, script_node
from codegod_sandbox.checks.inside.exposure import check_exposure
from codegod_sandbox.checks.inside.old_names import check_old_names
from codegod_sandbox.checks.inside.other_baseline import check_other_baseline
from codegod_sandbox.checks.lines import Nonce
from codegod_sandbox.checks.records import Done
from codegod_sandbox.checks.suite_stage import judged
from codegod_sandbox.languages import npm
from codegod_sandbox.languages.package_json import node_needs
from codegod_sandbox.languages.spoken import survey
from codegod_sandbox.manifest import BadManifest, RequirementRefused
from codegod_sandbox.spec import RunResult

from .conftest import Checker, failing, project_of


async def test_a_language_without_tools_is_skipped_and_not_passed(checker: Checker) -> None:
    checker.write({"src/main.rs": "fn main() {}\n", "app.py": "X = 1\n"})
    report = await checker.run()
    assert report.ok
    assert "Rust is not checked" in report.notes["types"]


async def test_tests_that_were_asked_for_and_cannot_be_run_are_no_success(checker: Checker) -> None:
    checker.write(
        {
            "Tests/a.swift": "let a = 1\n",
            "b.test.js": "",
            "src/lib.rs": "#[test]\nfn a() {\n    assert!(f());\n}\n",
        }
    )
    report = await checker.run(tests=["Tests/a.swift", "b.test.js", "src/lib.rs"], stages=["tests"])
    assert (report.ok, report.stages["tests"]) == (False, "failed")
    assert report.rules == {("", "not-run")}
    assert all(name in report.messages for name in ("swiftc", "JavaScript", "no test of Rust was run"))


async def test_tools_that_are_not_installed_yet_are_asked_for(checker: Checker) -> None:
    checker.write({"a.js": "export const a = 1;\n", "main.go": "package main\n\nfunc main() {}\n"})
    report = await checker.run()
    assert (report.stages["lint"], report.stages["types"]) == ("skipped", "skipped")
    assert report.notes["types"].count("call `env_prepare` first") == 2


def test_tests_go_to_the_runner_of_their_language(tmp_path: Path) -> None:
    for name in ("tests/test_a.py", "tests/b.test.ts", "web/c.test.js", "go/d_test.go"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    seen = survey(tmp_path)
    assert seen.split(["."]) == {"python": (".",), "javascript": (".",), "go": (".",)}
    assert seen.split(["tests", "web/c.test.js::adds"]) == {
        "python": ("tests",), "javascript": ("tests", "web/c.test.js::adds"),
    }  # fmt: skip
    assert seen.split(["gone"]) == {"python": ("gone",)}


def test_a_stage_is_skipped_only_when_no_language_had_it() -> None:
    assert merged([Done(), Done(skipped="Go is not checked: x")]).status == "passed"
    assert merged([Done(), Done(skipped="Go is not checked: x")]).note == "Go is not checked: x"
    assert merged([Done(skipped="there is no Python file that parses"), Done(skipped="y")]).skipped == "y"


def test_the_packages_of_all_manifests_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "package.json").write_text('{"name": "a", "dependencies": {"zod": "^3"}}', "utf-8")
    (tmp_path / "web/package.json").write_text(
        '{"name": "b", "dependencies": {"a": "workspace:*", "zod": "^3"}, "devDependencies": {"vite": "^6"}}',
        "utf-8",
    )
    needs = node_needs(tmp_path)
    assert needs is not None
    assert needs.packages == (("vite", "^6"), ("zod", "^3"))


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/a.tgz",
        "git+ssh://git@evil.test/a.git",
        "file:../..",
        "user/repository",
        "link:/etc",
        "..",
        "evil.tgz",
    ],
)
def test_only_packages_of_the_registry_are_wanted(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "package.json").write_text(f'{{"dependencies": {{"a": "{wanted}"}}}}', "utf-8")
    with pytest.raises(RequirementRefused):
        node_needs(tmp_path)


@pytest.mark.parametrize("runner", ["vitest", "jest"])
def test_no_other_package_runs_the_tests_under_the_name_of_a_runner(tmp_path: Path, runner: str) -> None:
    (tmp_path / "package.json").write_text(f'{{"devDependencies": {{"{runner}": "npm:lodash@4"}}}}', "utf-8")
    with pytest.raises(RequirementRefused, match="runs the tests"):
        node_needs(tmp_path)
    (tmp_path / "package.json").write_text('{"dependencies": {"other": "npm:lodash@4"}}', "utf-8")
    assert node_needs(tmp_path) is not None


@pytest.mark.parametrize("text", ["[]", "{", '{"dependencies": []}', '{"dependencies": {"../../x": "1"}}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_text(text, "utf-8")
    with pytest.raises(BadManifest):
        node_needs(tmp_path)


def test_tests_of_other_languages_that_are_gone_or_weaker_are_told() -> None:
    before = {
        "a.test.ts": 'it("adds", () => { expect(1).toBe(2); });\nit("ends", () => { expect(1).toBe(2); });\n',
        "b_test.go": 'func TestB(t *testing.T) {\n\tt.Fatal("x")\n}\n',
        "c.test.js": 'test("c", () => { expect(1).toBe(2); expect(2).toBe(3); });\n',
        "src/d.rs": "#[test]\nfn d() {\n    assert_eq!(1, f());\n}\n\n#[test]\nfn e() {\n    assert!(g());\n}\n",
        "DTest.java": "class DTest {\n  @Test\n  void d() {\n    assertEquals(1, f());\n    assertEquals(2, g());\n  }\n}\n",
    }
    now = {
        "a.test.ts": 'it("adds", () => { expect(1).toBe(2); });\n',
        "c.test.js": 'test("c", () => { expect(1).toBe(2); });\n',
        "src/d.rs": "#[test]\nfn d() {\n    assert_eq!(1, f());\n}\n",
        "DTest.java": "class DTest {\n  @Test\n  void d() {\n    assertEquals(1, f()); // assertEquals(2, g());\n  }\n}\n",
    }
    findings = check_other_baseline(project_of(now), before)
    assert {(each.path, each.rule) for each in findings} == {
        ("a.test.ts", "deleted-test"), ("b_test.go", "deleted-test"), ("c.test.js", "weakened-test"),
        ("src/d.rs", "deleted-test"), ("DTest.java", "weakened-test"),
    }  # fmt: skip
    assert check_other_baseline(project_of(before), before) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("db.ts", 'const password = "hunter2-Pr0d!";'),
        ("db.go", 'var apiKey = "a8f3k2l9q0x7"'),
        ("compose.yaml", "      POSTGRES_PASSWORD: kf83hGh2lq9"),
        (".env", "SECRET_KEY=kf83hGh2lq9x"),
    ],
)
def test_a_password_in_any_language_is_a_secret(path: str, line: str) -> None:
    assert failing(check_exposure(project_of({path: f"{line}\n"}))) == [(path, 1, "secret")]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("db.ts", "const password = process.env.DB_PASSWORD1;"),
        ("db.ts", 'const passwordLabel = "Your password 1";'),
        ("form.tsx", 'const apiKey: string = "";'),
        ("compose.yaml", "      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}"),
        (".env.example", "SECRET_KEY=change-me-1234"),
        ("db.test.ts", 'const password = "hunter2-Pr0d!";'),
    ],
)
def test_what_only_looks_like_a_password_is_none(path: str, line: str) -> None:
    assert failing(check_exposure(project_of({path: f"{line}\n"}))) == []


def test_names_of_the_old_pydantic_are_told_where_the_new_one_is() -> None:
    files = {
        "a.py": (
            "from pydantic import BaseModel, validator\n\n\nclass U(BaseModel):\n    name: str\n\n"
            "    class Config:\n        orm_mode = True\n"
        )
    }
    found = failing(check_old_names(project_of(files), frozenset({"pydantic", "pydantic_core"})))
    assert found == [("a.py", 1, "old-name"), ("a.py", 8, "old-name")]
    assert check_old_names(project_of(files), frozenset({"pydantic"})) == []
    pinned = {**files, "requirements.txt": "pydantic<2\n"}
    assert check_old_names(project_of(pinned), frozenset({"pydantic_core"})) == []


@pytest.mark.parametrize(
    ("lines", "code", "outcome"),
    [
        (["=== RUN   TestA", "--- PASS: TestA (0.00s)"], 0, "passed"),
        # A second test of that name, in the package beside it, hides no failure of the first.
        (["=== RUN   TestA", "--- FAIL: TestA", "=== RUN   TestA", "--- PASS: TestA"], 1, "failed"),
        (["=== RUN   TestA", "--- PASS: TestA (0.00s)"], 3, "error"),
        # A line that it wrote itself, before its end and in the place of it.
        (["=== RUN   TestA", "--- PASS: TestA (0.00s)", "--- FAIL: TestA (0.00s)"], 1, "failed"),
        (["=== RUN   TestA", "--- PASS: TestA (0.00s)", "--- PASS: TestA (0.00s)"], 0, "error"),
    ],
)
def test_a_go_test_passes_only_when_nothing_speaks_against_it(
    lines: list[str], code: int, outcome: str
) -> None:
    seen = go_tests._read(lines, {"TestA": ["a_test.go"]}, "/tmp/x", late=False, code=code)
    assert seen["TestA"]["outcome"] == outcome


def test_a_test_of_node_that_ends_more_often_than_it_began_was_forged() -> None:
    def event(kind: str) -> dict[str, object]:
        return {"type": kind, "file": "/p/a.test.js", "nesting": 0, "name": "adds", "line": 3}

    assert script_node.forged([event("test:start"), event("test:fail")], "/p") == []
    lines = [event("test:start"), event("test:pass"), event("test:fail")]
    assert script_node.forged(lines, "/p") == ["a.test.js::adds"]


def test_of_a_test_that_is_told_twice_the_worse_outcome_counts() -> None:
    nonce = Nonce()
    told = [
        {"kind": "collected", "id": "a::b"},
        {"kind": "test", "id": "a::b", "outcome": "failed", "reason": "assertion", "message": "no"},
        {"kind": "test", "id": "a::b", "outcome": "passed", "reason": "", "message": ""},
        {"kind": "forged", "id": "a::b"},
        {"kind": "end", "code": 1},
    ]
    said = "".join(f"{nonce.word} {json.dumps(line)}\n" for line in told).encode()
    done = judged(nonce, RunResult("exit", 1, said, b"", False, 0.1, "bubblewrap", "/workspace"))
    assert [(each.outcome, each.reason) for each in done.tests] == [("failed", "assertion")]
    assert {each.rule for each in done.findings} == {"assertion", "forged-report"}


def test_what_jest_says_is_read_as_it_says_it(tmp_path: Path) -> None:
    """Its own words: a run under Jest 30 gave exactly these."""
    said = "Error: expect(received).toBe(expected) // Object.is equality\n\nExpected: 4\nReceived: 3\n    at Object.toBe (/p/tests/sum.test.js:8:23)"
    stub = "Error: not implemented\n    at later (/p/src/sum.js:2:9)\n    at Object.later (/p/tests/sum.test.js:11:12)"
    results = [
        {"ancestorTitles": ["sum"], "title": title, "status": status, "failureMessages": words}
        for title, status, words in (
            ("adds", "passed", []),
            ("differs", "failed", [said]),
            ("is a stub", "failed", [stub]),
        )
    ]
    document = {"testResults": [{"name": "/p/tests/sum.test.js", "assertionResults": results}]}
    seen = {
        each["id"]: (each["outcome"], each["reason"])
        for each in script_frameworks.framework_tests(document, "/p")
    }
    assert seen == {
        "tests/sum.test.js::sum::adds": ("passed", ""),
        "tests/sum.test.js::sum::differs": ("failed", "assertion"),
        "tests/sum.test.js::sum::is a stub": ("failed", "stub"),
    }


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense"])
def test_a_node_that_does_not_work_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name, path: str(tmp_path / name))
    assert npm.find_node({"PATH": str(tmp_path)}) == "a node that works"


def test_only_passwords_of_the_registries_go_along(tmp_path: Path) -> None:
    (tmp_path / "npmrc").write_text(
        "//packages.test/npm/:_authToken=${TOKEN}\n//other.test/:_authToken=b\nemail=a\n", "utf-8"
    )
    hosts = frozenset({"packages.test"})
    kept = list(npm._credentials([str(tmp_path / "npmrc")], hosts, {"TOKEN": "a"}))
    assert kept == ["//packages.test/npm/:_authToken=a"]
