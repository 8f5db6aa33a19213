"""Model calls that wait for a host: each is a question until somebody connected has answered it.

A question belongs to nobody. Whoever asks for one gets the oldest that has been handed out least often, so a host that
went away leaves nothing behind, and the next one finds everything that is still open. The first whole answer counts.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio

from codegod_models import Message, ModelName, ModelRequest, Unanswered
from codegod_orchestrator.doors.host_faults import AnswerTooLong, EmptyAnswer, NoSuchQuestion

ANSWER_CHARS = 400_000  # in all its pieces: some 100,000 tokens, more than any step asks for
ANSWERED_KEPT = 100  # of which a host may still remember what they showed
_ID_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another one
_ID_LENGTH = 8


@dataclass(slots=True, eq=False)
class Question:
    """One call of a model, and what there is of its answer."""

    id: str
    build: str
    model: str
    request: ModelRequest
    handed_out: int = 0
    pieces: list[str] = field(default_factory=list)
    answered: anyio.Event = field(default_factory=anyio.Event)

    @property
    def answer(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class BuildDesk:
    """Where the models of one build ask."""

    questions: Questions
    build: str

    async def ask(self, model: ModelName, request: ModelRequest, within: float) -> str:
        """The answer of whoever is connected; raises `Unanswered` after `within` seconds."""
        return await self.questions.ask(self.build, model, request, within)


class Questions:
    """The open questions of all builds of a server, oldest first."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Question] = OrderedDict()
        self._answered: OrderedDict[str, Question] = OrderedDict()
        self._news = anyio.Event()

    def of(self, build: str) -> BuildDesk:
        return BuildDesk(self, build)

    def waiting(self, build: str = "") -> int:
        """How many questions of `build`, or of any build, nobody has answered."""
        return len(self._of(build))

    async def ask(self, build: str, model: ModelName, request: ModelRequest, within: float) -> str:
        """Lay a question down and wait for its answer. Whoever stops waiting takes it away again."""
        question = Question(_new_id(), build, str(model), request)
        self._open[question.id] = question
        self.stir()
        try:
            with anyio.fail_after(within):
                await question.answered.wait()
        except TimeoutError as error:
            raise Unanswered(str(model), question.id, within) from error
        finally:
            self._open.pop(question.id, None)
        return question.answer

    async def next(self, build: str, within: float, awaited: Callable[[], bool]) -> Question | None:
        """The question to answer next, or None when there is none in time or `awaited` says that none will come."""
        give_up = anyio.current_time() + within
        while True:
            news = self._news
            if found := self._of(build):
                question = min(found, key=lambda one: one.handed_out)
                question.handed_out += 1
                question.pieces.clear()  # what somebody else began to answer was never finished
                return question
            if not awaited() or (left := give_up - anyio.current_time()) <= 0:
                return None
            with anyio.move_on_after(left):
                await news.wait()

    def fresh(self, build: str) -> bool:
        """Whether `build` asks something that nobody has looked at yet."""
        return any(not one.handed_out for one in self._of(build))

    async def arrival(self, build: str) -> None:
        """Return as soon as `build` asks something that nobody has looked at yet."""
        while not self.fresh(build):
            await self._news.wait()

    def find(self, question: str) -> Question:
        """An open question; raises `NoSuchQuestion`."""
        if question not in self._open:
            raise NoSuchQuestion(question, answered=question in self._answered)
        return self._open[question]

    def answer(self, question: str, text: str, *, more: bool) -> Question:
        """Add a piece to an answer; without `more` it is the last. Raises `NoSuchQuestion` and what a text can lack."""
        found = self.find(question)
        size = sum(map(len, found.pieces)) + len(text)
        if size > ANSWER_CHARS:
            raise AnswerTooLong(question, size, ANSWER_CHARS)
        if not more and not (found.answer + text).strip():
            raise EmptyAnswer(question)
        found.pieces.append(text)
        if not more:
            del self._open[question]
            self._remember(found)
            found.answered.set()
        return found

    def stir(self) -> None:
        """Have everybody who waits look again: a question has come, or a build that could ask has ended."""
        self._news.set()
        self._news = anyio.Event()

    def text_of(self, question: Question, after: str = "") -> str:
        """What a host reads; one that remembers all it answered up to `after` is not shown that again."""
        known = self._answered_until(after)
        earlier = [one for one in known if _continues(question.request, one)]
        return question_text(
            question,
            max(earlier, key=_turns, default=None),
            instructions=all(one.request.system != question.request.system for one in known),
        )

    def _answered_until(self, after: str) -> Sequence[Question]:
        if after not in self._answered:
            return ()
        return tuple(self._answered.values())[: list(self._answered).index(after) + 1]

    def _of(self, build: str) -> Sequence[Question]:
        return [one for one in self._open.values() if not build or one.build == build]

    def _remember(self, question: Question) -> None:
        self._answered[question.id] = question
        while len(self._answered) > ANSWERED_KEPT:
            self._answered.popitem(last=False)


def question_text(question: Question, known: Question | None, *, instructions: bool) -> str:
    """The question as a host reads it: all of it, or without what it showed and heard when it answered `known`."""
    messages = question.request.messages
    parts = (
        [f"# Instructions\n\n{question.request.system}"] if instructions and question.request.system else []
    )
    if known is not None:
        parts.append(f"This goes on from question {known.id}, where you have read what comes before.")
        messages = messages[_turns(known) + 1 :]
    *before, last = messages
    parts += [f"# {_SAID[message.role]}\n\n{message.text}" for message in before]
    return "\n\n".join([*parts, f"# The question\n\n{last.text}"])


_SAID = {"user": "You were asked", "assistant": "You answered"}


def _continues(request: ModelRequest, earlier: Question) -> bool:
    """Whether `request` says again what `earlier` asked and was answered, and then goes on."""
    so_far = (*earlier.request.messages, Message("assistant", earlier.answer))
    same = request.messages[: len(so_far)] == so_far
    return same and len(request.messages) > len(so_far) and request.system == earlier.request.system


def _turns(question: Question) -> int:
    return len(question.request.messages)


def _new_id() -> str:
    """Not a count: an answer that comes late, after a restart, must not fit another question."""
    return "q-" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))
