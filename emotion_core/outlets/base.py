"""What is sent, and what every kind of receiver has to be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from emotion_core.results.record import Record
from emotion_core.types import EmotionError


@dataclass(frozen=True, slots=True)
class About:
    """Whose readings are sent: a receiver gets it before the first of them.

    `labels` are the model's categories in the order of their probabilities, `extras` names in
    `results.extras.EXTRAS`. `viewers` says that the readings of several viewers come mixed.
    """

    name: str
    labels: tuple[str, ...]
    model: Mapping[str, Any] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    viewers: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one frame.

    `at` is the `time.monotonic()` at which the frame was read from its source, `unix` the same moment in
    seconds since 1970 by this machine's clock, `time` the source's own clock (s). `records` has one for each
    face, or a single one without a face. `viewer` counts from 1, 0: there is only one. `dropped` says how
    many readings before this one the receiver was too slow for.
    """

    index: int
    time: float
    at: float
    unix: float
    records: tuple[Record, ...]
    viewer: int = 0
    dropped: int = 0

    @property
    def faces(self) -> tuple[Record, ...]:
        """The records that are about a face."""
        return tuple(record for record in self.records if record.face is not None)


class Outlet(Protocol):
    """An open way to a receiver; one thread uses it, which may wait in every call."""

    def send(self, reading: Reading) -> bool:
        """Send one reading; False where nobody is there to take it, and a later one may be taken.

        Raises:
            OSError: where nobody will take anything any more.
        """

    def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of receiver: `check` looks at an address, and whether what it needs is installed.

    `opened` makes the outlet and may raise EmotionError or OSError.
    """

    name: str
    about: str
    example: str
    check: Callable[[str], None]
    opened: Callable[[str, About], Outlet]


def host_and_port(address: str) -> tuple[str, int]:
    """Return the two parts of KIND://HOST:PORT; raises EmotionError where one is missing."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        name = address.partition(":")[0]
        raise EmotionError(
            f"{address!r} lacks a host or a port: write it as {name}://127.0.0.1:9000", ("send",)
        )
    return host, port


def check_host_and_port(address: str) -> None:
    """Raise EmotionError for an address that is not KIND://HOST:PORT."""
    host_and_port(address)
