"""How much of a context a text takes. There is no local tokenizer, so these are estimates, each on its safe side."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from codegod_models.faults import ModelFault, PromptCut, PromptRefused, RequestRefused

if TYPE_CHECKING:
    from codegod_models.provider import ModelRequest, Usage

BYTES_PER_TOKEN = (
    3  # dense code and JSON come down to 3 bytes a token; prose has 4 to 5, so this errs upwards
)
ASCII_PER_TOKEN = 4  # what an ordinary mixture of prose and code has
OTHERS_PER_TOKEN = 3  # characters outside ASCII: CJK has about 1.5 a token, Cyrillic 2 to 3
MESSAGE_TOKENS = 8  # role marks and separators of the chat template around one message
CONTEXT_STEP = 4096  # a new num_ctx reloads the model, so few values exist
SHORTEST_SHARE = 0.7  # of the expected prompt: fewer tokens evaluated means that its front was cut off

_TOO_LARGE = 413  # the one status that says so

# How servers say that a prompt does not fit; none of them has a status or a code for it that another one shares.
_TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size|limit)|maximum context|(prompt|input) is too (long|large)|too many (input )?tokens"
    r"|exceeds? the (available |maximum )?context|reduce the length",
    re.IGNORECASE,
)


def estimate_tokens(text: str) -> int:
    """The most tokens that `text` will take, for budgets and for refusing before sending."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def expected_tokens(text: str) -> int:
    """The tokens that `text` takes at the least, give or take: a count far below it means that text was dropped."""
    plain = sum(character < "\x80" for character in text)
    return plain // ASCII_PER_TOKEN + (len(text) - plain) // OTHERS_PER_TOKEN


def request_tokens(request: ModelRequest) -> int:
    """The most tokens that the prompt of `request` will take: system text, messages and tool schemas."""
    texts = list(_texts(request))
    return sum(estimate_tokens(text) + MESSAGE_TOKENS for text in texts)


def expected_request_tokens(request: ModelRequest) -> int:
    """The tokens that the system text and the messages take at the least (templates render tools as they like)."""
    return sum(map(expected_tokens, (request.system, *(message.text for message in request.messages))))


def fit_context(wanted: int, limit: int | None) -> int:
    """The num_ctx for a model: `wanted` rounded up to a step, and no more than the model was trained for."""
    rounded = -(-wanted // CONTEXT_STEP) * CONTEXT_STEP
    return min(rounded, limit) if limit else rounded


def sized(fault: ModelFault, request: ModelRequest) -> ModelFault:
    """`fault`, or `PromptRefused` when the server refused `request` because it is too long."""
    if not isinstance(fault, RequestRefused):
        return fault
    if fault.status != _TOO_LARGE and not _TOO_LONG.search(fault.said):
        return fault
    return PromptRefused(fault.model, request_tokens(request), fault.said)


def see_that_all_was_read(model: str, request: ModelRequest, usage: Usage, remedy: str) -> None:
    """Raises `PromptCut` with `remedy` when the server counts far fewer tokens than the prompt has."""
    if usage.input_tokens is None:
        return
    evaluated = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    expected = expected_request_tokens(request)
    if evaluated < SHORTEST_SHARE * expected:
        raise PromptCut(model, evaluated, expected, remedy)


def _texts(request: ModelRequest) -> Iterable[str]:
    yield request.system
    yield from (message.text for message in request.messages)
    yield from (f"{tool.name}{tool.description}{dict(tool.schema)}" for tool in request.tools)
