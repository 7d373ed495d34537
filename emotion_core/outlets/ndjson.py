"""Newline JSON on standard output: the records of the format `ndjson`, each with the moment of its frame.

What stands in a pipe or a file after `ndjson:-` can be read as results: `at` is left out by the reader.
"""

import os
import sys

import orjson

from emotion_core.outlets.base import About, Kind, Reading
from emotion_core.types import EmotionError

STANDARD_OUTPUT = "ndjson:-"


def lines(reading: Reading) -> bytes:
    """Return a reading as lines of JSON, one for each face: the record and `at`, in Unix seconds.

    `viewer` and `dropped` stand there where they are not 0.
    """
    more: dict[str, float | int] = {"at": round(reading.unix, 6)}
    more |= {"viewer": reading.viewer} if reading.viewer else {}
    more |= {"dropped": reading.dropped} if reading.dropped else {}
    option = orjson.OPT_APPEND_NEWLINE
    return b"".join(orjson.dumps(record.as_dict() | more, option=option) for record in reading.records)


class _StandardOutput:
    def __init__(self) -> None:
        # Of its own: what else this process prints has been sent elsewhere, and may close it.
        self._file = os.dup(sys.__stdout__.fileno()) if sys.__stdout__ is not None else os.dup(1)

    def send(self, reading: Reading) -> bool:
        rest = memoryview(lines(reading))
        while rest:
            rest = rest[os.write(self._file, rest) :]
        return True

    def close(self) -> None:
        os.close(self._file)


def check(address: str) -> None:
    """Raise EmotionError for another place than standard output."""
    if address.lower() != STANDARD_OUTPUT:
        raise EmotionError(
            f"{address!r}: newline JSON goes to standard output ({STANDARD_OUTPUT}), tcp://HOST:PORT or "
            "udp://HOST:PORT",
            ("send",),
        )


def opened(address: str, about: About) -> _StandardOutput:
    """Take standard output."""
    return _StandardOutput()


KIND = Kind("ndjson", "a record a line on standard output", STANDARD_OUTPUT, check, opened)
