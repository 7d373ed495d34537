"""Protocol Buffers messages, as far as model files need it: read, or changed in a few places.

The package `onnx` does it for every message, but takes 20 MB and a tenth of a second to import.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_VARINT, _BYTES, _FLOAT = 0, 2, 5  # wire types; no others occur here


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Go through the fields of a message: number and value, an int, a float or bytes.

    Raises:
        IndexError: where the message is cut off.
        ValueError: where it is none.
    """
    for number, value, _ in _parts(message):
        yield number, value


def rewritten(message: bytes, changes: Mapping[int, Callable[[bytes], bytes | None]]) -> bytes:
    """Return a message with the embedded ones of these numbers changed, or left out where that gives None."""
    out = bytearray()
    for number, value, raw in _parts(message):
        if number in changes:
            value = changes[number](value)
            out += b"" if value is None else embedded(number, value)
        else:
            out += raw
    return bytes(out)


def embedded(number: int, content: bytes) -> bytes:
    """Return the field `number` with a message or text in it."""
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _parts(message: bytes) -> Iterator[tuple[int, Any, bytes]]:
    at = 0

    def read() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(message):
        begin = at
        number, kind = divmod(read(), 8)
        if kind == _VARINT:
            value: Any = read()
        elif kind in (_BYTES, _FLOAT):
            length = read() if kind == _BYTES else 4
            at += length
            value = message[at - length : at]
        else:
            raise ValueError(f"no message that is understood here: wire type {kind}")
        if at > len(message):
            raise IndexError("the message is cut off")
        yield number, struct.unpack("<f", value)[0] if kind == _FLOAT else value, message[begin:at]
