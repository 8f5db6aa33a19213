"""What a build asks the host that is connected, and what becomes of the answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup
from mcp import Client

from codegod_models import Message, ModelName, ModelRequest, Unanswered
from codegod_orchestrator.doors.cli import main
from codegod_orchestrator.doors.host_answers import QUESTION_PAGE_CHARS
from codegod_orchestrator.doors.host_faults import AnswerTooLong, EmptyAnswer, NoSuchQuestion
from codegod_orchestrator.doors.previews import PREVIEW
from codegod_orchestrator.doors.questions import ANSWER_CHARS, Question, Questions
from codegod_orchestrator.doors.settings import Settings

from .test_mcp import call, host, refused

HOST = ModelName("host", "")
PLANNED = Message("assistant", "a plan")


def request(*texts: str, system: str = "Be terse.") -> ModelRequest:
    """A conversation of user turns, each but the last answered by `a plan`."""
    turns = [turn for text in texts for turn in (Message("user", text), PLANNED)]
    return ModelRequest(system, tuple(turns[:-1]), 1000)


ACCEPTANCE = """\
```json
{"behaviours": [{"id": "B1", "text": "It runs", "test": "acceptance/test_demo.py::test_it_runs"}],
 "start": "python -m demo", "health": ""}
```

```python acceptance/test_demo.py
import os
import subprocess


def test_it_runs() -> None:
    done = subprocess.run(os.environ["APP_COMMAND"].split(), capture_output=True, text=True, timeout=10)
    assert done.stdout == "demo\\n"
```
"""


class Asking:
    """Lays questions down and keeps what comes back."""

    def __init__(self, group: TaskGroup) -> None:
        self.questions = Questions()
        self.answers: dict[str, str] = {}
        self._group = group

    async def ask(self, asked: ModelRequest, *, build: str = "b-1", within: float = 5) -> None:
        self._group.start_soon(self._ask, asked, build, within)
        await anyio.wait_all_tasks_blocked()

    async def _ask(self, asked: ModelRequest, build: str, within: float) -> None:
        answer = await self.questions.of(build).ask(HOST, asked, within)
        self.answers[asked.messages[-1].text] = answer

    async def next(self, build: str = "") -> Question:
        found = await self.questions.next(build, 0, lambda: True)
        assert found is not None
        return found


@asynccontextmanager
async def asking() -> AsyncIterator[Asking]:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            yield Asking(group)
            group.cancel_scope.cancel()


async def test_questions_are_handed_out_in_turn_and_again_when_nobody_answers() -> None:
    async with asking() as desk:
        for text in ("first", "second"):
            await desk.ask(request(text))
        seen = [(await desk.next()).request.messages[-1].text for _ in range(4)]
    assert seen == ["first", "second", "first", "second"]


async def test_a_host_hears_of_its_own_build_alone_when_it_says_which() -> None:
    async with asking() as desk:
        await desk.ask(request("other"), build="b-2")
        await desk.ask(request("mine"), build="b-1")
        assert (await desk.next("b-1")).request.messages[-1].text == "mine"
        assert await desk.questions.next("b-3", 0, lambda: True) is None
        assert desk.questions.waiting() == 2


async def test_an_answer_comes_in_pieces_and_the_first_whole_one_counts() -> None:
    async with asking() as desk:
        await desk.ask(request("q"))
        question = (await desk.next()).id
        desk.questions.answer(question, "one ", more=True)
        desk.questions.answer(question, "two", more=False)
        with pytest.raises(NoSuchQuestion, match=r"is answered.*question_next"):
            desk.questions.answer(question, "three", more=False)
        await anyio.wait_all_tasks_blocked()
        assert desk.answers == {"q": "one two"}
        assert desk.questions.waiting() == 0


async def test_half_an_answer_of_a_host_that_went_away_is_dropped() -> None:
    async with asking() as desk:
        await desk.ask(request("q"))
        desk.questions.answer((await desk.next()).id, "half a", more=True)
        again = await desk.next()
        desk.questions.answer(again.id, "whole", more=False)
        await anyio.wait_all_tasks_blocked()
        assert desk.answers == {"q": "whole"}


async def test_a_question_that_nobody_answers_is_a_fault_and_gone() -> None:
    questions = Questions()
    with pytest.raises(Unanswered, match=r"nobody answered question 'q-.*CODEGOD_HOST_SECONDS"):
        await questions.of("b-1").ask(HOST, request("q"), 0.01)
    assert questions.waiting() == 0


async def test_a_build_that_stops_takes_its_question_back() -> None:
    questions = Questions()
    async with anyio.create_task_group() as group:
        group.start_soon(questions.of("b-1").ask, HOST, request("q"), 60)
        await anyio.wait_all_tasks_blocked()
        taken = await questions.next("", 0, lambda: True)
        group.cancel_scope.cancel()
    assert taken is not None
    with pytest.raises(NoSuchQuestion, match="taken back"):
        questions.answer(taken.id, "late", more=False)


async def test_whoever_waits_gets_a_question_when_it_comes() -> None:
    async with asking() as desk:
        got: list[Question | None] = []

        async def wait() -> None:
            got.append(await desk.questions.next("b-1", 4, lambda: True))

        desk._group.start_soon(wait)
        await desk.ask(request("elsewhere"), build="b-2")
        assert got == []
        await desk.ask(request("here"))
        assert got[0] is not None
        assert got[0].build == "b-1"


async def test_nobody_waits_for_a_build_that_has_ended() -> None:
    questions = Questions()
    runs = [True]

    async def end() -> None:
        await anyio.wait_all_tasks_blocked()
        runs.clear()
        questions.stir()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(end)
            assert await questions.next("b-1", 60, lambda: bool(runs)) is None


@pytest.mark.parametrize(
    ("text", "fault"), [("", EmptyAnswer), (" \n", EmptyAnswer), ("x" * (ANSWER_CHARS + 1), AnswerTooLong)]
)
async def test_an_answer_that_is_none_leaves_the_question_open(text: str, fault: type[Exception]) -> None:
    async with asking() as desk:
        await desk.ask(request("q"))
        question = (await desk.next()).id
        with pytest.raises(fault, match=r"question_next|whole answer"):
            desk.questions.answer(question, text, more=False)
        assert desk.questions.waiting() == 1


async def test_a_host_that_remembers_is_shown_only_what_is_new() -> None:
    async with asking() as desk:
        await desk.ask(request("plan it"))
        first = await desk.next()
        whole = desk.questions.text_of(first)
        assert whole == "# Instructions\n\nBe terse.\n\n# The question\n\nplan it"
        desk.questions.answer(first.id, "a plan", more=False)
        await desk.ask(request("plan it", "write it"))
        second = await desk.next()
        short = desk.questions.text_of(second, first.id)
        assert short == (
            f"This goes on from question {first.id}, where you have read what comes before.\n\n# The question\n\nwrite it"
        )
        full = desk.questions.text_of(second)
        assert full == (
            "# Instructions\n\nBe terse.\n\n# You were asked\n\nplan it\n\n# You answered\n\na plan\n\n"
            "# The question\n\nwrite it"
        )
        desk.questions.answer(second.id, "files", more=False)
        await desk.ask(request("something else"))
        other = desk.questions.text_of(await desk.next(), second.id)
        assert other == "# The question\n\nsomething else"


@pytest.mark.parametrize("after", ["", "q-nobody", "{first}"])
async def test_nothing_is_left_out_that_was_not_read(after: str) -> None:
    async with asking() as desk:
        await desk.ask(request("plan it"))
        first = await desk.next()
        desk.questions.answer(first.id, "another plan", more=False)
        await desk.ask(request("plan it", "write it", system="Be wordy."))
        text = desk.questions.text_of(await desk.next(), after.format(first=first.id))
    assert "Be wordy." in text
    assert "plan it" in text
    assert "a plan" in text


async def asked_for(client: Client, build: str) -> dict[str, Any]:
    with anyio.fail_after(40):
        while True:
            found = await call(client, "question_next", build=build, timeout_s=20)
            if found["question"] or found["ended"]:
                return found


async def whole(client: Client, found: dict[str, Any]) -> str:
    """All pages of a question."""
    pages = [found["text"]]
    while found["next_cursor"]:
        asked = {"question": found["question"], "cursor": found["next_cursor"]}
        found = await call(client, "question_next", **asked)
        pages.append(found["text"])
    return "".join(pages)


@pytest.mark.long
async def test_a_host_reads_a_long_question_in_pages_and_a_second_one_takes_over(settings: Settings) -> None:
    prompt = "Write a tiny money library. " + "It counts cents. " * 3000
    async with host(settings) as client:
        begun = await call(client, "build_start", prompt=prompt, master="host:", worker="host:", out="out")
        build = begun["build"]
        assert begun["simulated"] is False
        assert "question_next" in begun["next"]
        assert "question_answer" in begun["note"]
        found = await asked_for(client, build)
        assert (found["build"], found["model"], found["ended"]) == (build, "host", False)
        assert found["total_chars"] > len(found["text"]) > QUESTION_PAGE_CHARS // 2
        assert f"question={found['question']!r}, cursor=" in found["next"]
        text = await whole(client, found)
        assert len(text) == found["total_chars"]
        assert "\n\n# The question\n\nStep: " in text
        assert prompt.strip() in text

        waiting = await call(client, "build_wait", build=build, cursor=0, timeout_s=5)
        assert f"question_next(build={build!r})" in waiting["next"]
        again = await call(client, "question_next", timeout_s=0)
        assert again["question"] == found["question"]
        late = await refused(client, "question_answer", question="q-nothere1", text="x")
        assert "'q-nothere1'" in late and "question_next" in late
        assert "q-" in await refused(client, "question_answer", question=found["question"], text=" ")
        unknown = await refused(client, "question_next", build="b-nothere1")
        assert "build_list" in unknown

        piece = await call(client, "question_answer", question=found["question"], text="I ", more=True)
        assert (piece["whole"], piece["chars"]) == (False, 2)
        given = await call(client, "question_answer", question=found["question"], text="don't know.")
        assert given["next"] == f"Call question_next(build={build!r}, after={found['question']!r})."
        sent_back = await asked_for(client, build)
        assert sent_back["question"] != found["question"]
        await call(client, "build_cancel", build=build)
        gone = await call(client, "question_next", build=build, timeout_s=20)
        assert (gone["question"], gone["ended"]) == ("", True)
        assert "build_result" in gone["next"]


@pytest.mark.long
async def test_a_plan_is_asked_of_the_host_too(settings: Settings, begun: Any) -> None:
    asked = {"prompt": "Make a demo", "master": "host:"}
    async with host(settings) as client:
        first = await call(client, "plan_preview", **asked)
        assert not first["ready"]
        assert f"question_next(build={PREVIEW!r})" in first["next"]
        planned = False
        while not planned:
            found = await asked_for(client, PREVIEW)
            step = found["text"].rpartition("# The question\n\nStep: ")[2].partition("\n")[0]
            planned = step == "plan"
            answer = f"```json\n{begun.plan.model_dump_json()}\n```" if planned else ACCEPTANCE
            given = await call(client, "question_answer", question=found["question"], text=answer)
            assert "plan_preview" in given["next"]
        with anyio.fail_after(40):
            while not (made := await call(client, "plan_preview", **asked))["ready"]:
                pass
    assert made["tasks"] == 2
    assert made["simulated"] is False
    assert "name: demo" in made["plan"]


@pytest.mark.parametrize("option", ["--master", "--worker"])
def test_a_terminal_where_nobody_can_be_connected_refuses_with_the_next_step(
    option: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("ANTHROPIC_API_KEY", "OLLAMA_HOST", "MASTER_MODEL", "WORKER_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CODEGOD_STATE_DIR", str(settings.state))
    monkeypatch.chdir(settings.state)
    assert main(["build", "Make a demo", option, "host:"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "docs/host-models.md" in said
    assert 'build_start(prompt="…", master="host:")' in said
