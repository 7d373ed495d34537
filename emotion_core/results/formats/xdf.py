"""XDF, for recordings beside EEG and other sensors: a stream of numbers and one of markers for each person.

Written to version 1.0 of the specification. The nominal rate is 0, "irregular": readers even out the times of
a stream that states a rate, and would spread the pictures over the time in which somebody was away.
"""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from emotion_core.labels import DISCLAIMER
from emotion_core.results.formats.base import exported
from emotion_core.results.markup import text
from emotion_core.results.spans import spans
from emotion_core.results.whole import Whole, person

_HEADER, _STREAM, _SAMPLES, _CLOCK, _FOOTER = 1, 2, 3, 4, 6  # tags of chunks
_SAMPLES_EACH = 10_000  # in a chunk
_UNITS = {"valence": "-1 to 1", "arousal": "0 to 1", "confidence": "0 to 1"}


def write(whole: Whole, path: Path) -> None:
    """Write the file; times are the source's own clock in seconds."""
    found = spans(whole)
    channels = ["valence", "arousal", "confidence", *whole.chances]
    with path.open("wb") as file:
        file.write(b"XDF:")
        _chunk(file, _HEADER, b'<?xml version="1.0"?><info><version>1.0</version></info>')
        for at, (face, rows) in enumerate(whole.people.items()):
            stream, markers = 2 * at + 1, 2 * at + 2
            time = whole["time"][rows]
            _chunk(file, _STREAM, _head(whole, f"{person(face)} expression", channels, "float32"), stream)
            _chunk(file, _STREAM, _head(whole, f"{person(face)} emotion", [], "string"), markers)
            for begin in range(0, len(rows), _SAMPLES_EACH):
                part = rows[begin : begin + _SAMPLES_EACH]
                values = np.column_stack([whole[name][part] for name in channels])
                _chunk(file, _SAMPLES, _numbers(time[begin : begin + _SAMPLES_EACH], values), stream)
            line = [(span.start / 1000, whole.labels[span.label]) for span in found[face]]
            line += [
                (span.end / 1000, "")  # nobody is seen from here on
                for span, following in zip(found[face], [*found[face][1:], None], strict=True)
                if following is None or following.start > span.end
            ]
            line.sort(key=lambda marker: marker[0])
            _chunk(file, _SAMPLES, _words(line), markers)
            for one in (stream, markers):
                for moment in (time[0], time[-1] + 1):  # all streams are on one clock: 0 s apart
                    _chunk(file, _CLOCK, struct.pack("<dd", moment, 0.0), one)
            _chunk(file, _FOOTER, _foot(time, len(time)), stream)
            _chunk(file, _FOOTER, _foot(np.array([at for at, _ in line]), len(line)), markers)


def _chunk(file: BinaryIO, tag: int, content: bytes, stream: int | None = None) -> None:
    body = struct.pack("<H", tag) + (b"" if stream is None else struct.pack("<I", stream)) + content
    file.write(b"\x08" + struct.pack("<Q", len(body)) + body)


def _count(number: int) -> bytes:
    return b"\x04" + struct.pack("<I", number)


def _numbers(time: np.ndarray, values: np.ndarray) -> bytes:
    """Pack samples: a byte that says that a time of 8 bytes follows, the time, the values."""
    kind = np.dtype([("size", "u1"), ("time", "<f8"), ("values", "<f4", (values.shape[1],))])
    samples = np.empty(len(time), kind)
    samples["size"], samples["time"], samples["values"] = 8, time, values
    return _count(len(samples)) + samples.tobytes()


def _words(line: list[tuple[float, str]]) -> bytes:
    parts = [_count(len(line))]
    for time, word in line:
        letters = word.encode()
        parts += [b"\x08", struct.pack("<d", time), _count(len(letters)), letters]
    return b"".join(parts)


def _head(whole: Whole, name: str, channels: list[str], kind: str) -> bytes:
    described = "".join(
        f"<channel><label>{text(channel)}</label><unit>{_UNITS.get(channel, '0 to 1')}</unit></channel>"
        for channel in channels
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><info><name>{name}</name>'
        f"<type>{'Expression' if channels else 'Markers'}</type>"
        f"<channel_count>{len(channels) or 1}</channel_count><nominal_srate>0</nominal_srate>"
        f"<channel_format>{kind}</channel_format><source_id>{text(whole.name)} {name}</source_id>"
        f"<created_at>0</created_at><desc><manufacturer>{text(whole.software)}</manufacturer>"
        f"<about>{text(DISCLAIMER)}</about><channels>{described}</channels></desc></info>"
    ).encode()


def _foot(time: np.ndarray, count: int) -> bytes:
    first, last = (float(time[0]), float(time[-1])) if len(time) else (0.0, 0.0)
    return (
        f'<?xml version="1.0"?><info><first_timestamp>{first}</first_timestamp>'
        f"<last_timestamp>{last}</last_timestamp><sample_count>{count}</sample_count>"
        "<measured_srate>0</measured_srate><clock_offsets/></info>"
    ).encode()


FORMAT = exported(
    "xdf",
    "XDF",
    "for studies with EEG and other sensors: a stream of numbers and one of markers for each person",
    write,
    ".xdf",
)
