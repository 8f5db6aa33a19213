"""What the master and we said to each other in one phase of a build.

It only ever grows at its end, under a system text that is the same for every step, so a provider finds all of the
last request again as the beginning of the next one and bills it as read from its cache. An answer that could not be
read is left out: repeated in every later prompt, it would be the example that the next answer follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from codegod_models import Message, ModelRequest, PromptTooLong, request_tokens
from codegod_orchestrator.master import SYSTEM
from codegod_orchestrator.voice import Step, Voice

T = TypeVar("T")

# With the answer on top, this still fits the smallest context of a model that makes a good master (200k). By then
# most of it is versions of files that were written again since.
CONVERSATION_TOKENS = 140_000


@dataclass(slots=True)
class Conversation:
    """The turns of one phase with one master."""

    master: Voice
    step: Step
    answer_tokens: int
    _turns: list[Message] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        """Whether there is an earlier turn that the next question may refer to."""
        return bool(self._turns)

    async def ask(
        self, read: Callable[[str], T], *, opening: Callable[[], str], following: Callable[[], str]
    ) -> T:
        """The answer as `read` makes it out; what `read` raises leaves the conversation as it was.

        The question is `following`, which may rely on the turns before it. `opening` says all of it anew: it begins
        the conversation, and begins it again when it has become too long for the model.
        """
        if self.begun and self._tokens(following()) > CONVERSATION_TOKENS:
            self._turns.clear()
        text = following() if self.begun else opening()
        try:
            reply = await self.master.ask(self._request(text), self.step)
        except PromptTooLong:
            if not self.begun:
                raise
            self._turns.clear()
            text = opening()
            reply = await self.master.ask(self._request(text), self.step)
        answer = read(reply.text)
        self._turns += [Message("user", text), Message("assistant", reply.text)]
        return answer

    def _request(self, text: str) -> ModelRequest:
        messages = (*self._turns, Message("user", text))
        return ModelRequest(system=SYSTEM, messages=messages, max_tokens=self.answer_tokens)

    def _tokens(self, text: str) -> int:
        return request_tokens(self._request(text)) + self.answer_tokens
