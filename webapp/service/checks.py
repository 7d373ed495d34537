"""Looking at a file before it may wait in the queue, and finding it in the operator's library."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emotion_core.types import EmotionError
from webapp.shared.checks import check_file, check_picture, open_video
from webapp.shared.i18n import Text
from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from pathlib import Path

    from emotion_core.video.source import Source
    from webapp.settings import Settings


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that can be analysed: its length in seconds, 0 for a picture, and its frames a second."""

    source: Source
    seconds: float
    fps: float


def look(path: Path, settings: Settings, pixels: int) -> Seen:
    """Say what a video or a picture holds; raises EmotionError for what is neither, or beyond a limit."""
    from emotion_core.video.source import identify

    text = Text("en")
    check_file(path, settings, text)
    source = replace(identify(path, max_pixels=pixels), uploaded=True)
    if source.kind == "picture":
        check_picture(path, settings, text)
        return Seen(source, 0.0, 1.0)
    with open_video(path, settings, text) as reader:
        info = reader.info
    if info.width * info.height > pixels:
        raise EmotionError(text("error.megapixels", name=path.name, limit=f"{pixels / 1e6:g}"))
    return Seen(source, info.duration or 0.0, info.fps)


def in_library(library: Path, name: str) -> Path:
    """Return the file that `name` is, relative to the library; raises ProblemError 404 for what leads out."""
    root = library.resolve()
    wrong = ProblemError(404, f"{name[:200]!r} is no file of the library: give a path relative to it.")
    if not name or "\0" in name or name.startswith(("/", "\\")) or len(name) > 1000:
        raise wrong
    try:
        path = (root / name).resolve()
        if root in path.parents and path.is_file():
            return path
    except (OSError, RuntimeError) as error:  # a name that is too long, links in a circle
        raise wrong from error
    raise wrong
