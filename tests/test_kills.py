"""`kill -9` at any moment: what has its final name can be read, earlier outputs stay, the next run works."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from emotion_core.analysis import analyze
from emotion_core.files import sha256_of
from emotion_core.recognizer import Recognizer
from emotion_core.types import EmotionError
from tests.mutate import unreadable

ROOT = Path(__file__).resolve().parent.parent
FORMATS = ("json", "csv", "parquet")

# Everything is loaded before the clock starts, so that the kills fall into the work.
RUN = """
import sys
from emotion_core.analysis import analyze
from emotion_core.recognizer import Recognizer
recognizer = Recognizer.from_pretrained(threads=1)
print("ready", flush=True)
sys.stdin.readline()
analyze(sys.argv[1], recognizer=recognizer, formats=("json", "csv", "parquet"))
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained(threads=1)


def outputs(folder: Path) -> dict[str, str]:
    """The files under final names, by their content."""
    found = [p for p in folder.iterdir() if p.name != "talk.mp4" and ".partial." not in p.name]
    return {p.name: sha256_of(p) for p in found}


def begin(clip: Path) -> subprocess.Popen[str]:
    """Start a process that is ready to analyse."""
    command = [sys.executable, "-c", RUN, str(clip)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for end in (process.stdin, process.stdout):
        assert end is not None
        end.close()


def kill_often(clip: Path, times: int, seed: int, recognizer: Recognizer) -> None:
    folder = clip.parent
    begun = time.monotonic()
    analyze(clip, recognizer=recognizer, formats=FORMATS)
    whole = time.monotonic() - begun
    rng = np.random.default_rng(seed)
    for number in range(times):
        if number % 2 == 0:  # half of them without an earlier result
            for path in folder.iterdir():
                if path != clip:
                    path.unlink()
        before = outputs(folder)
        process = begin(clip)
        go(process)
        time.sleep(rng.uniform(0, 1.2 * whole))
        kill(process)
        after = outputs(folder)
        assert not unreadable(folder, set(after)), number
        assert set(before) <= set(after)
        parts = [p for p in folder.iterdir() if ".partial." in p.name]
        if any("results" in p.name for p in parts):  # killed before the results were whole
            same = {name for name in before if "results" in name or "summary" in name}
            assert {name: after[name] for name in same} == {name: before[name] for name in same}
        result = analyze(clip, recognizer=recognizer, formats=FORMATS)
        assert result.complete and not unreadable(folder, {p.name for p in result.paths.values()})
        assert not [p.name for p in folder.iterdir() if ".partial." in p.name]


@pytest.fixture
def clip(talking_clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(talking_clip, tmp_path / "talk.mp4"))


@pytest.mark.weights
def test_six_kills(clip: Path, recognizer: Recognizer) -> None:
    kill_often(clip, 6, 0, recognizer)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.timeout(3600)
def test_a_hundred_kills(clip: Path, recognizer: Recognizer) -> None:
    kill_often(clip, 100, 1, recognizer)


@pytest.mark.weights
def test_a_second_run_is_told_before_it_starts(clip: Path, recognizer: Recognizer) -> None:
    process = begin(clip)
    go(process)
    results = clip.with_name("talk_results.json")
    until = time.monotonic() + 60
    while not results.exists() and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGSTOP)  # so that it is in the middle of its work for sure
    try:
        if results.with_name("talk_summary.json").exists():
            pytest.fail("the first run had ended before it was held")
        before = {p.name: p.stat().st_mtime_ns for p in clip.parent.iterdir()}
        with pytest.raises(EmotionError, match="another run is writing talk_"):
            analyze(clip, recognizer=recognizer)
        assert {p.name: p.stat().st_mtime_ns for p in clip.parent.iterdir()} == before
    finally:
        kill(process)
    assert analyze(clip, recognizer=recognizer).complete
