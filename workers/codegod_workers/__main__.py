"""`codegod-worker`: a worker as a process of its own, fed by a queue. Not built yet, and says so."""

from __future__ import annotations

import argparse
import sys

EXIT_USAGE = 2


def main() -> int:
    """Refuse by name: until a queue connects them, workers run inside the orchestrator's process."""
    argparse.ArgumentParser(
        prog="codegod-worker",
        description="A worker process for REDIS_HOST. Not built yet: workers run inside `codegod build`.",
    ).parse_args()
    sys.stderr.write(
        "codegod-worker: worker processes are not built yet. `codegod build` runs its workers itself; "
        "--max-parallel says how many.\n"
    )
    return EXIT_USAGE


if __name__ == "__main__":
    raise SystemExit(main())
