"""What the levels have in common: they turn a prepared run into a process to start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from codegod_sandbox.descriptors import Descriptors
from codegod_sandbox.egress import EgressProxy
from codegod_sandbox.places import Places
from codegod_sandbox.process import Launch
from codegod_sandbox.spec import Level, RunSpec

EGRESS_NAME: Final = "egress"
"""The folder, inside a run's own, that holds the proxy's socket."""


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A specification with every place filled in."""

    spec: RunSpec
    argv: tuple[str, ...]
    variables: Mapping[str, str]
    folder: Path  # the run's own on the host
    proxy: EgressProxy | None


class Jail(Protocol):
    """One level of isolation."""

    @property
    def level(self) -> Level:
        """Its name."""
        ...

    def places(self, spec: RunSpec, folder: Path) -> Places:
        """Where the program will find things."""
        ...

    def launch(self, run: PreparedRun, given: Descriptors) -> Launch:
        """How to start the program."""
        ...
