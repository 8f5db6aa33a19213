"""What a server said outside the protocol, kept for the error that tells of its end."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

# Enough for a traceback's end; a chatty server may not fill our memory.
_LINES_KEPT = 12
_LINE_CHARS = 300
# A grandchild may hold the pipe open for ever; what it says later is of no use.
_DRAIN_SECONDS = 0.2


class LastWords:
    """The last lines that a server wrote to its stderr, or the last HTTP status that was an error."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def hear(self, line: str) -> None:
        """Keep `line`, and let the oldest go."""
        if line.strip():
            self._lines.append(line.rstrip()[:_LINE_CHARS])

    @contextmanager
    def pipe(self) -> Iterator[TextIO]:
        """A stream for a child's stderr; everything it wrote is heard when the block is left."""
        reads, writes = os.pipe()
        listener = threading.Thread(target=self._listen, args=(reads,), daemon=True)
        listener.start()
        try:
            with os.fdopen(writes, "w", encoding="utf-8") as stream:
                yield stream
        finally:
            listener.join(_DRAIN_SECONDS)

    def _listen(self, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as stream:
            # A line without an end must not be collected whole.
            while line := stream.readline(_LINE_CHARS):
                self.hear(line)
