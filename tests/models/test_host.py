"""A model that is whoever answers."""

import time

import pytest

from codegod_models import (
    Message,
    ModelName,
    ModelRequest,
    ModelSettings,
    NoHost,
    Usage,
    complete,
    open_provider,
    parse_model,
)

REQUEST = ModelRequest("Be terse.", (Message("user", "Say hello"),), 1000)


class OneAnswer:
    """A desk at which somebody always says the same."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ModelRequest, float]] = []

    async def ask(self, model: ModelName, request: ModelRequest, within: float) -> str:
        self.asked.append((str(model), request, within))
        return "hello"


@pytest.mark.parametrize(("name", "shown"), [("host:", "host"), ("host:claude-code", "host:claude-code")])
async def test_a_host_answers_and_nobody_claims_to_know_its_tokens(name: str, shown: str) -> None:
    desk = OneAnswer()
    provider = open_provider(parse_model(name), ModelSettings(host_seconds=9), desk=desk)
    reply = await complete(provider, REQUEST, deadline=time.time() + 5)
    assert (reply.text, reply.stop, reply.usage, reply.simulated) == ("hello", "end", Usage(), False)
    assert reply.model == shown
    assert desk.asked == [(shown, REQUEST, 9)]
    info = await provider.check()
    assert (info.price, info.context_tokens, info.tools) == (None, None, False)
    assert "question_next" in info.notes[0]


async def test_without_a_desk_every_use_names_the_next_step() -> None:
    provider = open_provider(parse_model("host:"), ModelSettings())
    for use in (provider.check(), anext(provider.stream(REQUEST))):
        with pytest.raises(NoHost, match=r"build_start\(prompt=.*docs/host-models.md"):
            await use


def test_the_wait_is_a_setting() -> None:
    assert ModelSettings.from_environment({"CODEGOD_HOST_SECONDS": "60"}).host_seconds == 60
