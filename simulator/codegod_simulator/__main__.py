"""The simulator's process: says on its first line where it listens, and ends when its standard input closes."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import uvicorn

from codegod_simulator.app import MASTER, WORKER, build_app
from codegod_simulator.faults import BadFault, Fault, Faults, parse_fault
from codegod_simulator.library import Library, open_library
from codegod_simulator.listing import listing
from codegod_simulator.play import Manner, Player
from codegod_simulator.presets import PRESETS
from codegod_simulator.question import Role
from codegod_simulator.reference import ReferenceFault

GOODBYE_SECONDS = 1  # for open streams when the process is asked to end


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulator until its input closes or a signal ends it; 2 for options or folders that cannot be played."""
    options = _parser().parse_args(argv)
    try:
        library = open_library(options.reference)
    except ReferenceFault as fault:
        print(f"codegod-simulator: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    if options.list:
        print(json.dumps(listing(library)))  # noqa: T201
        return 0
    latency: dict[Role, float] = {}
    for given in options.latency:
        latency |= given
    preset = PRESETS[options.preset] if options.preset else None
    faults = Faults(options.fault, _teller(options.struck))
    return _serve(Player(library, faults, Manner(latency, options.seed, preset)), options.port)


def _teller(file: Path | None) -> Callable[[str], None]:
    """Writes lines to the end of `file`, each at once; nowhere without one."""
    if file is None:
        return lambda _: None

    def tell(line: str) -> None:
        with file.open("a", encoding="utf-8") as told:
            told.write(f"{line}\n")

    return tell


def _serve(player: Player, port: int) -> int:
    try:
        listener = socket.create_server(("127.0.0.1", port))  # loopback alone: nobody here asks who calls
    except OSError as error:
        print(f"codegod-simulator: port {port} cannot be had: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 2
    config = uvicorn.Config(
        build_app(player), log_level="critical", lifespan="off", timeout_graceful_shutdown=GOODBYE_SECONDS
    )
    server = _Announcing(config, _announcement(listener, player.library))
    _end_with_input(server)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0


def _announcement(listener: socket.socket, library: Library) -> str:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    return json.dumps({"url": url, "master": MASTER, "worker": WORKER, "projects": library.names})


class _Announcing(uvicorn.Server):
    """Says `line` on standard output as soon as requests are taken."""

    def __init__(self, config: uvicorn.Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._line, flush=True)  # noqa: T201


def _end_with_input(server: uvicorn.Server) -> None:
    """Stop `server` when standard input ends, so that a dead parent leaves no orphan. A terminal never ends it."""
    if sys.stdin is None or sys.stdin.isatty():
        return
    descriptor = sys.stdin.fileno()

    def wait() -> None:
        while os.read(descriptor, 4096):  # not sys.stdin: its lock would be held at exit
            pass
        server.should_exit = True

    threading.Thread(target=wait, daemon=True).start()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="codegod-simulator", description=__doc__)
    parser.add_argument(
        "--list", action="store_true", help="say in JSON what can be played, with its tests, and end"
    )
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--reference",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a reference project to play",
    )
    parser.add_argument(
        "--latency", type=_latency, action="append", default=[], metavar="[ROLE:]S", help="seconds per answer"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of all that varies: slips, faults, latency, chunk sizes"
    )
    parser.add_argument(
        "--preset", choices=sorted(PRESETS), default="", help="how good the models are at tasks"
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="ROLE:KIND[@TASK[.ATTEMPT]]",
        help="something that goes wrong, e.g. worker:truncation@storage.1; a word that is none lists them all",
    )
    parser.add_argument(
        "--struck", type=Path, metavar="FILE", help="write a line here whenever a fault strikes"
    )
    return parser


def _latency(text: str) -> dict[Role, float]:
    role, separator, seconds = text.rpartition(":")
    roles: tuple[Role, ...] = get_args(Role)
    named = [known for known in roles if known == role] if separator else list(roles)
    value = float(seconds)
    if not named or not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not [ROLE:]SECONDS with a role of {', '.join(roles)}")
    return dict.fromkeys(named, value)


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except BadFault as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


if __name__ == "__main__":
    raise SystemExit(main())
