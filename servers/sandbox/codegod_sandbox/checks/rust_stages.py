"""The stages of Rust: rustfmt, clippy and the compiler, its build and its tests."""

import json
from typing import Any, Final

from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.toolchain_stages import ToolchainStages
from codegod_sandbox.languages.rust import Rust
from codegod_sandbox.spec import ENV, RunResult, mounted

_MEMORY_BYTES: Final = 3 << 30


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


STAGES: Final = ToolchainStages("Rust", "rust_static", "rust_build", "rust_tests", _missing, _run)
