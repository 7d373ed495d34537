"""Many files at once: what two workers gain, what a file costs beside its reading, the scheduler's memory."""

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clip import write_clip
from benchmarks.conditions import ROOT
from benchmarks.measurement import Measurement
from benchmarks.process import family_seconds, status_mb

CLIPS = 24
SECONDS = 8.0
TURNS = 3
"""How often one worker is measured, each time between two readings without a batch."""
ROWS = 10_000
"""Files of the manifest whose work is next to nothing: they are no videos."""

# The same files by the same call of the library, one after the other in one process.
_PLAIN = """
import json, sys, time
from pathlib import Path
from emotion_core.analysis import analyze
from emotion_core.recognizer import Recognizer
recognizer = Recognizer.from_pretrained(threads=1)
first, *clips = sorted(Path(sys.argv[1]).iterdir())
for number, clip in enumerate([first, first, *clips]):
    if number == 1:
        begun, worked = time.perf_counter(), time.process_time()
    analyze(clip, recognizer=recognizer, output_dir=sys.argv[2], write_video=False)
spent = time.perf_counter() - begun, time.process_time() - worked
print(json.dumps([one / (len(clips) + 1) for one in spent]))
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds on the clock and of processor time, those of all processes together."""

    clock: float
    processor: float


def batch() -> list[Measurement]:
    """Time `main.py --batch`: two workers against one on one core, and one file against its plain reading."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = _clips(folder / "clips", CLIPS, SECONDS)
        one = {min(os.sched_getaffinity(0))}
        plain, single, starts = [_plain(clips, folder / "plain", one)], [], []
        for turn in range(TURNS):
            per_file, start = _batch(clips, folder / f"one{turn}", 1, one)
            single.append(per_file)
            starts.append(start)
            plain.append(_plain(clips, folder / f"plain{turn}", one))
        double, _ = _batch(clips, folder / "two", 2, set(os.sched_getaffinity(0)))
    return [
        Measurement(
            "--batch, 2 workers against 1 on one core",
            statistics.median(each.clock for each in single) / double.clock,
            *("times", 1.7, False),
        ),
        Measurement(
            "--batch, a file beside its reading, processor time",
            _more([each.processor for each in plain], [each.processor for each in single]),
            *("% more", 5),
        ),
        Measurement(
            "--batch, a file beside its reading, on the clock",
            _more([each.clock for each in plain], [each.clock for each in single]),
            *("% more", 5),
        ),
        Measurement("--batch, a file, processor time", statistics.median(e.processor for e in single), "s"),
        Measurement(
            "--batch, start with one worker, once, processor time",
            statistics.median(each.processor for each in starts),
            "s",
        ),
        Measurement(
            "--batch, start with one worker, once, on the clock",
            statistics.median(each.clock for each in starts),
            "s",
        ),
    ]


def batch_rows() -> list[Measurement]:
    """Watch the memory of `main.py --batch` over 10,000 rows of its manifest."""
    with tempfile.TemporaryDirectory() as name:
        small, large, tables = _memory(Path(name), ROWS)
    return [
        Measurement(f"--batch, scheduler after {ROWS // 10:,} rows", small, "MB"),
        Measurement(f"--batch, scheduler after {ROWS:,} rows", large, "MB"),
        Measurement("--batch, while it writes the tables of all", tables, "MB"),
        Measurement("--batch, scheduler, ten times the rows", 100 * (large / small - 1), "% more memory", 5),
    ]


def _more(plain: list[float], single: list[float]) -> float:
    """Return by how many percent a file takes longer in a batch: each turn against those beside it."""
    beside = [(before + after) / 2 for before, after in zip(plain, plain[1:], strict=False)]
    return 100 * (statistics.median(b / p for b, p in zip(single, beside, strict=True)) - 1)


def _clips(folder: Path, count: int, seconds: float) -> Path:
    """Make clips that differ by their names alone."""
    from skimage import data

    folder.mkdir()
    write_clip(folder / "000.mp4", data.astronaut(), width=640, height=480, seconds=seconds, rate=25)
    for number in range(1, count):
        shutil.copy(folder / "000.mp4", folder / f"{number:03}.mp4")
    return folder


def _plain(clips: Path, out: Path, cores: set[int]) -> Spent:
    """Return what one of the clips takes by itself; the first is read once more before."""
    out.mkdir()
    with _child(["-c", _PLAIN, str(clips), str(out)], cores, stdout=subprocess.PIPE) as child:
        said, _ = child.communicate()
    if child.returncode:
        raise RuntimeError("the clips could not be read one after the other")
    return Spent(*json.loads(said))


def _batch(clips: Path, out: Path, workers: int, cores: set[int]) -> tuple[Spent, Spent]:
    """Return what a clip took in a batch, and what came before the first ones.

    Files are counted from when each worker has ended its first one, for which it loads what it needs; what
    comes before that, less the time of a file, is the start of Dask and of its workers.
    """
    begun = time.time()
    first = last = 0.0  # processor time
    counted = 0
    with _child(_words(clips, out, workers), cores) as child:
        while child.poll() is None:
            time.sleep(0.05)
            # What workers have spent is known as long as they live: the program ends them before itself.
            spent, done = family_seconds(child.pid), _ended(out / "manifest.sqlite")
            if done >= workers and not counted:
                first, counted = spent, done
            if done == CLIPS:
                last = spent
                break
        child.wait()
    with closing(sqlite3.connect(out / "manifest.sqlite")) as db:
        rows = db.execute("SELECT ended, seconds, state FROM files ORDER BY ended").fetchall()
    if child.returncode or any(state != "done" for _, _, state in rows):
        raise RuntimeError("the batch did not read all of its files")
    if not last or counted == len(rows):
        raise RuntimeError("nobody saw the batch at its files")
    loaded = max(ended for ended, _, _ in rows[:workers])
    clock = (rows[-1][0] - loaded) / (len(rows) - workers)
    processor = (last - first) / (len(rows) - counted)
    start = min(ended for ended, _, _ in rows) - begun - clock
    return Spent(clock, processor), Spent(start, first - counted * processor)


def _memory(folder: Path, rows: int) -> tuple[float, float, float]:
    """Return the memory (MB) of the program that hands files out.

    After a tenth of the rows, over the last tenth of them, and at its end, with what writes tables.
    """
    files, out = folder / "rows", folder / "many"
    files.mkdir()
    for number in range(rows):
        (files / f"{number:05}.mp4").write_bytes(b"no video")
    found: dict[int, float] = {}
    with _child(_words(files, out, 2), set(os.sched_getaffinity(0)), stderr=subprocess.DEVNULL) as child:
        while child.poll() is None:
            time.sleep(0.2)
            done, size = _ended(out / "manifest.sqlite"), status_mb(child.pid, "VmRSS")
            if size:
                found[done] = size
    first = next((size for done, size in sorted(found.items()) if done >= rows // 10), 0.0)
    last = max((size for done, size in found.items() if rows * 9 // 10 <= done < rows), default=0.0)
    if not first or not last or _ended(out / "manifest.sqlite") != rows:
        raise RuntimeError("the batch did not come to the end of its rows, or nobody saw it")
    return first, last, max(found.values())


def _words(source: Path, out: Path, workers: int) -> list[str]:
    where = ["--batch", str(source), "--output", str(out)]
    return [str(ROOT / "main.py"), *where, "--workers", str(workers), "--no-objects"]


@contextmanager
def _child(words: list[str], cores: set[int], **streams: int) -> Iterator[subprocess.Popen[str]]:
    """Run Python on some cores only."""
    child = subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        **{"stdout": subprocess.DEVNULL, **streams},  # type: ignore[call-overload]
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def _ended(manifest: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{manifest}?mode=ro", uri=True, timeout=5)) as db:
            return int(db.execute("SELECT COUNT(*) FROM files WHERE ended IS NOT NULL").fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0
