"""The manifest: a row for every file of a study, in SQLite, so that a kill at any moment loses no row.

One process writes it. Memory does not grow with the number of files: rows are asked for one at a time.
"""

import json
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion_core.batch.messages import Listed, Outcome
from emotion_core.batch.study import key_of
from emotion_core.types import EmotionError

WAITING, RUNNING, DONE, PARTIAL, FAILED, ASIDE = "waiting", "running", "done", "partial", "failed", "aside"
"""States of a file: "partial" has results up to where its source ends early; "aside" has failed too often."""

_VERSION = 1
_PATIENCE = 300.0  # seconds that somebody who reads the manifest may keep it from being written
_TABLES = """
CREATE TABLE files (
  number INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  key TEXT NOT NULL UNIQUE COLLATE NOCASE, size INTEGER NOT NULL DEFAULT 0, mtime INTEGER NOT NULL DEFAULT 0,
  sha256 TEXT, settings TEXT, weights TEXT, kept TEXT NOT NULL DEFAULT '', state TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, seconds REAL, frames INTEGER, length REAL, error TEXT, ended REAL,
  call INTEGER NOT NULL DEFAULT 0, columns TEXT NOT NULL DEFAULT '{}', whole TEXT NOT NULL DEFAULT '{}');
CREATE INDEX by_turn ON files (call, state, tries, number);
CREATE TABLE people (file INTEGER NOT NULL, face INTEGER NOT NULL, figures TEXT NOT NULL,
  PRIMARY KEY (file, face)) WITHOUT ROWID;
CREATE TABLE calls (number INTEGER PRIMARY KEY, begun REAL NOT NULL, settings TEXT NOT NULL,
  weights TEXT NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file whose turn it is; `known` is the SHA-256 of what the study has results of by these settings."""

    number: int
    path: str
    name: str
    size: int
    mtime: int
    tries: int
    known: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Files of this call by their state, and the bytes of those that are still to be read."""

    states: dict[str, int]
    bytes_left: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.states.values())

    @property
    def left(self) -> int:
        """How many are still to be read."""
        return self.states.get(WAITING, 0) + self.states.get(RUNNING, 0)


class Manifest:
    """The rows of one study, for one call with one set of settings.

    Args:
        file: the database, made where there is none.
        settings: the hash of the settings of this call.
        weights: the hash of its weights.

    Raises:
        EmotionError: where it is none of this version, or can't be opened.
    """

    def __init__(self, file: Path, settings: str, weights: str) -> None:
        self._settings, self._weights = settings, weights
        try:
            self._db = sqlite3.connect(file, isolation_level=None, timeout=_PATIENCE)
            # A study may lie on a network drive, where the memory that a write-ahead log shares is none.
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = NORMAL")
            with self._writing():
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in _TABLES.split(";\n"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {_VERSION}")
                values = (time.time(), settings, weights)
                begin = "INSERT INTO calls (begun, settings, weights) VALUES (?, ?, ?)"
                self._call = self._db.execute(begin, values).lastrowid if version in (0, _VERSION) else None
        except sqlite3.Error as error:
            raise EmotionError(
                f"{file} can't be opened ({error}): choose another folder", ("output",)
            ) from error
        if self._call is None:
            raise EmotionError(f"{file} is of another version: choose another folder", ("output",))

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    # -- what is to be done

    def take_list(self, sources: Iterable[Listed], has: Any, *, again: bool = False) -> None:
        """Take in the files of this call: what is new or has changed waits, what is done stays done.

        `has(name)` tells whether the results of a file are there; `again` has also those wait that failed.
        """
        with self._writing():
            # The call that had these was killed: nobody can say that they are to blame.
            self._db.execute(
                f"UPDATE files SET state = '{WAITING}', tries = MAX(0, tries - 1) WHERE state = '{RUNNING}'"
            )
            for path, columns in sources:
                self._list(path, json.dumps(columns), has, again)

    def _list(self, path: str, columns: str, has: Any, again: bool) -> None:
        try:
            stat = os.stat(path)
            size, mtime, lost = stat.st_size, stat.st_mtime_ns, ""
        except OSError as error:
            size, mtime, lost = 0, 0, f"{Path(path).name} can't be read: {error.strerror}"
        found = (
            "SELECT number, name, size, mtime, settings, weights, kept, state, call FROM files WHERE path = ?"
        )
        row = self._db.execute(found, (path,)).fetchone()
        if row is None:
            name, state, anew = self._free(Path(path)), WAITING, True
            add = "INSERT INTO files (path, name, key, state) VALUES (?, ?, ?, ?)"
            number = self._db.execute(add, (path, name, key_of(name), state)).lastrowid
        else:
            number, name, *before, kept, state, call = row
            if call == self._call:
                return  # named twice
            here = bool(kept) and has(name)
            if kept and not here:
                self._db.execute("UPDATE files SET kept = '' WHERE number = ?", (number,))
            same = before == [size, mtime, self._settings, self._weights]
            ended = (state in (DONE, PARTIAL) and here) or (state in (FAILED, ASIDE) and not again)
            anew = state != WAITING or before[:2] != [size, mtime]
            state = state if same and ended else WAITING
        self._db.execute(
            "UPDATE files SET size = ?, mtime = ?, call = ?, columns = ?, state = ? WHERE number = ?",
            (size, mtime, self._call, columns, FAILED if lost else state, number),
        )
        if lost:
            self._db.execute("UPDATE files SET error = ? WHERE number = ?", (lost, number))
        elif state == WAITING and anew:
            clear = "UPDATE files SET tries = 0, error = CASE WHEN kept != '' THEN error END WHERE number = ?"
            self._db.execute(clear, (number,))

    def _free(self, path: Path) -> str:
        """Return a NAME that no other file has: its stem, then with its ending, then with a number."""
        ending = re.sub(r"\W", "", path.suffix.lower())
        longer = f"{path.stem}_{ending}" if ending else path.stem
        name, number = path.stem, 1
        taken = "SELECT 1 FROM files WHERE name = ? OR key = ?"
        while self._db.execute(taken, (name, key_of(name))).fetchone():
            name = longer if number == 1 and longer != path.stem else f"{longer}_{max(2, number)}"
            number += 1
        return name

    def counts(self) -> Counts:
        """Count the files of this call."""
        found = "SELECT state, COUNT(*), SUM(size) FROM files WHERE call = ? GROUP BY state"
        rows = self._db.execute(found, (self._call,)).fetchall()
        left = sum(size for state, _, size in rows if state in (WAITING, RUNNING))
        return Counts({state: count for state, count, _ in rows}, left)

    def others(self) -> int:
        """Count the files of earlier calls that have results by other settings or weights."""
        found = (
            "SELECT COUNT(*) FROM files WHERE call != ? AND kept != '' AND (settings != ? OR weights != ?)"
        )
        return int(self._db.execute(found, (self._call, self._settings, self._weights)).fetchone()[0])

    # -- working it off

    def take(self) -> Entry | None:
        """Begin with the next file; what has failed before waits behind the others."""
        with self._writing():
            row = self._db.execute(
                f"UPDATE files SET state = '{RUNNING}', tries = tries + 1 WHERE number ="
                f" (SELECT number FROM files WHERE call = ? AND state = '{WAITING}' ORDER BY tries, number"
                " LIMIT 1) RETURNING number, path, name, size, mtime, tries,"
                " CASE WHEN kept != '' AND settings = ? AND weights = ? THEN sha256 END",
                (self._call, self._settings, self._weights),
            ).fetchone()
        return None if row is None else Entry(*row)

    def finish(self, number: int, outcome: Outcome) -> None:
        """Note what came of a file, with the figures of it and of its people, all at once."""
        kept = outcome.state if outcome.state in (DONE, PARTIAL) else ""
        with self._writing():
            self._db.execute(
                "UPDATE files SET state = ?, error = ?, sha256 = ?, size = ?, mtime = ?, seconds = ?,"
                " frames = ?, length = ?, whole = ?, kept = ?, settings = ?, weights = ?, ended = ?"
                " WHERE number = ?",
                (
                    *(outcome.state, outcome.error or None, outcome.sha256, outcome.size, outcome.mtime),
                    *(outcome.seconds, outcome.frames, outcome.length, json.dumps(outcome.whole), kept),
                    *(self._settings, self._weights, time.time(), number),
                ),
            )
            self._db.execute("DELETE FROM people WHERE file = ?", (number,))
            rows = [(number, one["face"], json.dumps(one)) for one in outcome.people]
            self._db.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)

    def still(self, number: int, outcome: Outcome) -> None:
        """Note that a file holds what it did when its results were made."""
        with self._writing():
            self._db.execute(
                "UPDATE files SET state = kept, tries = 1, size = ?, mtime = ? WHERE number = ?",
                (outcome.size, outcome.mtime, number),
            )

    def give_back(self, number: int, error: str | None = None, *, blame: bool = False) -> None:
        """Let a file wait again; without `blame` as if it had not been begun."""
        with self._writing():
            self._db.execute(
                f"UPDATE files SET state = '{WAITING}', tries = tries - ?, error = ? WHERE number = ?",
                (0 if blame else 1, error, number),
            )

    # -- reading it

    def files(self) -> Iterator[dict[str, Any]]:
        """Yield every row of the study, in order; `columns` and `whole` are mappings."""
        cursor = self._db.cursor()
        cursor.row_factory = sqlite3.Row
        for row in cursor.execute("SELECT * FROM files ORDER BY number"):
            entry = dict(row)
            yield entry | {name: json.loads(entry[name]) for name in ("columns", "whole")}

    def people(self, number: int) -> list[dict[str, Any]]:
        """Return the figures of each face of a file."""
        found = "SELECT figures FROM people WHERE file = ? ORDER BY face"
        return [json.loads(row[0]) for row in self._db.execute(found, (number,)).fetchall()]

    def troubled(self, most: int) -> list[tuple[str, str, str]]:
        """Return path, state and error of the first files of this call that did not come out whole."""
        found = "SELECT path, state, error FROM files WHERE call = ? AND state IN (?, ?, ?)"
        values = (self._call, PARTIAL, FAILED, ASIDE, most)
        return self._db.execute(f"{found} ORDER BY number LIMIT ?", values).fetchall()
