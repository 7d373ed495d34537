"""Which stream of a file is read: the one asked for, else the default one, else the largest picture."""

import os
import re

import av.logging
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from emotion_core.types import EmotionError
from emotion_core.video.source import Source, TooManyPixelsError

_DEFAULT = 1  # AV_DISPOSITION_DEFAULT
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
        raise EmotionError(
            f"{source.name} holds pictures of a kind that can't be decoded here{_code(container, shown[0])}: "
            "save it as mp4 (H.264) first"
        )
    usual = [s for s in known if int(s.disposition) & _DEFAULT] or known
    stream = max(usual, key=lambda s: (s.width or 0) * (s.height or 0))  # the first of equal ones
    if too_large := source.too_large(stream.width, stream.height):
        raise TooManyPixelsError(too_large)
    stream.codec_context.options = {"max_pixels": str(source.max_pixels)}
    stream.thread_type = "AUTO"
    # Each decoding thread holds frames of its own, so more of them cost memory and gain little.
    stream.codec_context.thread_count = min(4, os.cpu_count() or 1)
    return stream


def left_out(container: InputContainer, stream: VideoStream) -> str | None:
    """Say in one line which other streams of pictures are not read, or give None where there are none."""
    others = [_named(s) for s in _decodable(container) if s is not stream]
    if not others:
        return None
    return f"video stream {_named(stream)} is read, not {', '.join(others)}"


def sound_streams(container: InputContainer) -> list[AudioStream]:
    """Give the streams of sound that can be decoded, the default one first."""
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
    """Give the four letters by which a file names a codec, in brackets; FFmpeg tells them in its listing only."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    listing = container.dumps_format()
    av.logging.set_level(level)
    for line in listing.splitlines():
        if re.match(rf"\s*Stream #0:{stream.index}\W", line):
            found = re.search(r"\(([\w. -]{2,8}) / 0x", line)
            return f" ({found[1]})" if found else ""
    return ""
