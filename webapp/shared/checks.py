"""Looking at an upload before any work is spent on it: each problem is one line that says what to do."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from emotion_core.files import no_plain_file
from emotion_core.limits import MAX_SIDE, MAX_VIDEO_SIDE
from emotion_core.types import EmotionError
from emotion_core.video import heif
from emotion_core.video.pages import DAMAGE

if TYPE_CHECKING:
    from pathlib import Path

    from emotion_core.video.part import Part
    from emotion_core.video.reader import Frames, VideoInfo
    from emotion_core.video.source import Source
    from webapp.settings import Settings
    from webapp.shared.i18n import Text

PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:.0f}"


def check_file(path: Path, settings: Settings, text: Text) -> None:
    """Refuse what is gone, no plain file, empty or too large; nothing is opened.

    Raises EmotionError with a line in the reader's language.
    """
    name = path.name
    try:
        if no_plain_file(path) is not None:
            raise EmotionError(text("error.gone", name=name))
        size = path.stat().st_size
    except OSError:
        raise EmotionError(text("error.gone", name=name)) from None
    if size == 0:
        raise EmotionError(text("error.empty", name=name))
    if size > settings.max_megabytes * 1024**2:
        limit = f"{settings.max_megabytes:g}"
        raise EmotionError(text("error.large", name=name, megabytes=_megabytes(size), limit=limit))


def _has_only_sound(source: Source) -> bool:
    from emotion_core.video.source import open_container

    try:
        with open_container(source) as container:
            return bool(container.streams.audio) and not container.streams.video
    except EmotionError:
        return False


def open_video(path: Path, settings: Settings, text: Text, part: Part | None = None) -> Frames:
    """Open a video, to be closed by the caller; raises EmotionError for what is none or is too long.

    `part` is what will be read of it, all where None.
    """
    from emotion_core.video.reader import Frames
    from emotion_core.video.source import TooManyPixelsError, identify

    check_file(path, settings, text)
    name = path.name
    try:
        source = identify(path, max_pixels=settings.max_pixels, max_seconds=settings.max_minutes * 60)
        source = replace(source, uploaded=True)
    except EmotionError:
        raise EmotionError(text("error.notvideo", name=name)) from None
    try:
        reader = Frames(source, part)
    except TooManyPixelsError:
        raise EmotionError(
            text("error.megapixels", name=name, limit=f"{settings.max_megapixels:g}")
        ) from None
    except EmotionError:
        key = "error.audio" if _has_only_sound(source) else "error.notvideo"
        raise EmotionError(text(key, name=name)) from None
    try:
        _check_size(reader.info, settings, text)
    except EmotionError:
        reader.close()
        raise
    return reader


def _check_size(info: VideoInfo, settings: Settings, text: Text) -> None:
    name = info.name
    if max(info.width, info.height) > MAX_VIDEO_SIDE:
        limit = f"{settings.max_megapixels:g}"
        raise EmotionError(text("error.pixels", name=name, width=info.width, height=info.height, limit=limit))
    if info.kind == "picture":
        raise EmotionError(text("error.notvideo", name=name))
    if info.duration is not None and info.duration > settings.max_minutes * 60:
        minutes, limit = f"{info.duration / 60:.0f}", f"{settings.max_minutes:g}"
        raise EmotionError(text("error.long", name=name, minutes=minutes, limit=limit))


def check_picture(path: Path, settings: Settings, text: Text) -> str:
    """Return the format of a picture ("JPEG", "GIF", ...) from its header alone, nothing decoded.

    Raises EmotionError for what is no picture, for HEIC without pillow-heif, and for one of too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    check_file(path, settings, text)
    name = path.name
    with path.open("rb") as file:
        start = file.read(heif.HEAD)
    heic = heif.is_heic(start) and heif.ready()
    if heif.is_moving(start) or (heif.is_heic(start) and not heic):
        raise EmotionError(text("error.heic", name=name))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit comes next
            with Image.open(path, formats=("HEIF",) if heic else PICTURE_FORMATS) as picture:
                (width, height), kind = picture.size, picture.format or ""
    except Image.DecompressionBombError:
        raise EmotionError(
            text("error.megapixels", name=name, limit=f"{settings.max_megapixels:g}")
        ) from None
    except (UnidentifiedImageError, *DAMAGE):
        raise EmotionError(text("error.notpicture", name=name)) from None
    if width * height > settings.max_pixels or max(width, height) > MAX_SIDE:
        limit = f"{settings.max_megapixels:g}"
        raise EmotionError(text("error.pixels", name=name, width=width, height=height, limit=limit))
    return kind
