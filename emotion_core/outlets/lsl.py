"""Lab Streaming Layer: a stream of numbers, a sample for each face of a frame, and one of markers.

Samples come when frames do, so the streams have no nominal rate. A frame without a face is a sample whose
`face` is 0 and whose readings are NaN. A marker says when a face's label changes, when it comes and when it
is gone.
"""

import platform
import time
from typing import Any

from emotion_core.outlets.base import About, Kind, Reading
from emotion_core.results.record import Record, columns
from emotion_core.types import EmotionError

NAME = "Emotion"
LAST = 0.2
"""Seconds for what is on its way when the streams end: LSL tells nobody when it has arrived."""
MISSING = "Lab Streaming Layer needs pylsl: pip install 'emotion-recognition[lsl]'"
_NO_NUMBERS = ("emotion", "objects", "duration")
_UNITS = {"time": "seconds", "pose": "degrees", "box": "pixels", "landmark": "pixels"}


def channels(about: About) -> list[str]:
    """Return the names of the channels: `face`, `frame`, `time` and what a record has in numbers."""
    first = [*(["viewer"] if about.viewers else []), "face", "frame", "time"]
    numbers = (name for name in columns(about.labels, about.extras) if name not in _NO_NUMBERS)
    return [*first, *(name for name in numbers if name not in first)]


def sample(record: Record, reading: Reading, about: About) -> list[float]:
    """Return the values of `channels`; NaN for what there is none of."""
    row = dict(
        zip(columns(about.labels, about.extras), record.as_row(about.labels, about.extras), strict=True)
    )
    row |= {"face": record.face or 0, "viewer": reading.viewer}
    values = (row[name] for name in channels(about))
    return [float("nan") if value is None else float(value) for value in values]


class _Lsl:
    def __init__(self, name: str, about: About) -> None:
        pylsl = _pylsl()
        self._about, self._clock = about, pylsl.local_clock
        self._labels: dict[tuple[int, int], str | None] = {}  # by viewer and face, of those in view
        names = channels(about)
        host = platform.node()
        info = pylsl.StreamInfo(
            name, "Emotion", len(names), pylsl.IRREGULAR_RATE, pylsl.cf_double64, f"emotion {name} {host}"
        )
        _describe(info, names, about)
        marks = pylsl.StreamInfo(
            f"{name} markers", "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_string, f"markers {name} {host}"
        )
        self._numbers, self._marks = pylsl.StreamOutlet(info), pylsl.StreamOutlet(marks)

    def send(self, reading: Reading) -> bool:
        # LSL's clock is this machine's steady one, but need not begin where Python's does.
        stamp = reading.at + (self._clock() - time.monotonic())
        for record in reading.records:
            self._numbers.push_sample(sample(record, reading, self._about), stamp)
        for text in self._changes(reading):
            self._marks.push_sample([text], stamp)
        return True

    def _changes(self, reading: Reading) -> list[str]:
        now = {(reading.viewer, int(r.face)): r.emotion for r in reading.faces if r.face is not None}
        mine = {key for key in self._labels if key[0] == reading.viewer}
        said = [f"{self._who(key)}: {label}" for key, label in now.items() if self._labels.get(key) != label]
        said += [f"{self._who(key)}: gone" for key in sorted(mine - set(now))]
        for key in mine:
            del self._labels[key]
        self._labels |= now
        return said

    def _who(self, key: tuple[int, int]) -> str:
        viewer, face = key
        return f"viewer {viewer}, face {face}" if self._about.viewers else f"face {face}"

    def close(self) -> None:
        if self._numbers.have_consumers():
            time.sleep(LAST)
        del self._numbers, self._marks  # their end is the end of the streams


def _describe(info: Any, names: list[str], about: About) -> None:
    """Put into a stream's description what each channel is and what made it."""
    channels = info.desc().append_child("channels")
    for name in names:
        channel = channels.append_child("channel")
        channel.append_child_value("label", name)
        channel.append_child_value("unit", _UNITS.get(name.partition("_")[0], "none"))
    made = info.desc().append_child("acquisition")
    made.append_child_value("manufacturer", "emotion-recognition")
    made.append_child_value("source", about.name)
    for key in ("name", "sha256", "version"):
        if about.model.get(key):
            made.append_child_value(f"model_{key}", str(about.model[key]))
    made.append_child_value("what", "apparent expressions: what a face looks like, not what a person feels")


def _pylsl() -> Any:
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:  # RuntimeError: pylsl without the library that it wraps
        raise EmotionError(MISSING, ("send",)) from error
    return pylsl


def check(address: str) -> None:
    """Raise EmotionError where pylsl is not installed, or more than a name is given."""
    if "/" in address:
        raise EmotionError(f"{address!r}: LSL has no address, only a name: lsl or lsl:{NAME}", ("send",))
    _pylsl()


def opened(address: str, about: About) -> _Lsl:
    """Open the streams lsl:NAME; they are called `Emotion` where no name is given."""
    return _Lsl(address.partition(":")[2].strip() or NAME, about)


KIND = Kind("lsl", "Lab Streaming Layer: numbers and markers", f"lsl:{NAME}", check, opened)
