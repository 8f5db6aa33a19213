"""Where things lie inside a sandbox, at the level that runs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile("\0([a-z]+)(?::([^\0]+))?\0")


@dataclass(frozen=True, slots=True)
class Places:
    """The paths that stand behind the tokens of `execution` (WORKSPACE, ENV, ...)."""

    workspace: str
    env: str
    files: str
    tools: str
    python: str
    home: str
    temporary: str
    mounts: Mapping[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """`text` with its tokens replaced; a NUL that belongs to no token is a mistake of the caller."""
        filled = _TOKEN.sub(self._path, text)
        if "\0" in filled:
            raise ValueError(f"{text!r} cannot be passed to a program")
        return filled

    def _path(self, match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "mount":
            return self.mounts[name]
        known = {
            "workspace": self.workspace,
            "env": self.env,
            "files": self.files,
            "tools": self.tools,
            "python": self.python,
        }
        return known[kind]
