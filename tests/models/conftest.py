"""A server on loopback that says exactly what a test tells it to, so that the real clients can be driven over the wire."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
import pytest

from codegod_models import Event, Message, ModelRequest, Provider


@dataclass(frozen=True)
class Spec:
    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=dict)


WRITE = Spec(
    "file_write",
    "Write a file",
    {
        "type": "object",
        "properties": {"path": {"type": "string"}, "mode": {"anyOf": [{"enum": ["new"]}, {"type": "null"}]}},
        "required": ["path"],
        "additionalProperties": False,
    },
)
REQUEST = ModelRequest("You are terse.", (Message("user", "Say hello"),), 1000, temperature=0.2, seed=7)
WITH_TOOL = ModelRequest("", (Message("user", "Write a.py"),), 1000, tools=(WRITE,))


@dataclass(frozen=True)
class Reply:
    """One answer: a status and pieces of body, and what the server does after the last piece."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Literal["end", "break off", "hang"] = "end"
    pause: float = 0.0


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    at: float


class Wire:
    """`replies` are given to the POSTs in turn, the last one again and again; `pages` answer their path."""

    def __init__(self) -> None:
        self.url = ""
        self.replies: list[Reply] = []
        self.pages: dict[str, tuple[int, Any]] = {}
        self.seen: list[Seen] = []
        self.hung = anyio.Event()
        self.closed_by_client = anyio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection."""
        try:
            seen = await self._request(reader)
            self.seen.append(seen)
            await self._answer(self._reply(seen), reader, writer)
        except ConnectionError:
            self.closed_by_client.set()  # in the middle of a piece
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Seen:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Seen(method, path.partition("?")[0], headers, json.loads(body or b"null"), time.monotonic())

    def _reply(self, seen: Seen) -> Reply:
        if seen.path in self.pages:
            status, value = self.pages[seen.path]
            return Reply([json.dumps(value).encode()], status, {"content-type": "application/json"})
        if seen.method == "GET":
            return Reply([b"Not Found"], 404, {"content-type": "text/plain"})
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    async def _answer(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply.pieces or reply.then != "hang":
            headers = {**reply.headers, "transfer-encoding": "chunked", "connection": "close"}
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"HTTP/1.1 {reply.status} Said\r\n{head}\r\n".encode())
        for piece in reply.pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await anyio.sleep(reply.pause)
        if reply.then == "end":
            writer.write(b"0\r\n\r\n")
        elif reply.then == "hang":
            self.hung.set()
            await reader.read()
            self.closed_by_client.set()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    async with server:
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield wire


async def events(provider: Provider, request: ModelRequest = REQUEST) -> list[Event]:
    with anyio.fail_after(5):
        return [event async for event in provider.stream(request)]


async def see_a_cancelled_request_closed(wire: Wire, provider: Provider) -> None:
    """Cancel an answer once the server has fallen silent, and wait until that hears of it."""
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(events, provider)
            await wire.hung.wait()
            tasks.cancel_scope.cancel()
        await wire.closed_by_client.wait()


@pytest.fixture
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment whose proxy answers nobody."""
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")


def _sse(kind: str, data: Mapping[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


class Claude:
    """The pieces of an Anthropic message stream."""

    PING = _sse("ping", {})
    STOP = _sse("message_stop", {})

    @staticmethod
    def start(**usage: int) -> bytes:
        head: dict[str, Any] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-test",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 25, "output_tokens": 1, **usage},
        }
        return _sse("message_start", {"message": head})

    @staticmethod
    def text(*parts: str, index: int = 0) -> list[bytes]:
        first = _sse("content_block_start", {"index": index, "content_block": {"type": "text", "text": ""}})
        deltas = [{"index": index, "delta": {"type": "text_delta", "text": part}} for part in parts]
        last = _sse("content_block_stop", {"index": index})
        return [first, *(_sse("content_block_delta", delta) for delta in deltas), last]

    @staticmethod
    def call(name: str, arguments: str, *, index: int = 1, closed: bool = True) -> list[bytes]:
        block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
        first = _sse("content_block_start", {"index": index, "content_block": block})
        halves = (arguments[:7], arguments[7:])
        deltas = [
            {"index": index, "delta": {"type": "input_json_delta", "partial_json": half}} for half in halves
        ]
        last = [_sse("content_block_stop", {"index": index})] if closed else []
        return [first, *(_sse("content_block_delta", delta) for delta in deltas), *last]

    @staticmethod
    def delta(stop: str, **more: Any) -> bytes:
        delta = {"stop_reason": stop, "stop_sequence": None, **more}
        return _sse("message_delta", {"delta": delta, "usage": {"output_tokens": 12}})

    @staticmethod
    def error(kind: str, message: str = "trouble") -> bytes:
        return _sse("error", {"error": {"type": kind, "message": message}})

    @classmethod
    def answer(cls, *parts: str, stop: str = "end_turn") -> Reply:
        return cls.reply([cls.start(), cls.PING, *cls.text(*parts), cls.delta(stop), cls.STOP])

    @staticmethod
    def reply(pieces: Sequence[bytes], **more: Any) -> Reply:
        return Reply(pieces, headers={"content-type": "text/event-stream"}, **more)

    @staticmethod
    def refused(status: int, kind: str, message: str = "trouble", **headers: str) -> Reply:
        body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply([json.dumps(body).encode()], status, {"content-type": "application/json", **given})


class Llama:
    """The lines of an Ollama chat stream."""

    @staticmethod
    def line(text: str = "", **message: Any) -> bytes:
        said = {"role": "assistant", "content": text, **message}
        return json.dumps({"model": "m", "message": said, "done": False}).encode() + b"\n"

    @staticmethod
    def done(reason: str = "stop", **counts: int) -> bytes:
        end = {
            "model": "m",
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": reason,
        }
        return json.dumps({**end, **counts}).encode() + b"\n"

    @classmethod
    def answer(cls, *parts: str, reason: str = "stop", **counts: int) -> Reply:
        usage = {"prompt_eval_count": 26, "eval_count": 7} | counts
        return cls.reply([*(cls.line(part) for part in parts), cls.done(reason, **usage)])

    @staticmethod
    def call(name: str, arguments: object, **more: Any) -> bytes:
        return Llama.line(tool_calls=[{"function": {"name": name, "arguments": arguments}, **more}])

    @staticmethod
    def reply(pieces: Sequence[bytes], **more: Any) -> Reply:
        return Reply(pieces, headers={"content-type": "application/x-ndjson"}, **more)

    @staticmethod
    def refused(status: int, error: str, **headers: str) -> Reply:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply([json.dumps({"error": error}).encode()], status, given)


@pytest.fixture
def claude() -> type[Claude]:
    return Claude


@pytest.fixture
def llama() -> type[Llama]:
    return Llama


class Gpt:
    """The chunks of a chat completion in OpenAI's format."""

    DONE = b"data: [DONE]\n\n"

    @staticmethod
    def chunk(**more: Any) -> bytes:
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return f"data: {json.dumps({**head, **more})}\n\n".encode()

    @classmethod
    def delta(cls, reason: str | None = None, **delta: Any) -> bytes:
        return cls.chunk(choices=[{"index": 0, "delta": delta, "finish_reason": reason}])

    @classmethod
    def usage(cls, prompt: int = 26, completion: int = 7, **details: Any) -> bytes:
        counts = {"prompt_tokens": prompt, "completion_tokens": completion, **details}
        return cls.chunk(choices=[], usage=counts)

    @classmethod
    def call(cls, name: str, arguments: str) -> list[bytes]:
        first = {"index": 0, "id": "call_x", "type": "function", "function": {"name": name, "arguments": ""}}
        halves = [{"index": 0, "function": {"arguments": half}} for half in (arguments[:7], arguments[7:])]
        return [cls.delta(tool_calls=[part]) for part in (first, *halves)]

    @classmethod
    def answer(cls, *parts: str, reason: str = "stop") -> Reply:
        texts = [cls.delta(content=part) for part in parts]
        return cls.reply([cls.delta(role="assistant"), *texts, cls.delta(reason), cls.usage(), cls.DONE])

    @staticmethod
    def reply(pieces: Sequence[bytes], **more: Any) -> Reply:
        return Reply(pieces, headers={"content-type": "text/event-stream"}, **more)

    @staticmethod
    def refused(status: int, message: str, headers: Mapping[str, str] | None = None, **error: Any) -> Reply:
        body = {"error": {"message": message, **error}}
        return Reply([json.dumps(body).encode()], status, headers or {})


@pytest.fixture
def gpt() -> type[Gpt]:
    return Gpt
