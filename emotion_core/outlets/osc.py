"""Open Sound Control 1.0 by UDP: bundles that bear the moment at which their frame was read.

The bundle of a frame holds `/emotion/frame` (number, source's time in s, then the number of each face), that
of each face `/emotion/face/N/emotion` (name, confidence), `.../valence`, `.../arousal`, `.../probabilities`,
`.../box` and what else was asked for. With several viewers it is `/emotion/viewer/V/...`.
"""

import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

from emotion_core.outlets.base import About, Kind, Reading, check_host_and_port, host_and_port
from emotion_core.outlets.udp import Datagrams
from emotion_core.results import extras as more
from emotion_core.results.record import Record

PREFIX = "/emotion"
_SINCE_1900 = 2_208_988_800  # seconds from the epoch of NTP, which OSC counts from, to 1970

Value = int | float | str


def message(address: str, *values: Value) -> bytes:
    """Return one OSC message; whole numbers go as int32, others as float32."""
    tags = "," + "".join("s" if isinstance(v, str) else "i" if isinstance(v, int) else "f" for v in values)
    return _text(address) + _text(tags) + b"".join(_packed(value) for value in values)


def bundle(unix: float, *messages: bytes) -> bytes:
    """Return messages as one bundle; `unix` is its moment in seconds since 1970."""
    seconds = int(unix)
    tag = struct.pack(">II", (seconds + _SINCE_1900) & 0xFFFFFFFF, int((unix - seconds) * 2**32))
    return b"#bundle\0" + tag + b"".join(struct.pack(">i", len(one)) + one for one in messages)


def _text(text: str) -> bytes:
    """Return a text with its end, in whole steps of four bytes; OSC knows ASCII only."""
    data = text.encode("ascii", "replace").replace(b"\0", b"?")
    return data + b"\0" * (4 - len(data) % 4)


def _packed(value: Value) -> bytes:
    if isinstance(value, str):
        return _text(value)
    return struct.pack(">i", value) if isinstance(value, int) else struct.pack(">f", value)


def bundles(reading: Reading, about: About, prefix: str = PREFIX) -> Iterator[bytes]:
    """Yield the bundle of a frame, then one for each of its faces."""
    unix = reading.unix
    root = f"{prefix}/viewer/{reading.viewer}" if about.viewers else prefix
    numbers = [int(record.face) for record in reading.faces if record.face is not None]
    yield bundle(unix, message(f"{root}/frame", reading.index, float(reading.time), *numbers))
    for record in reading.faces:
        yield bundle(unix, *_of_face(record, f"{root}/face/{record.face}", about))


def _of_face(record: Record, root: str, about: About) -> Iterator[bytes]:
    yield message(f"{root}/emotion", str(record.emotion), float(record.confidence or 0.0))
    yield message(f"{root}/valence", float(record.valence or 0.0))
    yield message(f"{root}/arousal", float(record.arousal or 0.0))
    if record.probabilities is not None:
        shares = (float(record.probabilities.get(label, 0.0)) for label in about.labels)
        yield message(f"{root}/probabilities", *shares)
    if record.box is not None:
        yield message(f"{root}/box", *(float(side) for side in record.box))
    for name in about.extras:
        numbers = more.flat(name, getattr(record, name))
        if all(number is not None for number in numbers):
            yield message(f"{root}/{name}", *(float(number) for number in numbers))


class _Osc:
    def __init__(self, address: str, about: About) -> None:
        self._about, self._prefix = about, urlsplit(address).path.rstrip("/") or PREFIX
        self._datagrams = Datagrams(*host_and_port(address))

    def send(self, reading: Reading) -> bool:
        return all([self._datagrams.send(one) for one in bundles(reading, self._about, self._prefix)])

    def close(self) -> None:
        self._datagrams.close()


def opened(address: str, about: About) -> _Osc:
    """Make a sender to osc://HOST:PORT/PREFIX; the prefix may be missing."""
    return _Osc(address, about)


KIND = Kind(
    "osc", "Open Sound Control: a bundle for each face", "osc://127.0.0.1:9000", check_host_and_port, opened
)
