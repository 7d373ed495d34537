"""A batch from the command line: killed, called again, and again after a change; then read as a study."""

import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pyarrow.dataset
import pytest

from emotion_core.batch import cluster
from emotion_core.batch import run as batch
from emotion_core.batch.settings import Settings
from emotion_core.files import sha256_of
from main import main

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("P01/talk.mp4", "P02/talk.mp4", "003.mp4")

pytestmark = pytest.mark.weights


def waited_for(what: Callable[[], bool], seconds: float = 240) -> bool:
    limit = time.monotonic() + seconds
    while not what() and time.monotonic() < limit:
        time.sleep(0.02)
    return what()


def states(out: Path) -> dict[str, tuple[str, int]]:
    """State and tries of each file by its NAME; nothing before the manifest is there."""
    try:
        with sqlite3.connect(f"file:{out / 'manifest.sqlite'}?mode=ro", uri=True) as db:
            return {
                name: (state, tries)
                for name, state, tries in db.execute("SELECT name, state, tries FROM files")
            }
    except sqlite3.OperationalError:
        return {}


def count_of(out: Path, state: str) -> int:
    return sum(found == state for found, _ in states(out).values())


def words(source: Path, out: Path, *more: str) -> list[str]:
    return ["--batch", str(source), "--output", str(out), "--no-objects", *more]


def listening(process: psutil.Process) -> list[Any]:
    return [port for port in process.net_connections() if port.status == psutil.CONN_LISTEN]


@pytest.fixture(scope="module")
def source(talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips, two of one name, and a file that is none."""
    folder = tmp_path_factory.mktemp("videos")
    for name in NAMES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(talking_clip, folder / name)
    (folder / "bad.mp4").write_bytes(b"no video" * 50)
    return folder


@pytest.fixture(scope="module")
def study(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a call leaves that was killed with its scheduler after the first results, and then again."""
    out = tmp_path_factory.mktemp("out") / "study"
    command = [
        sys.executable,
        str(ROOT / "main.py"),
        *words(source, out, "--workers", "2", "--format", "csv"),
    ]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert waited_for(lambda: count_of(out, "done") > 0 or first.poll() is not None)
        workers = psutil.Process(first.pid).children(recursive=True)
        assert workers and first.poll() is None, "it had ended before it could be killed"
        ports = [port for p in (psutil.Process(first.pid), *workers) for port in listening(p)]
        assert len(ports) >= 3 and {port.laddr.ip for port in ports} == {"127.0.0.1"}
    finally:
        first.kill()
        first.wait()
    assert waited_for(lambda: not any(p.is_running() and p.status() != "zombie" for p in workers), 30)
    kept = {path: path.stat().st_mtime_ns for path in (out / "results").glob("*_results.json")}
    second = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert second.returncode == 1, second.stderr  # of the file that is no video
    assert "3 of 4 files done" in second.stdout and "Traceback" not in second.stderr
    assert second.stderr.count("bad.mp4 is no video") == 1
    done = [name for name, (state, _) in states(out).items() if state == "done"]
    assert len(done) == 3
    # What was moved and noted before the kill was not read again.
    assert sum(path.stat().st_mtime_ns == when for path, when in kept.items()) >= len(kept) - 2
    yield out


def test_every_file_has_a_row_and_is_begun_once(study: Path, source: Path) -> None:
    assert states(study) == {
        "003": ("done", 1),
        "talk": ("done", 1),
        "talk_mp4": ("done", 1),
        "bad": ("failed", 1),
    }
    with (study / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {str(source / name) for name in (*NAMES, "bad.mp4")}
    for path, row in rows.items():
        assert row["sha256"] == sha256_of(Path(path)) and float(row["seconds_spent"]) > 0
    assert "no video" in rows[str(source / "bad.mp4")]["error"]


def test_nothing_is_left_of_the_call_that_was_killed(study: Path) -> None:
    assert {path.name for path in study.iterdir()} == {
        *("results", "dataset", "manifest.sqlite", "manifest.csv", "manifest.parquet"),
        *("summary.csv", "summary.parquet", ".batch"),
    }
    assert {path.name for path in (study / "results").iterdir()} == {
        f"{name}_{what}"
        for name in ("003", "talk", "talk_mp4")
        for what in ("results.json", "results.csv", "summary.json")
    }


def test_each_file_has_what_a_single_video_has(study: Path, source: Path, tmp_path: Path) -> None:
    beside = tmp_path / "results"  # as deep as the study's, for the path in the summary
    beside.mkdir()
    clip = source / "P02" / "talk.mp4"
    assert (
        main(["--video", str(clip), "--output", str(beside), "--no-objects", "--no-video", "--format", "csv"])
        == 0
    )
    for kind in ("results.json", "results.csv"):
        assert (study / "results" / f"talk_mp4_{kind}").read_bytes() == (beside / f"talk_{kind}").read_bytes()
    one, other = (
        json.loads(p.read_text())
        for p in (study / "results" / "talk_mp4_summary.json", beside / "talk_summary.json")
    )
    for summary, folder in ((one, study / "results"), (other, beside)):
        assert (folder / summary["source"].pop("path")).samefile(clip)
        summary.pop("made")
    assert one == other


def test_the_data_set_is_read_as_one(study: Path) -> None:
    records = pd.read_parquet(study / "dataset")
    assert records["file"].value_counts().to_dict() == {"003_file": 50, "talk": 50, "talk_mp4": 50}
    lazy = pyarrow.dataset.dataset(study / "dataset", partitioning="hive")
    some = lazy.to_table(columns=["valence"], filter=pyarrow.dataset.field("file") == "talk")
    single = json.loads((study / "results" / "talk_results.json").read_text())
    assert some["valence"].to_pylist() == pytest.approx([record["valence"] for record in single], abs=1e-6)
    polars = pytest.importorskip("polars")
    frame = polars.scan_parquet(study / "dataset", hive_partitioning=True)
    assert frame.filter(polars.col("file") == "003_file").select("time").collect().height == 50


def test_the_summary_table_has_the_figures_of_each_summary(study: Path) -> None:
    table = pd.read_parquet(study / "summary.parquet")
    assert sorted(table["file"]) == ["003_file", "talk", "talk_mp4"] and set(table["state"]) == {"done"}
    face = json.loads((study / "results" / "talk_summary.json").read_text())["faces"][0]
    row = table.set_index("file").loc["talk"]
    assert row["valence_mean"] == face["valence"]["mean"] and row["arousal_sd"] == face["arousal"]["sd"]
    assert row["share_Happy"] == face["share"]["Happy"] and row["seconds"] == face["seconds"]
    assert row["longest_run_seconds"] == face["longest_run"]["seconds"] and row["face"] == face["face"]
    plain = pd.read_csv(study / "summary.csv")
    assert list(plain.columns) == list(table.columns)
    assert plain["emodiversity"].to_numpy() == pytest.approx(table["emodiversity"].to_numpy(), nan_ok=True)


def test_what_has_not_changed_is_not_read_again(
    study: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (study / "results").iterdir()}
    assert main(words(source, study, "--format", "csv")) == 1
    assert "3 of 4 files done" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in (study / "results").iterdir()}


def of_process(folder: str) -> list[psutil.Process]:
    """The children of this process that have a file open in a folder whose name begins so."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if any(folder in file.path for file in child.open_files()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def test_a_file_that_kills_its_worker_twice_is_set_aside_and_costs_no_other(
    source: Path, tmp_path: Path
) -> None:
    """Whoever opens something for the second file is killed, as a file would that brings its reader down."""
    out, over, killed = tmp_path / "out", threading.Event(), []
    sources = [(str(source / name), {}) for name in NAMES]

    def poison() -> None:
        while not over.wait(0.005):
            for room in out.glob(".work-*-2-*"):
                for process in of_process(room.name):
                    process.kill()
                    killed.append(room.name)

    thread = threading.Thread(target=poison)
    thread.start()
    notes: list[str] = []
    try:
        ended = batch.run(sources, out, Settings(), workers=1, note=notes.append)
    finally:
        over.set()
        thread.join()
    assert len(set(killed)) == 2, "it was not killed twice"
    assert states(out) == {"talk": ("done", 1), "talk_mp4": ("aside", 2), "003": ("done", 1)}
    assert [error for _, _, error in ended.troubled] == [
        "a worker died while it read this file; set aside, tried 2 times"
    ]
    assert len(notes) == 2 and not list(out.glob(".work-*"))
    assert sorted(pd.read_parquet(out / "dataset")["file"].unique()) == ["003_file", "talk"]


def test_ctrl_c_leaves_the_rest_for_the_next_call(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, str(ROOT / "main.py"), *words(source, out, "--workers", "1")]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert waited_for(lambda: count_of(out, "done") > 0)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does, to the workers too
    said, errors = child.communicate(timeout=120)
    assert child.returncode == 1 and "Traceback" not in errors
    left = count_of(out, "waiting")
    assert left and f"stopped, {left} left: the same call goes on" in errors
    assert (out / "summary.csv").read_text().count("\n") == 1 + count_of(out, "done")
    assert count_of(out, "running") == 0 and not list(out.glob(".work-*"))


def test_what_dask_is_told_is_what_it_knows() -> None:
    """It takes any name: a setting that is called otherwise by now would do nothing."""
    import dask
    import distributed  # noqa: F401 - it brings its settings

    known = dask.config.merge(*dask.config.defaults)
    described = re.findall(r"\b(DASK_[A-Z_]+)=(\S+)", (ROOT / "docs" / "cluster.md").read_text("utf-8"))
    told = dask.config.collect_env({name: value for name, value in described if "__TLS__" not in name})
    assert told["distributed"]["worker"]["profile"]["enabled"] is False
    for name in (*cluster.settings(1, "/scratch"), *leaves(told)):
        assert dask.config.get(name, default=KeyError, config=known) is not KeyError, name


def leaves(settings: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield above + name
