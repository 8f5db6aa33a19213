"""The pipeline from outside: what stops what, and what a report says."""

from .conftest import Checker, said

TODO = {
    "pyproject.toml": '[project]\nname = "todo"\nversion = "1"\n',
    "src/todo/__init__.py": "",
    "src/todo/storage.py": (
        "class Storage:\n"
        "    def __init__(self) -> None:\n"
        "        self.items: list[str] = []\n\n"
        "    def add(self, text: str) -> int:\n"
        "        self.items.append(text)\n"
        "        return len(self.items)\n"
    ),
    "tests/test_storage.py": (
        "from todo.storage import Storage\n\n\ndef test_add() -> None:\n    assert Storage().add('x') == 1\n"
    ),
}
BAD_TYPE = {"src/todo/ids.py": "def first() -> int:\n    return 'one'\n"}


async def test_a_sound_project_passes_every_stage(checker: Checker) -> None:
    checker.write(TODO)
    report = await checker.run(tests=["."])
    assert report.ok
    assert set(report.stages.values()) == {"passed"}
    assert report.tests == {"tests/test_storage.py::test_add": ("passed", "")}
    assert report.text.splitlines()[0] == "The check passed."


async def test_a_flat_project_is_imported_and_tested_too(checker: Checker) -> None:
    checker.write({path.removeprefix("src/"): text for path, text in TODO.items()})
    report = await checker.run(tests=["tests"])
    assert (report.ok, report.stages["imports"], report.stages["tests"]) == (True, "passed", "passed")


async def test_the_tree_stays_as_it_was(checker: Checker) -> None:
    checker.write(TODO)
    checker.write(
        {
            "tests/test_mess.py": "def test_mess():\n    open('mess.txt', 'w').close()\n    assert True is not None\n"
        }
    )
    before = sorted(path.relative_to(checker.root) for path in checker.root.rglob("*"))
    await checker.run(tests=["."], stages=["imports", "tests"])
    assert sorted(path.relative_to(checker.root) for path in checker.root.rglob("*")) == before


async def test_a_failure_skips_what_comes_behind_it(checker: Checker) -> None:
    checker.write(
        {**TODO, **BAD_TYPE, "src/todo/soon.py": "def soon() -> int:\n    raise NotImplementedError\n"}
    )
    report = await checker.run(tests=["."])
    assert report.stages == {
        "syntax": "passed",
        "rules": "failed",
        "lint": "passed",
        "types": "failed",
        "imports": "skipped",
        "tests": "skipped",
    }
    assert report.notes["tests"] == "after failed rules and types"
    assert report.rules == {
        ("src/todo/soon.py", "placeholder"),
        ("src/todo/ids.py", "invalid-explicit-return"),
    }
    assert report.tests == {}


async def test_a_file_that_does_not_parse_is_all_that_is_told(checker: Checker) -> None:
    checker.write({**TODO, **BAD_TYPE, "src/todo/half.py": "def half(:\n"})
    report = await checker.run()
    assert report.rules == {("src/todo/half.py", "syntax")}
    assert report.stages["types"] == "skipped"


async def test_named_stages_all_run_whatever_fails(checker: Checker) -> None:
    checker.write({**TODO, "src/todo/half.py": "def half(:\n"})
    report = await checker.run(
        stages=["tests", "imports", "syntax"], tests=["tests/test_storage.py::test_add"]
    )
    assert report.stages == {"syntax": "failed", "imports": "failed", "tests": "passed"}
    assert report.tests == {"tests/test_storage.py::test_add": ("passed", "")}


async def test_findings_elsewhere_are_not_told_when_files_are_named(checker: Checker) -> None:
    soon = {"src/todo/soon.py": "def soon() -> int:\n    raise NotImplementedError\n"}
    checker.write({**TODO, **soon})
    assert (await checker.run(paths=["src/todo/storage.py"])).ok
    assert (await checker.run(paths=["src/todo"])).rules == {("src/todo/soon.py", "placeholder")}
    missing = await checker.run(paths=["src/todo/api.py"])
    assert missing.rules == {("src/todo/api.py", "missing-file")}


async def test_a_type_that_breaks_somewhere_else_fails_without_being_a_finding_here(checker: Checker) -> None:
    checker.write({**TODO, **BAD_TYPE})
    report = await checker.run(paths=["src/todo/storage.py"])
    assert (report.ok, report.rules, report.stages["types"]) == (False, set(), "failed")
    assert "src/todo/ids.py:2 Return type" in report.notes["types"]


async def test_tests_need_an_environment_and_say_so(checker: Checker) -> None:
    checker.write(TODO)
    checker.environments.env = None
    refused = await checker.call(tests=["."])
    assert refused.is_error
    assert "`env_prepare`" in said(refused)
    assert (await checker.run()).ok


async def test_a_selection_that_is_no_test_is_refused(checker: Checker) -> None:
    for test in ("--co", "../x", "-p evil", ""):
        refused = await checker.call(tests=[test])
        assert refused.is_error
        assert "selects no test" in said(refused)


async def test_what_the_project_configures_does_not_soften_the_check(checker: Checker) -> None:
    checker.write({**TODO, **BAD_TYPE, "src/todo/bare.py": "try:\n    X = 1\nexcept:\n    X = 2\n"})
    checker.write(
        {
            "pyproject.toml": TODO["pyproject.toml"]
            + '[tool.ruff.lint]\nselect = []\n[tool.ty.rules]\nall = "ignore"\n[tool.ty.src]\nexclude = ["**"]\n',
            ".gitignore": "src/\n",
        }
    )
    assert (await checker.run()).rules == {
        ("src/todo/ids.py", "invalid-explicit-return"),
        ("src/todo/bare.py", "E722"),
    }


async def test_a_file_that_breaks_the_checks_is_not_let_through(checker: Checker) -> None:
    checker.write({"deep.py": "x = " + "(" * 150 + "1" + ")" * 150 + "\n", "deeper.py": "-" * 20_000 + "1\n"})
    assert not (await checker.run(stages=["syntax"])).ok


async def test_code_that_cannot_be_looked_at_is_not_let_through(checker: Checker) -> None:
    checker.write({**TODO, "notes.txt": "x = 1\n", ".env": "KEY=1\n", "big.py": "# x\n" * 400_000})
    (checker.root / "linked.py").symlink_to("notes.txt")
    (checker.root / ".env").chmod(0o600)
    report = await checker.run(tests=["."])
    assert report.rules == {("big.py", "unread"), ("linked.py", "unread")}
    for name in ("big.py", "linked.py"):
        (checker.root / name).unlink()
    assert (await checker.run(tests=["."])).ok
