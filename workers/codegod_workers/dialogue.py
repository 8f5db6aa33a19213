"""From a request to the answer that counts: one shot, or a loop in which the model calls its tools before it answers.

Both keep to the same rule: files come as fenced blocks and the harness writes them. Only a model that was probed to lose
nothing in arguments is offered the tool that writes.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from codegod_models import Message, ModelReply, ModelRequest, ToolSpec, ToolUse, request_tokens
from codegod_workers.context import OVERHEAD_TOKENS, header
from codegod_workers.fences import AnswerFault, read_blocks
from codegod_workers.reading import Tools
from codegod_workers.records import Assignment
from codegod_workers.written_calls import written_calls

TURNS = 12  # reads, searches and two or three checks; who has not answered by then goes in circles
REPEATS = 3  # the same call so often brings nothing new
RESULT_CHARACTERS = 6_000  # a file of 200 lines; a model asks for the rest when it needs it
CALL_SECONDS = 180.0
LEFT_OUT = "(left out to make room; call the tool again if you need it)"

WRITES = "sandbox__file_write"
# What the harness does itself, before and after the model: offered, it would be done twice or at the wrong time.
_HARNESS = frozenset(
    {
        "git__git_commit",
        "git__git_status",
        "memory__memory_pack",
        "sandbox__env_prepare",
        "sandbox__project_add_dependency",
    }
)

Ask = Callable[[ModelRequest], Awaitable[ModelReply]]
"""One model, with its retries and limits already around it; raises `ModelFault`."""


class TooManyTurns(AnswerFault):
    def __init__(self) -> None:
        super().__init__(f"No answer after {TURNS} rounds of tool calls. Look up less, and write the files.")


class SameCall(AnswerFault):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"`{name}` was called {REPEATS} times with the same arguments. Use its result, and write the files."
        )


class OutOfRoom(AnswerFault):
    def __init__(self) -> None:
        super().__init__("The tool calls filled the context. Look up less, and write the files.")


@dataclass(slots=True)
class Dialogue:
    """What was said and done for one attempt."""

    replies: list[ModelReply] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    """Files that the model has written by tool calls."""

    @property
    def answer(self) -> ModelReply:
        return self.replies[-1]


@dataclass(slots=True)
class Conversation:
    """One attempt's talk with a model. What it was, up to a fault, is in `dialogue`."""

    ask: Ask
    tools: Tools
    assignment: Assignment
    dialogue: Dialogue = field(default_factory=Dialogue)
    _calls: dict[str, int] = field(default_factory=dict)

    async def hold(self, request: ModelRequest) -> Dialogue:
        """Ask, and run the calls until the model answers; raises `AnswerFault` when it does not."""
        if self.assignment.mode == "fences":
            self.dialogue.replies.append(await self.ask(request))
            return self.dialogue
        offered = self._offered()
        for turn in range(TURNS):
            last = turn == TURNS - 1
            request = self._fitting(replace(request, tools=() if last else offered))
            reply = await self.ask(request)
            self.dialogue.replies.append(reply)
            calls = () if last else calls_of(reply, offered)
            if not calls:
                return self.dialogue
            results = [await self._run(call) for call in calls]
            request = replace(
                request, messages=(*request.messages, _said(reply, calls), self._told(results, turn))
            )
        raise TooManyTurns

    def _offered(self) -> tuple[ToolSpec, ...]:
        withheld = _HARNESS if self.assignment.in_json else _HARNESS | {WRITES}
        return tuple(tool for tool in self.tools.tools if tool.name not in withheld)

    async def _run(self, call: ToolUse) -> tuple[str, str]:
        """The tool's name and what it said; errors are results too."""
        key = f"{call.name} {json.dumps(call.arguments, sort_keys=True, default=str)}"
        self._calls[key] = self._calls.get(key, 0) + 1
        if self._calls[key] >= REPEATS:
            raise SameCall(call.name)
        result = await self.tools.call(call.name, call.arguments, within=CALL_SECONDS)
        if call.name == WRITES and not result.is_error:
            self.dialogue.written.add(str(call.arguments.get("path", "")))
            self._calls.clear()  # the same check after a change is another check
        return call.name, f"error: {result.text}" if result.is_error else result.text

    def _told(self, results: Sequence[tuple[str, str]], turn: int) -> Message:
        wanted = "\n".join(f"- {path}" for path in self.assignment.task.files)
        ending = (
            "No more calls are possible. Write the files now."
            if turn == TURNS - 2
            else "Call another tool, or answer with the files."
        )
        shown = "\n\n".join(f"# Result of {name}\n\n{_short(text)}" for name, text in results)
        return Message(
            "user", f"{header(self.assignment)}\n\n{shown}\n\n{ending}\n\nFiles to write:\n{wanted}"
        )

    def _fitting(self, request: ModelRequest) -> ModelRequest:
        """`request` with the oldest results left out until it fits; raises `OutOfRoom`."""
        room = self.assignment.context_tokens - request.max_tokens - OVERHEAD_TOKENS
        messages = list(request.messages)
        for index in range(2, len(messages) - 1, 2):
            if request_tokens(request) <= room:
                return request
            text = f"{header(self.assignment)}\n\n{LEFT_OUT}"
            messages[index] = Message("user", text)
            request = replace(request, messages=tuple(messages))
        if request_tokens(request) > room and request.tools and len(messages) > 1:
            raise OutOfRoom
        return request


def calls_of(reply: ModelReply, offered: Sequence[ToolSpec]) -> tuple[ToolUse, ...]:
    """The calls of a reply: the wire's, or those that the model wrote as text and that name an offered tool."""
    if reply.tool_calls:
        return reply.tool_calls
    if reply.stop == "length":
        return ()
    names = {tool.name: tool.name for tool in offered} | {
        _short_name(tool.name): tool.name for tool in offered
    }
    try:
        written = written_calls(*read_blocks(reply.text, ()))
    except AnswerFault:
        return ()
    known = [(names.get(call.name.replace(".", "__")), call.arguments) for call in written]
    if not known or any(name is None for name, _ in known):
        return ()
    return tuple(
        ToolUse(f"written_{number}", name, arguments)
        for number, (name, arguments) in enumerate(known)
        if name is not None
    )


def _said(reply: ModelReply, calls: Sequence[ToolUse]) -> Message:
    """The model's turn as text: its calls in the form in which it would write them itself."""
    if not reply.tool_calls:
        return Message("assistant", reply.text)
    written = [f"<tool_call>\n{_json(call)}\n</tool_call>" for call in calls]
    return Message("assistant", "\n".join(filter(None, [reply.text.strip(), *written])))


def _json(call: ToolUse) -> str:
    return json.dumps({"name": call.name, "arguments": _plain(call.arguments)}, ensure_ascii=False)


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments without the texts of files, which stand in the tree by now."""
    return {
        name: f"{value[:200]} …"
        if name == "content" and isinstance(value, str) and len(value) > 400
        else value
        for name, value in arguments.items()
    }


def _short_name(name: str) -> str:
    return name.partition("__")[2]


def _short(text: str) -> str:
    if len(text) <= RESULT_CHARACTERS:
        return text
    return f"{text[:RESULT_CHARACTERS]}\n[cut after {RESULT_CHARACTERS} of {len(text)} characters]"
