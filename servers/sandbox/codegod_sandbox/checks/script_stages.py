"""The stages of JavaScript and TypeScript: TypeScript's own eyes, oxlint, Node.js."""

import json
from collections.abc import Sequence
from typing import Any, Final

from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.import_stage import judged_imports
from codegod_sandbox.checks.lines import Nonce
from codegod_sandbox.checks.records import Done, StageName
from codegod_sandbox.checks.static_stages import judged_static
from codegod_sandbox.checks.suite_stage import TEST_SECONDS, judged
from codegod_sandbox.languages.npm import Node
from codegod_sandbox.spec import ENV, FILES, RunResult, mounted

# Node.js reserves address space by the gigabyte; what it uses is bounded by the sandbox.
_MEMORY_BYTES: Final = 3 << 30
_WHO: Final = "JavaScript and TypeScript"


async def run_static(bench: Bench, stages: Sequence[StageName]) -> dict[StageName, Done]:
    """What each of `stages` found in scripts, styles and pages."""
    if reason := _missing(bench):
        return {stage: Done(skipped=reason) for stage in stages if stage != "rules"}
    result = await _run(bench, "script_static", {"stages": list(stages)})
    return judged_static(stages, result)


async def run_imports(bench: Bench) -> Done:
    """A finding for each module that Node.js cannot load."""
    if reason := _missing(bench):
        return Done(skipped=reason)
    nonce = Nonce()
    asked = {"nonce": nonce.word, "test_seconds": max(2.0, bench.seconds_left * 0.8)}
    return judged_imports(nonce, await _run(bench, "script_imports", asked))


async def run_tests(bench: Bench) -> Done:
    """The outcome of every wanted test."""
    if reason := _missing(bench):
        return Done(skipped=f"{reason}; no test of {_WHO} was run")
    nonce = Nonce()
    asked = {
        "nonce": nonce.word,
        "tests": list(bench.tests),
        "test_seconds": min(TEST_SECONDS, max(1.0, bench.seconds_left * 0.5)),
        "seconds": bench.seconds_left,
    }
    return judged(nonce, await _run(bench, "script_tests", asked))


def _missing(bench: Bench) -> str:
    if bench.kits is None or (bench.kits.find("js") is None or isinstance(bench.kits.node, str)):
        return f"{_WHO} are not checked: {bench.kits.why_not('js') if bench.kits else 'there are no tools'}"
    return ""


async def _run(bench: Bench, module: str, asked: dict[str, Any]) -> RunResult:
    kits = bench.kits
    if kits is None or not isinstance(kits.node, Node):
        raise AssertionError("asked for without its tools")
    return await bench.run(
        module,
        mounted("kit"),
        ENV if bench.env else "",
        FILES,
        str(kits.node.node),
        stdin=json.dumps(asked).encode(),
        site=False,
        memory_bytes=_MEMORY_BYTES,
        kit=kits.find("js"),
    )
