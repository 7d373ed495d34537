"""How long a client may take: no limit on a large upload, one on a client that hardly sends anything.

Only the time spent waiting for the client counts, so a slow disk is not taken for a slow sender.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from starlette.types import Message, Receive
    from websockets.frames import Frame

HEADER_SECONDS = 15.0
"""Seconds from the first byte of a request, or from the connection, to the end of its headers."""
SILENCE_SECONDS = 20.0
"""Seconds without a byte of a body that is not whole."""
SLOWEST = 1000.0
"""Bytes a second that a body brings on average, once `SILENCE_SECONDS` were waited for it."""
MOST_PIECES = 1000
"""Fragments of one WebSocket message."""


class TooSlowError(Exception):
    """A client that sends so slowly that it is cut off."""


def patient(receive: Receive) -> Receive:
    """Return `receive` with an end to its patience: TooSlowError is raised for a body that hardly comes."""
    waited, got, whole = 0.0, 0, False

    async def timed() -> Message:
        nonlocal waited, got, whole
        if whole:  # from here on a handler waits for the client to leave, which may take for ever
            return await receive()
        begun = time.monotonic()
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise TooSlowError from None
        waited += time.monotonic() - begun
        got += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if not whole and waited > SILENCE_SECONDS and got < SLOWEST * waited:
            raise TooSlowError
        return message

    return timed


class TimedHttp(H11Protocol):
    """HTTP whose headers must be complete in time, on a new connection and on one that is used again."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Take in bytes; those of a request that has just begun start the clock again."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before or self.transport.get_protocol() is not self:
            self._stop_waiting()
        elif (before is None or before.response_complete) and self._deadline is None:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._cut)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()


class BoundedSocket(WebSocketsSansIOProtocol):
    """WebSockets whose messages come in a bounded number of fragments: empty ones fill the memory too."""

    def handle_cont(self, event: Frame) -> None:
        """Take in one more fragment of a message."""
        if len(self.frames) >= MOST_PIECES:
            self.frames = []
            self.transport.abort()
            return
        super().handle_cont(event)
