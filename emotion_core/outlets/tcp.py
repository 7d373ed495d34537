"""Newline JSON to whoever listens at a TCP port; called again every second while nobody does."""

import socket
import time

from emotion_core.outlets.base import About, Kind, Reading, check_host_and_port, host_and_port
from emotion_core.outlets.ndjson import lines

AGAIN = 1.0
"""Seconds between two calls, and at most for one."""
PATIENCE = 5.0
"""Seconds for which a receiver may take nothing before it is called anew."""


class _Tcp:
    def __init__(self, host: str, port: int) -> None:
        self._place = host, port
        self._socket: socket.socket | None = None
        self._next = 0.0  # time.monotonic() before which nobody is called again

    def send(self, reading: Reading) -> bool:
        if self._socket is None and not self._call():
            return False
        assert self._socket is not None
        try:
            self._socket.sendall(lines(reading))
        except OSError:  # a line may be torn: whoever listens again begins with a whole one
            self.close()
            return False
        return True

    def _call(self) -> bool:
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + AGAIN
        try:
            self._socket = socket.create_connection(self._place, AGAIN)
        except OSError:
            return False
        self._socket.settimeout(PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def opened(address: str, about: About) -> _Tcp:
    """Make a caller of HOST:PORT; it calls when there is something to send."""
    return _Tcp(*host_and_port(address))


KIND = Kind(
    "tcp", "a record a line to a listening TCP port", "tcp://127.0.0.1:9000", check_host_and_port, opened
)
