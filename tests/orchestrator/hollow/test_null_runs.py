"""What the runs on null bodies say about tests, told from reports alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from codegod_kit.plan import Plan, Task
from codegod_mesh import CallResult
from codegod_orchestrator.evidence import TestSeen, evidence_of, with_hollow
from codegod_orchestrator.hollow.null_runs import Hollow, hollow_tests
from codegod_orchestrator.redgreen import judge_red, red_of, red_on_stubs
from codegod_orchestrator.toolset import Desk

STUB = "def count() -> int:\n    raise NotImplementedError\n"
SAW, LOOSE, BLIND = (f"tests/test_a.py::test_{name}" for name in ("saw", "loose", "blind"))
PLAN = Plan(
    name="app",
    skeleton=("pyproject.toml",),
    tasks=(Task(id="a", type="backend", title="A", files=("src/a.py",), tests=("tests/test_a.py",)),),
)


def _seen(outcome: str, reason: str = "assertion") -> dict[str, str]:
    return {"outcome": outcome, "reason": "" if outcome == "passed" else reason}


@dataclass
class Tree:
    """A tree whose tests end as `report` tells, and what was done there."""

    report: Mapping[str, Any]
    written: dict[str, str] = field(default_factory=dict)
    runs: list[Mapping[str, Any]] = field(default_factory=list)
    removed: bool = False

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
        if name == "sandbox.file_write":
            self.written[arguments["path"]] = arguments["content"]
        elif name == "sandbox.check_run":
            self.runs.append(arguments)
            return CallResult(False, "", dict(self.report))
        self.removed = name == "git.worktree_remove"
        return CallResult(False, "", {})


class Bench:
    """Trees by name, as a toolset hands them out."""

    def __init__(self, **reports: Mapping[str, Any]) -> None:
        self.trees = {f"null.{kind}": Tree(report) for kind, report in reports.items()}

    async def contracting(self, tree: str) -> Desk:
        return Desk(cast("Any", self.trees[tree]))

    async def hollow(self, files: Mapping[str, str], wanted: Sequence[str]) -> Hollow:
        stubs = [path for path in files if path.startswith("src/")]
        return await hollow_tests(cast("Any", self), files, stubs, wanted)


def _report(*findings: Mapping[str, str], **outcomes: Mapping[str, str]) -> Mapping[str, Any]:
    tests = [{"id": f"tests/test_a.py::test_{name}", **seen} for name, seen in outcomes.items()]
    return {"tests": tests, "findings": list(findings)}


async def test_a_test_that_passes_on_any_null_body_is_hollow_and_each_kind_has_a_tree_of_its_own() -> None:
    bench = Bench(
        none=_report(saw=_seen("error", "fixture"), loose=_seen("failed"), blind=_seen("passed")),
        default=_report(saw=_seen("failed", "error"), loose=_seen("passed"), blind=_seen("passed")),
    )
    files = {"src/a.py": STUB, "tests/test_a.py": "the tests", "pyproject.toml": "the manifest"}
    hollow = await bench.hollow(files, [SAW, LOOSE, BLIND])
    assert hollow.tests == {BLIND: ("none", "default"), LOOSE: ("default",)}
    for kind, body in (("none", "return None"), ("default", "return 0")):
        tree = bench.trees[f"null.{kind}"]
        assert tree.written.pop("src/a.py").strip().endswith(body)
        assert tree.written == {path: text for path, text in files.items() if path != "src/a.py"}
        assert [run["tests"] for run in tree.runs] == [["tests/test_a.py"]]
        assert tree.removed


async def test_a_test_that_never_got_to_the_bodies_has_shown_nothing() -> None:
    broken = {"stage": "tests", "rule": "report-cut", "message": "The run ended before its report was whole."}
    stubs = {"src/a.py": STUB.replace("int", "Other")}
    bench = Bench(
        none=_report(
            broken,
            saw=_seen("failed"),
            loose=_seen("error", "error"),
            blind=_seen("error", "collection"),
        )
    )
    # `Other` has no empty value that anybody could make: both kinds of body are the same, and are run once.
    hollow = await bench.hollow(stubs, [SAW, LOOSE, BLIND])
    assert hollow.tests == {LOOSE: ("none",), BLIND: ("none",)}
    assert [finding.rule for finding in hollow.doubts] == ["report-cut"]


async def test_a_file_that_ends_as_a_whole_speaks_for_its_tests_and_they_for_it() -> None:
    whole, part = "tests/b.test.ts", "tests/c.test.ts::shows"
    stub = 'export function count(): number { throw new Error("not implemented"); }\n'
    seen = [
        {"id": f"{whole}::counts", **_seen("failed")},
        {"id": part.partition("::")[0], **_seen("timeout", "timeout")},
    ]
    bench = Bench(none={"tests": seen}, default={"tests": seen[:1]})
    hollow = await bench.hollow({"src/a.ts": stub}, [whole, part])
    assert hollow.tests == {part: ("default",)}


async def test_a_test_that_still_meets_a_stub_has_shown_nothing_and_is_named() -> None:
    stub = 'export function count(): number { throw new Error("not implemented"); }\n'
    bench = Bench(none=_report(saw=_seen("failed", "stub")), default=_report(saw=_seen("failed", "stub")))
    hollow = await bench.hollow({"src/a.ts": stub}, [SAW])
    assert hollow.untried == (f"{SAW}: it meets a body that says that it is not implemented",)


async def test_without_stubs_or_red_tests_nothing_is_run() -> None:
    bench = Bench()
    assert await bench.hollow({"src/a.py": "X = 1\n", "src/a.ts": "export const X = 1;\n"}, [SAW]) == Hollow()
    assert await bench.hollow({"src/a.py": STUB}, []) == Hollow()


async def test_stubs_of_all_languages_are_emptied_together_and_what_cannot_be_is_named() -> None:
    bench = Bench(none=_report(saw=_seen("failed")), default=_report(saw=_seen("failed")))
    files = {
        "src/a.py": STUB,
        "src/a.ts": 'export function count(): number { throw new Error("not implemented"); }\n',
        "src/a.js": 'export function name() { throw new Error("not implemented"); }\n',
        "src/a.go": 'package a\n\nfunc Count() int { panic("not implemented") }\n',
        "src/broken.ts": "export function (: {\n",
        "src/lib.rs": "pub fn count() -> u32 { todo!() }\n",
    }
    hollow = await bench.hollow(files, [SAW])
    assert hollow.tried == ("Go", "JavaScript", "Python", "TypeScript")
    assert hollow.untried == (
        "src/broken.ts: line 1 cannot be read",
        "src/lib.rs: null bodies are not made for '.rs' files",
    )
    for kind, value in (("none", "undefined"), ("default", "0")):
        written = bench.trees[f"null.{kind}"].written
        assert f"return {value} as any;" in written["src/a.ts"]
        assert "return undefined;" in written["src/a.js"]
        assert "func Count() (_ int) { return }" in written["src/a.go"]
        assert {path: written[path] for path in ("src/broken.ts", "src/lib.rs")} == {
            path: files[path] for path in ("src/broken.ts", "src/lib.rs")
        }


def test_a_task_whose_red_tests_are_all_hollow_is_sent_back_with_what_to_do() -> None:
    tests = [
        TestSeen(id=SAW, outcome="failed", reason="stub"),
        TestSeen(id=LOOSE, outcome="failed", reason="stub"),
    ]
    report = {"tests": [test.model_dump() for test in tests]}
    assert red_on_stubs(PLAN, tests) == (SAW, LOOSE)

    some = with_hollow(evidence_of(report, "t"), {LOOSE: ("none",)}).tests
    assert judge_red(PLAN, some) == ()
    assert (red_of(PLAN, some).evidence, red_of(PLAN, some).guards) == ((SAW,), (LOOSE,))

    none = with_hollow(evidence_of(report, "t"), {SAW: ("default",), LOOSE: ("none",)}).tests
    first, second = judge_red(PLAN, none)
    assert (first.path, second.path, first.rule) == (SAW, LOOSE, "hollow")
    assert "empty value of its return type" in first.message
    assert "gives back None" in second.message
