"""Plays one request: finds the answer, spoils it if a fault is due, and writes it at the speed that was asked for."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import anyio
from starlette.responses import JSONResponse, Response, StreamingResponse

from codegod_simulator.answer import answer
from codegod_simulator.faults import Faults, Kind, Struck
from codegod_simulator.library import Library, UnknownPrompt
from codegod_simulator.presets import Preset, played
from codegod_simulator.question import NoQuestion, Question, Role, read_question
from codegod_simulator.reference import NothingToWrite, Reference
from codegod_simulator.rulings import ruled
from codegod_simulator.scene import Scene
from codegod_simulator.wire import BYTES_PER_TOKEN, Asked, BadRequest, Said, Stop, Wire, tokens

PIECE_CHARACTERS = (
    40,
    160,
)  # a chunk of a stream: some tokens at a time, and few enough chunks to stay cheap
OVERLOADED = 529
STRONG_MODELS = frozenset({"claude-simulated", "gpt-simulated"})


@dataclass(frozen=True, slots=True)
class Manner:
    """How the models behave: seconds per answer by role, the seed of everything that varies, how good they are."""

    latency: Mapping[Role, float] = field(default_factory=dict)
    seed: int = 0
    preset: Preset | None = None


@dataclass(frozen=True)
class Player:
    """Master and workers, played from a library."""

    library: Library
    faults: Faults
    manner: Manner = Manner()
    strong: Collection[str] = STRONG_MODELS

    async def play(self, wire: Wire, body: object, url: str) -> Response:
        """The response to one request in the format `wire`."""
        try:
            asked = wire.read(body if isinstance(body, dict) else {})
            question = read_question(asked.user_texts)
            role: Role = "master" if asked.model in self.strong else "worker"
            scene = self._scene(question, role, url)
        except (BadRequest, NoQuestion, NothingToWrite, UnknownPrompt) as refusal:
            return refused(wire, 400, str(refusal))
        if asked.prompt_tokens > asked.context_tokens:
            too_long = f"prompt is too long: {asked.prompt_tokens} tokens > {asked.context_tokens} maximum"
            return refused(wire, 400, too_long)
        struck = self.faults.strike(scene, role)
        kind = struck.kind
        if kind.status:
            headers = {"retry-after": str(kind.retry_after)} if kind.retry_after else {}
            return refused(wire, kind.status, "trouble (simulated)", headers)
        said = _said(asked, struck)
        if not asked.stream:
            return await self._whole(wire, asked, said, question, kind)
        stream = self._stream(wire, asked, said, question, kind, scene.chance)
        return StreamingResponse(stream, media_type=wire.media_type)

    @cached_property
    def _staged(self) -> Library:
        """The library with what the faults of the whole run change in its projects."""
        return self.library.changed(self.faults.staged)

    def _scene(self, question: Question, role: Role, url: str) -> Scene:
        """The answer as it is meant, with all that a fault needs to spoil it."""
        text = answer(question, self._staged, url)
        reference = self._reference(question)
        whole = (
            question.step,
            question.project,
            question.task,
            question.attempt,
            question.files,
            question.words,
        )
        chance = random.Random(f"{self.manner.seed}/{role}/{whole!r}")  # noqa: S311 - a manner
        whim = random.Random(f"{self.manner.seed}/{reference.plan.name}")  # noqa: S311
        scene = Scene(question, text, reference, chance, whim)
        if question.step == "task" and self.manner.preset:
            text = played(scene, self.manner.preset, role)
        elif question.step == "ruling" and self.faults.spoil_contracts:
            text = ruled(question, reference) or text
        return replace(scene, text=text)

    def _reference(self, question: Question) -> Reference:
        if question.project and question.step not in {"plan", "acceptance"}:
            return self._staged.named(question.project)
        try:
            return self._staged.for_prompt(question.words, change=question.change)
        except UnknownPrompt:
            return self._staged.named(question.project)

    async def _whole(self, wire: Wire, asked: Asked, said: Said, question: Question, kind: Kind) -> Response:
        if kind.breaks in {"hang", "stall"}:
            await anyio.sleep_forever()
        if kind.breaks:  # an answer that comes in one piece has no middle
            return refused(wire, OVERLOADED, "Overloaded (simulated)")
        await anyio.sleep(self.manner.latency.get(question.role, 0.0))
        return JSONResponse(wire.whole(asked, said))

    async def _stream(
        self, wire: Wire, asked: Asked, said: Said, question: Question, kind: Kind, chance: random.Random
    ) -> AsyncIterator[bytes]:
        pieces = list(_pieces(said.text, chance))
        seconds = self.manner.latency.get(question.role, 0.0) * chance.uniform(0.7, 1.3)
        if kind.breaks == "hang":
            await anyio.sleep_forever()
        yield wire.begin(asked, said)
        await anyio.sleep(seconds / 2)
        for index, piece in enumerate(pieces):
            if kind.breaks and index >= len(pieces) // 2:
                break
            yield wire.piece(asked, piece)
            await anyio.sleep(seconds / 2 / len(pieces))
        if kind.breaks == "stall":
            await anyio.sleep_forever()
        elif kind.breaks == "overload":
            yield wire.overloaded()
        elif not kind.breaks:
            yield wire.end(asked, said)


def refused(wire: Wire, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in the words of `wire`."""
    return JSONResponse(wire.error(status, text), status_code=status, headers=headers)


def _said(asked: Asked, struck: Struck) -> Said:
    """The answer as it comes out: spoilt by a fault, and no longer than the client allows."""
    kind = struck.kind
    text = f"{kind.before}{struck.text}{kind.after}"
    allowed = min(asked.answer_limit * BYTES_PER_TOKEN, int(len(text.encode()) * kind.keeps))
    kept = text.encode()[:allowed].decode("utf-8", "ignore")
    stop: Stop = "end" if kept == text else "length"
    return Said(kept, stop, int(asked.prompt_tokens * kind.reads), tokens(kept), asked.take_in())


def _pieces(text: str, chance: random.Random) -> Iterator[str]:
    start = 0
    while start < len(text):
        size = chance.randint(*PIECE_CHARACTERS)
        yield text[start : start + size]
        start += size
