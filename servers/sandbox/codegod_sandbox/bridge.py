"""Runs inside the sandbox: carries TCP on 127.0.0.1 to the proxy's Unix socket, then runs the command.

A script for any Python, with nothing but the standard library and little of that: it starts in milliseconds.
`bridge.py SOCKET PORT COMMAND...`
"""

import socket
import subprocess
import sys
import threading

_CHUNK_BYTES = 1 << 16


def _carry(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            end.close()


def _connect(client: socket.socket, place: str) -> None:
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(place)
    except OSError:
        client.close()
        return
    for source, sink in ((client, server), (server, client)):
        threading.Thread(target=_carry, args=(source, sink), daemon=True).start()


def _accept(listener: socket.socket, place: str) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_connect, args=(client, place), daemon=True).start()


def main(place: str, port: int, command: list[str]) -> int:
    """Serve until `command` ends; its exit code, as a shell would say it."""
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    threading.Thread(target=_accept, args=(listener, place), daemon=True).start()
    code = subprocess.call(command)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
