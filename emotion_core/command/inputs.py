"""What a user names to be analysed: files, folders, patterns and addresses, as a list of single sources."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from emotion_core.results.names import OVERLAY, RESULTS
from emotion_core.types import EmotionError

ENDINGS = (
    *(".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv"),
    *(".flv", ".ogv", ".3gp", ".mxf", ".gif"),
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".apng", ".heic", ".heif"),
)
"""The endings of files that are taken out of a folder; a file that is named itself may have any."""


def expanded(words: Sequence[str]) -> list[str | EmotionError]:
    """Give the sources that words stand for, in order and each once; a word that stands for none is an error.

    A folder stands for the videos and pictures that lie in it, without those in folders below and without
    annotated ones of this program; a pattern (`*`, `?`, `[...]`, `**`) for the files and folders that match.
    Shells of Windows leave patterns to the program.
    """
    found: list[str | EmotionError] = []
    known: set[str] = set()
    for word in words:
        try:
            sources = _sources(word)
        except EmotionError as error:
            found.append(error)
            continue
        for source in sources:
            key = str(Path(source).resolve()) if Path(source).exists() else source
            if key not in known:
                known.add(key)
                found.append(source)
    return found


def _sources(word: str) -> list[str]:
    path = Path(word).expanduser()
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", word):
        return [word]
    try:
        if path.is_dir():
            return _in_folder(path)
        if path.exists() or not glob.has_magic(word):
            return [word]
        matching = sorted(glob.glob(str(path), recursive=True))
    except (OSError, ValueError):  # a name that no system takes: opening it says why
        return [word]
    if not matching:
        raise EmotionError(f"{word} matches nothing: check the pattern")
    folders = [Path(one) for one in matching if Path(one).is_dir()]
    files = [one for one in matching if not Path(one).is_dir() and not is_ours(Path(one))]
    if not files and not folders:
        raise EmotionError(f"{word} matches annotated videos and pictures only: name others")
    # What a pattern of folders matches is looked into, but `**` names the folders on the way as well.
    return files or [source for folder in folders for source in _in_folder(folder)]


def _in_folder(folder: Path) -> list[str]:
    try:
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS and p.is_file())
    except OSError as error:
        raise EmotionError(f"{folder} can't be read: {error.strerror}") from error
    sources = [str(path) for path in files if not path.name.startswith(".") and not is_ours(path)]
    if not sources:
        raise EmotionError(f"{folder} is a folder without a video or picture in it: name another one")
    return sources


def is_ours(path: Path) -> bool:
    """Tell whether a file is what an earlier run left: annotated, or anything beside a video."""
    stem = path.stem.removesuffix(".partial")
    if not stem.endswith(OVERLAY):
        return False
    name = stem.removesuffix(OVERLAY)
    return any(path.parent.glob(f"{glob.escape(name)}{RESULTS}.*"))
