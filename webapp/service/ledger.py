"""The queue of analyses and their states, in a database: what a killed server knows again when it starts.

Several processes may share one ledger. Each job is leased to one worker, which renews the lease; a job whose
worker has died goes to another. What a worker writes counts only while the lease is its own.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from webapp.service.database import NUMBERED, open_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEASE_SECONDS = 30.0
"""How long a worker that can't be asked counts as alive after its last sign of life."""
MOST_TRIES = 5
"""Starts of one analysis: one that takes the server down with it every time is set aside."""
OPEN = ("queued", "running")
STATES = (*OPEN, "done", "partial", "failed")
_VERSION = 1
_TABLES = f"""
CREATE TABLE analyses (
  number {NUMBERED}, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
  counted TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL, library TEXT,
  state TEXT NOT NULL DEFAULT 'queued', tries BIGINT NOT NULL DEFAULT 0, worker TEXT, lease DOUBLE PRECISION,
  created DOUBLE PRECISION NOT NULL, started DOUBLE PRECISION, ended DOUBLE PRECISION,
  frames BIGINT NOT NULL DEFAULT 0, share DOUBLE PRECISION, fps DOUBLE PRECISION,
  seconds_left DOUBLE PRECISION, problem TEXT, bytes BIGINT NOT NULL DEFAULT 0,
  outputs TEXT NOT NULL DEFAULT '{{}}', repeat_key TEXT, fingerprint TEXT);
CREATE UNIQUE INDEX repeated ON analyses (counted, repeat_key) WHERE repeat_key IS NOT NULL;
CREATE INDEX by_state ON analyses (state, tries, number);
CREATE INDEX by_owner ON analyses (owner, number);
CREATE TABLE uploads (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, counted TEXT NOT NULL, name TEXT NOT NULL,
  length BIGINT NOT NULL, touched DOUBLE PRECISION NOT NULL);
CREATE TABLE used (
  counted TEXT NOT NULL, day BIGINT NOT NULL, bytes BIGINT NOT NULL DEFAULT 0,
  seconds DOUBLE PRECISION NOT NULL DEFAULT 0, PRIMARY KEY (counted, day));
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
    """The tables of one site; safe to use from several threads and processes."""

    def __init__(self, where: Path | str) -> None:
        """Open or make them, in a file or in the database of an address.

        Raises EmotionError where they are of another version or can't be had.
        """
        self._db = open_database(where)
        self.failures = self._db.failures
        self.id = self._db.prepare(_TABLES, _VERSION)

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def _entries(self, where: str, *values: Any) -> list[Entry]:
        return [Entry(*row) for row in self._db.read(f"SELECT {_COLUMNS} FROM analyses {where}", values)]

    def _one(self, statement: str, *values: Any) -> Any:
        """Return the first row that a statement reads; None where there is none."""
        return next(iter(self._db.read(statement, values)), None)

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
        while True:
            with self._db.writing() as db:
                new = db.execute(
                    "INSERT INTO analyses (id, owner, counted, name, options, library, created, bytes,"
                    " repeat_key, fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (made, owner, counted, name, options, library, time.time(), size, key, fingerprint),
                ).rowcount
            if new or key is None:
                return self._entries("WHERE id = ?", made)[0]
            if (known := self.of_key(counted, key)) is not None:  # else it was deleted just now
                return known

    def of_key(self, counted: str, key: str) -> Entry | None:
        """Return the analysis that a caller has put in with this key, if there is one."""
        return next(iter(self._entries("WHERE counted = ? AND repeat_key = ?", counted, key)), None)

    def get(self, id: str) -> Entry | None:
        """Return an analysis; None where there is none, or none any more."""
        return next(iter(self._entries("WHERE id = ? AND state != 'leaving'", id)), None)

    def page(self, owner: str, limit: int, before: int | None, state: str | None) -> list[Entry]:
        """Return up to `limit` analyses of `owner`, the newest first, older than the number `before`."""
        where = ["owner = ?", "state != 'leaving'"]
        values: list[Any] = [owner]
        if before is not None:
            where, values = [*where, "number < ?"], [*values, before]
        if state is not None:
            where, values = [*where, "state = ?"], [*values, state]
        order = f"ORDER BY number DESC LIMIT {int(limit)}"
        return self._entries(f"WHERE {' AND '.join(where)} {order}", *values)

    def counts(self) -> dict[str, int]:
        """Return how many analyses there are of each state."""
        rows = self._db.read("SELECT state, COUNT(*) FROM analyses GROUP BY state")
        return {state: 0 for state in STATES} | dict(rows)

    def ids(self) -> set[str]:
        """Return all that has a folder: analyses and uploads."""
        rows = self._db.read("SELECT id FROM analyses UNION SELECT id FROM uploads")
        return {row[0] for row in rows}

    def unfinished(self, counted: str) -> int:
        """Return how many jobs of a caller wait or run."""
        found = "SELECT COUNT(*) FROM analyses WHERE counted = ? AND state IN ('queued', 'running')"
        return int(self._one(found, counted)[0])

    def total_bytes(self) -> int:
        """Return the bytes of all analyses and uploads."""
        both = ("(SELECT SUM(bytes) FROM analyses)", "(SELECT SUM(length) FROM uploads)")
        return int(self._one(f"SELECT COALESCE({both[0]}, 0) + COALESCE({both[1]}, 0)")[0])

    def delete(self, id: str) -> bool:
        """Take an analysis out; gives whether its files may go now (else its worker takes them away)."""
        with self._db.writing() as db:
            runs = "UPDATE analyses SET state = 'leaving' WHERE id = ? AND state IN ('running', 'leaving')"
            if db.execute(runs, (id,)).rowcount:
                return False
            # One that is taken in this moment is deleted all the same, and its worker hears of it.
            db.execute("DELETE FROM analyses WHERE id = ?", (id,))
            return True

    def expired(self, before: float) -> list[str]:
        """Take out what ended before a time, and what is to go and nobody works on; gives the ids."""
        where = "(ended < ? AND state IN ('done', 'partial', 'failed')) OR (state = 'leaving' AND lease < ?)"
        return self._gone(f"DELETE FROM analyses WHERE {where} RETURNING id", before, time.time())

    def _gone(self, statement: str, *values: Any) -> list[str]:
        with self._db.writing() as db:
            return [row[0] for row in db.execute(statement, values).fetchall()]

    # -- workers

    def claim(self, worker: str, is_dead: Callable[[str], bool]) -> Entry | None:
        """Lease the next job to `worker`: first those of workers that have died go back into the queue."""
        waiting = "SELECT 1 FROM analyses WHERE state IN ('queued', 'running') LIMIT 1"
        if self._one(waiting) is None:
            return None
        now = time.time()
        held = self._db.read(
            "SELECT DISTINCT worker, lease < ? FROM analyses WHERE state = 'running' AND worker != ?",
            (now, worker),
        )
        dead = {name for name, late in held if late or is_dead(name)}
        with self._db.writing() as db:
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
                " WHERE number = (SELECT number FROM analyses WHERE state = 'queued'"
                f" ORDER BY tries, number LIMIT 1 {self._db.take}) RETURNING id",
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
        with self._db.writing() as db:
            db.execute(
                "DELETE FROM analyses WHERE id = ? AND worker = ? AND tries = ? AND state = 'leaving'",
                (job.id, job.worker, job.tries),
            )

    def _change(self, job: Entry, values: str, *given: Any) -> bool:
        with self._db.writing() as db:
            own = "id = ? AND worker = ? AND tries = ? AND state = 'running'"
            change = db.execute(
                f"UPDATE analyses SET {values} WHERE {own}", (*given, job.id, job.worker, job.tries)
            )
            return change.rowcount == 1

    # -- uploads in parts, and what callers use

    def begin_upload(self, id: str, owner: str, counted: str, name: str, length: int) -> None:
        """Note an upload of `length` bytes that comes in parts."""
        with self._db.writing() as db:
            values = (id, owner, counted, name, length, time.time())
            db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)", values)

    def upload(self, id: str) -> tuple[str, str, int] | None:
        """Return owner, name and length of an upload; None where there is none."""
        found = "SELECT owner, name, length FROM uploads WHERE id = ?"
        row = self._one(found, id)
        return None if row is None else (row[0], row[1], row[2])

    def touch_upload(self, id: str) -> None:
        """Note that an upload goes on."""
        with self._db.writing() as db:
            db.execute("UPDATE uploads SET touched = ? WHERE id = ?", (time.time(), id))

    def end_upload(self, id: str) -> bool:
        """Forget an upload; False where there was none (any more)."""
        with self._db.writing() as db:
            return bool(db.execute("DELETE FROM uploads WHERE id = ?", (id,)).rowcount)

    def stale_uploads(self, before: float) -> list[str]:
        """Forget the uploads that nothing has come for since a time; gives their ids."""
        return self._gone("DELETE FROM uploads WHERE touched < ? RETURNING id", before)

    def used(self, counted: str) -> tuple[int, float]:
        """Return the bytes and the seconds of video that a caller has used today."""
        found = "SELECT bytes, seconds FROM used WHERE counted = ? AND day = ?"
        row = self._one(found, counted, _today())
        return (int(row[0]), float(row[1])) if row else (0, 0.0)

    def use(self, counted: str, size: int, seconds: float) -> None:
        """Add to what a caller has used today; other days are forgotten."""
        with self._db.writing() as db:
            db.execute("DELETE FROM used WHERE day != ?", (_today(),))
            db.execute(
                "INSERT INTO used VALUES (?, ?, ?, ?) ON CONFLICT (counted, day) DO UPDATE"
                " SET bytes = used.bytes + excluded.bytes, seconds = used.seconds + excluded.seconds",
                (counted, _today(), size, seconds),
            )


def _today() -> int:
    return int(time.time() // 86_400)
