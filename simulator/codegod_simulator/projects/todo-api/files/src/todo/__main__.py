"""Runs the service: `python -m todo`."""

import os
import sys
from collections.abc import Mapping

import uvicorn

from todo.app import create_app
from todo.settings import Settings


def main(environment: Mapping[str, str] | None = None) -> int:
    """Serve until a signal ends it; 2 when `environment` holds a wrong setting."""
    try:
        settings = Settings.from_environment(
            os.environ if environment is None else environment
        )
    except ValueError as error:
        print(f"todo-api: {error}", file=sys.stderr)
        return 2
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
