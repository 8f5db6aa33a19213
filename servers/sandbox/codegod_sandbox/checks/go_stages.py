"""The stages of Go: gofmt, vet, build and test of its own toolchain."""

import json
from typing import Any, Final

from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.toolchain_stages import ToolchainStages
from codegod_sandbox.languages.kits import own_go
from codegod_sandbox.spec import ENV, RunResult, mounted

_MEMORY_BYTES: Final = 3 << 30


async def _missing(bench: Bench) -> str:
    jail = (await bench.sandbox.ground()).jail
    if jail is not None and jail.level != "bubblewrap":
        return f"Go is not checked: its tools do not find their own library at the level {jail.level}"
    if bench.kits is None or bench.kits.find("go") is None:
        return f"Go is not checked: {bench.kits.why_not('go') if bench.kits else 'there are no tools'}"
    return ""


async def _run(bench: Bench, module: str, asked: dict[str, Any]) -> RunResult:
    kits = bench.kits
    if kits is None:
        raise AssertionError("asked for without its tools")
    own = own_go(kits.settings.environment)
    return await bench.run(
        module,
        mounted("kit"),
        ENV if bench.env else "",
        str(own) if own is not None else f"{mounted('kit')}/go",
        stdin=json.dumps(asked).encode(),
        site=False,
        memory_bytes=_MEMORY_BYTES,
        kit=kits.find("go"),
    )


STAGES: Final = ToolchainStages("Go", "go_static", "go_build", "go_tests", _missing, _run)
