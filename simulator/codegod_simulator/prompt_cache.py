"""Anthropic's prompt cache as its documentation has it: entries at marked places, prefixes that match byte by byte.

A prompt is a chain of blocks in the order tools, system, messages. A mark (`cache_control`) on a block asks for an entry
that ends there; the whole request may carry one mark as well, which falls on its last block. What is read is the longest
kept prefix that ends at a mark or up to `LOOKBACK_BLOCKS` before one. Prefixes below `LEAST_TOKENS` are never kept, and
nothing says so but the usage.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codegod_simulator.wire import BadRequest, Cached, messages_of, tokens

LEAST_TOKENS = 1024  # as for the Sonnet models, which are the default master
LOOKBACK_BLOCKS = 20  # of a mark itself and what stands before it
MARKS = 4
_SECONDS = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a prompt: all that it says, how long that is, and how long its mark wants it kept (0: no mark)."""

    said: str
    tokens: int
    keep_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Place:
    """The end of a block: the prefix up to there, and its length."""

    prefix: str
    tokens: int
    keep_seconds: float


class PromptCache:
    """What one provider keeps of the prompts that it has read, of all models."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, float]] = {}  # prefix -> until when, renewed for how long

    def read(self, model: str, blocks: Sequence[Block]) -> Cached:
        """Take a prompt in: how much of it was kept already, and how much is kept from now on."""
        places = list(_places(model, blocks))
        marked = [index for index, place in enumerate(places) if place.keep_seconds]
        found = max(
            (self._found(places, index) for index in marked), key=lambda place: place.tokens, default=_NOWHERE
        )
        written = _NOWHERE.tokens
        for place in (places[index] for index in marked):
            if place.tokens >= LEAST_TOKENS:
                self._kept[place.prefix] = (self._clock() + place.keep_seconds, place.keep_seconds)
                written = place.tokens
        return Cached(read=found.tokens, written=max(0, written - found.tokens))

    def _found(self, places: Sequence[_Place], mark: int) -> _Place:
        """The longest kept prefix that the mark on block `mark` can see; using it renews it."""
        now = self._clock()
        for place in reversed(places[max(0, mark - LOOKBACK_BLOCKS + 1) : mark + 1]):
            until, seconds = self._kept.get(place.prefix, (0.0, 0.0))
            if until > now:
                self._kept[place.prefix] = (now + seconds, seconds)
                return place
        return _NOWHERE


_NOWHERE = _Place("", 0, 0.0)


def blocks_of(body: Mapping[str, Any]) -> tuple[Block, ...]:
    """The blocks of a request; raises `BadRequest` for marks that the API refuses."""
    parts = list(_parts(body))
    whole = _keep_seconds(body)
    blocks = [
        _block(place, part, whole if index == len(parts) - 1 else 0.0)
        for index, (place, part) in enumerate(parts)
    ]
    marks = [block.keep_seconds for block in blocks if block.keep_seconds]
    if len(marks) > MARKS:
        raise BadRequest(
            f"A maximum of {MARKS} blocks with cache_control may be provided. Found {len(marks)}."
        )
    if marks != sorted(marks, reverse=True):
        raise BadRequest("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")
    return tuple(blocks)


def _parts(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What a prompt consists of, each part with the place where it stands."""
    yield from (("tools", tool) for tool in body.get("tools") or () if isinstance(tool, dict))
    yield from (("system", part) for part in _content(body.get("system")))
    for number, message in enumerate(messages_of(body)):
        place = f"{number}/{message.get('role')}"
        yield from ((place, part) for part in _content(message.get("content")))


def _content(content: object) -> Iterator[Mapping[str, Any]]:
    """The parts of a message or system prompt; plain text is one part."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if isinstance(content, list):
        yield from (part for part in content if isinstance(part, dict) and part.get("text") != "")


def _block(place: str, part: Mapping[str, Any], keep_seconds: float) -> Block:
    said = {name: value for name, value in part.items() if name != "cache_control"}
    text = str(said.get("text", "")) if said.get("type") == "text" else json.dumps(said)
    keep = _keep_seconds(part) or keep_seconds
    return Block(f"{place} {json.dumps(said, sort_keys=True)}", tokens(text), keep)


def _keep_seconds(marked: Mapping[str, Any]) -> float:
    mark = marked.get("cache_control")
    if mark is None:
        return 0.0
    ttl = mark.get("ttl") or "5m" if isinstance(mark, dict) and mark.get("type") == "ephemeral" else ""
    if ttl not in _SECONDS:
        raise BadRequest("cache_control: {'type': 'ephemeral'}, with a ttl of '5m' or '1h' if any, is needed")
    return _SECONDS[ttl]


def _places(model: str, blocks: Sequence[Block]) -> Iterator[_Place]:
    chain = hashlib.sha256(model.encode())
    total = 0
    for block in blocks:
        chain.update(hashlib.sha256(block.said.encode("utf-8", "surrogatepass")).digest())
        total += block.tokens
        yield _Place(chain.hexdigest(), total, block.keep_seconds)
