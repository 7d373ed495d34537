"""The sound of a source on its way into the annotated video."""

import os
from collections.abc import Iterator

import av
import av.error
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from emotion_core.video.source import identify, open_container

_COPIED = (
    "aac",
    "mp3",
    "opus",
    "flac",
)  # what mp4 holds and browsers play; AC-3 fits in, but Chromium is mute on it

_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class _Sound:
    """The sound of a source on its way into another file, packet by packet, never far ahead."""

    def __init__(
        self, source: InputContainer, stream: AudioStream, output: OutputContainer, zero: float
    ) -> None:
        self._input = source
        self._stream = stream
        self._output = output
        self._zero = zero
        name = stream.codec_context.name.removesuffix("float")
        rate = stream.codec_context.sample_rate
        self._copies = name in _COPIED and not (name == "mp3" and rate < 16000)
        self.how = "copied" if self._copies else "AAC"
        if self._copies:
            self._target: AudioStream = output.add_stream_from_template(stream)
        else:
            best = min(_AAC_RATES, key=lambda r: (r < rate, abs(r - rate)))
            self._target = output.add_stream("aac", rate=best)
            layout = stream.codec_context.layout.name
            self._target.codec_context.layout = layout if layout in ("mono", "stereo", "5.1") else "stereo"
            self._target.codec_context.bit_rate = 160_000
            self._resampler = av.AudioResampler(
                "fltp", self._target.codec_context.layout, best, frame_size=1024
            )
        self._packets = self._make()
        self._next: Packet | None = None

    @staticmethod
    def of(source: str | os.PathLike[str], output: OutputContainer) -> "_Sound | None":
        """Open the sound of `source`, or give None where it has none."""
        from emotion_core.video.source import clock_start

        place = identify(source)
        if place.kind not in ("file", "url"):
            return None
        container = open_container(place)
        try:
            if not container.streams.audio:
                container.close()
                return None
            stream = container.streams.audio[0]
            decoder: CodecContext | None = stream.codec_context  # None where FFmpeg has none
            if decoder is None:
                raise ValueError("no decoder for it")
            return _Sound(container, stream, output, clock_start(container, place.kind) or 0.0)
        except BaseException:
            container.close()
            raise

    def pump(self, until: float | None) -> None:
        """Pass on what sounds before `until` seconds, or all that is left."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            packet = self._next
            if packet is None:
                return
            start = float((packet.pts or 0) * (packet.time_base or 0))
            if until is not None and start >= until:
                return
            self._next = None
            self._output.mux(packet)

    def close(self) -> None:
        """Let go of the source."""
        self._packets = iter(())
        self._input.close()

    def _make(self) -> Iterator[Packet]:
        return self._copied() if self._copies else self._encoded()

    def _copied(self) -> Iterator[Packet]:
        last: int | None = None
        for packet in self._demuxed():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            shift = round(self._zero / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            if last is not None and packet.dts <= last:
                continue  # mp4 refuses a clock that stands still or runs back
            last = packet.dts
            packet.stream = self._target
            yield packet

    def _encoded(self) -> Iterator[Packet]:
        for packet in self._demuxed():
            try:
                decoded = packet.decode()
            except av.error.InvalidDataError:
                continue  # a damaged moment is silent
            for frame in decoded:
                if frame.pts is not None and frame.time_base is not None:
                    frame.pts -= round(self._zero / frame.time_base)
                for piece in self._resampler.resample(frame):  # type: ignore[arg-type]
                    yield from self._target.encode(piece)
        for piece in self._resampler.resample(None):
            yield from self._target.encode(piece)
        yield from self._target.encode(None)

    def _demuxed(self) -> Iterator[Packet]:
        packets = self._input.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError):
                return  # the sound ends where the source can't be read any further
            if packet is None:
                return
            yield packet
