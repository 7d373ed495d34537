"""Newline JSON by UDP: a datagram for each reading, for receivers that may come and go."""

import errno
import socket

from emotion_core.outlets.base import About, Kind, Reading, check_host_and_port, host_and_port
from emotion_core.outlets.ndjson import lines

_PASSING = (errno.ECONNREFUSED, errno.EMSGSIZE, errno.ENOBUFS, errno.ENETUNREACH, errno.EHOSTUNREACH)


class Datagrams:
    """Sends to one address; nobody there is no error, and is known only on this machine.

    Raises:
        OSError: where the host has no address.
    """

    def __init__(self, host: str, port: int) -> None:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.connect(place)

    def send(self, data: bytes) -> bool:
        """Send one datagram; False where it found nobody or is too large."""
        try:
            self._socket.send(data)
        except OSError as error:
            if error.errno in _PASSING:
                return False
            raise
        return True

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


class _Udp:
    def __init__(self, host: str, port: int) -> None:
        self._datagrams = Datagrams(host, port)

    def send(self, reading: Reading) -> bool:
        return self._datagrams.send(lines(reading))

    def close(self) -> None:
        self._datagrams.close()


def opened(address: str, about: About) -> _Udp:
    """Make a sender to HOST:PORT."""
    return _Udp(*host_and_port(address))


KIND = Kind(
    "udp", "a datagram of records for each frame", "udp://127.0.0.1:9000", check_host_and_port, opened
)
