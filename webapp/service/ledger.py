"""The queue of analyses and their states, in SQLite: what a killed server knows again when it starts.

Several processes may share one ledger. Each job is leased to one worker, which renews the lease; a job whose
worker has died goes to another. What a worker writes counts only while the lease is its own.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LEASE_SECONDS = 30.0
"""How long a worker that can't be asked counts as alive after its last sign of life."""
MOST_TRIES = 5
"""Starts of one analysis: one that takes the server down with it every time is set aside."""
OPEN = ("queued", "running")
STATES = (*OPEN, "done", "partial", "failed")
_VERSION = 1
_TABLES = """
CREATE TABLE analyses (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
  counted TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL, library TEXT,
  state TEXT NOT NULL DEFAULT 'queued', tries INTEGER NOT NULL DEFAULT 0, worker TEXT, lease REAL,
  created REAL NOT NULL, started REAL, ended REAL, frames INTEGER NOT NULL DEFAULT 0, share REAL, fps REAL,
  seconds_left REAL, problem TEXT, bytes INTEGER NOT NULL DEFAULT 0, outputs TEXT NOT NULL DEFAULT '{}',
  repeat_key TEXT, fingerprint TEXT);
CREATE UNIQUE INDEX repeated ON analyses (counted, repeat_key) WHERE repeat_key IS NOT NULL;
CREATE INDEX by_state ON analyses (state, tries, number);
CREATE INDEX by_owner ON analyses (owner, number);
CREATE TABLE uploads (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, counted TEXT NOT NULL, name TEXT NOT NULL,
  length INTEGER NOT NULL, touched REAL NOT NULL);
CREATE TABLE used (
  counted TEXT NOT NULL, day INTEGER NOT NULL, bytes INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0, PRIMARY KEY (counted, day));
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One analysis as the ledger has it; times are in seconds since 1970, `share` is in [0, 1]."""

    number: int
    id: str
    owner: str
    counted: str
    name: str
    options: str
    library: str | None
    state: str
    tries: int
    worker: str | None
    created: float
    started: float | None
    ended: float | None
    frames: int
    share: float | None
    fps: float | None
    seconds_left: float | None
    problem: str | None
    bytes: int
    outputs: str
    fingerprint: str | None

    @property
    def paths(self) -> dict[str, str]:
        """The names of the files that were written, by kind."""
        return dict(json.loads(self.outputs))


_COLUMNS = ", ".join(field.name for field in fields(Entry))


class Ledger:
    """The tables of one data folder; safe to use from several threads and processes."""

    def __init__(self, file: Path) -> None:
        """Open or make them; raises EmotionError where the file is none of this version or can't be had."""
        self._file = file
        self._local = threading.local()
        try:
            with self._writing() as db:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in _TABLES.split(";\n"):
                        db.execute(statement)
                    db.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error as error:
            raise EmotionError(f"{file} can't be opened ({error}): choose another data folder.") from error
        if version not in (0, _VERSION):
            raise EmotionError(f"{file} is of another version of this program: choose another data folder.")

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self._file, timeout=30, isolation_level=None)
            _write_ahead(db)
            db.execute("PRAGMA synchronous = FULL")
            self._local.db = db
        return db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        db = self._db()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def _entries(self, where: str, *values: Any) -> list[Entry]:
        rows = self._db().execute(f"SELECT {_COLUMNS} FROM analyses {where}", values)
        return [Entry(*row) for row in rows.fetchall()]

    # -- analyses

    def add(
        self,
        made: str,
        *,
        owner: str,
        counted: str,
        name: str,
        options: str,
        library: str | None = None,
        size: int = 0,
        key: str | None = None,
        fingerprint: str | None = None,
    ) -> Entry:
        """Put an analysis into the queue; one that this caller has put in with `key` before comes back."""
        with self._writing() as db:
            known = None
            if key is not None:
                found = "SELECT id FROM analyses WHERE counted = ? AND repeat_key = ?"
                known = db.execute(found, (counted, key)).fetchone()
            if known is None:
                db.execute(
                    "INSERT INTO analyses (id, owner, counted, name, options, library, created, bytes,"
                    " repeat_key, fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (made, owner, counted, name, options, library, time.time(), size, key, fingerprint),
                )
        return self._entries("WHERE id = ?", known[0] if known else made)[0]

    def of_key(self, counted: str, key: str) -> Entry | None:
        """Return the analysis that a caller has put in with this key, if there is one."""
        return next(iter(self._entries("WHERE counted = ? AND repeat_key = ?", counted, key)), None)

    def get(self, id: str) -> Entry | None:
        """Return an analysis; None where there is none, or none any more."""
        return next(iter(self._entries("WHERE id = ? AND state != 'leaving'", id)), None)

    def page(self, owner: str, limit: int, before: int | None, state: str | None) -> list[Entry]:
        """Return up to `limit` analyses of `owner`, the newest first, older than the number `before`."""
        where, values = ["owner = ?", "state != 'leaving'"], [owner]
        if before is not None:
            where, values = [*where, "number < ?"], [*values, str(before)]
        if state is not None:
            where, values = [*where, "state = ?"], [*values, state]
        order = f"ORDER BY number DESC LIMIT {int(limit)}"
        return self._entries(f"WHERE {' AND '.join(where)} {order}", *values)

    def counts(self) -> dict[str, int]:
        """Return how many analyses there are of each state."""
        rows = self._db().execute("SELECT state, COUNT(*) FROM analyses GROUP BY state").fetchall()
        return {state: 0 for state in STATES} | dict(rows)

    def ids(self) -> set[str]:
        """Return all that has a folder: analyses and uploads."""
        rows = self._db().execute("SELECT id FROM analyses UNION SELECT id FROM uploads").fetchall()
        return {row[0] for row in rows}

    def unfinished(self, counted: str) -> int:
        """Return how many jobs of a caller wait or run."""
        found = "SELECT COUNT(*) FROM analyses WHERE counted = ? AND state IN ('queued', 'running')"
        return int(self._db().execute(found, (counted,)).fetchone()[0])

    def total_bytes(self) -> int:
        """Return the bytes of all analyses and uploads."""
        both = "SELECT (SELECT TOTAL(bytes) FROM analyses) + (SELECT TOTAL(length) FROM uploads)"
        return int(self._db().execute(both).fetchone()[0])

    def delete(self, id: str) -> bool:
        """Take an analysis out; gives whether its files may go now (else its worker takes them away)."""
        with self._writing() as db:
            db.execute("DELETE FROM analyses WHERE id = ? AND state NOT IN ('running', 'leaving')", (id,))
            return not db.execute("UPDATE analyses SET state = 'leaving' WHERE id = ?", (id,)).rowcount

    def expired(self, before: float) -> list[str]:
        """Take out what ended before a time, and what is to go and nobody works on; gives the ids."""
        with self._writing() as db:
            where = (
                "(ended < ? AND state IN ('done', 'partial', 'failed')) OR (state = 'leaving' AND lease < ?)"
            )
            gone = db.execute(f"SELECT id FROM analyses WHERE {where}", (before, time.time())).fetchall()
            db.executemany("DELETE FROM analyses WHERE id = ?", gone)
        return [row[0] for row in gone]

    # -- workers

    def claim(self, worker: str, is_dead: Callable[[str], bool]) -> Entry | None:
        """Lease the next job to `worker`: first those of workers that have died go back into the queue."""
        waiting = "SELECT 1 FROM analyses WHERE state IN ('queued', 'running') LIMIT 1"
        if self._db().execute(waiting).fetchone() is None:
            return None
        now = time.time()
        held = self._db().execute(
            "SELECT DISTINCT worker, lease < ? FROM analyses WHERE state = 'running' AND worker != ?",
            (now, worker),
        )
        dead = {name for name, late in held.fetchall() if late or is_dead(name)}
        with self._writing() as db:
            for name in dead:
                back = "state = 'running' AND worker = ? AND (lease < ? OR ?)"
                values = (name, now, is_dead(name))
                db.execute(
                    f"UPDATE analyses SET state = 'failed', ended = ?, worker = NULL, problem = ? WHERE"
                    f" {back} AND tries >= {MOST_TRIES}",
                    (
                        now,
                        f"The server stopped {MOST_TRIES} times while it read this file: it is set aside.",
                        *values,
                    ),
                )
                db.execute(f"UPDATE analyses SET state = 'queued', worker = NULL WHERE {back}", values)
            # What has failed before waits behind the others, so that it can't hold them up.
            row = db.execute(
                "UPDATE analyses SET state = 'running', tries = tries + 1, worker = ?, lease = ?, frames = 0,"
                " share = NULL, fps = NULL, seconds_left = NULL, started = COALESCE(started, ?)"
                " WHERE number ="
                " (SELECT number FROM analyses WHERE state = 'queued' ORDER BY tries, number LIMIT 1)"
                " RETURNING id",
                (worker, now + LEASE_SECONDS, now),
            ).fetchone()
        return self.get(row[0]) if row else None

    def beat(
        self, job: Entry, frames: int, share: float | None, fps: float | None, left: float | None
    ) -> bool:
        """Renew the lease of a job and note how far it is; False where it is not this worker's any more."""
        values = "lease = ?, frames = ?, share = ?, fps = ?, seconds_left = ?"
        return self._change(job, values, time.time() + LEASE_SECONDS, frames, share, fps, left)

    def finish(
        self, job: Entry, state: str, *, problem: str | None, outputs: dict[str, str], size: int
    ) -> bool:
        """Note how a job ended; False where it is not this worker's any more, and nothing of it counts."""
        values = (
            "state = ?, ended = ?, problem = ?, outputs = ?, bytes = ?, worker = NULL, seconds_left = NULL"
        )
        done = 1.0 if state == "done" else None
        return self._change(
            job,
            f"{values}, share = COALESCE(?, share)",
            state,
            time.time(),
            problem,
            json.dumps(outputs),
            size,
            done,
        )

    def give_back(self, job: Entry) -> bool:
        """Put a job back into the queue, as if it had not been begun."""
        return self._change(job, "state = 'queued', worker = NULL, tries = tries - 1")

    def left(self, job: Entry) -> None:
        """Take out a job that was deleted while this worker was at it."""
        with self._writing() as db:
            db.execute(
                "DELETE FROM analyses WHERE id = ? AND worker = ? AND tries = ? AND state = 'leaving'",
                (job.id, job.worker, job.tries),
            )

    def _change(self, job: Entry, values: str, *given: Any) -> bool:
        with self._writing() as db:
            own = "id = ? AND worker = ? AND tries = ? AND state = 'running'"
            change = db.execute(
                f"UPDATE analyses SET {values} WHERE {own}", (*given, job.id, job.worker, job.tries)
            )
            return change.rowcount == 1

    # -- uploads in parts, and what callers use

    def begin_upload(self, id: str, owner: str, counted: str, name: str, length: int) -> None:
        """Note an upload of `length` bytes that comes in parts."""
        with self._writing() as db:
            values = (id, owner, counted, name, length, time.time())
            db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)", values)

    def upload(self, id: str) -> tuple[str, str, int] | None:
        """Return owner, name and length of an upload; None where there is none."""
        found = "SELECT owner, name, length FROM uploads WHERE id = ?"
        row = self._db().execute(found, (id,)).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def touch_upload(self, id: str) -> None:
        """Note that an upload goes on."""
        with self._writing() as db:
            db.execute("UPDATE uploads SET touched = ? WHERE id = ?", (time.time(), id))

    def end_upload(self, id: str) -> bool:
        """Forget an upload; False where there was none (any more)."""
        with self._writing() as db:
            return bool(db.execute("DELETE FROM uploads WHERE id = ?", (id,)).rowcount)

    def stale_uploads(self, before: float) -> list[str]:
        """Forget the uploads that nothing has come for since a time; gives their ids."""
        with self._writing() as db:
            gone = db.execute("SELECT id FROM uploads WHERE touched < ?", (before,)).fetchall()
            db.executemany("DELETE FROM uploads WHERE id = ?", gone)
        return [row[0] for row in gone]

    def used(self, counted: str) -> tuple[int, float]:
        """Return the bytes and the seconds of video that a caller has used today."""
        found = "SELECT bytes, seconds FROM used WHERE counted = ? AND day = ?"
        row = self._db().execute(found, (counted, _today())).fetchone()
        return (int(row[0]), float(row[1])) if row else (0, 0.0)

    def use(self, counted: str, size: int, seconds: float) -> None:
        """Add to what a caller has used today; other days are forgotten."""
        with self._writing() as db:
            db.execute("DELETE FROM used WHERE day != ?", (_today(),))
            db.execute(
                "INSERT INTO used VALUES (?, ?, ?, ?) ON CONFLICT (counted, day) DO UPDATE"
                " SET bytes = bytes + excluded.bytes, seconds = seconds + excluded.seconds",
                (counted, _today(), size, seconds),
            )


def _write_ahead(db: sqlite3.Connection) -> None:
    """Let readers read while one writes; another process that does the same just now is waited for."""
    until = time.monotonic() + 30
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:  # busy: here SQLite does not wait by itself
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _today() -> int:
    return int(time.time() // 86_400)
