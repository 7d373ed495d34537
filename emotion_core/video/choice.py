"""Which stream of a file is read: the one asked for, else the default one, else the largest picture."""

import os
import re

import av.logging
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from emotion_core.types import EmotionError
from emotion_core.video.source import Source, TooManyPixelsError

_DEFAULT = 1  # AV_DISPOSITION_DEFAULT
_TAKES_OVER = 25  # packets of another stream, and none of the one that is read
_NO_VIDEO = 1024 | 2048  # the cover of a song, and thumbnails along a video


def video_stream(container: InputContainer, source: Source) -> VideoStream:
    """Choose the stream of pictures and prepare it for decoding.

    Raises:
        EmotionError: where there is none that can be decoded, or none of the number asked for.
        TooManyPixelsError: where its pictures are too large.
    """
    shown = [s for s in container.streams.video if not int(s.disposition) & _NO_VIDEO]
    if not shown:
        what = "only sound" if container.streams.audio else "no video"
        raise EmotionError(
            f"{source.name} holds {what}, no picture to look for faces in: give a video or a picture"
        )
    if source.stream is not None:
        shown = [s for s in shown if s.index == source.stream]
        if not shown:
            choice = ", ".join(_named(s) for s in _decodable(container))
            raise EmotionError(f"{source.name} has no video stream {source.stream}: choose from {choice}")
    known = [s for s in shown if _decoder(s) is not None]
    if not known:
        code = _code(container, shown[0])
        advice = "save it as mp4 (H.264) first" if code else "copy it again, or save it as mp4 (H.264)"
        raise EmotionError(
            f"{source.name} holds pictures of a kind that can't be decoded here{code}: {advice}"
        )
    usual = [s for s in known if int(s.disposition) & _DEFAULT] or known
    stream = max(usual, key=lambda s: (s.width or 0) * (s.height or 0))  # the first of equal ones
    if too_large := source.too_large(stream.width, stream.height):
        raise TooManyPixelsError(too_large)
    prepare(stream, source)
    return stream


def prepare(stream: VideoStream, source: Source) -> None:
    """Make a stream ready for decoding within the limits of its source."""
    stream.codec_context.options = {"max_pixels": str(source.max_pixels)}
    stream.thread_type = "AUTO"
    # Each decoding thread holds frames of its own, so more of them cost memory and gain little.
    stream.codec_context.thread_count = min(4, os.cpu_count() or 1)


def left_out(container: InputContainer, stream: VideoStream) -> str | None:
    """Say in one line which other streams of pictures are not read, or give None where there are none."""
    others = [_named(s) for s in _decodable(container) if s is not stream and s.width]
    if not others:
        return None
    return f"video stream {_named(stream)} is read, not {', '.join(others)}"


def is_broadcast(container: InputContainer) -> bool:
    """Tell whether streams may begin, end and change in the middle, as those of a broadcast do."""
    return container.format.name.startswith("mpeg")


class Following:
    """The packets that carry on a stream: a broadcast may go on under another number.

    Another stream of its kind takes over when nothing came of the one that is read while so much of it did;
    what came of it until then is not lost.
    """

    def __init__(self, container: InputContainer, stream: Stream, *, asked: bool = False) -> None:
        """Take the stream to begin with; `asked` says that a person wants this one and no other."""
        self._stream = stream
        self._follows = not asked and is_broadcast(container)
        self._waiting: list[Packet] = []

    def packets(self, packet: Packet) -> list[Packet]:
        """Take the next packet of any stream, and give those to decode, in order."""
        if packet.stream is self._stream:
            self._waiting.clear()
            return [packet]
        if not self._follows or not packet.size or packet.stream.type != self._stream.type:
            return []
        if _decoder(packet.stream) is None or (
            self._waiting and self._waiting[0].stream is not packet.stream
        ):
            return []
        self._waiting.append(packet)
        if len(self._waiting) < _TAKES_OVER:
            return []
        self._stream, ready, self._waiting = packet.stream, self._waiting, []
        return ready


def sound_streams(container: InputContainer) -> list[AudioStream]:
    """Return the streams of sound that can be decoded, the default one first."""
    known = [s for s in container.streams.audio if _decoder(s) is not None]
    return sorted(known, key=lambda s: not int(s.disposition) & _DEFAULT)


def unknown_sound(container: InputContainer) -> str:
    """Say which kind of sound it is that can't be decoded: " (apac)", or nothing where nobody knows."""
    return _code(container, container.streams.audio[0]) if container.streams.audio else ""


def _decodable(container: InputContainer) -> list[VideoStream]:
    videos = container.streams.video
    return [s for s in videos if not int(s.disposition) & _NO_VIDEO and _decoder(s) is not None]


def _named(stream: VideoStream) -> str:
    return f"{stream.index} ({stream.width} x {stream.height})"


def _decoder(stream: Stream) -> CodecContext | None:
    return stream.codec_context  # None, whatever its type says, for a codec that FFmpeg has no decoder of


def _code(container: InputContainer, stream: Stream) -> str:
    """Give the letters by which a file names a codec, in brackets; FFmpeg tells them in its listing only."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    listing: str = container.dumps_format()  # type: ignore[attr-defined]
    av.logging.set_level(level)
    for line in listing.splitlines():
        if re.match(rf"\s*Stream #0:{stream.index}\W", line):
            found = re.search(r"\(([\w. -]{2,8}) / 0x", line)
            return f" ({found[1]})" if found else ""
    return ""
