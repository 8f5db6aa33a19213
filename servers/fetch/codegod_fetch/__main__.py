"""`python -m codegod_fetch`."""

import sys

from codegod_fetch.server import create
from codegod_kit import run_server


def main() -> int:
    """Serve until the client leaves; returns the exit status."""
    return run_server("codegod-fetch", create)


if __name__ == "__main__":
    sys.exit(main())
