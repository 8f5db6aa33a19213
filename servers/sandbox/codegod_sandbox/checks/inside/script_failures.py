"""How a test of JavaScript failed, in the words of pytest's side."""

import re
from typing import Any

from .node_ground import TEST_FILE

_STUB = re.compile(
    r"^\s*(Uncaught )?(\w*Error: )?(\[\w*Error: )?(todo\W+)?not (yet )?implemented\b", re.IGNORECASE
)
_STUB_NAME = re.compile(r"NotImplemented(Error)?\b")
_ASSERTION = re.compile(
    r"^\s*(\w*AssertionError|JestAssertionError|TestingLibraryElementError)\b|^\s*(Error: )?expect\(|\bAssertionError\b"
)
_IMPORT = re.compile(
    r"Cannot find (module|package)|Failed to (resolve import|load url)|does not provide an export named|ERR_MODULE_NOT_FOUND"
    r"|Could not resolve|is not a constructor or|Cannot use import statement|Transform failed|SyntaxError"
)
_LATE = re.compile(r"timed out|testTimeoutFailure|Exceeded timeout", re.IGNORECASE)
_FRAME = re.compile(r"(?:file://)?(/[^\s():]+):(\d+):\d+")
_MESSAGE_CHARS = 600


def failed(said: str, stack: str, folder: str, *, alone: bool, hook: bool) -> dict[str, Any]:
    """Outcome, reason and message; `alone`: said of a whole file, `hook`: of what stands before its tests."""
    first = _clean(_telling(said) if alone else said, folder)
    reason = "error"
    if _LATE.search(said[:300]):
        return {"outcome": "timeout", "reason": "timeout", "message": first}
    if (_STUB.search(said) or _STUB_NAME.match(said.strip())) and not _raised_in_test(stack, folder):
        reason = "stub"
    elif _IMPORT.search(said):
        reason = "import"
    elif alone:
        reason = "collection"
    elif hook:
        reason = "fixture"
    elif _ASSERTION.search(said):
        reason = "assertion"
    outcome = "error" if alone or hook else "failed"
    return {"outcome": outcome, "reason": reason, "message": first}


def _telling(said: str) -> str:
    """The line of a crash that names the error, and what stands behind it."""
    found = re.search(r"^(\w*Error\b.*)", said, re.MULTILINE)
    return said[found.start() :] if found else said


def _raised_in_test(stack: str, folder: str) -> bool:
    """Whether the first place in the project that the stack names is a test: the project's code is what counts."""
    for path, _ in _FRAME.findall(stack):
        if path.startswith(f"{folder}/") and "/node_modules/" not in path:
            return bool(TEST_FILE.search(path))
    return False


def _clean(said: str, folder: str) -> str:
    lines = [line for line in said.replace(f"{folder}/", "").splitlines() if not re.match(r"\s+at ", line)]
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines)).strip()[:_MESSAGE_CHARS]
