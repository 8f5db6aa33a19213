"""A socket as a byte stream, through asyncio's own socket calls.

anyio's stream for Unix sockets reports an InvalidStateError when a receive is cancelled just as data arrives
(anyio 4.16), which is what the end of every proxied connection looks like.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import ByteStream


class SocketStream(ByteStream):
    """A connected, non-blocking socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """The next bytes; `EndOfStream` when the other side has closed."""
        chunk = await asyncio.get_running_loop().sock_recv(self._socket, max_bytes)
        if not chunk:
            raise anyio.EndOfStream
        return chunk

    async def send(self, item: bytes) -> None:
        """Send all of `item`."""
        await asyncio.get_running_loop().sock_sendall(self._socket, item)

    async def send_eof(self) -> None:
        """Say that nothing more will come."""
        self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close the socket."""
        self._socket.close()


async def serve(
    listener: socket.socket, handle: Callable[[ByteStream], Awaitable[None]], *, at_once: int = 64
) -> None:
    """Handle every connection to `listener`, until cancelled; no more are taken than can be handled `at_once`."""
    loop = asyncio.get_running_loop()
    free = anyio.Semaphore(at_once)

    async def one(connection: socket.socket) -> None:
        try:
            await handle(SocketStream(connection))
        finally:
            free.release()

    async with anyio.create_task_group() as tasks:
        while True:
            await free.acquire()
            connection, _ = await loop.sock_accept(listener)
            tasks.start_soon(one, connection)
