"""Two hundred files, two workers killed on the way and then the scheduler: no result is lost or doubled."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from benchmarks.clip import write_clip
from emotion_core.batch import cluster
from emotion_core.files import sha256_of

ROOT = Path(__file__).resolve().parent.parent
FILES = 200
FRAMES = 10

pytestmark = [pytest.mark.slow, pytest.mark.weights, pytest.mark.timeout(3600)]


def ended(out: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{out / 'manifest.sqlite'}?mode=ro", uri=True, timeout=30)) as db:
            return int(db.execute("SELECT COUNT(*) FROM files WHERE state = 'done'").fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0


def kill_a_worker(pid: int, spared: set[str]) -> str:
    """Kill a worker in the middle of a file that is not `spared`; gives the number of the file."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        for child in psutil.Process(pid).children(recursive=True):
            try:
                parts = [part for file in child.open_files() for part in Path(file.path).parts]
            except psutil.Error:
                continue
            numbers = {part.split("-")[2] for part in parts if part.startswith(".work-")}
            if numbers and not numbers & spared:
                child.send_signal(signal.SIGKILL)
                return numbers.pop()
    raise AssertionError("no worker was found at a file")


@pytest.fixture(scope="module")
def clips(_astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "000.mp4", _astronaut, width=320, height=240, seconds=FRAMES / 10, rate=10)
    for number in range(1, FILES):
        shutil.copy(folder / "000.mp4", folder / f"{number:03}.mp4")
    return folder


def test_two_hundred_files_with_two_workers_and_the_scheduler_killed(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    words = ["--batch", str(clips), "--output", str(out), "--workers", "2", "--no-objects"]
    command = [sys.executable, str(ROOT / "main.py"), *words]
    hit: set[str] = set()
    log = tmp_path / "errors"
    with log.open("w") as errors:
        first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    for at in (FILES * 3 // 20, FILES * 7 // 20):
        while ended(out) < at:
            assert first.poll() is None, log.read_text()
            time.sleep(0.2)
        hit.add(kill_a_worker(first.pid, hit))
    while ended(out) < FILES * 11 // 20:
        assert first.poll() is None, log.read_text()
        time.sleep(0.2)
    first.kill()
    first.wait()
    assert len(hit) == 2 and log.read_text().count("a worker died while it read this file") == 2
    done = ended(out)
    assert FILES // 2 < done < FILES
    before = {path: path.stat().st_mtime_ns for path in (out / "results").glob("*_results.json")}
    second = subprocess.run(command, capture_output=True, text=True, timeout=3000)
    assert second.returncode == 0, second.stderr
    assert f"{FILES} of {FILES} files done" in second.stdout

    with closing(sqlite3.connect(out / "manifest.sqlite")) as db:
        rows = db.execute(
            "SELECT state, tries, COUNT(*) FROM files GROUP BY state, tries ORDER BY tries"
        ).fetchall()
    assert rows == [("done", 1, FILES - 2), ("done", 2, 2)], "only what a dead worker was at is begun again"
    again = [path.name for path, when in before.items() if path.stat().st_mtime_ns != when]
    assert len(again) <= len(before) - done <= 2, "what was done before the kill is not read again"
    results = sorted((out / "results").glob("*_results.json"))
    assert len(results) == FILES and len({sha256_of(path) for path in results}) == 1
    records = pd.read_parquet(out / "dataset", columns=["file", "frame"])
    counts = records["file"].value_counts()
    assert len(counts) == FILES and set(counts) == {FRAMES}
    people = pd.read_csv(out / "summary.csv")
    assert len(people) == FILES and people["file"].is_unique
    assert not list(out.glob(".work-*"))


def workers() -> list[psutil.Process]:
    """The processes of workers, those that are just starting too."""
    below = psutil.Process().children(recursive=True)
    return [one for one in below if one.status() != "zombie" and "spawn_main" in " ".join(one.cmdline())]


def test_a_worker_that_takes_long_to_come_back_is_waited_for() -> None:
    """Dask gives one up after a quarter of a minute, in which a busy machine has not even imported it."""
    with cluster.own(1, 1) as client:
        (first,) = workers()
        first.kill()
        until = time.monotonic() + 300
        while not (anew := [one for one in workers() if one != first]):
            assert time.monotonic() < until, "it is not begun anew"
            time.sleep(0.05)
        anew[0].suspend()
        time.sleep(25)
        anew[0].resume()
        assert client.submit(pow, 2, 3, pure=False).result(timeout=300) == 8
        assert workers() == anew
