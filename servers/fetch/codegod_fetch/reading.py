"""Hostile documents are read by another process: one for each document, killed when it takes too long."""

import json
import logging
import sys
from collections.abc import Mapping
from subprocess import PIPE
from typing import Literal, TypeVar

import anyio
import anyio.abc
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codegod_fetch.content import NotText, charset, content_of
from codegod_fetch.download import Download
from codegod_fetch.faults import NoOpenApi, ParseFailed, UnreadableContent
from codegod_fetch.limits import Limits
from codegod_kit import log_event

# The reader gives 2 million characters at most; in JSON one may take twelve bytes.
_ANSWER_BYTES = 32 * 1024 * 1024
# One for each core of a small machine: more would only make all of them slower.
_AT_ONCE = 2
# What an interpreter needs to start. Keys and tokens of this process are none of a document's business.
_PASSED_ON = ("SYSTEMROOT", "LD_LIBRARY_PATH")
_LOGGED_BYTES = 2000
_COMMAND = (sys.executable, "-I", "-m", "codegod_fetch.reader")

_log = logging.getLogger("codegod.fetch")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Link(_Strict):
    """A link of a page: its words, and the whole address it leads to."""

    text: str
    url: str


class Page(_Strict):
    """A page as text. `truncated`: it went on."""

    title: str
    text: str
    links: list[Link]
    truncated: bool


class Operation(_Strict):
    """One call that an API offers."""

    method: str = Field(description="e.g. `POST`")
    path: str = Field(description="e.g. `/todos/{id}`")
    operation_id: str
    summary: str
    parameters: list[str] = Field(description="e.g. `limit (query, integer)`")
    body: str = Field(description="What to send, e.g. `Todo {title: string, done?: boolean}`; ? is optional")
    responses: list[str] = Field(description="e.g. `200: Todo {id: integer, title: string}`")
    security: list[str]
    deprecated: bool


class Api(_Strict):
    """What an API description offers."""

    title: str
    version: str
    servers: list[str]
    operations: list[Operation]


_Answer = TypeVar("_Answer", Page, Api)


class _Problem(_Strict):
    problem: str


class Reader:
    """Turns downloads into pages and API descriptions."""

    def __init__(self, environment: Mapping[str, str], limits: Limits) -> None:
        self._environment = {name: environment[name] for name in _PASSED_ON if name in environment}
        self._limits = limits
        self._places = anyio.CapacityLimiter(_AT_ONCE)

    async def page(self, url: str, download: Download) -> Page:
        """The text of `download`, which `url` led to."""
        answer = await self._read(url, download, "page", Page)
        if isinstance(answer, _Problem):
            raise ParseFailed(url, answer.problem)
        return answer

    async def api(self, url: str, download: Download) -> Api:
        """The operations of `download`."""
        answer = await self._read(url, download, "openapi", Api)
        if isinstance(answer, _Problem):
            raise NoOpenApi(url, answer.problem)
        return answer

    async def _read(
        self, url: str, download: Download, kind: Literal["page", "openapi"], wanted: type[_Answer]
    ) -> "_Answer | _Problem":
        try:
            content = content_of(download.content_type, download.body)
        except NotText as error:
            raise UnreadableContent(url, error.content) from error
        header = {
            "kind": kind,
            "content": content,
            "charset": charset(download.content_type),
            "url": download.final_url,
            "memory_bytes": self._limits.read_memory_bytes,
            "cpu_seconds": self._limits.read_cpu_seconds,
        }
        async with self._places:
            answer = await self._ask(url, json.dumps(header).encode() + b"\n" + download.body)
        try:
            return wanted.model_validate_json(answer)
        except ValidationError as error:
            return _problem(url, answer, error)

    async def _ask(self, url: str, question: bytes) -> bytes:
        with anyio.move_on_after(self._limits.read_seconds):
            async with await anyio.open_process(
                _COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=self._environment
            ) as process:
                answer, complaint = await _converse(process, question)
                if len(answer) > _ANSWER_BYTES:
                    process.kill()
                    raise ParseFailed(url, "its text is too long")
                _require_success(url, await process.wait(), complaint)
                return answer
        raise ParseFailed(url, f"it takes more than {self._limits.read_seconds:g} s")


async def _converse(process: anyio.abc.Process, question: bytes) -> tuple[bytes, bytes]:
    """What the reader says on stdout and stderr; a little more than what is wanted of each at most."""
    said = bytearray(), bytearray()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_send, process.stdin, question)
        tasks.start_soon(_receive, process.stderr, said[1], _LOGGED_BYTES)
        await _receive(process.stdout, said[0], _ANSWER_BYTES)
        if len(said[0]) > _ANSWER_BYTES:
            tasks.cancel_scope.cancel()
    return bytes(said[0]), bytes(said[1])


async def _send(stdin: anyio.abc.ByteSendStream | None, question: bytes) -> None:
    if stdin is None:
        raise RuntimeError("the reader was started without stdin")
    try:
        await stdin.send(question)
        await stdin.aclose()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        # The reader ended before it had all of it; its exit status says why.
        return


async def _receive(stream: anyio.abc.ByteReceiveStream | None, into: bytearray, limit: int) -> None:
    if stream is None:
        raise RuntimeError("the reader was started without a pipe")
    async for piece in stream:
        into += piece[: limit + 1 - len(into)]
        if len(into) > limit:
            return


def _require_success(url: str, status: int, complaint: bytes) -> None:
    if status == 0:
        return
    log_event(
        _log,
        "reader_failed",
        level=logging.WARNING,
        status=status,
        stderr=complaint[:_LOGGED_BYTES].decode("utf-8", "replace"),
    )
    # A signal is one of its limits, or a crash in a parser; else a parser gave up. The document is to blame for each.
    raise ParseFailed(
        url,
        "it takes too much time or memory" if status < 0 else "it cannot be parsed in the memory there is",
    )


def _problem(url: str, answer: bytes, error: ValidationError) -> _Problem:
    try:
        return _Problem.model_validate_json(answer)
    except ValidationError:
        raise ParseFailed(url, "what was read makes no sense") from error
