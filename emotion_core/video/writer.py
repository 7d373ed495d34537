"""Frames into an H.264 video that browsers play, with the sound and the timing of the source."""

import contextlib
import errno
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.error
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from emotion_core.files import Beside, disk_problem
from emotion_core.types import EmotionError
from emotion_core.video.part import Part
from emotion_core.video.shape import LARGE, fitted
from emotion_core.video.sound import Sound, SoundError
from emotion_core.video.source import Source

_SOUND_ERRORS = (av.error.FFmpegError, OSError, ValueError, RuntimeError, EmotionError)
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOMEM)

_CLOCK = 90_000  # ticks a second: exact for 24, 25, 30, 60 and 30000/1001 frames a second


# An encoder holds hundreds of MB of LARGE pictures: it gets one thread and does without pictures between the
# pixels, which takes two thirds of the time at nearly the same quality, and without pictures of half the
# size, by which it would weigh one against the next: a constant quantizer needs none. Nor does it need the
# next picture to know how long one is shown, which the file says all the same.
_LEAN = {"preset": "ultrafast", "x264-params": "cabac=1:8x8dct=1:deblock=0,0:aq-mode=0:force-cfr=1"}


class VideoError(EmotionError):
    """What came can't be put into a video, although there is room: the rest of the work can go on."""


class VideoWriter:
    """Write RGB frames to an mp4 file: H.264, yuv420p, index in front.

    The file is built beside its place as `NAME.partial.mp4` and takes its name when it is closed, so that
    neither a failure nor a kill leaves half a video under the name or harms the one that was there. In a
    `with` block an exception removes the unfinished file.

    Args:
        path: where the video goes; it ends with `.mp4`.
        source: a video whose sound is taken over: copied where mp4 and browsers can hold it, else as AAC.
            What of it can't be is left out, and `notes` say so: the pictures never suffer.
        fps: the usual rate in frames a second; it guides the encoder, the timing comes from `write`.
        quality: the constant rate factor of x264, 0 (lossless) to 51.
        preset: the speed of x264; "superfast" takes 9 ms of one core for 1280x720, "veryfast" 13.
        part: the part of the source that is written: times are given as in the source, and those of the
            video begin at 0.

    Raises:
        EmotionError: where the file can't be made.
        VideoError: where it can, but not of this source's pictures or sound.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        source: str | os.PathLike[str] | Source | None = None,
        fps: float = 30.0,
        quality: int = 22,
        preset: str = "superfast",
        part: Part | None = None,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != ".mp4":
            raise EmotionError(f"the video's name must end with .mp4, not {self.path.name!r}")
        self.sound = "none"
        self.notes: list[str] = []
        self._fps = Fraction(min(max(fps, 1.0), 240.0)).limit_denominator(1001)
        self._options = {"preset": preset, "crf": str(quality)}
        self._container: OutputContainer | None = None
        self._stream: VideoStream
        self._sound: Sound | None = None
        self._source, self._part = source, part or Part()
        self._to_yuv = VideoReformatter()
        self._held: Packet | None = None
        self._last = -1
        self._gap = round(_CLOCK / self._fps)
        with _plainly(self.path):
            # PyAV opens the file late; a folder that can't be written to must show before hours of work.
            self._file = Beside(self.path)

    def write(self, image: np.ndarray, time: float) -> None:
        """Add a frame, (H, W, 3) RGB uint8, shown from `time` on, in seconds and rising.

        A frame of another size than the first is scaled to it and keeps its proportions, between bars. An odd
        last row or column is left out, since yuv420p can't hold it.

        Raises:
            EmotionError: where the disk is full or the file can't be written.
        """
        self.add(self.converted(image), time)

    def converted(self, image: np.ndarray) -> VideoFrame:
        """Do the first half of `write`: after it the image is needed no more, and half as much is held.

        Each picture is to be handed to `add`, in the same order.
        """
        with _plainly(self.path):
            if self._container is None:
                self._begin(image, self._source)
            height, width = self._stream.height, self._stream.width
            if image.shape[:2] != (height, width):
                near = 0 <= image.shape[0] - height <= 1 and 0 <= image.shape[1] - width <= 1
                image = image[:height, :width] if near else fitted(image, width, height)
            # Without a copy: the pixels are read right here, and not kept.
            picture = VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), format="rgb24")
            return self._to_yuv.reformat(
                picture,
                width,
                height,
                "yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                threads=1,
            )

    def add(self, picture: VideoFrame, time: float) -> None:
        """Do the second half of `write`: encode a picture of `converted`."""
        with _plainly(self.path):
            ticks = max(round((time - self._part.start) * _CLOCK), self._last + 1)
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
                length = (
                    self._gap
                    if end is None
                    else max(1, round((end - self._part.start) * _CLOCK) - self._last)
                )
                if self._held is not None:
                    # Only the last packet's own duration counts; all others last until the next one.
                    self._held.duration = round(length / _CLOCK / self._time_base(self._held))
                    self._container.mux(self._held)
                    self._held = None
                whole = complete and self._part.end is None
                self._pump(None if whole else (self._last + length) / _CLOCK)
                self._close_sound()
                self._container.close()
                self._container = None
                if not complete and self.path.exists():
                    return self._file.release()
                return self._file.commit()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Stop and remove the unfinished file; what was under the name before stays."""
        self._close_sound()
        container, self._container = self._container, None
        if container is not None:
            # The full disk that ended the writing shows here again; the file goes away below.
            with contextlib.suppress(av.error.FFmpegError, OSError):
                container.close()
        self._file.discard()

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        elif self._container is not None:
            self.close()

    def _begin(self, image: np.ndarray, source: str | os.PathLike[str] | Source | None) -> None:
        height, width = _even(image).shape[:2]
        # The movie's own clock, a thousandth of a second by default, rounds the time of the first frame.
        options = {"movflags": "+faststart", "movie_timescale": str(_CLOCK)}
        container = av.open(f"file:{self._file.path}", "w", format="mp4", container_options=options)
        self._container = container
        options = self._options
        if height * width > LARGE:
            options = {"qp": options["crf"], **_LEAN}
        stream = container.add_stream("libx264", rate=self._fps, options=options)
        self._stream = stream
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, _CLOCK)
        context.thread_count = 1 if height * width > LARGE else min(4, os.cpu_count() or 1)
        context.max_b_frames = 0  # decoding order is showing order, so timing needs no edit list
        context.gop_size = max(1, round(2 * self._fps))  # a click on the timeline lands within two seconds
        context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
        context.color_primaries = context.color_trc = 1  # BT.709
        if source is not None:
            try:
                self._sound = Sound.of(source, container, self._part.start)
                container.start_encoding()  # the header, where what can't be held shows
            except _SOUND_ERRORS as error:
                self._end_sound(error)
                container.close()
                self._begin(image, None)
                return
        self.sound = self._sound.how if self._sound else "none"

    def _pump(self, until: float | None) -> None:
        """Pass on the sound before `until` seconds; where it can't go on, the video does without."""
        if self._sound is None:
            return
        try:
            self._sound.pump(until)
        except _SOUND_ERRORS as error:
            self._end_sound(error)

    def _end_sound(self, error: Exception) -> None:
        if getattr(error, "errno", None) in _DISK_ERRORS:
            raise error
        begun = self._container is not None and self._last >= 0
        if self._sound is not None:
            self._close_sound()
        why = str(getattr(error, "strerror", None) or error).partition("\n")[0].rstrip(".")
        if isinstance(error, SoundError):
            self.notes.append(f"the sound is left out: {why}")
        else:
            what = f"ends at {self._last / _CLOCK:.1f} s" if begun else "is left out"
            self.notes.append(f"the sound {what}: it can't be taken over ({why})")

    def _close_sound(self) -> None:
        if self._sound is not None:
            self.notes += self._sound.notes
            self._sound.close()
            self._sound = None

    def _mux(self, packet: Packet) -> None:
        assert self._container is not None
        if self._held is not None:
            if self._held.pts is not None:
                self._pump(float(self._held.pts * self._time_base(self._held)))
            self._container.mux(self._held)
        self._held = packet

    @staticmethod
    def _time_base(packet: Packet) -> Fraction:
        return packet.time_base or Fraction(1, _CLOCK)


class _plainly:
    """Turn the errors of a disk into one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, av.error.FFmpegError) and not isinstance(error, OSError):
            why = str(getattr(error, "strerror", None) or error).partition("\n")[0]
            raise VideoError(f"{self._path.name} can't be finished ({why})") from error
        if isinstance(error, (OSError, av.error.FFmpegError)):
            raise EmotionError(disk_problem(self._path, error)) from error


def _even(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if height < 2 or width < 2:
        return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return image[: height - height % 2, : width - width % 2]
