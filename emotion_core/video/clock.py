"""The time of a source: where it begins, how it goes on when its clock is set back, and how long it lasts.

A file may say anything of its length. What is believed is what its other statements bear out: the samples
that a track lists, the other tracks, and the packets that were read.
"""

import math
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

SET_BACK = 1.0
"""Seconds by which a time must fall for it to be a clock that was set, not pictures in another order."""

_LEAST_STEP = 0.001  # seconds between two pictures whose times are the same
_USUAL_FPS = 25.0
_WITHOUT_CLOCK = ("mpjpeg", "mjpeg", "jpeg_pipe", "h264", "hevc", "m4v", "mpegvideo", "obu", "av1")
_LEAST_SHARE, _MOST_SHARE = 0.5, 2.0  # of what its samples come to: a length outside isn't believed
_SEGMENT = 0x18538067  # Matroska's box around everything
_UNKNOWN = -1


def is_timed_by_arrival(container: InputContainer, kind: str) -> bool:
    """Tell whether pictures of an address carry no time of their own and come as they are taken.

    A file of such a format that lies at an address has a size, a camera has none.
    """
    return kind == "url" and container.format.name in _WITHOUT_CLOCK and container.size <= 0


class Clock:
    """Turns the times of pictures as they are stored into seconds that begin at zero and rise.

    `fps` is the rate that a picture without a time is given; `zero` is the stored time that counts as zero,
    None for that of the first picture; with `arrival` a picture's time is `now`, the moment at which it came.
    `is_by_arrival` tells the last of these; `shifts` are the seconds that were added, one more each time the
    stored clock was set back; `count` is that of the pictures so far.
    """

    def __init__(self, zero: float | None, fps: float, *, arrival: bool = False) -> None:
        self.zero = None if arrival else zero
        self.shifts = [0.0]
        self.last = -1.0
        self._step = 1 / fps
        self.is_by_arrival = arrival
        self.now = 0.0
        self.count = 0

    @property
    def step(self) -> float:
        """Seconds that a picture lasts of which nothing else is known."""
        if self.is_by_arrival and self.count > 1:
            return self.last / (self.count - 1)
        return self._step

    def at(self, stored: float | None) -> float:
        """Return the time of the next picture, in seconds, from its stored time; None where it has none."""
        if self.is_by_arrival:
            stored = self.now
        began = self.last >= 0
        if stored is None:
            moment = self.last + self._step if began else 0.0
        else:
            if self.zero is None:
                self.zero = stored
            moment = stored - self.zero + self.shifts[-1]
            if began and moment < self.last - SET_BACK:  # the clock of a broadcast was set back
                self.shifts.append(self.shifts[-1] + self.last + self._step - moment)
                moment = self.last + self._step
        self.last = max(moment, self.last + _LEAST_STEP) if began else max(moment, 0.0)
        self.count += 1
        return self.last


def mean_rate(stream: VideoStream) -> float:
    """Return the mean rate of a stream in frames a second, a usual one where it says nothing of use."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0 < float(rate) < 100_000:
            return float(rate)
    return _USUAL_FPS


class Length:
    """How long a source says it lasts, as far as it can be believed.

    `picture` is the length of the picture track in seconds and `whole` that of the longest track; both None
    where nobody knows. `picture_end` and `whole_end` are the stored times at which they end.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        declared = (container.duration or 0) / av.time_base
        sampled = _sampled(stream)
        track = _track_length(stream)
        others = [_track_length(s) or 0.0 for s in container.streams if s is not stream]
        if sampled is not None and track is not None:
            usual = stream.frames / float(stream.guessed_rate or stream.average_rate or _USUAL_FPS)
            track = _believed(track, declared, sampled, usual)
        longest = max(others, default=0.0)
        if track is not None:
            longest = max(longest, track)
            believed = declared and (declared <= _MOST_SHARE * longest + 1)
            declared = declared if believed else longest
        begin = (container.start_time or 0) / av.time_base
        first = float((stream.start_time or 0) * (stream.time_base or 0)) if stream.time_base else 0.0
        self.picture = track or declared or None
        self.whole = declared or track
        self.is_of_track = track is not None
        self.picture_end = None if self.picture is None else (first if track else begin) + self.picture
        self.whole_end = begin + self.whole if self.whole else None


def _believed(track: float, declared: float, sampled: float, usual: float) -> float:
    """Return the length that two statements bear out: the track's, the container's, that of its samples.

    Where they all differ, `usual` decides: what so many pictures take at the commonest step between two.
    """
    if _agree(track, sampled):
        return track
    if _agree(declared, sampled):
        return declared
    return min(track, sampled, key=lambda length: abs(math.log(length / usual)))


def _agree(length: float, other: float) -> bool:
    return _LEAST_SHARE * other <= length <= _MOST_SHARE * other


def _sampled(stream: VideoStream) -> float | None:
    """Return the seconds that the list of a track's samples comes to, where there is such a list."""
    if not stream.frames or not stream.average_rate:
        return None
    return stream.frames / float(stream.average_rate)


def _track_length(stream: "av.stream.Stream") -> float | None:
    if not stream.duration or not stream.time_base:
        return None
    return float(stream.duration * stream.time_base)


def is_whole(path: Path) -> bool | None:
    """Tell whether a Matroska or WebM file has all the bytes that it announces; None where it doesn't say."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return None
    at = 0
    while at < len(head):
        number, at = _vint(head, at, keep=True)
        length, at = _vint(head, at, keep=False)
        if number == _UNKNOWN or length == _UNKNOWN:
            return None
        if number == _SEGMENT:
            return at + length <= size
        at += length
    return None


def _vint(data: bytes, at: int, *, keep: bool) -> tuple[int, int]:
    """Read a number of EBML's variable width; `keep` keeps its marker, as the numbers of boxes do."""
    if at >= len(data) or not data[at]:
        return _UNKNOWN, at
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width])
    ones = (1 << 7 * width) - 1
    if not keep:
        value &= ones
        value = _UNKNOWN if value == ones else value
    return value, at + width
