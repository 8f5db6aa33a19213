"""`python -m codegod_thinking`."""

import sys

from codegod_kit import run_server
from codegod_thinking.server import create


def main() -> int:
    """Serve until the client leaves; returns the exit status."""
    return run_server("codegod-thinking", create)


if __name__ == "__main__":
    sys.exit(main())
