"""Plays one request: finds the answer, spoils it if a fault is due, and writes it at the speed that was asked for."""

from __future__ import annotations

import random
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

import anyio
from starlette.responses import JSONResponse, Response, StreamingResponse

from codegod_simulator.answer import answer
from codegod_simulator.faults import Faults, Kind
from codegod_simulator.library import Library, UnknownPrompt
from codegod_simulator.question import NoQuestion, Question, Role, read_question
from codegod_simulator.reference import NothingToWrite
from codegod_simulator.wire import BYTES_PER_TOKEN, Asked, BadRequest, Said, Stop, Wire, tokens

PIECE_CHARACTERS = (
    40,
    160,
)  # a chunk of a stream: some tokens at a time, and few enough chunks to stay cheap
OVERLOADED = 529


@dataclass(frozen=True, slots=True)
class Manner:
    """How the models behave: seconds per answer by role, and the seed of everything that varies."""

    latency: Mapping[Role, float] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Player:
    """Master and workers, played from a library."""

    library: Library
    faults: Faults
    manner: Manner = Manner()

    async def play(self, wire: Wire, body: object, url: str) -> Response:
        """The response to one request in the format `wire`."""
        try:
            asked = wire.read(body if isinstance(body, dict) else {})
            question = read_question(asked.user_texts)
            text = answer(question, self.library, url)
        except (BadRequest, NoQuestion, NothingToWrite, UnknownPrompt) as refusal:
            return refused(wire, 400, str(refusal))
        if asked.prompt_tokens > asked.context_tokens:
            too_long = f"prompt is too long: {asked.prompt_tokens} tokens > {asked.context_tokens} maximum"
            return refused(wire, 400, too_long)
        kind = self.faults.next_for(question)
        if kind.status:
            headers = {"retry-after": str(kind.retry_after)} if kind.retry_after else {}
            return refused(wire, kind.status, "trouble (simulated)", headers)
        said = _said(asked, text, kind)
        chance = random.Random(f"{self.manner.seed}/{zlib.crc32(repr(question).encode())}")  # noqa: S311 - a manner
        if not asked.stream:
            return await self._whole(wire, asked, said, question, kind)
        stream = self._stream(wire, asked, said, question, kind, chance)
        return StreamingResponse(stream, media_type=wire.media_type)

    async def _whole(self, wire: Wire, asked: Asked, said: Said, question: Question, kind: Kind) -> Response:
        if kind.breaks == "hang":
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
        if kind.breaks == "overload":
            yield wire.overloaded()
        elif not kind.breaks:
            yield wire.end(asked, said)


def refused(wire: Wire, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in the words of `wire`."""
    return JSONResponse(wire.error(status, text), status_code=status, headers=headers)


def _said(asked: Asked, text: str, kind: Kind) -> Said:
    """The answer as it comes out: spoilt by a fault, and no longer than the client allows."""
    text = f"{kind.before}{text}{kind.after}"
    allowed = min(asked.answer_limit * BYTES_PER_TOKEN, int(len(text.encode()) * kind.keeps))
    kept = text.encode()[:allowed].decode("utf-8", "ignore")
    stop: Stop = "end" if kept == text else "length"
    return Said(kept, stop, asked.prompt_tokens, tokens(kept))


def _pieces(text: str, chance: random.Random) -> Iterator[str]:
    start = 0
    while start < len(text):
        size = chance.randint(*PIECE_CHARACTERS)
        yield text[start : start + size]
        start += size
