"""What a batch is about: every file of folders and patterns, and those that a list names."""

import csv
import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from emotion_core.batch.messages import Listed
from emotion_core.command.inputs import ENDINGS, is_ours
from emotion_core.types import EmotionError

LIST = ".csv"
COLUMNS = ("file", "path", "source", "video")
"""What the column of a list that names the files may be called."""


def listed(words: Sequence[str], out: Path) -> Iterator[Listed]:
    """Yield the files that words stand for: folders with all below them, patterns, lists, and single files.

    What lies in `out`, and annotated videos of earlier runs, are no inputs. A file may come more than once.

    Raises:
        EmotionError: for a word that stands for nothing, an address, or a list that can't be read.
    """
    own = str(out.resolve())
    for word in words:
        found = False
        for path, columns in _of_word(word):
            if not f"{path}{os.sep}".startswith(own + os.sep):
                found = True
                yield path, columns
        if not found:
            raise EmotionError(f"{word} stands for no video or picture: check the path")


def _of_word(word: str) -> Iterator[Listed]:
    if "://" in word:
        raise EmotionError(f"{word} is an address: a batch reads files, analyse addresses one by one")
    path = Path(word).expanduser()
    if path.is_dir():
        yield from _below(path)
    elif path.suffix.lower() == LIST and path.is_file():
        yield from _in_list(path)
    elif path.exists() or not glob.has_magic(word):
        if not path.exists():
            raise EmotionError(f"{path} does not exist: check the path")
        yield os.path.abspath(path), {}
    else:
        for one in sorted(glob.iglob(str(path), recursive=True)):
            match = Path(one)
            if match.is_dir():
                if "**" not in word:  # which names the files below it by itself
                    yield from _below(match)
            elif match.suffix.lower() in ENDINGS and not is_ours(match):
                yield os.path.abspath(match), {}


def _below(folder: Path) -> Iterator[Listed]:
    def stop(error: OSError) -> None:
        raise EmotionError(f"{error.filename} can't be read: {error.strerror}") from error

    for place, folders, files in os.walk(os.path.abspath(folder), onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() in ENDINGS and not name.startswith(".") and not is_ours(path):
                yield str(path), {}


def _in_list(path: Path) -> Iterator[Listed]:
    """Yield the files of a list; paths in it are as seen from where it lies."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            separator = max(",;\t", key=head.count)
            reader = csv.DictReader(file, delimiter=separator)
            names = {str(name).strip().lower(): str(name) for name in reader.fieldnames or ()}
            column = next((names[name] for name in COLUMNS if name in names), None)
            if column is None:
                raise EmotionError(
                    f"{path.name} has no column {COLUMNS[0]}: name that of the files so in its first line"
                )
            for row in reader:
                if value := (row.pop(column) or "").strip():
                    place = os.path.abspath(path.parent / Path(value).expanduser())
                    yield place, {k.strip(): (v or "").strip() for k, v in row.items() if k and k.strip()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EmotionError(f"{path.name} can't be read ({error}): save it as CSV in UTF-8") from error
