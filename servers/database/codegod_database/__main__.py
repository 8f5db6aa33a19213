"""`codegod-database`, also `python -m codegod_database`."""

import sys

from codegod_database.server import create
from codegod_kit import run_server


def main() -> int:
    """Serve databases until the client goes away."""
    return run_server("database", create)


if __name__ == "__main__":
    sys.exit(main())
