"""Sound as one steady stream of samples, whatever comes: other codecs, rates and layouts, gaps, damage."""

import math
from collections.abc import Iterator
from fractions import Fraction

import av
import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

DAMAGE = (av.error.FFmpegError, ValueError)
"""What is raised for a packet that can't be decoded, or a frame that can't be resampled."""

_TOLERANCE = 0.06  # seconds that stamps may jitter before silence is put in, or samples are dropped
_LONGEST_SILENCE = 3600.0  # seconds: a longer jump of a clock is no pause
_FRAME = 1024  # samples of a frame of AAC
_MPEG_LAYERS = {1: "mp3", 2: "mp2", 3: "mp1"}  # by the two bits of a frame's head


class Decoder:
    """Decodes the packets of a stream, also where a broadcast changes the codec under the same number."""

    def __init__(self, *, changing: bool) -> None:
        self.damaged = 0
        self._changing = changing
        self._other: AudioCodecContext | None = None

    def decode(self, packet: Packet) -> list[AudioFrame]:
        """Return the frames of a packet; none, counted as damaged, where it can't be decoded."""
        data = bytes(packet) if self._changing and packet.size else b""
        codec = packet.stream.codec_context.name.removesuffix("float")
        found = _codec_of(data)
        if found is not None and found != codec:
            return self._decode_as(found, data)
        self._other = None if found is not None else self._other
        try:
            return [frame for frame in list[object](packet.decode()) if isinstance(frame, AudioFrame)]
        except DAMAGE:
            self.damaged += 1
            return []

    def _decode_as(self, codec: str, data: bytes) -> list[AudioFrame]:
        try:
            if self._other is None or self._other.name.removesuffix("float") != codec:
                made = av.CodecContext.create(codec, "r")
                assert isinstance(made, AudioCodecContext)
                self._other = made
            frames = [frame for part in self._other.parse(data) for frame in self._other.decode(part)]
        except DAMAGE:
            self.damaged += 1
            return []
        for frame in frames:
            frame.pts = None  # the time of its packet is the one that counts
        return frames


def _codec_of(data: bytes) -> str | None:
    """Tell the codec of a broadcast's packet by how its frames begin; None where that isn't known."""
    if len(data) < 8:
        return None
    if data[:2] == b"\x0b\x77":
        return "eac3" if data[5] >> 3 > 10 else "ac3"
    if data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "aac"
    if data[0] == 0xFF and data[1] & 0xE0 == 0xE0:
        return _MPEG_LAYERS.get(data[1] >> 1 & 3)
    if data[0] == 0x56 and data[1] & 0xE0 == 0xE0:
        return "aac_latm"
    return None


class Steady:
    """Makes of frames with times one stream of 1024 samples a frame, `rate` a second in one `layout`.

    What is missing is silent, what overlaps is dropped, and the resampler is made anew where the kind of the
    samples changes.
    """

    def __init__(self, rate: int, layout: str) -> None:
        self.rate, self.layout = rate, layout
        self.damaged = 0
        self._kind: tuple[str, str, int] | None = None
        self._resampler: av.AudioResampler | None = None
        self._fifo = av.AudioFifo()
        self._taken = 0  # samples that went into the resampler since it was made
        self._filled = 0  # samples that went into the queue
        self._given = 0
        self._channels = av.AudioLayout(layout).nb_channels

    def put(self, frame: AudioFrame, time: float) -> Iterator[AudioFrame]:
        """Take a frame that sounds from `time` on, in seconds, and give those that are full."""
        if time + frame.samples / max(1, frame.sample_rate) <= 0:
            return  # before the first picture
        missing = time - self._filled / self.rate
        if missing < -_TOLERANCE:
            return
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            yield from self._finish_resampler()
            self._kind = kind
            missing = time - self._filled / self.rate
        if missing > _TOLERANCE:
            yield from self._silence(min(missing, _LONGEST_SILENCE))
        try:
            if self._resampler is None:
                self._resampler = av.AudioResampler("fltp", self.layout, self.rate)
                self._taken = 0
            frame.pts, frame.time_base = self._taken, Fraction(1, frame.sample_rate)
            self._taken += frame.samples
            pieces = self._resampler.resample(frame)
        except DAMAGE:
            self.damaged += 1
            self._resampler = None
            return
        yield from self._queued(pieces)

    def finish(self) -> Iterator[AudioFrame]:
        """Yield what is left; the last frame may be shorter."""
        yield from self._finish_resampler()
        rest = self._fifo.read(0, partial=True) if self._filled > self._given else None
        if rest is not None:
            yield self._stamped(rest)

    def _finish_resampler(self) -> Iterator[AudioFrame]:
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            yield from self._queued(resampler.resample(None))

    def _silence(self, seconds: float) -> Iterator[AudioFrame]:
        left = round(seconds * self.rate)
        while left > 0:
            piece = np.zeros((self._channels, min(left, self.rate)), np.float32)
            left -= piece.shape[1]
            frame = AudioFrame.from_ndarray(piece, format="fltp", layout=self.layout)
            frame.sample_rate = self.rate
            yield from self._queued([frame])

    def _queued(self, pieces: list[AudioFrame]) -> Iterator[AudioFrame]:
        for piece in pieces:
            self._filled += piece.samples
            piece.pts = None
            self._fifo.write(piece)
            while (full := self._fifo.read(_FRAME)) is not None:
                yield self._stamped(full)

    def _stamped(self, frame: AudioFrame) -> AudioFrame:
        frame.pts, frame.time_base = self._given, Fraction(1, self.rate)
        self._given += frame.samples
        return frame


def frame_times(frames: list[AudioFrame], start: float, offset: float) -> Iterator[tuple[AudioFrame, float]]:
    """Pair the frames of a packet that begins at `start` with their times, in seconds.

    A decoder may put a frame elsewhere than its packet; its own time, as it is stored, is moved by `offset`.
    """
    time = start
    for frame in frames:
        if frame.pts is not None and frame.time_base is not None:
            own = float(frame.pts * frame.time_base) + offset
            time = own if math.isclose(own, time, abs_tol=1.0) else time
        yield frame, time
        time += frame.samples / max(1, frame.sample_rate)


def usual_rate(stream_rate: int, rates: tuple[int, ...]) -> int:
    """Return the least of `rates` that loses nothing of a rate, else the highest."""
    return min(rates, key=lambda r: (r < stream_rate, abs(r - stream_rate)))


def is_usable(stream: AudioStream) -> bool:
    """Tell whether a stream says how many samples a second and channels it has."""
    return bool(stream.codec_context.sample_rate and stream.codec_context.layout.nb_channels)
