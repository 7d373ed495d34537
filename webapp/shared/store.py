"""Where the results of one run of the app lie: a folder for each, under a name that can't be guessed.

Whoever holds a result's token may read that result and nothing else; the token is only ever given to the
browser that asked for the analysis. Folders are deleted after a time, when a job is abandoned, and on stop.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from emotion_core.results.formats import FORMATS
from webapp.shared.shelf import Room, Shelf
from webapp.shared.uploads import Uploads

ROOT_VARIABLE = "EMOTION_RESULTS"
"""The environment variable that names the folder of all results of this run."""

_PREFIX = "emotion-app-"
_shelves: dict[Path, Shelf] = {}
"""The results of each run in this process by their folder: whose they are, and how large."""
ARRIVING = 60.0  # seconds without a byte after which an upload that is not whole is given up
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_SUFFIXES = frozenset({".mp4", ".html", ".jpg", ".png", ".zip"})  # besides those of results


def root() -> Path | None:
    """Return the folder of all results of this run, or None where no app runs."""
    name = os.environ.get(ROOT_VARIABLE)
    return Path(name) if name else None


def folder_of(token: str | None) -> Path | None:
    """Return the folder of the result that `token` names, or None where there is none (any more)."""
    base = root()
    if base is None or token is None or not _TOKEN.fullmatch(token):
        return None
    folder = base / token
    return folder if folder.is_dir() else None


def new_folder(owner: str | None = None) -> tuple[str, Path]:
    """Make an empty folder for one result of `owner`; gives its token and its path.

    It stays for as long as it is being made; `settle` then lets older results of the visitor go for it.
    """
    base = root()
    if base is None:
        raise RuntimeError("results.new_folder() needs a running app: use Workspace first")
    token = secrets.token_urlsafe(24)
    folder = base / token
    folder.mkdir(mode=0o700)
    if (shelf := _shelves.get(base)) is not None:
        shelf.hold([folder])
        shelf.put(owner or "", folder)
    return token, folder


def settle(token: str) -> None:
    """Note that a result is complete: older ones may go for it, and it for newer ones.

    It deletes files, so call it on a thread.
    """
    folder = folder_of(token)
    if folder is not None and (shelf := _shelves.get(folder.parent)) is not None:
        shelf.resize(folder, _size(folder))
        shelf.trim()
        shelf.free([folder])


def dashboard_link(tokens: Sequence[str]) -> str:
    """Return the address below the app's own that opens results together in the dashboard."""
    return "dashboard/?" + "&".join(f"result={token}" for token in tokens)


def news(owner: str | None) -> int:
    """Return how many results of `owner` had to go since this was last asked."""
    base = root()
    shelf = _shelves.get(base) if base is not None else None
    return shelf.news(owner) if shelf is not None else 0


def _size(folder: Path) -> int:
    """Return the bytes of the files in a folder."""
    size = 0
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def file_of(token: str | None, name: str) -> Path | None:
    """Return the file `name` of a result, or None where it is not one of that result's own files."""
    folder = folder_of(token)
    if folder is None or not name or name != Path(name).name or name.startswith("."):
        return None
    path = folder / name
    # A link could lead out of the folder, so only plain files of the known kinds are given.
    known = _SUFFIXES.union(*(made.endings for made in FORMATS.values()))
    if path.is_symlink() or not path.is_file() or not path.name.lower().endswith(tuple(known)):
        return None
    return path


def discard(token: str) -> None:
    """Delete a result with all its files; a token that is not known is ignored."""
    folder = folder_of(token)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        if (shelf := _shelves.get(folder.parent)) is not None:
            shelf.forget(folder)


def rescue(token: str, folder: Path) -> Path | None:
    """Copy a result's files into a new folder of `folder`, named after them; gives it, None without files.

    Raises OSError where that can't be written.
    """
    source = folder_of(token)
    files = sorted(path for path in source.iterdir() if path.is_file()) if source else []
    if not files:
        return None
    name, number = files[0].name.partition(".")[0], 1
    while (target := folder / (name if number == 1 else f"{name} ({number})")).exists():
        number += 1
    target.mkdir(mode=0o700)
    for path in files:
        shutil.copy2(path, target)
    return target


def _state(path: Path) -> tuple[int, int, int]:
    """Return what changes whenever anything in `path` is written: newest time stamp, size in bytes, files."""
    stats = [path.stat(), *(inner.stat() for inner in path.rglob("*"))] if path.is_dir() else [path.stat()]
    return max(s.st_mtime_ns for s in stats), sum(s.st_size for s in stats), len(stats)


def _clear_after_kills() -> None:
    """Delete the folders of earlier runs that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not owner.isdigit() or int(owner) == os.getpid():
            continue
        try:
            os.kill(int(owner), 0)  # asks whether it lives; sends nothing
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # another user's, or a system that can't tell
            continue


class Workspace:
    """The folder of one run of the app: uploads and results, swept by age and removed on `close()`."""

    def __init__(self, keep_minutes: float, sweep_seconds: float = 30.0, room: Room | None = None) -> None:
        _clear_after_kills()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self.results = self.folder / "results"
        self.uploads = self.folder / "uploads"
        self.results.mkdir()
        self.uploads.mkdir()
        room = room or Room(1000, math.inf, 1000, math.inf)
        self.incoming = Uploads(self.uploads, room)
        _shelves[self.results] = self.shelf = Shelf(
            room, lambda path: shutil.rmtree(path, ignore_errors=True)
        )
        self._keep = keep_minutes * 60
        # When each thing was last seen to have changed, by a clock that nobody sets: by the time of day, a
        # machine that wakes up or corrects its clock would delete what is fresh, or keep what is old.
        self._changed: dict[Path, tuple[tuple[int, int, int], float]] = {}
        self._stop = threading.Event()
        os.environ[ROOT_VARIABLE] = str(self.results)
        # Gradio puts every upload under this folder, so it goes with the rest.
        os.environ["GRADIO_TEMP_DIR"] = str(self.uploads)
        # Gradio imports Matplotlib at every event, which would make a folder for itself in the home folder.
        os.environ.setdefault("MPLCONFIGDIR", str(self.folder / "matplotlib"))
        self._sweeper = threading.Thread(
            target=self._sweep_for_ever, args=(sweep_seconds,), name="sweeper", daemon=True
        )
        self._sweeper.start()

    def _sweep_for_ever(self, every: float) -> None:
        while not self._stop.wait(every):
            self.sweep()

    def sweep(self, now: float | None = None) -> int:
        """Delete what has not been written to for `keep_minutes`; gives the number of things deleted.

        `now` is in seconds of `time.monotonic()`. What is seen for the first time counts as written now.

        A file that lies in the uploads' own folder is one that is still arriving: where nothing more has
        come for a minute, its sender has gone.
        """
        now = time.monotonic() if now is None else now
        before, self._changed = self._changed, {}
        for folder in self.shelf.paths():  # recordings and analyses grow
            self.shelf.resize(folder, _size(folder))
        self.shelf.trim()
        gone = 0
        for base in (self.results, self.uploads):
            for path in list(base.iterdir()) if base.is_dir() else []:
                arriving = base == self.uploads and path.is_file()
                try:
                    state = _state(path)
                except FileNotFoundError:  # deleted by its own job meanwhile
                    continue
                known, since = before.get(path, (state, now))
                since = since if known == state else now
                if now - since <= (min(ARRIVING, self._keep) if arriving else self._keep):
                    self._changed[path] = (state, since)
                    continue
                self.shelf.forget(path)
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                gone += 1
        return gone

    def close(self) -> None:
        """Stop sweeping and delete everything; may be called twice."""
        self._stop.set()
        _shelves.pop(self.results, None)
        shutil.rmtree(self.folder, ignore_errors=True)
        if os.environ.get(ROOT_VARIABLE) == str(self.results):
            del os.environ[ROOT_VARIABLE]
        if os.environ.get("MPLCONFIGDIR") == str(self.folder / "matplotlib"):
            del os.environ["MPLCONFIGDIR"]


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that a viewer may fetch: what it is, its name, and its address relative to the app.

    `label` is the word for a format of results, which is the same in every language; for any other kind it
    is empty, and a translated text is the word.
    """

    kind: str
    name: str
    url: str
    label: str = ""


def link(token: str, path: Path, kind: str) -> SavedFile:
    """Return the address under which `path`, a file of the result `token`, can be fetched."""
    label = FORMATS[kind].label if kind in FORMATS else ""
    return SavedFile(kind, path.name, f"result/{token}/{quote(path.name)}", label)
