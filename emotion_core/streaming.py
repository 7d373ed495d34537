"""The messages of `WS /api/v1/stream`, version 1, for both of its ends.

A picture is one binary message: a head of 16 bytes, big-endian, then the picture's bytes.

    byte 0       version, 1
    byte 1       kind of picture: 0 JPEG, 1 raw RGB
    bytes 2, 3   0
    bytes 4, 5   width in pixels of a raw picture, else 0
    bytes 6, 7   height in pixels of a raw picture, else 0
    bytes 8-15   a time stamp of the sender's own, a 64-bit float; it comes back with the answer
"""

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

VERSION = 1
PROTOCOL = "expressions.v1"
"""The subprotocol that both ends may name."""
JPEG, RAW = 0, 1
_HEAD = struct.Struct(">BBHHHd")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a stream: a JPEG, or raw RGB of `width` x `height` pixels; `stamp` is the sender's."""

    stamp: float
    kind: int
    width: int
    height: int
    data: bytes


def pack(image: "np.ndarray | bytes", stamp: float) -> bytes:
    """Return the message of a picture: the bytes of a JPEG, or RGB uint8 (H, W, 3), which is sent raw.

    Raises ValueError for an array of another shape.
    """
    if isinstance(image, bytes):
        return _HEAD.pack(VERSION, JPEG, 0, 0, 0, stamp) + image
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != "uint8":
        raise ValueError(f"a picture is RGB uint8 of shape (H, W, 3), not {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    return _HEAD.pack(VERSION, RAW, 0, width, height, stamp) + image.tobytes()


def unpack(message: bytes) -> Picture:
    """Read a message; raises ValueError, in one line, for anything that is no picture of this version."""
    if len(message) <= _HEAD.size:
        raise ValueError(f"a picture's message has a head of {_HEAD.size} bytes and a picture behind it")
    version, kind, _, width, height, stamp = _HEAD.unpack_from(message)
    data = message[_HEAD.size :]
    if version != VERSION:
        raise ValueError(f"byte 0 is the version {VERSION}, not {version}")
    if kind not in (JPEG, RAW):
        raise ValueError(f"byte 1 is {JPEG} for JPEG or {RAW} for raw RGB, not {kind}")
    if kind == RAW and (len(data) != width * height * 3 or min(width, height) < 16):
        raise ValueError(f"{len(data)} bytes are no raw RGB of {width} x {height} pixels")
    return Picture(stamp, kind, width, height, data)
