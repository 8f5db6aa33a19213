"""`codegod-sandbox`: the server as a program."""

import sys

from codegod_kit import run_server
from codegod_sandbox.server import create


def main() -> int:
    """Serve until the client goes away; gives the exit status."""
    return run_server("sandbox", create)


if __name__ == "__main__":
    sys.exit(main())
