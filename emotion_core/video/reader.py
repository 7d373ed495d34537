"""Frames out of a video, a picture, a camera or an address, one after the other, and back into a video.

Time is float seconds from the container's own timestamps, so a variable rate stays what it is. Rotation and
mirroring that a phone notes in the file, and pixels that are not square, are applied: what comes out is what
a player shows, as RGB.
"""

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import av
import av.error
import numpy as np
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from emotion_core.types import EmotionError, Frame
from emotion_core.video.source import Source, TooManyPixelsError, clock_start, identify, open_container
from emotion_core.video.writer import VideoWriter

__all__ = ["Frames", "VideoInfo", "VideoWriter", "clock_start", "frames", "probe"]

_ATTACHED_PICTURE = 1024  # AV_DISPOSITION_ATTACHED_PIC: the cover of a song is no video
_UNSPECIFIED_COLORSPACE = 2  # AVCOL_SPC_UNSPECIFIED
_END_TOLERANCE = 0.6  # seconds by which honest files miss the length that they declare
_EXACT_TOLERANCE = 0.3  # the same for mp4, mov, mkv and webm, which declare it exactly
_PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")
_PLANAR_RGB = ("gbr", "rgb", "bgr", "argb", "abgr", "pal8", "gray", "ya", "mono")


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a source holds.

    Width and height are in pixels after rotation; `fps` is the mean rate in frames a second; `duration` is in
    seconds and `frames` a count, both None where nobody knows (a camera, a stream); `rotation` is the
    clockwise turn in degrees that was applied (0, 90, 180, 270).
    """

    width: int
    height: int
    fps: float
    duration: float | None
    frames: int | None
    has_audio: bool
    rotation: int
    kind: str = "file"
    name: str = ""


def frames(source: str | os.PathLike[str] | int | Source, *, start: float = 0.0) -> "Frames":
    """Open a source and give its frames in order, each once.

    Args:
        source: the path of a video or a picture, the number of a camera, or an address; `identify` gives one
            with a limit on pixels of its own.
        start: seconds to leave out at the beginning.

    Raises:
        EmotionError: where nothing can be read; it is raised here, not at the first frame.
    """
    return Frames(identify(source), start=start)


def probe(source: str | os.PathLike[str] | int | Source) -> VideoInfo:
    """Open a source, decode its first frame and tell what it holds.

    Raises:
        EmotionError: where nothing can be read.
    """
    with frames(source) as reader:
        return reader.info


class Frames(Iterator[Frame]):
    """The frames of one source; use it in a `for` loop, and `with` where the loop may end early.

    `info` says what the source holds. After the last frame `problem` is None, or one line that says where and
    why reading stopped before the end; `end` is the time at which the last frame's display ends, in seconds.
    """

    def __init__(self, source: Source, *, start: float = 0.0) -> None:
        self.source = source
        self.problem: str | None = None
        self.end = 0.0
        self._start = start
        self._container: InputContainer | None = None
        self._index = 0
        if source.kind == "picture":
            image = _picture(source)
            height, width = image.shape[:2]
            self.info = VideoInfo(width, height, 25.0, 0.04, 1, False, 0, "picture", source.name)
            self._pictures: Iterator[tuple[np.ndarray, float]] = iter([(image, 0.0)])
            self.end = 0.04
            return
        self._container = open_container(source)
        try:
            self._stream = _video_stream(self._container, source)
            self._declared = (self._container.duration or 0) / av.time_base
            self._zero: float | None = clock_start(self._container, source.kind)
            self._fps = float(self._stream.average_rate or self._stream.guessed_rate or 25)
            self._damaged = 0
            self._heard_until = 0.0
            self._torn = False
            self._to_rgb = VideoReformatter()
            self._rotation = 0
            self._turns: dict[int, tuple[int, int, int, int]] = {}
            decoded = self._decode()
            first = next(decoded, None)
            if first is None:
                raise self._nothing()
            self._pictures = _chain(first, decoded)
            self.info = self._describe(first[0])
        except BaseException:
            self.close()
            raise

    def __next__(self) -> Frame:
        """Give the next frame.

        Raises:
            StopIteration: after the last one; then `problem` tells whether something is missing.
        """
        for image, time in self._pictures:
            if time < self._start:
                continue
            frame = Frame(image, self._index, time)
            self._index += 1
            return frame
        self.close()
        raise StopIteration

    def __enter__(self) -> "Frames":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the source; reading after this ends at once."""
        self._pictures = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def _nothing(self) -> EmotionError:
        """Say why not one picture could be decoded."""
        if not self._stream.width:  # FFmpeg was not let to look into a picture of that size
            most = f"{self.source.max_pixels / 1e6:g} megapixels"
            return TooManyPixelsError(
                f"{self.source.name} has pictures of more than {most}, or damaged ones: make it smaller first"
            )
        return EmotionError(self.problem or f"{self.source.name} holds no picture that can be decoded")

    def _describe(self, image: np.ndarray) -> VideoInfo:
        assert self._container is not None
        live = self.source.kind == "camera" or not self._declared
        duration = None if live else self._duration()
        count: int | None = self._stream.frames or None
        if count is None and duration is not None:
            count = max(1, round(duration * self._fps))
        height, width = image.shape[:2]
        audio = bool(self._container.streams.audio)
        kind, name = self.source.kind, self.source.name
        return VideoInfo(width, height, self._fps, duration, count, audio, self._rotation, kind, name)

    def _duration(self) -> float:
        stream = self._stream
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return self._declared

    def _decode(self) -> Iterator[tuple[np.ndarray, float]]:
        """Yield (image, time) of every picture that can be decoded; set `problem` where that ends early."""
        assert self._container is not None
        packets = self._container.demux()
        last = -1.0
        shift = 0.0
        while True:
            try:
                packet = next(packets)
                pictures = packet.decode() if packet.stream is self._stream else []
            except StopIteration:
                break
            except av.error.InvalidDataError:
                # One damaged packet; the ones after it can still be good.
                self._damaged += 1
                if self._damaged > 1000:
                    self.problem = self._stopped("too much of it is damaged")
                    return
                continue
            except (av.error.FFmpegError, OSError) as error:
                self.problem = self._stopped(getattr(error, "strerror", None) or str(error))
                return
            if packet.pts is not None and packet.time_base is not None:
                span = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                self._heard_until = max(self._heard_until, span)
                self._torn = packet.is_corrupt
            for picture in pictures:
                assert isinstance(picture, VideoFrame)
                # The size may change in mid-stream, and pixels that are not square make it larger.
                if too_large := self.source.too_large(*self._shown_size(picture)):
                    self.problem = self._stopped(too_large.removeprefix(f"{self.source.name} "))
                    return
                time = self._time(picture, last) + shift
                if time < last - 1.0:  # the clock of a broadcast was set back
                    shift += last + 1 / self._fps - time
                    time = last + 1 / self._fps
                time = max(time, last + 0.001) if last >= 0 else max(time, 0.0)
                last = time
                self.end = self._until(time, picture)
                yield self._image(picture), time
        self._judge_end()

    def _time(self, picture: VideoFrame, last: float) -> float:
        if picture.pts is None or picture.time_base is None:
            return last + 1 / self._fps if last >= 0 else 0.0
        time = float(picture.pts * picture.time_base)
        if self._zero is None:
            self._zero = time
        return time - self._zero

    def _until(self, time: float, picture: VideoFrame) -> float:
        """Give the time at which `picture`, shown from `time` on, goes away if it is the last one."""
        end = time + 1 / self._fps
        if picture.duration and picture.time_base:
            end = time + min(float(picture.duration * picture.time_base), 10.0)
        if self._stream.duration and self._stream.time_base:
            # A cut made by an edit list ends the last picture before its own duration does.
            whole = float((self._stream.duration + (self._stream.start_time or 0)) * self._stream.time_base)
            whole -= self._zero or 0.0
            end = whole if time < whole < end else end
        return end

    def _judge_end(self) -> None:
        assert self._container is not None
        missing = self._declared - (self._heard_until - (self._container.start_time or 0) / av.time_base)
        exact = self._container.format.name.startswith(("mov", "matroska"))
        cut = self._torn or (self._declared and missing > (_EXACT_TOLERANCE if exact else _END_TOLERANCE))
        if self.source.kind == "file" and cut:
            self.problem = self._stopped("the file is cut off there")
        elif self._damaged:
            self.problem = (
                f"{self.source.name}: {self._damaged} damaged parts could not be decoded and are left out"
            )

    def _stopped(self, why: str) -> str:
        of = f" of {self._declared:.1f}" if self._declared else ""
        advice = "; try to download the file and give its path" if self.source.kind == "url" else ""
        return f"{self.source.name}: reading stopped at {self.end:.1f}{of} seconds: {why.rstrip('.')}{advice}"

    def _shown_size(self, picture: VideoFrame) -> tuple[int, int]:
        """Give width and height in square pixels, before rotation."""
        width, height = picture.width, picture.height
        aspect = float(self._stream.sample_aspect_ratio or 1)
        if not 0.98 < aspect < 1.02 and 0.1 < aspect < 10:
            return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
        return width, height

    def _image(self, picture: VideoFrame) -> np.ndarray:
        """Turn a decoded picture into upright RGB with square pixels, (H, W, 3) uint8."""
        width, height = self._shown_size(picture)
        space: int | None = None
        if picture.colorspace == _UNSPECIFIED_COLORSPACE and not picture.format.name.startswith(_PLANAR_RGB):
            # Untagged video follows the custom of its size, as players assume too.
            space = Colorspace.ITU709 if picture.height >= 720 else Colorspace.ITU601
        converted = self._to_rgb.reformat(
            picture,
            width,
            height,
            "rgb24",
            src_colorspace=space,
            interpolation=Interpolation.BILINEAR,
            threads=1,  # more of them cost more than they save here
        )
        image = _pixels(converted)
        # Looking at side data ties a frame into a cycle that only the garbage collector undoes: look once.
        turn = self._turns.get(picture.rotation)
        if turn is None:
            turn = self._turns[picture.rotation] = _orientation(picture)
        if turn != (1, 0, 0, 1):
            self._rotation = {(0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}.get(turn, 0)
            image = _turned(image, turn)
        return image


def _pixels(picture: VideoFrame) -> np.ndarray:
    """Give the pixels of an RGB picture, (H, W, 3) uint8, without a copy where its rows lie without gaps."""
    plane: Any = picture.planes[0]
    if plane.line_size != 3 * picture.width:
        image: np.ndarray = picture.to_ndarray()
        return image
    rows = np.frombuffer(plane, np.uint8, picture.height * plane.line_size)
    return rows.reshape(picture.height, picture.width, 3)


def _video_stream(container: InputContainer, source: Source) -> VideoStream:
    shown = [s for s in container.streams.video if not int(s.disposition) & _ATTACHED_PICTURE]
    if not shown:
        what = "only sound" if container.streams.audio else "no video"
        raise EmotionError(
            f"{source.name} holds {what}, no picture to look for faces in: give a video or a picture"
        )
    stream = next((s for s in shown if _decoder(s) is not None), None)
    if stream is None:
        raise EmotionError(
            f"{source.name} holds pictures of a kind that can't be decoded here: save it as mp4 (H.264) first"
        )
    if too_large := source.too_large(stream.width, stream.height):
        raise TooManyPixelsError(too_large)
    stream.codec_context.options = {"max_pixels": str(source.max_pixels)}
    stream.thread_type = "AUTO"
    # Each decoding thread holds frames of its own, so more of them cost memory and gain little.
    stream.codec_context.thread_count = min(4, os.cpu_count() or 1)
    return stream


def _decoder(stream: VideoStream) -> CodecContext | None:
    return stream.codec_context  # None, whatever its type says, for a codec that FFmpeg has no decoder of


def _picture(source: Source) -> np.ndarray:
    """Read a still picture, turned as its EXIF note says."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked below
            picture = Image.open(source.address, formats=_PICTURE_FORMATS)
        with picture:
            if too_large := source.too_large(picture.width, picture.height):
                raise TooManyPixelsError(too_large)
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB")).copy()
    except UnidentifiedImageError as error:
        raise EmotionError(f"{source.name} is a damaged picture: copy or save it again") from error
    except Image.DecompressionBombError as error:
        raise EmotionError(f"{source.name} has too many pixels: make it smaller first") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise EmotionError(f"{source.name} is a damaged picture ({error}): copy or save it again") from error


def _orientation(picture: VideoFrame) -> tuple[int, int, int, int]:
    """Give the signs (a, b, c, d) of the display matrix: x' = a x + c y, y' = b x + d y."""
    try:
        side_data: Any = picture.side_data
        found = side_data.get("DISPLAYMATRIX")
    except ValueError:  # side data of a kind that PyAV has no name for hides the rest
        quarter = round(picture.rotation / 90) % 4  # counter-clockwise
        return ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))[quarter]
    if found is None:
        return 1, 0, 0, 1
    matrix = np.frombuffer(found, np.int32)
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (1 if a >= 0 else -1), 0, 0, (1 if d >= 0 else -1)
    return 0, (1 if b >= 0 else -1), (1 if c >= 0 else -1), 0


def _turned(image: np.ndarray, turn: tuple[int, int, int, int]) -> np.ndarray:
    import cv2  # three times as fast as NumPy here, and most phone videos are turned

    across, b, c, down = turn
    if across == 0:
        image = cv2.transpose(image)
        across, down = c, b
    flip = {(-1, 1): 1, (1, -1): 0, (-1, -1): -1}.get((across, down))
    return image if flip is None else cv2.flip(image, flip)


def _chain(
    first: tuple[np.ndarray, float], rest: Iterator[tuple[np.ndarray, float]]
) -> Iterator[tuple[np.ndarray, float]]:
    yield first
    del first
    yield from rest
