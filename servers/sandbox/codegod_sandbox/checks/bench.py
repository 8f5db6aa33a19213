"""What a check works on: the tree, its environment, the tree before, and the time that is left."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from codegod_sandbox.checks.payload import ARCHIVE, archive, command, scripts
from codegod_sandbox.execution import Sandbox
from codegod_sandbox.files.shown import shown
from codegod_sandbox.languages.kits import Kits
from codegod_sandbox.languages.spoken import Survey
from codegod_sandbox.spec import Limits, RunResult, RunSpec

# What one stage may say at most; a report of three thousand tests has a megabyte.
OUTPUT_BYTES: Final = 8 << 20
# Not even an interpreter starts in less.
_LEAST_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that the stages share."""

    sandbox: Sandbox
    tree: Path
    env: Path | None
    before: Mapping[str, str]
    """Test files of the baseline, path to text."""
    tests: tuple[str, ...]
    deadline: float
    """When the check ends, on the monotonic clock."""
    survey: Survey = field(default_factory=Survey)
    kits: Kits | None = None

    @property
    def seconds_left(self) -> float:
        """For the next run."""
        return max(_LEAST_SECONDS, self.deadline - time.monotonic())

    async def run(
        self,
        module: str,
        *arguments: str,
        stdin: bytes,
        site: bool,
        memory_bytes: int,
        kit: Path | None = None,
        in_place: tuple[Path, ...] = (),
    ) -> RunResult:
        """Run one of the modules `inside` on the tree, which it can only read; `kit` is seen at `mounted("kit")`."""
        limits = Limits(wall_seconds=self.seconds_left, memory_bytes=memory_bytes, output_bytes=OUTPUT_BYTES)
        return await self.sandbox.run(
            RunSpec(
                command(module, *arguments, site=site),
                self.tree,
                workspace_writable=False,
                read_only={"kit": kit} if kit is not None else {},
                in_place=in_place,
                files={ARCHIVE: archive(), **scripts()},
                env=self.env,
                stdin=stdin,
                limits=limits,
            )
        )

    def without_env(self) -> "Bench":
        """The same, with the plain interpreter."""
        return replace(self, env=None)


def last_words(result: RunResult) -> str:
    """The end of what a run said to nobody, for a message."""
    lines = [line for line in result.stderr.decode(errors="replace").splitlines() if line.strip()]
    said = shown(" ".join(lines[-3:]))[-300:]
    return f"{result.status} {result.exit_code}: {said}" if said else f"{result.status} {result.exit_code}"
