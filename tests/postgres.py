"""A PostgreSQL of one's own for tests: started in a folder of its own, where its programs are installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest


def programs() -> Path | None:
    """Return the folder with `initdb` and `pg_ctl`, as Debian has it or on the path; None without them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


@dataclass
class Postgres:
    """A running database server that listens on this machine alone."""

    programs: Path
    folder: Path
    user: dict[str, Any]  # who runs it: it refuses root
    port: int
    _numbers: "count[int]" = field(default_factory=count)

    def call(self, program: str, *words: str) -> None:
        command = [str(self.programs / program), *words]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=120, **self.user
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        # Its output may not keep the pipe of this call open.
        self.call(
            "pg_ctl",
            *("-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options, "-w", "start"),
        )

    def stop(self) -> None:
        self.call("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def run(self, address: str, statement: str) -> None:
        import psycopg

        with psycopg.connect(address, autocommit=True) as db:
            db.execute(statement.encode())

    def new(self) -> str:
        """Make an empty database; gives its address."""
        name = f"emotion_{next(self._numbers)}"
        at = f"postgresql://emotion@127.0.0.1:{self.port}"
        self.run(f"{at}/postgres", f"CREATE DATABASE {name}")
        return f"{at}/{name}"


@contextmanager
def running() -> Iterator[Postgres]:
    """Run a server; skips the test where there is none, or no driver."""
    pytest.importorskip("psycopg_pool")
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="emotion-postgres-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        entry = next((one for one in pwd.getpwall() if one.pw_name in ("postgres", "nobody")), None)
        if entry is None:
            pytest.skip("nobody to run PostgreSQL as")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Postgres(found, folder, user, port)
    try:
        # Whoever reaches the port on this machine is let in but "nobody", for whom a password is asked.
        server.call("initdb", "-D", str(folder / "data"), "-U", "emotion", "-A", "trust", "--no-sync")
        rules = folder / "data" / "pg_hba.conf"
        rules.write_text("host all nobody 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
