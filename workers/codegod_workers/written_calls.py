"""Tool calls and control words that a model has written as JSON text, where they stand for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codegod_workers.fences import AnswerCut, AnswerFault, Block

_TAGGED = re.compile(
    r"<(?P<tag>tool_?call|function_?call)>(?P<json>.*?)</(?P=tag)>", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"</?(?:tool_?call|function_?call)>", re.IGNORECASE)
_NAMES = ("name", "tool", "tool_name", "function", "function_name", "action", "recipient_name")
_ARGUMENTS = ("arguments", "args", "parameters", "params", "input", "tool_input", "action_input")
_PATHS = ("path", "file_path", "filepath", "filename", "file_name", "file", "name")
_TEXTS = ("content", "contents", "text", "code", "source", "body", "file_text")


class CallCut(AnswerCut):
    def __init__(self) -> None:
        AnswerFault.__init__(
            self,
            "A tool call ends in the middle: the answer was cut off, or its JSON is not valid. Write it again.",
        )
        self.path = ""


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as a model wrote it, with keys of its own choice already put right."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def written_calls(blocks: Sequence[Block], prose: Sequence[str]) -> tuple[WrittenCall, ...]:
    """The calls in an answer's text: tagged, in a JSON block, or bare; raises `CallCut` for one that is not whole."""
    return tuple(call for value in json_values(blocks, prose) for call in _calls(value))


def json_values(blocks: Sequence[Block], prose: Sequence[str]) -> Iterator[Any]:
    """The JSON values of an answer, in tags, in blocks or bare; raises `CallCut` for one that is not whole."""
    text = "\n".join(prose)
    tagged = list(_TAGGED.finditer(text))
    if len(_TAG.findall(text)) != 2 * len(tagged):
        raise CallCut
    for match in tagged:
        yield from _values(match["json"])
    for block in blocks:
        if block.language in {"json", "tool_call", "tool", ""} and block.text.lstrip()[:1] in {"{", "["}:
            yield from _values(block.text)
    bare = _TAGGED.sub("", text).strip()
    if bare.startswith(("{", "[{")):
        yield from _values(bare)


def files_of(value: object) -> dict[str, str]:
    """The files that a JSON value holds: a call that writes one, a list of files, or texts by path."""
    if isinstance(value, list):
        return {path: text for part in value for path, text in files_of(part).items()}
    if not isinstance(value, dict):
        return {}
    for call in _calls(value):
        return files_of(dict(call.arguments))
    if isinstance(value.get("files"), list | dict):
        return files_of(value["files"])
    path, text = _first(value, _PATHS), _first(value, _TEXTS)
    if isinstance(path, str) and isinstance(text, str):
        return {path: text}
    texts = {
        name: text for name, text in value.items() if isinstance(text, str) and ("/" in name or "." in name)
    }
    return texts if len(texts) == len(value) else {}


def _calls(value: object) -> Iterator[WrittenCall]:
    if isinstance(value, list):
        for part in value:
            yield from _calls(part)
        return
    if not isinstance(value, dict):
        return
    if isinstance(value.get("tool_calls"), list):
        yield from _calls(value["tool_calls"])
        return
    function = value.get("function")
    name = _first(value, _NAMES)
    if isinstance(function, dict):
        value, name = function, function.get("name")
    arguments = _first(value, _ARGUMENTS)
    if isinstance(arguments, str):
        arguments = _object(arguments)
    if isinstance(name, str) and isinstance(arguments, dict):
        yield WrittenCall(name, arguments)


def _object(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _first(value: Mapping[str, Any], keys: Sequence[str]) -> object:
    """The value of the one key of `keys` that is there; None when none or several are."""
    found = [value[key] for key in keys if key in value]
    return found[0] if len(found) == 1 else None


def _values(text: str) -> Iterator[Any]:
    """JSON values one after another; a rest that is none is a cut answer."""
    decoder = json.JSONDecoder()
    text = text.strip()
    while text:
        try:
            value, end = decoder.raw_decode(text)
        except (ValueError, RecursionError) as error:
            raise CallCut from error
        yield value
        text = text[end:].lstrip(", \t\n")
