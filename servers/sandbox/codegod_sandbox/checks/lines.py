"""Reading what a run of the project reported."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from codegod_sandbox.spec import RunResult


@dataclass(frozen=True, slots=True)
class Nonce:
    """The word that makes a line ours; the project's code never sees it."""

    word: str = field(default_factory=lambda: secrets.token_hex(16))

    def lines(self, result: RunResult) -> Iterator[dict[str, Any]]:
        """What was reported, in order; a line that was cut off with the process is none."""
        mark = f"{self.word} ".encode()
        for line in result.stdout.split(b"\n"):
            if line.startswith(mark):
                try:
                    said = json.loads(line.removeprefix(mark))
                except json.JSONDecodeError:
                    continue
                if isinstance(said, dict):
                    yield said
