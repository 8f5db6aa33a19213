"""The process that tries a regular expression on texts. It reads one JSON object and writes one; it opens nothing."""

import json
import re
import sys
from typing import Any

# For a pattern that eats memory or outlives its parent; the parent's own clock is shorter.
_MEMORY_BYTES = 1 << 30
_CPU_SECONDS = 10
_LINE_CHARS = 400


def hits(request: dict[str, Any]) -> dict[str, Any]:
    """Index of the text, number and beginning of each line that matches."""
    try:
        pattern = re.compile(request["pattern"], re.IGNORECASE if request["ignore_case"] else 0)
    except (re.error, OverflowError, RecursionError) as error:
        return {"error": str(error)}
    found: list[tuple[int, int, str]] = []
    for index, text in enumerate(request["texts"]):
        for number, line in enumerate(text.split("\n"), start=1):
            if pattern.search(line.rstrip("\r")):
                if len(found) >= request["limit"]:
                    return {"hits": found}
                found.append((index, number, line.rstrip("\r")[:_LINE_CHARS]))
    return {"hits": found}


def main() -> None:
    """Serve one request from stdin to stdout."""
    _limit_self()
    json.dump(hits(json.load(sys.stdin)), sys.stdout)


def _limit_self() -> None:
    try:
        import resource
    except ImportError:
        # No such limits on Windows, where the server does not run.
        return
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))


if __name__ == "__main__":
    main()
