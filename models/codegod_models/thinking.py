"""Parts what a model thinks aloud at the beginning of its answer from the answer itself.

Servers that know a model put its thoughts into a field of their own. The others leave them where the model wrote them:
between `<think>` and `</think>`, before everything else.
"""

from __future__ import annotations

from collections.abc import Iterator

from codegod_models.provider import TextPart, ThoughtPart

_MARKS = {"<think>": "</think>", "<thinking>": "</thinking>"}


class ThoughtFilter:
    """Takes an answer in piece by piece. Thoughts that never end may hide an answer: they count as text at the end."""

    def __init__(self) -> None:
        self._held = ""  # what cannot be told yet
        self._closing = ""  # the mark that ends the thoughts, while the model thinks
        self._thoughts: list[str] = []
        self._decided = False

    def add(self, text: str) -> Iterator[TextPart | ThoughtPart]:
        """What is certain after `text`."""
        if not text:
            return
        self._held += text
        if not self._decided:
            self._decide()
        if self._closing:
            yield from self._think()
        elif self._decided and self._held:
            yield TextPart(self._held)
            self._held = ""

    def rest(self) -> Iterator[TextPart | ThoughtPart]:
        """What was held back when the answer ended."""
        text = "".join([*self._thoughts, self._held])
        if text:
            yield TextPart(text)

    def _decide(self) -> None:
        begun = self._held.lstrip()
        for opening, closing in _MARKS.items():
            if begun.startswith(opening):
                self._closing = closing
                self._thoughts.append(self._held[: self._held.index(opening) + len(opening)])
                self._held = begun.removeprefix(opening)
        self._decided = bool(self._closing) or not any(opening.startswith(begun) for opening in _MARKS)

    def _think(self) -> Iterator[TextPart | ThoughtPart]:
        thought, mark, after = self._held.partition(self._closing)
        if mark:
            self._closing, self._held = "", ""
            self._thoughts.clear()
            if thought:
                yield ThoughtPart(thought)
            if after:
                yield TextPart(after)
            return
        keep = len(self._closing) - 1  # the mark may come in two pieces
        sure, self._held = self._held[:-keep], self._held[-keep:]
        if sure:
            self._thoughts.append(sure)
            yield ThoughtPart(sure)
