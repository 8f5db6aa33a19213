"""`codegod-memory`, also `python -m codegod_memory`."""

import sys

from codegod_kit import run_server
from codegod_memory.server import create


def main() -> int:
    """Serve memory until the client goes away."""
    return run_server("memory", create)


if __name__ == "__main__":
    sys.exit(main())
