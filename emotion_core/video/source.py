"""Where pictures come from: a file, a camera or an address; where one can't be opened, one line says why."""

import math
import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import av
import av.error
from av.container import InputContainer

from emotion_core.files import no_plain_file
from emotion_core.limits import MAX_PIXELS, MAX_SIDE
from emotion_core.types import EmotionError
from emotion_core.video import heif
from emotion_core.video.pages import moves

PICTURE_MAGIC: tuple[tuple[int, bytes], ...] = (
    (0, b"\xff\xd8\xff"),
    (0, b"\x89PNG\r\n"),
    (8, b"WEBP"),
    (0, b"BM"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"II+\0"),
    (0, b"MM\0+"),
)
"""Offset and bytes that tell a picture file; GIF is read as a video since most of them move."""

AVIF_BRANDS = (b"avif", b"avis")

# A text file or a playlist must never be taken for a video: FFmpeg would draw the first as a terminal and
# follow the second to other files on this machine.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,flv,live_flv,"
    "asf,ogg,mjpeg,jpeg_pipe,rm,mxf,nut,dv,wtv,yuv4mpegpipe,apng,avif,"
    "mp3,wav,aac,flac,ac3,eac3,amr,aiff,caf,w64,au,opus,wv,ape,tta,dts"
)
_STREAMS = "hls,dash,rtsp,rtp,sdp,mpjpeg"
_MOTION_JPEG = {".mjpeg", ".mjpg"}
_CAMERA_FORMAT = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
_OPEN_TIMEOUT = 10.0
_READ_TIMEOUT = 15.0


class TooManyPixelsError(EmotionError):
    """A picture or video whose frames are larger than what is read."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a user named: `kind` is "file", "picture", "camera" or "url"; `name` is for messages.

    A frame of more than `max_pixels` pixels is refused before it is unpacked; what lasts for longer than
    `max_seconds`, whatever it says itself, is read up to there. `stream` is the number of the video stream to
    read, as other tools count all streams of a file from 0; None leaves the choice to the reader. `moving`
    marks a picture file of several frames or pages: its kind is "file", as a video's. `uploaded` marks a
    file whose place is the server's own business: no summary names it.
    """

    kind: str
    address: str
    name: str
    max_pixels: int = MAX_PIXELS
    stream: int | None = None
    moving: bool = False
    max_seconds: float = math.inf
    uploaded: bool = False

    def too_large(self, width: int, height: int) -> str | None:
        """Say in one line why a frame of `width` x `height` pixels is not read, or give None where it is."""
        if width * height <= self.max_pixels and max(width, height) <= MAX_SIDE:
            return None
        if width * height > self.max_pixels:
            limit = f"the {self.max_pixels / 1e6:g} megapixels"
        else:
            limit = f"the {MAX_SIDE} pixels a side"
        return (
            f"{self.name} has {width} x {height} pixels, more than {limit} that can be read: "
            "make it smaller first"
        )

    @property
    def path(self) -> Path | None:
        """The file behind it, or None for a camera or an address."""
        return Path(self.address) if self.kind in ("file", "picture") else None

    @property
    def ending(self) -> str:
        """The ending of its name with its dot, as ".mov"; empty where it has none."""
        return Path(urlsplit(self.address).path if self.kind == "url" else self.address).suffix.lower()

    @property
    def stem(self) -> str:
        """A file name without its ending that results can be named after."""
        if self.kind == "camera":
            return "camera" + re.sub(r"\D", "", self.address)
        if self.kind == "url":
            parts = urlsplit(self.address)
            return Path(unquote(parts.path)).stem or parts.hostname or "stream"
        return Path(self.address).stem


def identify(
    source: str | os.PathLike[str] | int | Source,
    *,
    max_pixels: int = MAX_PIXELS,
    stream: int | None = None,
    max_seconds: float = math.inf,
) -> Source:
    """Tell what `source` is, and refuse what can't hold a picture.

    Args:
        source: a path, an address such as `https://...` or `rtsp://...`, a camera's number or `/dev/videoN`;
            what was identified already is given back.
        max_pixels: the most pixels that one of its frames may have.
        stream: the number of the video stream to read, where a file has several; see `Source`.
        max_seconds: the time up to which it is read.

    Raises:
        EmotionError: for what is missing, empty, a folder, a pipe or a device, or may not be read.
    """
    found = source if isinstance(source, Source) else _identify(source)
    if max_pixels != MAX_PIXELS:
        found = replace(found, max_pixels=max_pixels)
    if max_seconds != math.inf:
        found = replace(found, max_seconds=max_seconds)
    return found if stream is None else replace(found, stream=stream)


def _identify(source: str | os.PathLike[str] | int) -> Source:
    if isinstance(source, int):
        if source < 0:
            raise EmotionError(f"camera {source} does not exist: cameras count from 0")
        return Source("camera", _camera_address(source), f"camera {source}")
    text = os.fspath(source)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        if text.lower().startswith("file://"):
            return _identify(unquote(urlsplit(text).path))
        return Source("url", text, _without_password(text))
    if text.startswith("/dev/video"):
        return Source("camera", text, text)
    path = Path(text).expanduser()
    name = _shown(path.name or text)
    try:
        if not path.exists():
            raise EmotionError(f"{_shown(text)} does not exist: check the path")
        # Looked at before it is opened: opening a pipe waits, and opening a device may do anything.
        if (kind := no_plain_file(path)) is not None:
            raise EmotionError(f"{name} is a {kind}: name one video or picture")
        if path.stat().st_size == 0:
            raise EmotionError(f"{name} is empty (0 bytes): copy or download it again")
        with path.open("rb") as file:
            head = file.read(heif.HEAD)
            is_picture = any(head[at : at + len(magic)] == magic for at, magic in PICTURE_MAGIC)
            is_picture = is_picture or (head[4:8] == b"ftyp" and head[8:12] in AVIF_BRANDS)
            is_picture = is_picture or (heif.is_heic(head) and heif.ready())
            is_picture = is_picture and path.suffix.lower() not in _MOTION_JPEG
            moving = is_picture and moves(file)
    except (PermissionError, ValueError) as error:
        raise EmotionError(f"{name} can't be read: {_reason(error)}") from error
    except OSError as error:
        raise EmotionError(f"{name} can't be read: {_reason(error)}; check the path") from error
    if heif.is_moving(head):
        raise EmotionError(f"{name} is a HEIC of several pictures, which can't be read: save it as a video")
    if heif.is_heic(head) and not is_picture:
        raise EmotionError(f"{name} is a HEIC photo, which takes one more package: {heif.ADVICE}")
    return Source("picture" if is_picture and not moving else "file", str(path), name, moving=moving)


def open_container(source: Source) -> InputContainer:
    """Open a video, a camera or an address.

    Raises:
        EmotionError: where it is no video, or can't be reached.
    """
    # Written as "file:NAME", so that a colon or a percent sign in a name means nothing to FFmpeg.
    address = source.address
    options: dict[str, str] = {}
    # To look into a file FFmpeg decodes its first frames: these obey the limit on pixels as well.
    keywords: dict[str, Any] = {"options": {"max_pixels": str(source.max_pixels)}}
    if source.kind in ("file", "picture"):
        address = f"file:{address}"
        options["format_whitelist"] = _CONTAINERS
        options["protocol_whitelist"] = "file"  # a file may not make this machine ask another
        options["enable_drefs"] = "0"  # nor name other files of this one
    elif source.kind == "camera":
        keywords["format"] = _CAMERA_FORMAT.get(sys.platform, "v4l2")
        if sys.platform == "darwin":
            options["framerate"] = "30"
    else:
        keywords["timeout"] = (_OPEN_TIMEOUT, _READ_TIMEOUT)
        options["format_whitelist"] = f"{_CONTAINERS},{_STREAMS}"
        if address.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"
    try:
        return av.open(address, "r", container_options=options, **keywords)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise EmotionError(_why_not(source, error)) from error


def _why_not(source: Source, error: Exception) -> str:
    if source.kind == "camera":
        return (
            f"{source.name} can't be opened ({_reason(error)}): is one plugged in, and not in use elsewhere?"
        )
    if source.kind == "url":
        return f"{source.name} can't be opened ({_reason(error)}): check the address and the network"
    if isinstance(error, PermissionError):
        return f"{source.name} can't be read: {_reason(error)}"
    if _cut_before_index(Path(source.address)):
        return (
            f"{source.name} is cut off before its index, so nothing in it can be read: copy it again in full"
        )
    return f"{source.name} is no video or picture that can be read: use mp4, mov, webm, mkv, jpg or png"


def _cut_before_index(path: Path) -> bool:
    """Tell whether an mp4 or mov ends before its `moov` box, as an interrupted copy or recording does."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            seen: set[bytes] = set()
            at = 0
            while at + 8 <= size and len(seen) < 64:
                file.seek(at)
                head = file.read(16)
                length, kind = int.from_bytes(head[:4]), head[4:8]
                if length == 1:
                    length = int.from_bytes(head[8:16])
                seen.add(kind)
                if length < 8:
                    break
                at += length
    except OSError:
        return False
    return b"ftyp" in seen and b"moov" not in seen


def _camera_address(number: int) -> str:
    if sys.platform == "win32":
        devices = [d for d in av.device.enumerate_input_devices("dshow") if "video" in str(d.media_types)]
        if number >= len(devices):
            raise EmotionError(f"camera {number} does not exist: {len(devices)} found")
        return f"video={devices[number].name}"
    return f"{number}:none" if sys.platform == "darwin" else f"/dev/video{number}"


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).splitlines()[0].rstrip(".") if str(text) else type(error).__name__


def _shown(text: str) -> str:
    """Keep a name on one line, whatever is in it."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _without_password(address: str) -> str:
    return re.sub(r"//[^/@]*@", "//", _shown(address))


def clock_start(container: InputContainer, kind: str) -> float | None:
    """Return the time in seconds that counts as zero: None means the first picture's own.

    A clock that begins within a second of zero is kept, since players keep it too; a broadcast or a camera
    counts from elsewhere and is moved, and so is an mp4 in fragments, whose length does not count the start.
    """
    if kind == "camera" or container.start_time is None:
        return None if kind == "camera" else 0.0
    start = container.start_time / av.time_base
    name = container.format.name
    moved = name in ("mpegts", "mpeg") or (name.startswith("mov") and start > 0) or kind == "url"
    moved = moved or abs(start) >= 1
    return start if moved else 0.0
