"""`codegod-git`: the server as a program."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp.server import MCPServer

from codegod_git.server import build_server
from codegod_kit import ServerSettings, run_server


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until the client goes away; gives the exit status. The kit's options apply, and `--allow-deliver`."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--allow-deliver", metavar="DIR", default="")
    given, rest = parser.parse_known_args(sys.argv[1:] if argv is None else argv)
    allowed = str(Path(given.allow_deliver).absolute()) if given.allow_deliver else ""

    def create(settings: ServerSettings) -> MCPServer[Any]:
        return build_server(settings, allow_deliver=allowed)

    return run_server("git", create, rest)


if __name__ == "__main__":
    sys.exit(main())
