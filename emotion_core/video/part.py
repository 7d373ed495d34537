"""A part of a source: from when to when it is read, and how many of its pictures."""

import math
import re
from dataclasses import dataclass

from emotion_core.types import EmotionError

_NEAR = 1e-6  # of a step between two pictures: what times lose when they are stored


@dataclass(frozen=True, slots=True)
class Part:
    """Which pictures of a source are read; what is left out changes neither times nor numbers of the others.

    Args:
        start: seconds on the source's clock from which on pictures are read.
        end: seconds up to which they are, itself left out; None reads to the end.
        every: reads every so many pictures, from the first of the part on; 1 reads all.
        rate: pictures to read in a second of the source, at most as many as there are; None reads all.

    Raises:
        EmotionError: for what is no part, and for `every` and `rate` at once.
    """

    start: float = 0.0
    end: float | None = None
    every: int = 1
    rate: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and self.start >= 0):
            raise EmotionError(f"the start is a time in seconds from 0 on, not {self.start}", ("start",))
        if self.end is not None and not self.end > self.start:
            raise EmotionError(
                f"the end lies after the start, not at {self.end:g} s where that is at {self.start:g} s",
                ("end",),
            )
        if self.every < 1:
            raise EmotionError(f"every so many pictures is 1 (all) or more, not {self.every}", ("every",))
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise EmotionError(f"the rate is above 0 pictures a second, not {self.rate}", ("rate",))
        if self.rate is not None and self.every > 1:
            raise EmotionError("every so many pictures, or a rate: give one of them", ("every", "rate"))

    @property
    def is_whole(self) -> bool:
        """Whether it is all of a source."""
        return self == Part()

    def facts(self) -> dict[str, float]:
        """Return what is not as in the whole, for the summary."""
        facts = {"start": self.start, "end": self.end, "every": self.every, "rate": self.rate}
        usual = Part()
        return {name: value for name, value in facts.items() if value and value != getattr(usual, name)}

    def rate_of(self, fps: float) -> float:
        """Return how many pictures a second are read of a source of `fps` pictures a second."""
        return fps / self.every if self.rate is None else min(fps, self.rate)

    def expected(self, count: int | None, duration: float | None) -> int | None:
        """Return about how many pictures are read of so many in so many seconds; None where nobody knows."""
        if self.is_whole or count is None or not duration:
            return count
        seconds = max(0.0, min(duration, math.inf if self.end is None else self.end) - self.start)
        return max(1, round(seconds * self.rate_of(count / duration)))


def moment(text: str) -> float:
    """Read a time: seconds, minutes and seconds, or hours, minutes and seconds, as 90, 1:30 or 0:01:30.5.

    Raises:
        EmotionError: for what is no time.
    """
    *higher, seconds = text.split(":")
    plain = all(part.isdecimal() for part in higher) and len(higher) < 3
    if not plain or not re.fullmatch(r"\d+(\.\d*)?|\.\d+", seconds) or (higher and float(seconds) >= 60):
        raise EmotionError(f"{text!r} is no time: give seconds, or m:ss as 1:30")
    total = 0
    for part in higher:
        total = 60 * total + int(part)
    return 60 * total + float(seconds)


class Picker:
    """Tells which pictures of a source belong to a part, as they come."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._first: int | None = None
        self._last = 0.0

    def wants(self, number: int, time: float) -> bool:
        """Tell whether the picture of that number and time, the next one, is read."""
        part = self._part
        if time < part.start or self.is_over(time):
            return False
        if self._first is None:
            return True
        if part.rate is None:
            return (number - self._first) % part.every == 0
        return self._turn(time, part.rate) > self._turn(self._last, part.rate)

    def take(self, number: int, time: float) -> None:
        """Note that a picture was read."""
        self._first = number if self._first is None else self._first
        self._last = time

    def is_over(self, time: float) -> bool:
        """Tell whether a picture of that time comes after the part, as all others will."""
        return self._part.end is not None and time >= self._part.end

    def _turn(self, time: float, rate: float) -> int:
        return math.floor((time - self._part.start) * rate + _NEAR)
