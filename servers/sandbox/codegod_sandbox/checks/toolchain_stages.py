"""The stages of a compiled language: what its own toolchain finds, builds and runs inside the sandbox."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.import_stage import judged_imports
from codegod_sandbox.checks.lines import Nonce
from codegod_sandbox.checks.records import Done, StageName
from codegod_sandbox.checks.static_stages import judged_static
from codegod_sandbox.checks.suite_stage import TEST_SECONDS, judged
from codegod_sandbox.spec import RunResult


@dataclass(frozen=True)
class ToolchainStages:
    """One language's programs inside the sandbox, and what they need to run."""

    language: str
    static: str
    """The program, by the name of its module, that looks at the sources; `build` and `tests` likewise."""
    build: str
    tests: str
    missing: Callable[[Bench], Awaitable[str]]
    """Why nothing of the language can be checked; empty when it can."""
    run: Callable[[Bench, str, dict[str, Any]], Awaitable[RunResult]]

    async def run_static(self, bench: Bench, stages: Sequence[StageName]) -> dict[StageName, Done]:
        """What each of `stages` found."""
        if reason := await self.missing(bench):
            return {stage: Done(skipped=reason) for stage in stages if stage != "rules"}
        return judged_static(stages, await self.run(bench, self.static, {"stages": list(stages)}))

    async def run_imports(self, bench: Bench) -> Done:
        """Whether everything can be built and loaded."""
        if reason := await self.missing(bench):
            return Done(skipped=reason)
        nonce = Nonce()
        return judged_imports(nonce, await self.run(bench, self.build, {"nonce": nonce.word}))

    async def run_tests(self, bench: Bench) -> Done:
        """The outcome of every wanted test."""
        if reason := await self.missing(bench):
            return Done(skipped=f"{reason}; no test of {self.language} was run")
        nonce = Nonce()
        asked = {
            "nonce": nonce.word,
            "tests": list(bench.tests),
            "test_seconds": min(TEST_SECONDS, max(1.0, bench.seconds_left * 0.5)),
            "seconds": bench.seconds_left,
        }
        return judged(nonce, await self.run(bench, self.tests, asked))
