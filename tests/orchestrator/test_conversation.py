"""The master's conversation: it grows at its end, without what could not be read, and begins again when too long."""

import dataclasses
from typing import Any, cast

import pytest

from codegod_models import ModelRequest, PromptTooLong
from codegod_orchestrator import conversation
from codegod_orchestrator.conversation import Conversation
from codegod_orchestrator.master import SYSTEM
from codegod_workers import AnswerFault


@dataclasses.dataclass
class Heard:
    text: str


class Master:
    """Answers with the number of the call; `short` is how many turns it has room for."""

    def __init__(self, short: int = 99) -> None:
        self.requests: list[ModelRequest] = []
        self.short = short

    async def ask(self, request: ModelRequest, step: str) -> Heard:
        if len(request.messages) > self.short:
            raise PromptTooLong("m", 9, 9, 9)
        self.requests.append(request)
        return Heard(f"answer {len(self.requests)}")

    @property
    def said(self) -> list[list[str]]:
        return [[message.text for message in request.messages] for request in self.requests]


def _read(text: str) -> str:
    if text == "answer 2":
        raise AnswerFault("cut")
    return text


async def _ask(talk: Conversation, name: str) -> str:
    return await talk.ask(_read, opening=lambda: f"all of {name}", following=lambda: name)


async def test_a_request_begins_with_the_one_before_and_an_unread_answer_is_left_out() -> None:
    master = Master()
    talk = Conversation(cast("Any", master), "contract", 100)
    assert await _ask(talk, "a") == "answer 1"
    with pytest.raises(AnswerFault):
        await _ask(talk, "b")
    assert await _ask(talk, "c") == "answer 3"
    assert master.said == [["all of a"], ["all of a", "answer 1", "b"], ["all of a", "answer 1", "c"]]
    assert {request.system for request in master.requests} == {SYSTEM}
    assert [message.role for message in master.requests[2].messages] == ["user", "assistant", "user"]


async def test_a_conversation_that_no_longer_fits_begins_anew_with_all_that_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing = Master(short=2)
    talk = Conversation(cast("Any", refusing), "contract", 100)
    await _ask(talk, "a")
    with pytest.raises(AnswerFault):
        await _ask(talk, "b")
    assert refusing.said[-1] == ["all of b"]

    monkeypatch.setattr(conversation, "CONVERSATION_TOKENS", 0)
    long = Master()
    talk = Conversation(cast("Any", long), "contract", 100)
    await _ask(talk, "a")
    with pytest.raises(AnswerFault):
        await _ask(talk, "b")
    assert long.said[-1] == ["all of b"]


async def test_a_prompt_that_never_fits_is_told() -> None:
    talk = Conversation(cast("Any", Master(short=0)), "plan", 100)
    with pytest.raises(PromptTooLong):
        await _ask(talk, "a")


def test_one_system_text_holds_every_step() -> None:
    for step in ("plan", "contract", "ruling", "replan", "acceptance"):
        assert f"# Step: {step}" in SYSTEM
