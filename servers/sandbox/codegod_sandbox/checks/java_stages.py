"""The stages of Java: javac's own eyes, its classes loaded, JUnit."""

import json
from collections.abc import Sequence
from typing import Any, Final

from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.import_stage import judged_imports
from codegod_sandbox.checks.lines import Nonce
from codegod_sandbox.checks.records import Done, StageName
from codegod_sandbox.checks.static_stages import judged_static
from codegod_sandbox.checks.suite_stage import TEST_SECONDS, judged
from codegod_sandbox.languages.java import JARS, Java
from codegod_sandbox.spec import FILES, RunResult, mounted

# A virtual machine reserves more than it uses.
_MEMORY_BYTES: Final = 3 << 30
_NO_JUNIT: Final = (
    "no test of Java was run: the jars of JUnit (junit-platform-launcher, junit-jupiter) are neither in /usr/share/java nor "
    "in Maven's own repository"
)


async def run_static(bench: Bench, stages: Sequence[StageName]) -> dict[StageName, Done]:
    """What each of `stages` found."""
    if reason := await _missing(bench):
        return {stage: Done(skipped=reason) for stage in stages if stage != "rules"}
    return judged_static(stages, await _run(bench, "java_static", {"stages": list(stages)}))


async def run_imports(bench: Bench) -> Done:
    """Whether every class can be loaded."""
    if reason := await _missing(bench):
        return Done(skipped=reason)
    nonce = Nonce()
    return judged_imports(nonce, await _run(bench, "java_load", {"nonce": nonce.word}))


async def run_tests(bench: Bench) -> Done:
    """The outcome of every wanted test."""
    if reason := await _missing(bench):
        return Done(skipped=f"{reason}; no test of Java was run")
    if bench.kits is not None and isinstance(bench.kits.java, Java) and not bench.kits.java.junit:
        return Done(skipped=_NO_JUNIT)
    nonce = Nonce()
    asked = {
        "nonce": nonce.word,
        "tests": list(bench.tests),
        "test_seconds": min(TEST_SECONDS, max(1.0, bench.seconds_left * 0.5)),
        "seconds": bench.seconds_left,
    }
    return judged(nonce, await _run(bench, "java_tests", asked))


async def _missing(bench: Bench) -> str:
    jail = (await bench.sandbox.ground()).jail
    if jail is not None and jail.level != "bubblewrap":
        return f"Java is not checked: its settings are not shown at the level {jail.level}"
    if bench.kits is None or bench.kits.find("java") is None:
        return f"Java is not checked: {bench.kits.why_not('java') if bench.kits else 'there are no tools'}"
    if reason := bench.survey.java_build:
        return f"Java is not checked: {reason}"
    return ""


async def _run(bench: Bench, module: str, asked: dict[str, Any]) -> RunResult:
    kits = bench.kits
    if kits is None or not isinstance(kits.java, Java):
        raise AssertionError("asked for without its tools")
    return await bench.run(
        module,
        str(kits.java.root),
        f"{mounted('kit')}/{JARS}",
        FILES,
        stdin=json.dumps(asked).encode(),
        site=False,
        memory_bytes=_MEMORY_BYTES,
        kit=kits.find("java"),
        in_place=kits.java.settings,
    )
