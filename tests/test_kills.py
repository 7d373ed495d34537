"""`kill -9` at any moment: what has its final name can be read, earlier outputs stay, the next run works."""

import multiprocessing
import os
import shutil
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from emotion_core.analysis import analyze
from emotion_core.files import sha256_of
from emotion_core.recognizer import Recognizer
from emotion_core.types import EmotionError
from tests.mutate import unreadable

FORMATS = ("json", "csv", "parquet")

# Children of a process that has imported everything and started nothing: a kill costs its own work only.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.test_kills", "cv2", "onnxruntime", "mediapipe", "pyarrow.parquet"])


def work(clip: str, pipe: Connection) -> None:
    """Analyse a clip when told to; everything is loaded before, so that the kills fall into the work."""
    recognizer = Recognizer.from_pretrained(threads=1)
    pipe.send("ready")
    pipe.recv()
    analyze(clip, recognizer=recognizer, formats=FORMATS)
    pipe.recv()


class Run:
    """A process that is ready to analyse."""

    def __init__(self, clip: Path) -> None:
        self.pipe, other = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=work, args=(str(clip), other), daemon=True)
        self.process.start()
        other.close()
        assert self.pipe.poll(120) and self.pipe.recv() == "ready"

    def go(self) -> None:
        self.pipe.send("go")

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained(threads=1)


def outputs(folder: Path) -> dict[str, str]:
    """The files under final names, by their content."""
    found = [p for p in folder.iterdir() if p.name != "talk.mp4" and ".partial." not in p.name]
    return {p.name: sha256_of(p) for p in found}


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
        run = Run(clip)
        run.go()
        time.sleep(rng.uniform(0, 1.2 * whole))
        run.kill()
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
    run = Run(clip)
    run.go()
    results = clip.with_name("talk_results.json")
    until = time.monotonic() + 60
    while not results.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert run.process.pid is not None
    os.kill(run.process.pid, signal.SIGSTOP)  # so that it is in the middle of its work for sure
    try:
        if results.with_name("talk_summary.json").exists():
            pytest.fail("the first run had ended before it was held")
        before = {p.name: p.stat().st_mtime_ns for p in clip.parent.iterdir()}
        with pytest.raises(EmotionError, match="another run is writing talk_"):
            analyze(clip, recognizer=recognizer)
        assert {p.name: p.stat().st_mtime_ns for p in clip.parent.iterdir()} == before
    finally:
        run.kill()
    assert analyze(clip, recognizer=recognizer).complete
