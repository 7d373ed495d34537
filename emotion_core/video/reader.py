"""Frames out of a video, a picture, a camera or an address, one after the other, and back into a video.

Time is float seconds from the container's own timestamps, so a variable rate stays what it is. Rotation and
mirroring that a phone notes in the file, and pixels that are not square, are applied: what comes out is what
a player shows, as RGB.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from emotion_core.types import EmotionError, Frame
from emotion_core.video import choice, clock
from emotion_core.video.arrival import Arriving
from emotion_core.video.part import Part, Picker
from emotion_core.video.shape import fitted
from emotion_core.video.source import Source, TooManyPixelsError, clock_start, identify, open_container
from emotion_core.video.still import Pictures, picture
from emotion_core.video.upright import Deinterlacer, Upright
from emotion_core.video.writer import VideoWriter

__all__ = ["Frames", "VideoInfo", "VideoWriter", "clock_start", "frames", "probe"]

_END_TOLERANCE = 0.6  # seconds by which honest files miss the length that they declare
_EXACT_TOLERANCE = 0.3  # the same for mp4, mov, mkv and webm, which declare it exactly
_EXACT = ("mov", "matroska")
_MOST_DAMAGED = 1000  # parts of a file, one after the other or not
_STILL = 0.04  # seconds that a single picture counts as
_Timed = tuple[np.ndarray | None, float]  # a picture and its time; None where it is not to be read


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


def frames(
    source: str | os.PathLike[str] | int | Source,
    *,
    start: float = 0.0,
    end: float | None = None,
    every: int = 1,
    rate: float | None = None,
    stream: int | None = None,
) -> "Frames":
    """Open a source and give its frames in order, each once, with their numbers and times in the source.

    Args:
        source: the path of a video or a picture, the number of a camera, or an address; `identify` gives one
            with a limit on pixels of its own.
        start: seconds to leave out at the beginning.
        end: seconds up to which it is read; None for all.
        every: every so many pictures are given.
        rate: pictures a second that are given, the first of each such step.
        stream: the number of the video stream to read, all streams of the file counted from 0; without it the
            default one, else the one of the largest picture.

    Raises:
        EmotionError: where nothing can be read; it is raised here, not at the first frame.
    """
    return Frames(identify(source, stream=stream), Part(start, end, every, rate))


def probe(source: str | os.PathLike[str] | int | Source) -> VideoInfo:
    """Open a source, decode its first frame and tell what it holds.

    Raises:
        EmotionError: where nothing can be read.
    """
    with frames(source) as reader:
        return reader.info


class Frames(Iterator[Frame]):
    """The frames of one source; use it in a `for` loop, and `with` where the loop may end early.

    All have the size of the first; later ones of other proportions lie between bars. `info` says what there
    is. `notes` say what is not read of it, or is shown in another way, in one line each. After the last frame
    `problem` is None, or one line that says where and why reading stopped before the end; `end` is the time
    at which the last frame's display ends, in seconds, at most the end of the `part` that is read.
    """

    def __init__(self, source: Source, part: Part | None = None) -> None:
        self.source = source
        self.part = part or Part()
        self.problem: str | None = None
        self.notes: list[str] = []
        self.end = 0.0
        self._picker = Picker(self.part)
        self._container: InputContainer | None = None
        self._moving: Pictures | None = None
        self._arriving: Arriving | None = None
        self._index = 0
        self._size = (0, 0)
        if source.stream is not None and (source.kind in ("picture", "camera") or source.moving):
            raise EmotionError(f"{source.name} is no video with streams to choose from: leave the number out")
        try:
            if source.kind == "picture":
                self._pictures: Iterator[_Timed] = iter([(picture(source), 0.0)])
                self.end = _STILL
            elif source.moving:
                self._moving = Pictures(source)
                self.notes += self._moving.notes
                self._pictures = self._moved(self._moving)
            else:
                self._container = open_container(source)
                self._prepare(self._container)
                self._pictures = self._decode(self._container)
            first = next(self._pictures, None)
            if first is None:
                raise self._nothing()
            assert first[0] is not None
            self._pictures = _chain(first, self._pictures)
            self.info = self._describe(first[0])
            self._size = self.info.width, self.info.height
        except BaseException:
            self.close()
            raise

    def _prepare(self, container: InputContainer) -> None:
        self._stream = choice.video_stream(container, self.source)
        if other := choice.left_out(container, self._stream):
            self.notes.append(other)
        self._length = clock.Length(container, self._stream)
        self._fps = clock.mean_rate(self._stream)
        arrival = clock.is_timed_by_arrival(container, self.source.kind)
        if arrival:
            self._arriving = Arriving(container)
            self._stream.codec_context.thread_count = 1  # others wait for the next picture
        self._clock = clock.Clock(clock_start(container, self.source.kind), self._fps, arrival=arrival)
        self._upright, self._combed = Upright(self._stream), Deinterlacer(self._stream)
        self._damaged = 0
        self._heard_until = 0.0
        self._torn = False

    def __next__(self) -> Frame:
        """Return the next frame.

        Raises:
            StopIteration: after the last one; then `problem` tells whether something is missing.
        """
        for image, time in self._pictures:
            if self._picker.is_over(time):
                break
            number, self._index = self._index, self._index + 1
            if time > self.source.max_seconds:
                self.end = time
                self.problem = self._stopped(
                    f"no more than {self.source.max_seconds / 60:g} minutes are read"
                )
                break
            if image is None or not self._picker.wants(number, time):
                continue
            self._picker.take(number, time)
            return Frame(self._fitted(image, time), number, time)
        if self.part.end is not None:
            self.end = min(self.end, self.part.end)
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
        if self._arriving is not None:
            self._arriving.close()  # closes the container, which it may be reading right now
        elif self._container is not None:
            self._container.close()
        self._container = None
        if self._moving is not None:
            self._moving.close()

    def measured(self) -> dict[str, float]:
        """Give what `info` could not know before the end: "duration" in seconds, "fps" of a timed address."""
        if self.source.kind == "picture" or not self._index:
            return {}
        said = self.info.duration
        unknown = self.part.end is not None or (said and abs(said - self.end) < max(1.0, said / 20))
        known = {} if unknown else {"duration": round(self.end, 3)}
        if self._moving is None and self._clock.is_by_arrival:
            known["fps"] = round(1 / self._clock.step, 4)
        return known

    def _nothing(self) -> EmotionError:
        """Say why not one picture could be decoded."""
        if self._moving is None and not self._stream.width:
            # FFmpeg was not let to look into a picture of that size.
            most = f"{self.source.max_pixels / 1e6:g} megapixels"
            return TooManyPixelsError(
                f"{self.source.name} has pictures of more than {most}, or damaged ones: make it smaller first"
            )
        return EmotionError(self.problem or f"{self.source.name} holds no picture that can be decoded")

    def _describe(self, image: np.ndarray) -> VideoInfo:
        height, width = image.shape[:2]
        kind, name = self.source.kind, self.source.name
        if self._container is None:
            rate = 1 / max(self.end, 0.001)
            still = self._moving is None
            pictures = 1 if self._moving is None else self._moving.count
            duration = _STILL if still else None
            return VideoInfo(width, height, rate, duration, pictures, False, 0, kind, name)
        declared = self._container.duration
        duration = None if kind == "camera" or not declared else self._length.picture
        count = self._stream.frames or None
        if count is None and duration is not None:
            count = max(1, round(duration * self._fps))
        audio = bool(self._container.streams.audio)
        return VideoInfo(width, height, self._fps, duration, count, audio, self._upright.rotation, kind, name)

    def _moved(self, pictures: Pictures) -> Iterator[_Timed]:
        """Yield (image, time) of the frames of a moving picture."""
        time = 0.0
        for image, lasting in pictures:
            self.end = time + lasting
            yield image, time
            time = self.end
        if pictures.problem is not None:
            self.problem = self._stopped(pictures.problem)

    def _fitted(self, image: np.ndarray, time: float) -> np.ndarray:
        height, width = image.shape[:2]
        if (width, height) == self._size:
            return image
        note = f"its size changes: shown between bars in the first, {self._size[0]} x {self._size[1]}"
        if note not in self.notes:
            self.notes.append(note)
        return fitted(image, *self._size)

    def _decode(self, container: InputContainer) -> Iterator[_Timed]:
        """Yield (image, time) of every picture that can be decoded; set `problem` where that ends early."""
        following = choice.Following(container, self._stream, asked=self.source.stream is not None)
        packets = container.demux() if self._arriving is None else iter(self._arriving)
        while True:
            try:
                packet = next(packets, None)
                if self._arriving is not None:
                    self._clock.now = self._arriving.moment
                pictures = self._pictures_of(packet, following)
            except TooManyPixelsError as error:
                self.problem = self._stopped(str(error).removeprefix(f"{self.source.name} "))
                return
            except (av.error.InvalidDataError, ValueError):
                # One damaged packet; the ones after it can still be good.
                if self._give_up():
                    return
                continue
            except (av.error.FFmpegError, OSError) as error:
                if self._clock.is_by_arrival and error.errno == errno.EIO:
                    return  # the camera hung up, which is how such a stream ends
                self.problem = self._stopped(getattr(error, "strerror", None) or str(error))
                return
            # One after the other, as many large ones may come at once, and none is held on to afterwards.
            pictures.reverse()
            while pictures:
                try:
                    placed = [self._placed(pictures.pop())]
                except (av.error.FFmpegError, ValueError):  # its pixels are of no kind that is known
                    if self._give_up():
                        return
                    continue
                yield placed.pop()  # not held on to while the next one is decoded
            if packet is None:
                break
        self._judge_end(container)

    def _give_up(self) -> bool:
        """Count a damaged part, and tell whether there are too many of them."""
        self._damaged += 1
        if self._damaged > _MOST_DAMAGED:
            self.problem = self._stopped("too much of it is damaged")
        return self._damaged > _MOST_DAMAGED

    def _pictures_of(self, packet: Packet | None, following: choice.Following) -> list[VideoFrame]:
        """Decode a packet, or give what is left after the last one."""
        if packet is None:
            return self._combed.take(None)
        if packet.pts is not None and packet.time_base is not None:
            span = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self._heard_until = max(self._heard_until, span)
            self._torn = packet.is_corrupt
        ready: list[VideoFrame] = []
        for mine in following.packets(packet):
            if mine.stream is not self._stream and isinstance(mine.stream, VideoStream):
                ready += [*self._checked(self._stream.codec_context.decode(None)), *self._combed.take(None)]
                choice.prepare(mine.stream, self.source)
                self._stream = mine.stream
                self._upright, self._combed = Upright(self._stream), Deinterlacer(self._stream)
                self.notes.append(f"from {self.end:.1f} s on it goes on in video stream {mine.stream_index}")
            ready += self._checked(mine.decode())
        return ready

    def _checked(self, pictures: Sequence[object]) -> list[VideoFrame]:
        ready: list[VideoFrame] = []
        for one in pictures:
            assert isinstance(one, VideoFrame)
            # The size may change in mid-stream, and pixels that are not square make it larger.
            if too_large := self.source.too_large(*self._upright.size(one)):
                raise TooManyPixelsError(too_large)
            ready += self._combed.take(one)
        return ready

    def _placed(self, one: VideoFrame) -> _Timed:
        """Return a picture as an image and its time, and note when it goes away if it is the last one."""
        # The first tells the size, also where it is not in the part; of others out of it the pixels are left.
        image = self._upright.image(one) if not self._clock.count else None
        tick = one.time_base
        time = self._clock.at(None if one.pts is None or tick is None else float(one.pts * tick))
        known = one.duration and tick and not self._clock.is_by_arrival
        lasting = float(one.duration * tick) if known and tick else 0.0
        self.end = time + (lasting if 0 < lasting < 86_400 else self._clock.step)
        if image is None and self._picker.wants(self._index, time):
            image = self._upright.image(one)
        return image, time

    def _judge_end(self, container: InputContainer) -> None:
        """Tell whether something is missing, and where the last picture ends if nothing is."""
        whole, exact = self._length.whole, container.format.name.startswith(_EXACT)
        begin = (container.start_time or 0) / av.time_base
        missing = (whole or 0.0) - (self._heard_until - begin)
        cut = missing > (_EXACT_TOLERANCE if exact else _END_TOLERANCE)
        if cut and self.source.path is not None and container.format.name.startswith("matroska"):
            cut = not clock.is_whole(
                self.source.path
            )  # else the last picture is held, which nothing else says
        if self.source.kind == "file" and (self._torn or cut):
            self.problem = self._stopped("the file is cut off there")
            return
        if exact and len(self._clock.shifts) == 1 and self.source.kind == "file":
            self._hold_last()
        if self._damaged:
            self.problem = (
                f"{self.source.name}: {self._damaged} damaged parts could not be decoded and are left out"
            )

    def _hold_last(self) -> None:
        """Let the last picture last as long as the file says, where that can be believed."""
        zero, last = self._clock.zero or 0.0, self._clock.last
        track, whole = self._length.picture_end, self._length.whole_end
        if track is not None and track - zero > last:
            # An edit list may end the last picture before its own duration does, or hold it for longer.
            self.end = track - zero if self._length.is_of_track else max(self.end, track - zero)
        if whole is not None and self.end > whole - zero + 1 > last:
            self.end = whole - zero

    def _stopped(self, why: str) -> str:
        whole = None if self._moving is not None else self._length.whole
        of = f" of {whole:.1f}" if whole else ""
        advice = "; try to download the file and give its path" if self.source.kind == "url" else ""
        return f"{self.source.name}: reading stopped at {self.end:.1f}{of} seconds: {why.rstrip('.')}{advice}"


def _chain(first: _Timed, rest: Iterator[_Timed]) -> Iterator[_Timed]:
    yield first
    del first
    yield from rest
