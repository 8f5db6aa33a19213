"""One thing that is wrong, and where."""

from dataclasses import asdict, dataclass
from typing import Any

# One line that a small model reads before its next try.
MESSAGE_LIMIT_CHARS = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """`message` says what is wrong and what to do. `advice` is worth telling, and no reason to send the work back."""

    path: str
    line: int
    rule: str
    message: str
    advice: bool = False

    def to_json(self) -> dict[str, Any]:
        """The finding as it travels."""
        return {**asdict(self), "message": self.message[:MESSAGE_LIMIT_CHARS]}
