"""What `codegod bench` has found out about a model, kept beside what its probe has."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from codegod_orchestrator.reports.rates import Tally, together
from codegod_workers.capability import FOLDER

_PREFIX = "bench-"
_NOT_A_NAME = re.compile(r"[^a-z0-9._-]+")
_HASH_CHARACTERS = 8


class BenchedBuild(BaseModel):
    """One build: how it ended, what the project's own tests saw, what became of its tasks, what the worker took."""

    model_config = ConfigDict(frozen=True)

    project: str
    build: str
    state: str
    reason: str = ""
    behaviours: int = 0
    """Those that the project itself has a test for, which neither master nor worker can change."""
    proved: int = 0
    """Of those: seen by that test."""
    tallies: dict[str, Tally] = {}
    calls: int = 0
    tokens: int = 0
    model_seconds: float = 0.0
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    unpriced_calls: int = 0
    """Calls whose price nobody knows: the cost is a lower bound then."""

    @property
    def helped(self) -> int:
        """Tasks that were given up; those of a build that is done were finished by the played master."""
        return sum(tally.given_up for tally in self.tallies.values())

    @property
    def held(self) -> bool:
        """Done by this model alone, and the project's own tests say so too."""
        return self.state == "done" and not self.helped and self.proved == self.behaviours

    @property
    def false_done(self) -> bool:
        return self.state == "done" and self.proved < self.behaviours


class Benched(BaseModel):
    """One run of the bench."""

    model_config = ConfigDict(frozen=True)

    model: str
    master: str
    played: str = ""
    """The simulator's options, where it had a part."""
    limits: str = ""
    version: str
    at: datetime
    builds: tuple[BenchedBuild, ...]

    @property
    def name(self) -> str:
        """What was measured: the model, and what else the figures depend on."""
        played = f" with {self.played}" if self.played else ""
        return f"{self.model}{played}, planned by {self.master}"

    @property
    def by_type(self) -> dict[str, Tally]:
        return together(build.tallies for build in self.builds)

    @property
    def total(self) -> Tally:
        total = Tally()
        for tally in self.by_type.values():
            total = total.plus(tally)
        return total

    @property
    def done(self) -> int:
        """Builds that are done without help, by their own word and by the project's tests."""
        return sum(build.held for build in self.builds)


def write_benched(state: Path, benched: Benched) -> Path:
    """Keep it in place of the last run with the same model, master and options; the file's path."""
    file = _file(state, benched)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}.new")
    new.write_text(benched.model_dump_json(indent=2), encoding="utf-8")
    new.replace(file)
    return file


def read_benched(state: Path) -> tuple[Benched, ...]:
    """Every run that is kept, newest first; what another version wrote in another form is passed over."""
    found: list[Benched] = []
    for file in (state / FOLDER).glob(f"{_PREFIX}*.json"):
        try:
            found.append(Benched.model_validate_json(file.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValidationError):
            continue
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))


def _file(state: Path, benched: Benched) -> Path:
    readable = _NOT_A_NAME.sub("-", benched.model.lower()).strip("-.")
    whole = f"{benched.model}\n{benched.master}\n{benched.played}"
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_HASH_CHARACTERS]
    return state / FOLDER / f"{_PREFIX}{readable}-{digest}.json"
