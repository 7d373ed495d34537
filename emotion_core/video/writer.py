"""Frames into an H.264 video that browsers play, with the sound and the timing of the source."""

import contextlib
import errno
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from emotion_core.types import EmotionError
from emotion_core.video.source import identify, open_container

_CLOCK = 90_000  # ticks a second: exact for 24, 25, 30, 60 and 30000/1001 frames a second
_COPIED = (
    "aac",
    "mp3",
    "opus",
    "flac",
)  # what mp4 holds and browsers play; AC-3 fits in, but Chromium is mute on it
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class VideoWriter:
    """Write RGB frames to an mp4 file: H.264, yuv420p, index in front.

    The file is built beside its place as `NAME.partial.mp4` and takes its name when it is closed, so that
    neither a failure nor a kill leaves half a video under the name or harms the one that was there. In a
    `with` block an exception removes the unfinished file.

    Args:
        path: where the video goes; it ends with `.mp4`.
        source: a video whose sound is taken over: copied where mp4 and browsers can hold it, else as AAC.
        fps: the usual rate in frames a second; it guides the encoder, the timing comes from `write`.
        quality: the constant rate factor of x264, 0 (lossless) to 51.
        preset: the speed of x264; "superfast" takes 9 ms of one core for 1280x720, "veryfast" 13.

    Raises:
        EmotionError: where the file can't be made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        source: str | os.PathLike[str] | None = None,
        fps: float = 30.0,
        quality: int = 22,
        preset: str = "superfast",
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != ".mp4":
            raise EmotionError(f"the video's name must end with .mp4, not {self.path.name!r}")
        self.partial = self.path.with_name(f"{self.path.stem}.partial.mp4")
        self.sound = "none"
        self._fps = Fraction(min(max(fps, 1.0), 240.0)).limit_denominator(1001)
        self._options = {"preset": preset, "crf": str(quality)}
        self._container: OutputContainer | None = None
        self._stream: VideoStream
        self._sound: _Sound | None = None
        self._source = source
        self._to_yuv = VideoReformatter()
        self._held: Packet | None = None
        self._last = -1
        self._gap = round(_CLOCK / self._fps)
        with _plainly(self.path):
            # PyAV opens the file late; a folder that can't be written to must show before hours of work.
            self.partial.open("wb").close()

    def write(self, image: np.ndarray, time: float) -> None:
        """Add a frame, (H, W, 3) RGB uint8, shown from `time` on, in seconds and rising.

        A frame of another size than the first is scaled to it. An odd last row or column is left out, since
        yuv420p can't hold it.

        Raises:
            EmotionError: where the disk is full or the file can't be written.
        """
        with _plainly(self.path):
            if self._container is None:
                self._begin(image)
            height, width = self._stream.height, self._stream.width
            if (
                image.shape[:2] != (height, width)
                and abs(image.shape[0] - height) + abs(image.shape[1] - width) <= 2
            ):
                image = np.ascontiguousarray(_even(image)[:height, :width])
            # Without a copy: the pixels are read right here, and not kept.
            picture = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), format="rgb24")
            picture = self._to_yuv.reformat(
                picture,
                width,
                height,
                "yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                threads=1,
            )
            ticks = max(round(time * _CLOCK), self._last + 1)
            if self._last >= 0:
                self._gap = ticks - self._last
            self._last = ticks
            picture.pts, picture.time_base = ticks, Fraction(1, _CLOCK)
            for packet in self._stream.encode(picture):
                self._mux(packet)

    def close(self, end: float | None = None, *, complete: bool = True) -> Path:
        """Finish the video, give it its name, and say where it lies.

        Args:
            end: the time in seconds at which the last frame stops being shown; the usual gap if not given.
            complete: False, for a source that was not read in full, leaves out what sounds after the last
                frame, and leaves the video beside an earlier one of its name instead of replacing that.

        Raises:
            EmotionError: where there is no frame, or the file can't be written.
        """
        try:
            if self._container is None:
                raise EmotionError(f"{self.path.name} would have no frame: nothing is written")
            with _plainly(self.path):
                for packet in self._stream.encode(None):
                    self._mux(packet)
                length = self._gap if end is None else max(1, round(end * _CLOCK) - self._last)
                if self._held is not None:
                    # Only the last packet's own duration counts; all others last until the next one.
                    self._held.duration = round(length / _CLOCK / self._time_base(self._held))
                    self._container.mux(self._held)
                    self._held = None
                if self._sound is not None:
                    self._sound.pump(None if complete else (self._last + length) / _CLOCK)
                    self._sound.close()
                self._container.close()
                self._container = None
                if not complete and self.path.exists():
                    return self.partial
                self.partial.replace(self.path)
        except BaseException:
            self.discard()
            raise
        return self.path

    def discard(self) -> None:
        """Stop and remove the unfinished file; what was under the name before stays."""
        if self._sound is not None:
            self._sound.close()
            self._sound = None
        container, self._container = self._container, None
        if container is not None:
            # The full disk that ended the writing shows here again; the file goes away below.
            with contextlib.suppress(av.error.FFmpegError, OSError):
                container.close()
        self.partial.unlink(missing_ok=True)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        elif self._container is not None:
            self.close()

    def _begin(self, image: np.ndarray) -> None:
        height, width = _even(image).shape[:2]
        # The movie's own clock, a thousandth of a second by default, rounds the time of the first frame.
        options = {"movflags": "+faststart", "movie_timescale": str(_CLOCK)}
        container = av.open(f"file:{self.partial}", "w", format="mp4", container_options=options)
        self._container = container
        stream = container.add_stream("libx264", rate=self._fps, options=self._options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, _CLOCK)
        context.thread_count = min(4, os.cpu_count() or 1)
        context.max_b_frames = 0  # decoding order is showing order, so timing needs no edit list
        context.gop_size = max(1, round(2 * self._fps))  # a click on the timeline lands within two seconds
        context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
        context.color_primaries = context.color_trc = 1  # BT.709
        self._stream = stream
        if self._source is not None:
            self._sound = _Sound.of(self._source, container)
            self.sound = self._sound.how if self._sound else "none"

    def _mux(self, packet: Packet) -> None:
        assert self._container is not None
        if self._held is not None:
            if self._sound is not None and self._held.pts is not None:
                self._sound.pump(float(self._held.pts * self._time_base(self._held)))
            self._container.mux(self._held)
        self._held = packet

    @staticmethod
    def _time_base(packet: Packet) -> Fraction:
        return packet.time_base or Fraction(1, _CLOCK)


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
        from emotion_core.video.reader import clock_start

        place = identify(source)
        if place.kind not in ("file", "url"):
            return None
        container = open_container(place)
        if not container.streams.audio:
            container.close()
            return None
        return _Sound(
            container, container.streams.audio[0], output, clock_start(container, place.kind) or 0.0
        )

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


class _plainly:
    """Turn the errors of a disk into one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (OSError, av.error.FFmpegError)):
            raise EmotionError(disk_problem(self._path, error)) from error


def disk_problem(path: Path, error: BaseException) -> str:
    """Say in one line why `path` can't be written."""
    code = getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full while writing {path.name}: make room, or choose another place with --output"
    if code == errno.EFBIG:
        return (
            f"{path.name} grows beyond the size that is allowed here: raise the limit or choose another place"
        )
    if code == errno.ENOENT:
        return f"the folder {path.parent} does not exist: create it first, or choose another place"
    reason = getattr(error, "strerror", None) or str(error)
    return f"{path} can't be written ({reason}): choose another place"


def _even(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if height < 2 or width < 2:
        return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return image[: height - height % 2, : width - width % 2]
