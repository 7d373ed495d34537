"""The queue alone: what is leased, given back, set aside and forgotten; tokens and their file."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotion_core.types import EmotionError
from tests.postgres import Postgres
from webapp.service import ledger as ledgers
from webapp.service.folder import DataFolder, new_id, plain_name
from webapp.service.ledger import Entry, Ledger
from webapp.service.tokens import Tokens
from webapp.shared.problems import ProblemError


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where a ledger may be: in a file, and in an empty database where there is a PostgreSQL."""
    if request.param == "sqlite":
        yield tmp_path / "ledger.sqlite"
    else:
        yield request.getfixturevalue("postgres").new()


@pytest.fixture
def ledger(where: Path | str) -> Iterator[Ledger]:
    opened = Ledger(where)
    yield opened
    opened.close()


def alive(worker: str) -> bool:
    """Nobody is known to be dead."""
    return False


def add(ledger: Ledger, key: str | None = None, owner: str = "token:lab") -> Entry:
    return ledger.add(new_id(), owner=owner, counted=owner, name="a.mp4", options="{}", key=key)


def end(ledger: Ledger, job: Entry, state: str = "done") -> bool:
    return ledger.finish(job, state, problem=None, outputs={"json": "a.json"}, size=10)


def test_jobs_are_leased_in_turn_and_once(ledger: Ledger) -> None:
    ids = [add(ledger).id for _ in range(3)]
    claimed = [ledger.claim(f"w{number}", alive) for number in range(4)]
    assert [job.id for job in claimed if job] == ids and claimed[3] is None
    assert ledger.unfinished("token:lab") == 3
    assert claimed[0] and end(ledger, claimed[0]) and not end(ledger, claimed[0])
    assert (found := ledger.get(ids[0])) and found.state == "done" and found.paths == {"json": "a.json"}
    assert ledger.counts() == {"queued": 0, "running": 2, "done": 1, "partial": 0, "failed": 0}


def test_the_job_of_a_dead_worker_goes_to_another_and_nothing_of_the_first_counts(ledger: Ledger) -> None:
    first, second = add(ledger), add(ledger)
    lost = ledger.claim("dead", alive)
    assert lost and lost.id == first.id
    one = ledger.claim("w", lambda name: name == "dead")
    two = ledger.claim("w", lambda name: name == "dead")
    assert one and two
    # What has been begun before waits behind what has not.
    assert (one.id, two.id, two.tries) == (second.id, first.id, 2)
    assert not ledger.beat(lost, 1, None, None, None) and not end(ledger, lost)
    assert ledger.beat(two, 5, 0.5, 20.0, 3.0) and end(ledger, two)
    assert (found := ledger.get(first.id)) and found.frames == 5 and found.tries == 2


def test_a_lease_that_is_not_renewed_ends(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ledger)
    monkeypatch.setattr(ledgers, "LEASE_SECONDS", -1.0)
    lost = ledger.claim("elsewhere", alive)
    monkeypatch.setattr(ledgers, "LEASE_SECONDS", 30.0)
    found = ledger.claim("here", alive)
    assert lost and found and found.id == lost.id and not ledger.beat(lost, 0, None, None, None)
    assert ledger.claim("third", alive) is None


def test_a_job_that_stops_every_server_is_set_aside(ledger: Ledger) -> None:
    id = add(ledger).id
    for number in range(ledgers.MOST_TRIES):
        job = ledger.claim(f"w{number}", lambda name: True)
        assert job and job.tries == number + 1
    assert ledger.claim("last", lambda name: True) is None
    assert (found := ledger.get(id)) and found.state == "failed" and "set aside" in (found.problem or "")


def test_a_job_that_is_given_back_was_never_begun(ledger: Ledger) -> None:
    add(ledger)
    job = ledger.claim("w", alive)
    assert job and ledger.give_back(job)
    again = ledger.claim("w", alive)
    assert again and again.id == job.id and again.tries == 1


def test_a_deleted_job_is_gone_at_once_and_its_worker_hears_of_it(ledger: Ledger) -> None:
    waits, runs = add(ledger), add(ledger)
    assert ledger.delete(waits.id) and ledger.get(waits.id) is None
    job = ledger.claim("w", alive)
    assert job and job.id == runs.id
    assert not ledger.delete(runs.id) and ledger.get(runs.id) is None
    assert not ledger.beat(job, 0, None, None, None) and runs.id in ledger.ids()
    ledger.left(job)
    assert runs.id not in ledger.ids()


def test_what_is_old_is_forgotten(ledger: Ledger) -> None:
    old = add(ledger)
    job = ledger.claim("w", alive)
    assert job and end(ledger, job)
    young = add(ledger)
    assert ledger.expired(time.time() - 60) == []
    assert ledger.expired(time.time() + 60) == [old.id] and ledger.get(young.id)


def test_equal_keys_are_one_analysis_for_one_caller(ledger: Ledger) -> None:
    assert add(ledger, "k").id == add(ledger, "k").id
    assert add(ledger, "k").id != add(ledger, "k", owner="token:guest").id
    assert len(ledger.page("token:lab", 10, None, None)) == 1


WORKER = """
import sys
from pathlib import Path
from webapp.service.folder import DataFolder
from webapp.service.ledger import Ledger
folder = DataFolder(Path(sys.argv[1]))
ledger = Ledger(sys.argv[2] if "://" in sys.argv[2] else Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
while (job := ledger.claim(folder.worker, folder.is_dead)) is not None:
    print(job.id, flush=True)
    if "--hold" in sys.argv:
        sys.stdin.readline()
    assert ledger.finish(job, "done", problem=None, outputs={}, size=0)
"""


def worker(data: Path, where: Path | str, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WORKER, str(data), str(where), *more]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def test_several_processes_take_each_job_once(tmp_path: Path, where: Path | str, ledger: Ledger) -> None:
    folder = DataFolder(tmp_path / "data")
    ids = [add(ledger).id for _ in range(60)]
    workers = [worker(folder.root, where) for _ in range(3)]
    said = [process.communicate("go\n", timeout=120)[0].split() for process in workers]
    assert sorted(id for one in said for id in one) == sorted(ids)
    assert ledger.counts()["done"] == 60
    assert {entry.tries for entry in ledger.page("token:lab", 100, None, None)} == {1}


def test_a_killed_process_is_known_to_be_dead_at_once(
    tmp_path: Path, where: Path | str, ledger: Ledger
) -> None:
    folder = DataFolder(tmp_path / "data")
    id = add(ledger).id
    process = worker(folder.root, where, "--hold")
    assert process.stdin and process.stdout
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline().strip() == id
    assert ledger.claim(folder.worker, folder.is_dead) is None
    process.kill()
    process.wait()
    job = ledger.claim(folder.worker, folder.is_dead)
    assert job and job.id == id and job.tries == 2


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("talk.mp4", "talk.mp4"), ("../../etc/passwd", "passwd"), ("C:\\films\\a.mov", "a.mov"),
        ("..", "upload"), ("", "upload"), (".hidden", "hidden"), ("a\0b\n.mp4", "ab.mp4"),
        ("ü" * 200 + ".mp4", "ü" * 60 + ".mp4"),
    ],
)  # fmt: skip
def test_a_name_from_outside_is_a_plain_one(given: str, name: str) -> None:
    assert plain_name(given) == name


def test_a_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path / "l.sqlite")
    with sqlite3.connect(tmp_path / "l.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(EmotionError, match="another version"):
        Ledger(tmp_path / "l.sqlite")
    (tmp_path / "file").write_text("no database, and long enough to be looked at" * 30)
    with pytest.raises(EmotionError, match="can't be opened"):
        Ledger(tmp_path / "file")


def test_a_database_that_is_none_of_ours_is_told_in_one_line(postgres: Postgres) -> None:
    address = postgres.new()
    Ledger(address).close()
    postgres.run(address, "UPDATE emotion_ledger SET version = 99")
    with pytest.raises(EmotionError, match="another version"):
        Ledger(address)
    with pytest.raises(EmotionError, match="can't be used") as caught:
        Ledger(address.replace("emotion@", "nobody:hidden-word@"))
    assert "hidden-word" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_ledger_outlives_a_stop_of_its_database(postgres: Postgres) -> None:
    ledger = Ledger(postgres.new())
    id = add(ledger).id
    postgres.restart()
    job = ledger.claim("w", alive)
    assert job and job.id == id and end(ledger, job)
    postgres.stop()
    with pytest.raises(ledger.failures):
        ledger.beat(job, 0, None, None, None)
    postgres.start()
    assert ledger.counts()["done"] == 1
    ledger.close()


def test_a_folder_and_a_database_stay_together(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.belong_to("one", fresh=True)
    folder.belong_to("one", fresh=False)
    for other in ("two", ""):
        with pytest.raises(EmotionError, match="begun together"):
            folder.belong_to(other, fresh=True)
    plain = DataFolder(tmp_path / "plain")
    Ledger(plain.ledger_file)
    plain.belong_to("", fresh=False)
    with pytest.raises(EmotionError, match="begun together"):
        plain.belong_to("one", fresh=True)
    with pytest.raises(EmotionError, match="begun together"):
        DataFolder(tmp_path / "new").belong_to("one", fresh=False)


# -- tokens

SECRET = "a-secret-of-more-than-20-letters"


def test_tokens_come_and_go_with_their_file(tmp_path: Path) -> None:
    import hashlib

    file = tmp_path / "tokens"
    hashed = hashlib.sha256(b"another-secret-of-some-length").hexdigest()
    file.write_text(
        f"# of the lab, and of its nights\nlab {SECRET} requests=5 jobs=2\n\nnight sha256:{hashed}\n"
    )
    tokens = Tokens(file, f"env {SECRET}x, more {SECRET}y")
    found = tokens.find(SECRET)
    assert found and (found.name, found.limits) == ("lab", {"requests": 5.0, "jobs": 2.0})
    assert (night := tokens.find("another-secret-of-some-length")) and night.name == "night"
    assert (env := tokens.find(SECRET + "y")) and env.name == "more"
    assert tokens.find(SECRET + "z") is None and tokens.find("") is None and tokens.find(None) is None
    assert SECRET not in repr(vars(tokens)) + repr(found)
    file.write_text("night sha256:" + hashed + "\nbroken\n")  # a line that is none hurts no other
    assert tokens.find(SECRET) is None and not tokens.is_good(found) and tokens.is_good(night)
    file.unlink()
    assert tokens.find("another-secret-of-some-length") is None and tokens.find(SECRET + "x")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("lab", "NAME TOKEN"), ("lab short", "20 or more"), (f"l/b {SECRET}", "NAME TOKEN"),
        (f"lab {SECRET} requests=many", "no limit"), (f"lab {SECRET} days=3", "no limit"),
        (f"lab {SECRET}é", "20 or more"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_token_is_told_without_its_secret(line: str, says: str) -> None:
    with pytest.raises(EmotionError, match=says) as caught:
        Tokens(None, line)
    assert SECRET not in str(caught.value)


def test_a_problem_is_one_line() -> None:
    body = json.loads(bytes(ProblemError(404, "two\nlines").response().body))
    assert body == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "two lines"}
