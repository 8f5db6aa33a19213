"""The stage that imports every module of the project."""

import json
from typing import Any, Final

from codegod_sandbox.checks.bench import Bench, last_words
from codegod_sandbox.checks.lines import Nonce
from codegod_sandbox.checks.records import Done, Finding
from codegod_sandbox.files.shown import shown
from codegod_sandbox.spec import RunResult

_MEMORY_BYTES: Final = 1 << 30


async def run_imports(bench: Bench) -> Done:
    """A finding for each module that does not import. Without an environment other people's packages are not judged."""
    nonce = Nonce()
    request = {"nonce": nonce.word, "env": bench.env is not None}
    result = await bench.run(
        "import_all", stdin=json.dumps(request).encode(), site=True, memory_bytes=_MEMORY_BYTES
    )
    return judged_imports(nonce, result)


def judged_imports(nonce: Nonce, result: RunResult) -> Done:
    """What a run that loaded modules came to."""
    lines = list(nonce.lines(result))
    findings = {
        _finding(each["path"], each["line"], each["message"]) for each in lines if each["kind"] == "failed"
    }
    findings |= {_finding("", 0, each["message"]) for each in lines if each["kind"] == "broken"}
    if not any(each["kind"] in ("end", "broken") for each in lines):
        findings.add(_cut(lines, result))
    missing = sorted({str(each["package"]) for each in lines if each["kind"] == "missing"})
    return Done(
        tuple(
            Finding(stage="imports", path=p, line=n, rule="import", message=m) for p, n, m in sorted(findings)
        ),
        seconds=result.seconds,
        skipped=f"not installed: {shown(', '.join(missing))}; call `env_prepare` first" if missing else "",
        level=result.level,
    )


def _finding(path: str, line: int, message: str) -> tuple[str, int, str]:
    # Modules that import a broken one say the same; one place is told once.
    return shown(path), line, shown(message)


def _cut(lines: list[dict[str, Any]], result: RunResult) -> tuple[str, int, str]:
    """The process ended in the middle of an import."""
    begun = next((each for each in reversed(lines) if each["kind"] == "begin"), None)
    if begun is None:
        return "", 0, f"The modules could not be imported ({last_words(result)})."
    message = (
        f"Importing `{begun['module']}` ends the whole process ({last_words(result)}): do nothing on import."
    )
    return _finding(begun["path"], 0, message)
