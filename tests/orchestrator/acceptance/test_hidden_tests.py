"""The acceptance step: three tries, one ref, and what happens when a master cannot write tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from codegod_kit.plan import Behaviour, Plan, Task
from codegod_mesh import CallResult
from codegod_models import Message, ModelRequest
from codegod_orchestrator.acceptance.answer import AcceptanceAnswer
from codegod_orchestrator.acceptance.hidden_tests import (
    ACCEPTANCE_REF,
    Acceptance,
    AcceptanceRefused,
    Acceptor,
)
from codegod_orchestrator.acceptance.run import AcceptanceRun, behaviours_seen
from codegod_orchestrator.finish.finishing import why_partial
from codegod_orchestrator.toolset import Desk
from codegod_orchestrator.voice import Voice
from codegod_workers import Finding

TESTS = "```python acceptance/test_api.py\ndef test_reads():\n    assert 1 + 1 == 2\n\n\ndef test_lists():\n    pass\n```\n"
READS = '{"id": "B1", "text": "Reads", "test": "acceptance/test_api.py::test_reads"}'
LISTS = '{"id": "B2", "text": "Lists", "test": "acceptance/test_api.py::test_lists"}'
BARE = '{"id": "B3", "text": "Sings"}'
EMPTY = {
    "findings": [
        {
            "stage": "rules",
            "path": "acceptance/test_api.py",
            "line": 6,
            "rule": "no-assertion",
            "message": "`test_lists` checks nothing",
        }
    ]
}
PLAN = Plan(
    name="app",
    skeleton=("pyproject.toml",),
    tasks=(Task(id="a", type="backend", title="A", files=("a.py",)),),
    behaviours=(Behaviour(id="B1", text="Reads aloud", test="acceptance/x.py::test_x"),),
)


def said(behaviours: str, files: str = TESTS) -> str:
    return f'```json\n{{"behaviours": [{behaviours}], "start": "python -m app"}}\n```\n{files}'


@dataclass
class Master:
    """Says what it was told to say, and remembers what it was asked."""

    answers: list[str]
    simulated: bool = False
    asked: list[ModelRequest] = field(default_factory=list)
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def provider(self) -> Any:
        return self

    @property
    def model(self) -> Any:
        return self

    @property
    def claimed(self) -> Any:
        return self

    async def ask(self, request: ModelRequest, step: str) -> Any:
        assert step == "acceptance"
        self.asked.append(request)
        return Message("assistant", self.answers[len(self.asked) - 1])

    async def append(self, kind: str, data: Mapping[str, Any]) -> None:
        self.events.append((kind, data))

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        return [data for one, data in self.events if one == kind]


@dataclass
class Tools:
    """Answers each tool as told, and keeps what was asked."""

    answers: Mapping[str, CallResult] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    level: str = "bubblewrap"
    base: str = ""

    async def call(self, name: str, arguments: Mapping[str, Any], *, within: float = 60) -> CallResult:
        self.asked.append((name, arguments))
        return self.answers.get(name, CallResult(False, "", {"id": "c1", "commit": {"tree": "t1"}}))

    async def contracting(self, tree: str) -> Desk:
        return Desk(cast("Any", self))

    finishing = contracting


def acceptor(master: Master, tools: Tools, given: Plan | None = None) -> Acceptor:
    return Acceptor(cast("Voice", master), cast("Any", tools), sheet="# Python", given=given)


CLEAN = CallResult(False, "", {"findings": []})
NEW = CallResult(True, "no such revision", None)


def fresh(check: CallResult = CLEAN) -> Tools:
    return Tools({"sandbox.check_run": check, "git.git_show": NEW})


async def test_the_list_is_asked_for_in_the_users_words_and_kept_on_its_own_ref() -> None:
    master, tools = Master([said(READS)]), fresh()
    kept = await acceptor(master, tools).write("Read it to me")
    assert kept.commit == "c1"
    assert kept.strict
    text = master.asked[0].messages[-1].text
    assert text.startswith("Step: acceptance\nAttempt: 1\n\n<request>\nRead it to me\n</request>\n")
    assert "# Python" in text
    assert ("git.git_commit", {"message": "Acceptance tests", "ref": ACCEPTANCE_REF}) in tools.asked
    assert master.told("acceptance.written")[0]["files"] == ["acceptance/test_api.py"]


async def test_a_bad_answer_is_sent_back_with_what_was_wrong() -> None:
    master = Master(["No.", said(f"{READS}, {BARE}"), said(f"{READS}, {LISTS}")])
    kept = await acceptor(master, fresh()).write("Read it")
    assert [one.test for one in kept.behaviours] == [
        "acceptance/test_api.py::test_reads",
        "acceptance/test_api.py::test_lists",
    ]
    assert len(master.told("acceptance.sent_back")) == 2
    assert "Attempt: 3" in master.asked[-1].messages[-1].text
    assert "B3: [no-test] Sings: it has no `test`" in master.asked[-1].messages[-1].text


@pytest.mark.parametrize("text", ["No.", said(BARE, ""), said("")])
async def test_three_bad_answers_are_a_clear_failure(text: str) -> None:
    with pytest.raises(AcceptanceRefused, match="in 3 answers"):
        await acceptor(Master([text] * 3), fresh()).write("Read it")


async def test_a_test_that_cannot_fail_proves_nothing_and_counts_as_none() -> None:
    master = Master([said(f"{READS}, {LISTS}")] * 3)
    kept = await acceptor(master, fresh(CallResult(False, "", EMPTY))).write("Read it")
    assert [one.test for one in kept.behaviours] == ["acceptance/test_api.py::test_reads", ""]
    assert "no test that could fail" in kept.note
    assert "checks nothing" in master.asked[1].messages[-1].text


async def test_a_simulated_master_without_tests_is_asked_once_and_never_makes_a_build_partial() -> None:
    master = Master([said(BARE, "")], simulated=True)
    kept = await acceptor(master, fresh()).write("Sing")
    assert len(master.asked) == 1
    assert (kept.strict, kept.commit) == (False, "")
    seen = behaviours_seen(kept.behaviours, {}, kept.note)
    assert [(one.outcome, one.message) for one in seen] == [
        ("untested", "the simulated master has no acceptance test for it")
    ]


async def test_a_plan_of_the_users_without_tests_asks_nobody() -> None:
    given = PLAN.model_copy(update={"behaviours": (Behaviour(id="B1", text="Reads"),)})
    kept = await acceptor(Master([]), Tools(), given).write("Read it")
    assert not kept.strict
    assert "names no acceptance test" in kept.note


async def test_behaviours_of_the_users_plan_are_fixed_and_get_their_tests() -> None:
    master = Master([said(f"{READS}, {LISTS}")])
    kept = await acceptor(master, fresh(), PLAN).write("Read it")
    assert [(one.id, one.text, one.test) for one in kept.behaviours] == [
        ("B1", "Reads aloud", "acceptance/test_api.py::test_reads")
    ]
    assert "- B1: Reads aloud" in master.asked[0].messages[-1].text
    assert master.asked[0].messages[-1].text.startswith("Step: acceptance\nProject: app\n")


async def test_tests_that_an_interrupted_run_left_are_committed_once() -> None:
    answers = {"sandbox.check_run": CLEAN, "git.git_commit": CallResult(True, "nothing has changed", None)}
    kept = await acceptor(Master([said(READS)]), Tools(answers)).write("Read it")
    assert kept.commit == "c1"


def seen_of(outcomes: Mapping[str, str], findings: Sequence[str] = ()) -> Mapping[str, Any]:
    return {
        "tests": [{"id": name, "outcome": one, "message": f"{one}!"} for name, one in outcomes.items()],
        "findings": [{"message": text} for text in findings],
    }


@pytest.mark.parametrize(
    ("report", "outcome", "message"),
    [
        (seen_of({"acceptance/test_a.py::test_a": "passed"}), "passed", "passed!"),
        (
            seen_of(
                {"acceptance/test_a.py::test_a[1]": "passed", "acceptance/test_a.py::test_a[2]": "failed"}
            ),
            "failed",
            "failed!",
        ),
        (seen_of({"acceptance/test_a.py": "error"}), "error", "error!"),
        (seen_of({"acceptance/test_a.py::test_ab": "passed"}), "error", "its test did not run"),
        (seen_of({}, ["it did not start"]), "error", "it did not start"),
    ],
)
def test_a_behaviour_is_proved_by_its_own_test_alone(
    report: Mapping[str, Any], outcome: str, message: str
) -> None:
    behaviour = Behaviour(id="B1", text="Reads", test="acceptance/test_a.py::test_a")
    (seen,) = behaviours_seen([behaviour], report)
    assert (seen.outcome, seen.message) == (outcome, message)


def test_what_a_sandbox_without_loopback_could_not_see_says_why() -> None:
    report = {
        **seen_of({"acceptance/test_a.py::test_a": "failed"}),
        "app": {"tried": False, "health": "no loopback"},
    }
    behaviour = Behaviour(id="B1", text="Reads", test="acceptance/test_a.py::test_a")
    assert behaviours_seen([behaviour], report)[0].message == "failed! (no loopback)"


@pytest.mark.parametrize(("strict", "named"), [(True, ["B1", "B2"]), (False, ["B1"])])
async def test_what_is_not_proved_is_a_finding_by_name(strict: bool, named: list[str]) -> None:
    report = CallResult(False, "", dict(seen_of({"acceptance/test_a.py::test_a": "failed"})))
    master, tools = Master([]), Tools({"sandbox.app_check": report})
    behaviours = (
        Behaviour(id="B1", text="Reads", test="acceptance/test_a.py::test_a"),
        Behaviour(id="B2", text="Sings"),
    )
    acceptance = Acceptance(
        behaviours=behaviours, commit="c1", files=("acceptance/test_a.py",), strict=strict
    )
    found = await AcceptanceRun(cast("Any", master), cast("Any", tools)).run(acceptance)
    assert [one.path for one in found] == named
    event = master.told("acceptance.seen")[0]
    assert [one["outcome"] for one in event["behaviours"]] == ["failed", "untested"]
    assert event["tree"] == "t1"


async def test_a_hidden_test_that_no_behaviour_names_counts_as_well() -> None:
    outcomes = {"acceptance/test_a.py::test_a": "passed", "acceptance/test_a.py::test_more": "failed"}
    tools = Tools({"sandbox.app_check": CallResult(False, "", dict(seen_of(outcomes)))})
    behaviours = (Behaviour(id="B1", text="Reads", test="acceptance/test_a.py::test_a"),)
    acceptance = Acceptance(
        behaviours=behaviours, commit="c1", files=("acceptance/test_a.py", "acceptance/a.txt")
    )
    (found,) = await AcceptanceRun(cast("Any", Master([])), cast("Any", tools)).run(acceptance)
    assert found.path == "acceptance/test_a.py::test_more"
    (arguments,) = [given for name, given in tools.asked if name == "sandbox.app_check"]
    assert arguments["tests"] == ["acceptance/test_a.py"]


async def test_a_project_that_is_played_may_promise_nothing() -> None:
    master = Master(['```json\n{"behaviours": []}\n```'], simulated=True)
    kept = await acceptor(master, fresh()).write("Do nothing")
    assert (kept.behaviours, kept.strict) == ((), False)


async def test_an_application_that_nobody_tests_has_to_start_all_the_same() -> None:
    report = CallResult(False, "", {"app": {"started": False, "health": "it ended with status 1"}})
    tools = Tools({"sandbox.app_check": report})
    acceptance = Acceptance(start="python -m app {port}", strict=False)
    (found,) = await AcceptanceRun(cast("Any", Master([])), cast("Any", tools)).run(acceptance)
    assert "it ended with status 1" in found.message


async def test_tools_that_refuse_prove_nothing() -> None:
    tools = Tools({"sandbox.env_prepare": CallResult(True, "no such package", None)})
    acceptance = Acceptance(
        behaviours=(Behaviour(id="B1", text="Reads", test="acceptance/test_a.py::test_a"),),
        commit="c1",
        files=("acceptance/test_a.py",),
    )
    (found,) = await AcceptanceRun(cast("Any", Master([])), cast("Any", tools)).run(acceptance)
    assert "no such package" in found.message


def test_a_reason_names_tasks_and_behaviours() -> None:
    unproved = [
        Finding(stage="acceptance", path=f"B{number}", message="Sings: failed") for number in range(7)
    ]
    red = Finding(stage="tests", message="red")
    assert why_partial(PLAN, {"a"}, []) == ""
    assert why_partial(PLAN, {"a"}, unproved[:1]) == "not proved: B0 (Sings: failed)"
    assert why_partial(PLAN, set(), [red, *unproved]) == (
        "not built: a; the last run on main: [tests] red; not proved: B0 (Sings: failed); B1 (Sings: failed); "
        "B2 (Sings: failed); B3 (Sings: failed); B4 (Sings: failed); and 2 more"
    )


def test_tests_that_prove_nothing_are_enough_only_where_every_behaviour_was_seen_from_outside() -> None:
    seen = (Behaviour(id="B1", text="Sings", test="acceptance/test_a.py::test_a"),)
    untested = (*seen, Behaviour(id="B2", text="Reads"))
    unproved = [Finding(stage="acceptance", path="B1", message="Sings: failed")]
    said = "empty answers would pass every test of: a"
    assert why_partial(PLAN.model_copy(update={"behaviours": seen}), {"a"}, [], ["a"]) == ""
    assert why_partial(PLAN.model_copy(update={"behaviours": ()}), {"a"}, [], ["a"]) == said
    assert why_partial(PLAN.model_copy(update={"behaviours": untested}), {"a"}, [], ["a"]) == said
    assert said in why_partial(PLAN.model_copy(update={"behaviours": seen}), {"a"}, unproved, ["a"])


@dataclass
class Before:
    """Says which behaviours are there before a change, one answer after the other."""

    passing_ids: list[tuple[str, ...]]

    async def passing(self, answer: AcceptanceAnswer) -> tuple[str, ...]:
        return self.passing_ids.pop(0)


def changing(master: Master, *passing: tuple[str, ...]) -> Acceptor:
    return Acceptor(
        cast("Voice", master),
        cast("Any", fresh()),
        repository="## Files\n\n- app.py",
        started=("python -m app --port {port}", "/health"),
        before=Before(list(passing)),
    )


async def test_the_tests_of_a_change_are_written_with_the_repository_in_sight() -> None:
    master = Master([said(READS)])
    kept = await changing(master, ()).write("Read it aloud")
    text = master.asked[0].messages[-1].text
    assert text.startswith("Step: acceptance\nChange: of an existing repository\nAttempt: 1\n")
    assert "# The repository\n\n## Files\n\n- app.py" in text
    assert "started with `python -m app --port {port}`" in text
    assert (kept.start, kept.health, kept.before) == ("python -m app --port {port}", "/health", ())


async def test_a_master_is_told_once_when_its_tests_pass_before_the_change() -> None:
    master = Master([said(READS), said(READS)])
    kept = await changing(master, ("B1",), ("B1",)).write("Tidy it up")
    assert "passes before the change already" in master.asked[1].messages[-1].text
    assert kept.before == ("B1",)


async def test_one_behaviour_that_is_there_already_is_kept_and_noted() -> None:
    master = Master([said(f"{READS}, {LISTS}")])
    kept = await changing(master, ("B2",)).write("Read it aloud")
    assert len(master.asked) == 1
    assert kept.before == ("B2",)


@pytest.mark.parametrize(
    ("start", "tool"), [("", "sandbox.check_run"), ("python -m app", "sandbox.app_check")]
)
async def test_the_tests_of_a_library_import_the_project_itself(start: str, tool: str) -> None:
    tools = Tools({"sandbox.check_run": CLEAN, "sandbox.app_check": CLEAN}, base="refs/codegod/base")
    behaviours = (Behaviour(id="B1", text="Reads", test="acceptance/test_api.py::test_reads"),)
    wanted = Acceptance(behaviours=behaviours, start=start, commit="c", files=("acceptance/test_api.py",))
    await AcceptanceRun(cast("Any", Master([])), cast("Any", tools)).run(wanted)
    asked = [(name, arguments["tests"]) for name, arguments in tools.asked if "tests" in arguments]
    assert asked == [(tool, ["acceptance/test_api.py"])]
