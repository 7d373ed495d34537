"""Where analyses and uploads lie: a folder for each below `--data DIR`, and who is alive of those who use it.

Without `--data` the folder is a part of the run's own, which goes with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import re
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from pathlib import Path

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_NEW = 3600.0  # seconds for which a folder without a line in the ledger may be one that is just being made


def new_id() -> str:
    """Make the id of an analysis or an upload, which can't be guessed."""
    return secrets.token_urlsafe(16)


def is_id(text: str) -> bool:
    """Return whether `text` may be an id."""
    return _ID.fullmatch(text) is not None


def plain_name(text: str | None) -> str:
    """Make a file's name of what a client calls it: no folder, nothing hidden, short enough."""
    name = "".join(c for c in (text or "").replace("\\", "/").rpartition("/")[2] if c.isprintable())
    name = name.strip().lstrip(".") or "upload"
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if dot and len(ending) <= 10 else (name, "")
    return stem.encode("utf-8", "ignore")[:120].decode("utf-8", "ignore") + ending


class DataFolder:
    """The files of all analyses; the process that opens it is one of its workers."""

    def __init__(self, root: Path) -> None:
        """Make what is missing; raises EmotionError where nothing can be written there."""
        self.root = root
        self.ledger_file = root / "analyses.sqlite"
        self._workers = root / "workers"
        self.worker = f"{platform.node() or 'here'}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            for folder in (root, self._workers, root / "analyses", root / "uploads"):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._alive = (self._workers / self.worker).open("wb")
            fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)  # for as long as this process lives
        except OSError as error:
            raise EmotionError(
                f"Nothing can be kept in {root} ({error.strerror}): choose another data folder."
            ) from error

    def belong_to(self, ledger: str, *, fresh: bool) -> None:
        """Note the ledger in a database, by its id, that tells of this folder; "" is the file in here.

        Raises EmotionError where it tells of another one: what no ledger knows would be deleted in time.
        `fresh` says that it tells of none yet.
        """
        note = self.root / "ledger"
        own = note.read_text("ascii", "replace") if note.exists() else ""
        if own == ledger:
            return
        if own or not fresh or self.ledger_file.exists():
            raise EmotionError(
                f"{self.root} and the database belong to others: give the two that were begun together."
            )
        note.write_text(ledger, "ascii")

    def close(self) -> None:
        """Say that this process works here no more."""
        self._alive.close()
        (self._workers / self.worker).unlink(missing_ok=True)

    def is_dead(self, worker: str) -> bool:
        """Return whether a worker is known to have ended; of another machine only its lease can tell."""
        if worker.rsplit(".", 2)[0] != self.worker.rsplit(".", 2)[0] or worker == self.worker:
            return False
        try:
            with (self._workers / worker).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:  # it took its file away when it ended
            return True
        except OSError:  # it holds its file, or the disk knows no locks
            return False
        return True

    def of(self, id: str) -> Path:
        """Return the folder of an analysis."""
        return self.root / "analyses" / id

    def source(self, id: str, name: str) -> Path:
        """Return where the upload of an analysis lies until it has been read."""
        return self.of(id) / "source" / name

    def outputs(self, id: str, tries: int) -> Path:
        """Return the folder of what one start of an analysis has written."""
        return self.of(id) / str(tries)

    def upload(self, id: str) -> Path:
        """Return the folder of an upload that comes in parts; its file lies in there."""
        return self.root / "uploads" / id

    def remove_upload(self, id: str) -> None:
        """Delete an upload that came in parts."""
        shutil.rmtree(self.upload(id), ignore_errors=True)

    def remove(self, id: str) -> None:
        """Delete the files of an analysis."""
        shutil.rmtree(self.of(id), ignore_errors=True)

    def keep_only(self, id: str, tries: int | None) -> int:
        """Delete the upload and what other starts have left; gives the bytes that stay."""
        kept = 0
        for path in list(self.of(id).glob("*")):
            if tries is not None and path.name == str(tries):
                kept = sum(file.stat().st_size for file in path.glob("*"))
            else:
                shutil.rmtree(path, ignore_errors=True)
        return kept

    def clear(self, known: set[str]) -> None:
        """Delete what no line of the ledger knows: a kill may come between a file and its line."""
        for path in (*self.root.glob("analyses/*"), *self.root.glob("uploads/*")):
            with contextlib.suppress(FileNotFoundError):
                if path.name in known or time.time() - path.stat().st_mtime < _NEW:
                    continue
                shutil.rmtree(path, ignore_errors=True)
        for path in self.root.glob("part-*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _NEW:
                    path.unlink()
        for path in self._workers.glob("*"):
            if self.is_dead(path.name):
                path.unlink(missing_ok=True)
