"""The stages of Java: javac's own eyes, its classes loaded, JUnit."""

import json
from typing import Any, Final

from codegod_sandbox.checks.bench import Bench
from codegod_sandbox.checks.records import Done
from codegod_sandbox.checks.toolchain_stages import ToolchainStages
from codegod_sandbox.languages.java import JARS, Java
from codegod_sandbox.spec import FILES, RunResult, mounted

# A virtual machine reserves more than it uses.
_MEMORY_BYTES: Final = 3 << 30
_NO_JUNIT: Final = (
    "no test of Java was run: the jars of JUnit (junit-platform-launcher, junit-jupiter) are neither in /usr/share/java nor "
    "in Maven's own repository"
)


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


class _JavaStages(ToolchainStages):
    async def run_tests(self, bench: Bench) -> Done:
        java = bench.kits.java if bench.kits is not None else None
        if isinstance(java, Java) and not java.junit and not await self.missing(bench):
            return Done(skipped=_NO_JUNIT)
        return await super().run_tests(bench)


STAGES: Final = _JavaStages("Java", "java_static", "java_load", "java_tests", _missing, _run)
