"""Where the ledger's tables are: in a file of SQLite, or in a PostgreSQL database by its address.

The statements are the ledger's, the same for both, with `?` for values. What differs between the two stands
here: how to connect, the type of a number that counts up, and how a row that is being taken is passed over.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import psycopg

MOST_CONNECTIONS = 8
"""Connections of one process to PostgreSQL; its threads take turns."""
WAIT_SECONDS = 30.0
"""How long a statement waits for the file."""
CONNECT_SECONDS = 10.0
"""How long it waits for a connection to PostgreSQL, which may be away."""
NUMBERED = "NUMBERED"
"""What stands in the tables for the type of a number that counts up."""
_LOCK = 78_600_001  # of PostgreSQL's advisory locks, while the tables are made


class Rows(Protocol):
    """What a statement gives."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    def fetchone(self) -> Any:
        """Return the next row; None after the last."""

    def fetchall(self) -> Sequence[Any]:
        """Return all rows that are left."""


class Writer(Protocol):
    """A transaction that goes on."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Rows:
        """Run one statement."""


class Database(Protocol):
    """Tables that several threads and processes may use at once."""

    failures: tuple[type[Exception], ...]  # what may be over in a moment: a lock, a lost connection
    take: str  # ends a SELECT that chooses a row to be changed: one that somebody else takes is passed over

    def prepare(self, tables: str, version: int) -> str:
        """Make the tables where there are none; gives the ledger's id, which is random.

        Raises EmotionError where the database can't be had, or is of another version.
        """

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a SELECT and return its rows."""

    def writing(self) -> AbstractContextManager[Writer]:
        """Give a transaction: what is done in it is done as a whole, or not at all."""

    def close(self) -> None:
        """Let go of the connections of all threads."""


def open_database(where: Path | str) -> Database:
    """Return the database of a file, or of an address as text."""
    return Postgres(where) if isinstance(where, str) else Sqlite(where)


class Sqlite:
    """A file, with a connection for each thread; one process writes at a time."""

    failures: tuple[type[Exception], ...] = (sqlite3.OperationalError,)
    take = ""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._local = threading.local()

    def prepare(self, tables: str, version: int) -> str:
        """Make the tables where there are none; the id is empty, as the file lies with what it tells of."""
        try:
            with self.writing() as db:
                found = db.execute("PRAGMA user_version").fetchone()[0]
                if found == 0:
                    for statement in _parted(tables):
                        db.execute(statement.replace(NUMBERED, "INTEGER PRIMARY KEY AUTOINCREMENT"))
                    db.execute(f"PRAGMA user_version = {version}")
        except sqlite3.Error as error:
            line = f"{self._file} can't be opened ({error}): choose another data folder."
            raise EmotionError(line) from error
        if found not in (0, version):
            line = f"{self._file} is of another version of this program: choose another data folder."
            raise EmotionError(line)
        return ""

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self._file, timeout=WAIT_SECONDS, isolation_level=None)
            _write_ahead(db)
            db.execute("PRAGMA synchronous = FULL")
            self._local.db = db
        return db

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a SELECT and return its rows."""
        return self._db().execute(statement, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Give a transaction that nobody else writes beside."""
        db = self._db()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def close(self) -> None:
        """Do nothing: a connection goes with its thread."""


def _parted(tables: str) -> list[str]:
    return [statement for statement in tables.split(";\n") if statement.strip()]


def _write_ahead(db: sqlite3.Connection) -> None:
    """Let readers read while one writes; another process that does the same just now is waited for."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:  # busy: here SQLite does not wait by itself
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


class Postgres:
    """A database of PostgreSQL, with a few connections that threads take in turn."""

    take = "FOR UPDATE SKIP LOCKED"

    def __init__(self, address: str) -> None:
        """Take an address, `postgresql://USER@HOST/NAME`; raises EmotionError without the driver."""
        try:
            import psycopg
            from psycopg_pool import ConnectionPool
        except ImportError as error:
            line = "PostgreSQL needs psycopg: pip install 'emotion-recognition[postgresql]'."
            raise EmotionError(line) from error
        self.failures: tuple[type[Exception], ...] = (psycopg.OperationalError,)
        self._wrong = psycopg.Error
        self._pool = ConnectionPool(
            address,
            min_size=1,
            max_size=MOST_CONNECTIONS,
            timeout=CONNECT_SECONDS,
            open=False,
            # A connection that the database has closed meanwhile is replaced before it is handed out.
            check=ConnectionPool.check_connection,
            kwargs={"autocommit": True, "application_name": "emotion-recognition"},
        )
        self._connect = lambda: psycopg.connect(address, connect_timeout=int(CONNECT_SECONDS))

    def prepare(self, tables: str, version: int) -> str:
        """Make the tables where there are none; gives the ledger's id."""
        try:
            with self._connect() as db:
                db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                db.execute(
                    "CREATE TABLE IF NOT EXISTS emotion_ledger (version BIGINT NOT NULL, id TEXT NOT NULL)"
                )
                found = db.execute("SELECT version, id FROM emotion_ledger").fetchone()
                if found is None:
                    found = (version, secrets.token_hex(16))
                    for statement in _parted(tables):
                        db.execute(_own(statement))
                    db.execute("INSERT INTO emotion_ledger VALUES (%s, %s)", found)
        except self._wrong as error:
            why = " ".join(str(error).split())
            raise EmotionError(f"The database can't be used ({why}): check its address.") from error
        if found[0] != version:
            raise EmotionError("The database is of another version of this program: choose another one.")
        self._pool.open()
        return str(found[1])

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a SELECT and return its rows."""
        with self._pool.connection() as db:
            return db.execute(_own(statement), values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Give a transaction; its statements see what others have committed before each."""
        with self._pool.connection() as db, db.transaction():
            yield _PostgresWriter(db)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _PostgresWriter:
    """Runs the ledger's statements as PostgreSQL writes them."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self._db = db

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Rows:
        """Run one statement."""
        return self._db.execute(_own(statement), values)


def _own(statement: str) -> bytes:
    """Return a statement of the ledger, which holds no `?` and no `%` of its own, as the driver takes it."""
    numbered = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    return statement.replace("?", "%s").replace(NUMBERED, numbered).encode()
