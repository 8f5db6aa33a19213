"""The stages of Rust: rustfmt, clippy and the compiler, its build and its tests."""

import json
from collections.abc import Sequence
from typing import Any, Final

from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.import_stage import judged_imports
from codegod_sandbox.checks.lines import Nonce
from codegod_sandbox.checks.records import Done, StageName
from codegod_sandbox.checks.static_stages import judged_static
from codegod_sandbox.checks.suite_stage import TEST_SECONDS, judged
from codegod_sandbox.languages.rust import Rust
from codegod_sandbox.spec import ENV, RunResult, mounted

_MEMORY_BYTES: Final = 3 << 30


async def run_static(bench: Bench, stages: Sequence[StageName]) -> dict[StageName, Done]:
    """What each of `stages` found."""
    if reason := await _missing(bench):
        return {stage: Done(skipped=reason) for stage in stages if stage != "rules"}
    return judged_static(stages, await _run(bench, "rust_static", {"stages": list(stages)}))


async def run_imports(bench: Bench) -> Done:
    """Whether every package can be built and linked."""
    if reason := await _missing(bench):
        return Done(skipped=reason)
    nonce = Nonce()
    return judged_imports(nonce, await _run(bench, "rust_build", {"nonce": nonce.word}))


async def run_tests(bench: Bench) -> Done:
    """The outcome of every wanted test."""
    if reason := await _missing(bench):
        return Done(skipped=f"{reason}; no test of Rust was run")
    nonce = Nonce()
    asked = {
        "nonce": nonce.word,
        "tests": list(bench.tests),
        "test_seconds": min(TEST_SECONDS, max(1.0, bench.seconds_left * 0.5)),
        "seconds": bench.seconds_left,
    }
    return judged(nonce, await _run(bench, "rust_tests", asked))


async def _missing(bench: Bench) -> str:
    jail = (await bench.sandbox.ground()).jail
    if jail is not None and jail.level != "bubblewrap":
        return f"Rust is not checked: its tools do not find their own library at the level {jail.level}"
    if bench.kits is None or bench.kits.find("rust") is None:
        return f"Rust is not checked: {bench.kits.why_not('rust') if bench.kits else 'there are no tools'}"
    return ""


async def _run(bench: Bench, module: str, asked: dict[str, Any]) -> RunResult:
    kits = bench.kits
    if kits is None or not isinstance(kits.rust, Rust):
        raise AssertionError("asked for without its tools")
    return await bench.run(
        module,
        str(kits.rust.root) if kits.rust.is_shown else f"{mounted('kit')}/rust",
        ENV if bench.env else "",
        stdin=json.dumps(asked).encode(),
        site=False,
        memory_bytes=_MEMORY_BYTES,
        kit=kits.find("rust"),
    )
