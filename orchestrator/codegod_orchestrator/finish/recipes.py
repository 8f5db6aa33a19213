"""How applications of each language are put into an image and tested by a CI service: data, and a few lines of text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from codegod_kit.plan_records import PORT_MARK

_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
COMPILED: Final = "/usr/local/bin/app"
"""Where an image keeps the program that was compiled for it: root writes there, and everybody runs it."""
_GO_RUN: Final = ("go", "run")
# Flags of `go build` whose value is a word of its own.
_VALUED_FLAGS: Final = frozenset(
    {
        "-p",
        "-C",
        "-asmflags",
        "-gcflags",
        "-ldflags",
        "-mod",
        "-modfile",
        "-overlay",
        "-pgo",
        "-pkgdir",
        "-tags",
    }
)
_WORKFLOW = """\
name: tests
on: [push, pull_request]
permissions:
  contents: read
jobs:
  tests:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
{setup}      - run: {tests}
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What does not depend on the single application."""

    image: str
    user: tuple[str, ...]
    """Lines of a Dockerfile that make the user the application runs as."""
    user_name: str
    interpreter: str
    """What a container runs when nothing is known to start."""
    setup: str
    """Steps of a workflow that bring the toolchain."""
    ignored_by_git: str
    """What running the tests, an editor's environment or a container leaves behind, and secrets."""
    kept_out_of_images: str

    def workflow(self, tests: str) -> str:
        """A workflow that runs `tests` on every push."""
        return _WORKFLOW.format(setup=self.setup, tests=tests)


PYTHON = Recipe(
    image="python:3.12-slim",
    user=("RUN useradd --create-home --uid 10001 app",),
    user_name="app",
    interpreter="python",
    setup="      - uses: astral-sh/setup-uv@v5\n",
    ignored_by_git="__pycache__/\n*.egg-info/\n.pytest_cache/\n.venv/\n.env\n",
    kept_out_of_images=".git\n.venv\n.env\n.pytest_cache\n**/__pycache__\n",
)
NODE = Recipe(
    image="node:22-slim",
    user=(),
    user_name="node",  # the image brings it
    interpreter="node",
    setup="      - uses: actions/setup-node@v4\n        with:\n          node-version: 22\n",
    ignored_by_git="node_modules/\ndist/\ncoverage/\n.env\n",
    kept_out_of_images=".git\nnode_modules\ncoverage\n.env\n",
)
GO = Recipe(
    image="golang:1.24",
    user=("RUN useradd --create-home --uid 10001 app",),
    user_name="app",
    interpreter="go",
    setup="      - uses: actions/setup-go@v5\n        with:\n          go-version-file: go.mod\n",
    ignored_by_git="bin/\n*.test\n.env\n",
    kept_out_of_images=".git\nbin\n.env\n",
)


def compiled(command: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """For `go run …`, which compiles what it runs: what an image is built with, and what runs in its containers.

    A container's files are read-only, so nothing can be compiled there. Any other command needs no such step, and stays.
    """
    if tuple(command[:2]) != _GO_RUN:
        return "", tuple(command)
    words = list(command[2:])
    flags = _taken(words, lambda word: word.startswith("-"))
    package = _taken(words, lambda word: word.endswith(".go")) or [words.pop(0) if words else "."]
    build = shlex.join(["go", "build", "-o", COMPILED, *flags, *package])
    return build, (COMPILED, *words)


def _taken(words: list[str], belongs: Callable[[str], bool]) -> list[str]:
    """The first of `words` that belong together, taken from them, each flag with its value."""
    taken: list[str] = []
    while words and belongs(words[0]):
        word = words.pop(0)
        taken += [word, *([words.pop(0)] if word in _VALUED_FLAGS and words else [])]
    return taken


def command_of(start: str, port: int) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables and words of a plan's start command, at `port`."""
    words = shlex.split(start.replace(PORT_MARK, str(port)))
    variables: dict[str, str] = {}
    while words and (found := _VARIABLE.fullmatch(words[0])):
        variables[found[1]] = found[2]
        del words[0]
    return variables, tuple(words)
