"""What goes wrong when it is asked for: by the words of the answers, and by what they do in a real project."""

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from codegod_kit.plan import Plan
from codegod_simulator.app import MASTER, WORKER, build_app
from codegod_simulator.faults import KINDS, BadFault, Faults, parse_fault
from codegod_simulator.library import open_library
from codegod_simulator.play import Manner, Player
from codegod_simulator.presets import PRESETS
from codegod_workers import AnswerFault, parse_answer

from .conftest import lay_out, run_tests

LIBRARY = open_library([])
TODO = LIBRARY.named("todo-api")
PATH = "src/todo/storage.py"
RIGHT = TODO.files[PATH]
ALL_TESTS = [path for task in TODO.plan.tasks for path in task.tests]
"""The contract's tests, all of which one question asks for here."""


def task(name: str = "storage", attempt: int = 1, path: str = PATH, shown: str = "") -> str:
    return f"Step: task\nProject: todo-api\nTask: {name}\nAttempt: {attempt}\n\nFiles to write:\n- {path}\n\n{shown}"


def contract(attempt: int = 1) -> str:
    stubs = [path for one in TODO.plan.tasks for path in one.files if path.endswith(".py")]
    listed = "\n".join(f"- {path}" for path in [*TODO.plan.skeleton, *ALL_TESTS, *stubs])
    return f"Step: contract\nProject: todo-api\nAttempt: {attempt}\n\nFiles to write:\n{listed}"


def plan(attempt: int = 1) -> str:
    return f"Step: plan\nAttempt: {attempt}\n\n<request>\nCreate a todo REST API\n</request>"


class Played:
    """A simulator's application, asked without a socket."""

    def __init__(self, *faults: str, seed: int = 1, preset: str = "") -> None:
        manner = Manner(seed=seed, preset=PRESETS[preset] if preset else None)
        app = build_app(Player(LIBRARY, Faults([parse_fault(fault) for fault in faults]), manner))
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://simulator")

    async def worker(self, text: str) -> dict[str, Any]:
        body = {"model": WORKER, "messages": [{"role": "user", "content": text}], "stream": False}
        response = await self._http.post("/api/chat", json={**body, "options": {"num_ctx": 32_768}})
        return dict(response.json())

    async def said(self, text: str) -> str:
        return str((await self.worker(text))["message"]["content"])

    async def master(self, text: str) -> str:
        body = {"model": MASTER, "max_tokens": 60_000, "messages": [{"role": "user", "content": text}]}
        response = await self._http.post("/v1/messages", json=body)
        return str(response.json()["content"][0]["text"])

    async def contract(self, attempt: int = 1) -> dict[str, str]:
        wanted = [line.removeprefix("- ") for line in contract().splitlines() if line.startswith("- ")]
        return parse_answer(await self.master(contract(attempt)), wanted).files

    async def plan(self, attempt: int = 1) -> dict[str, Any]:
        text = await self.master(plan(attempt))
        return dict(json.loads(text.removeprefix("```json\n").removesuffix("```\n")))


def files(text: str) -> dict[str, str]:
    return parse_answer(text, [PATH]).files


@pytest.mark.parametrize(
    "kind",
    [
        "malformed_json",
        "no_fence",
        "wrong_tool",
        "wrong_types",
        "foreign_file",
        "deleted_test",
        "no_work",
        "repetition",
        "context_cut",
    ],
)
async def test_an_answer_in_a_wrong_form_is_refused_and_the_next_one_is_right(kind: str) -> None:
    played = Played(f"worker:{kind}@storage", preset="oracle")
    with pytest.raises(AnswerFault):
        files(await played.said(task()))
    assert files(await played.said(task(attempt=2))) == {PATH: RIGHT}


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        ("hallucinated_import", "BACKEND = "),
        ("signature_drift", "_value: "),
        ("stub_body", "coming soon"),
        ("empty_values", "return None"),
        ("endless_loop", "while waited:"),
    ],
)
async def test_a_file_that_should_not_pass_says_what_is_wrong_with_it(kind: str, mark: str) -> None:
    played = Played(f"worker:{kind}@storage", preset="oracle")
    spoilt = files(await played.said(task()))[PATH]
    assert mark in spoilt
    assert mark not in RIGHT
    assert files(await played.said(task(attempt=2))) == {PATH: RIGHT}


async def test_a_fence_left_in_stands_inside_the_block_of_the_file() -> None:
    text = await Played("worker:fence_left_in", preset="oracle").said(task())
    assert text.startswith(f"````python {PATH}\n```\n")


async def test_code_that_is_only_wrong_still_parses_and_what_is_cut_does_not() -> None:
    logic = files(await Played("worker:wrong_logic", preset="oracle").said(task()))[PATH]
    assert ast.dump(ast.parse(logic)) != ast.dump(ast.parse(RIGHT))
    broken = files(await Played("worker:syntax_error", preset="oracle").said(task()))[PATH]
    with pytest.raises(SyntaxError):
        ast.parse(broken)


async def test_the_same_answer_comes_for_ever_but_not_from_the_strong_model() -> None:
    played = Played("worker:same_answer", preset="oracle")
    answers = {await played.said(task(attempt=attempt)) for attempt in (1, 2, 3, 4)}
    assert len(answers) == 1
    assert files(answers.pop()) != {PATH: RIGHT}
    assert files(await played.master(task(attempt=5))) == {PATH: RIGHT}


async def test_a_cut_context_shows_in_the_count_of_what_was_read() -> None:
    text = task(shown="x" * 8000)
    cut = await Played("worker:context_cut", preset="oracle").worker(text)
    whole = await Played(preset="oracle").worker(text)
    assert cut["prompt_eval_count"] < 0.7 * whole["prompt_eval_count"]


@pytest.mark.parametrize("kind", ["wrong_logic", "hallucinated_import", "foreign_file"])
async def test_a_seed_decides_what_exactly_is_wrong(kind: str) -> None:
    def played(seed: int) -> Played:
        return Played(f"worker:{kind}", seed=seed, preset="oracle")

    answers = [await played(seed).said(task()) for seed in range(8)]
    assert answers == [await played(seed).said(task()) for seed in range(8)]
    assert len(set(answers)) > 1


async def test_what_struck_is_told_with_its_project_and_nothing_else_is() -> None:
    told: list[str] = []
    faults = [parse_fault(fault) for fault in ("worker:no_work", "master:unneeded_task", "worker:cut@routes")]
    http = httpx.ASGITransport(build_app(Player(LIBRARY, Faults(faults, told.append), Manner(seed=1))))
    async with httpx.AsyncClient(transport=http, base_url="http://simulator") as client:
        for _ in range(2):
            body = {"model": WORKER, "messages": [{"role": "user", "content": task()}], "stream": False}
            await client.post("/api/chat", json={**body, "options": {"num_ctx": 32_768}})
    assert "master:unneeded_task todo-api from the start" in told
    assert [line for line in told if line.startswith("worker:")] == ["worker:no_work todo-api task storage 1"]


async def test_two_owners_and_a_cycle_are_plans_that_nobody_can_follow() -> None:
    for kind, why in (("two_owners", "one owner"), ("cycle", "wait for each other")):
        played = Played(f"master:{kind}")
        with pytest.raises(ValueError, match=why):
            Plan.model_validate(await played.plan())
        assert Plan.model_validate(await played.plan(2)).tasks == TODO.plan.tasks


async def test_a_missing_dependency_and_an_unneeded_task_are_plans_that_look_right() -> None:
    short = Plan.model_validate(await Played("master:missing_dependency").plan())
    lacking = [
        (one.depends, meant.depends)
        for one, meant in zip(short.tasks, TODO.plan.tasks, strict=True)
        if one.depends != meant.depends
    ]
    assert len(lacking) == 1
    assert set(lacking[0][0]) < set(lacking[0][1])
    played = Played("master:unneeded_task", preset="oracle")
    long = Plan.model_validate(await played.plan())
    assert [one.id for one in long.tasks][-1] == "extras"
    extra = long.tasks[-1].files[0]
    answer = await played.said(task("extras", path=extra))
    assert "def greeting" in parse_answer(answer, [extra]).files[extra]


async def test_a_cut_plan_and_malformed_json_are_no_json() -> None:
    for kind in ("cut_plan", "malformed_json"):
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            await Played(f"master:{kind}").plan()


def difference(files: Mapping[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if text != TODO.contract_file(path)}


@pytest.mark.parametrize("kind", ["wrong_test", "vacuous_test", "stub_disagrees", "missing_package"])
async def test_a_wrong_contract_has_one_wrong_file_and_its_next_answer_none(kind: str) -> None:
    played = Played(f"master:{kind}")
    wrong = difference(await played.contract())
    assert len(wrong) == 1
    assert not difference(await played.contract(2))


async def test_a_wrong_contract_can_be_had_for_one_task() -> None:
    assert set(difference(await Played("master:wrong_test@routes").contract())) == {"tests/test_routes.py"}


async def test_a_ruling_blames_the_spoilt_test_and_mends_it_without_seeing_an_attempt() -> None:
    played = Played("master:wrong_test@storage")
    ((path, wrong),) = difference(await played.contract()).items()
    shown = f"Step: ruling\nProject: todo-api\nTask: storage\nAttempt: 1\n\n```python {path}\n{wrong}```\n"
    answer = await played.master(shown)
    assert '"ruling": "test"' in answer
    assert TODO.files[path].strip() in answer
    right = f"Step: ruling\nProject: todo-api\nTask: storage\nAttempt: 2\n\n```python {path}\n{TODO.files[path]}```\n"
    assert '"ruling": "code"' in await played.master(right)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_a_wrong_test_fails_on_right_code(seed: int, tmp_path: Path) -> None:
    wrong = difference(await Played("master:wrong_test", seed=seed).contract())
    run = run_tests(lay_out(tmp_path, {**TODO.files, **wrong}), list(wrong))
    assert len(run.failed) == 1


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
async def test_a_vacuous_test_passes_on_empty_values(seed: int, tmp_path: Path) -> None:
    wrong = difference(await Played("master:vacuous_test", seed=seed).contract())
    run = run_tests(lay_out(tmp_path, {**TODO.files, **wrong}), list(wrong))
    assert run.passed
    assert not run.failed
    assert not any("assert " in text.replace("assert True", "") for text in wrong.values())


@pytest.mark.long
async def test_a_stub_that_disagrees_cannot_be_called_as_the_tests_do(tmp_path: Path) -> None:
    wrong = difference(await Played("master:stub_disagrees").contract())
    ((path, _),) = wrong.items()
    owner = next(one for one in TODO.plan.tasks if path in one.files)
    run = run_tests(lay_out(tmp_path, {**TODO.files, **wrong}), list(owner.tests))
    assert any("TypeError" in message for message in run.failed.values())


@pytest.mark.parametrize("text", ["worker:nothing", "nobody:prose", "worker:cycle", "master:no_work", "x"])
def test_an_unknown_fault_is_told_which_there_are(text: str) -> None:
    with pytest.raises(BadFault) as caught:
        parse_fault(text)
    for kind in (*KINDS["worker"], *KINDS["master"]):
        assert kind in str(caught.value)


@pytest.mark.long
@pytest.mark.parametrize(("preset", "first", "margin"), [("7b", 0.519, 0.09), ("3b", 0.338, 0.09)])
async def test_a_preset_is_right_as_often_as_was_published(preset: str, first: float, margin: float) -> None:
    right = 0
    for seed in range(150):
        played = Played(seed=seed, preset=preset)
        right += f"```python {PATH}\n{RIGHT}```\n" == await played.said(task())
    assert abs(right / 150 - first) < margin


@pytest.mark.long
async def test_a_repair_succeeds_less_often_than_a_fresh_answer() -> None:
    repaired = fresh = 0
    stub = TODO.contract_file(PATH)
    for seed in range(100):
        played = Played(seed=seed, preset="7b")
        right = f"```python {PATH}\n{RIGHT}```\n"
        sent_back = RIGHT.replace("return", "yield")
        repaired += right == await played.said(task(attempt=2, shown=f"```python {PATH}\n{sent_back}```\n"))
        fresh += right == await played.said(task(attempt=4, shown=f"```python {PATH}\n{stub}```\n"))
    assert 3 <= repaired <= 23
    assert 33 <= fresh <= 57


@pytest.mark.parametrize(("preset", "marker"), [("stubs", "NotImplementedError"), ("empty", "return None")])
async def test_an_empty_model_never_gives_more(preset: str, marker: str) -> None:
    played = Played(preset=preset)
    for attempt in (1, 2, 5):
        for answer in (await played.said(task(attempt=attempt)), await played.master(task(attempt=attempt))):
            text = files(answer)[PATH]
            ast.parse(text)
            assert marker in text
