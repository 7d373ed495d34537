"""Damaged videos and results files by the hundred: does each end in a result or in one line?

`python -m tests.mutate videos --count 1000` makes them from a seed, lets the program work on each in a
process with limits on time and memory, and counts how it ended. An input that ends badly is named by its
number, from which the same seed makes it again. None is kept.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = 120.0  # for a third of a second of video, or 200 rows: a hang even on a machine that is busy
MEMORY = 6 << 30  # bytes of address space that a process may take
BAD = ("traceback", "hang", "crash", "leftover", "unreadable", "wordy")
"""Endings that must not be; "done" and "refused" are the good ones."""


@dataclass
class Outcome:
    """How many inputs ended in which way, and what is known of those that ended badly."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, number: int, name: str, ending: str, detail: str) -> None:
        """Count one input."""
        self.counts[ending] += 1
        if ending in BAD:
            self.problems.append(f"{number} ({name}): {ending}: {detail}")


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Flip, cut, swap, repeat, insert or blank bytes, once or a few times."""
    out = bytearray(data)
    for _ in range(int(rng.choice([1, 1, 2, 5]))):
        size = len(out)
        if size < 16:
            break
        # Headers lie at the ends, where a change does more.
        at = int(
            rng.choice([rng.integers(size), rng.integers(min(size, 2048)), -rng.integers(1, min(size, 2048))])
        )
        at %= size
        length = int(min(size - at, rng.choice([1, 4, 64, 1000])))
        other = int(rng.integers(size - length + 1))
        match int(rng.integers(8)):
            case 0:
                for place in rng.integers(size, size=int(rng.choice([1, 8, 64]))):
                    out[place] ^= 1 << int(rng.integers(8))
            case 1:
                out[at : at + length] = rng.bytes(length)
            case 2:
                del out[at:]
            case 3:
                del out[at : at + length]
            case 4:
                out[at : at + length], out[other : other + length] = (
                    out[other : other + length], out[at : at + length],
                )  # fmt: skip
            case 5:
                out[at:at] = out[other : other + length]
            case 6:
                out[at:at] = rng.bytes(length)
            case 7:
                out[at : at + length] = bytes([int(rng.choice([0, 255]))]) * length
    return bytes(out)


ODD: tuple[Any, ...] = (
    None, True, -1, 2.5, 1e30, 1e308, -1e-320, 2**63, 2**64, 10**400, "", "NaN", "Happy", "\ud800", "0x10",
    "x" * 5000, "1,5", [], [1], {}, {"a": {"b": []}}, float("nan"), float("inf"), "2026-01-01", "=1+1",
    b"\xff\xfe".decode("latin-1"),
)  # fmt: skip
"""Values that have no business in a results table."""


def odd_records(records: list[dict[str, Any]], rng: np.random.Generator) -> list[Any]:
    """Put odd values, keys and shapes into records."""
    made: list[Any] = [dict(record) for record in records]
    share = float(rng.choice([0.02, 0.3, 1.0]))
    key = str(rng.choice(list(records[0])))
    value = ODD[int(rng.integers(len(ODD)))]
    kind = int(rng.integers(6))
    for i in np.flatnonzero(rng.random(len(made)) < share):
        match kind:
            case 0:
                made[i][key] = value
            case 1:
                made[i].pop(key)
            case 2:
                made[i] = value
            case 3:
                made[i]["probabilities"] = {str(k): value for k in ("Angry", key, "p_", "")}
            case 4:
                made[i]["box"] = [value] * int(rng.integers(6))
            case 5:
                made[i][str(value)] = made[i].pop(key)
    return made


def nested(depth: int) -> bytes:
    """Lists in lists, deeper than any reader goes along with."""
    return b"[" * depth + b"]" * depth


def write_results(base: list[dict[str, Any]], place: Path, rng: np.random.Generator) -> Path:
    """Write one damaged results file: JSON, CSV or Parquet, its bytes or what it says changed, or both."""
    records = odd_records(base, rng) if rng.random() < 0.6 else list(base)
    ending = str(rng.choice([".json", ".json", ".csv", ".parquet"]))
    target = place / f"made_results{ending}"
    if ending == ".json":
        data = (
            json.dumps(records).encode()
            if rng.random() < 0.95
            else nested(int(rng.choice([100, 5000, 200_000])))
        )
    else:
        data = _as_table(records, ending, rng)
    if rng.random() < 0.5:
        data = damage(data, rng)
    target.write_bytes(data)
    return target


def _as_table(records: list[Any], ending: str, rng: np.random.Generator) -> bytes:
    import pandas as pd

    rows = [
        {k: str(v) if isinstance(v, list | dict) else v for k, v in r.items()} if isinstance(r, dict) else {}
        for r in records
    ]
    rows = [
        {_utf8(k): _utf8(v) for k, v in row.items()} for row in rows
    ]  # tables hold no halves of characters
    table = pd.DataFrame(rows)
    names = list(table.columns)
    if names and rng.random() < 0.3:
        names[int(rng.integers(len(names)))] = str(rng.choice(names))  # a column twice
    if ending == ".csv":
        table.columns = pd.Index(names)
        text = table.to_csv(index=False, sep=str(rng.choice([",", ",", ";", "\t"])))
        encoding = str(rng.choice(["utf-8", "utf-8", "utf-16", "latin-1"]))
        return text.encode(encoding, errors="replace")
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = []
    for name in table.columns:
        try:
            arrays.append(pa.array(table[name], from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            arrays.append(pa.array([None if v is None else str(v)[:100] for v in table[name]]))
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, names=names), out)
    return out.getvalue()


def _utf8(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def base_videos(folder: Path) -> list[Path]:
    """Make short videos and pictures of a face in the usual containers and codecs."""
    from PIL import Image
    from skimage import data

    from tests.made import encode

    face = np.ascontiguousarray(data.astronaut()[0:240:2, 110:310:2][:112, :96])
    images = [np.ascontiguousarray(np.roll(face, i, 1)) for i in range(8)]
    encode(folder / "a.mp4", images, tone="aac")
    encode(folder / "b.mkv", images, tone="libopus")
    encode(folder / "c.webm", images, codec="libvpx", tone="libopus")
    encode(folder / "d.ts", images, tone="aac")
    encode(folder / "e.avi", images, codec="mpeg4")
    encode(folder / "f.mov", images, codec="mjpeg", pix_fmt="yuvj420p")
    for name in ("g.gif", "h.jpg", "i.png", "j.tif", "k.webp", "l.bmp"):
        first, *rest = (Image.fromarray(image) for image in images)
        first.save(folder / name, **({"save_all": True, "append_images": rest} if name == "g.gif" else {}))
    return sorted(folder.iterdir())


def base_records() -> list[dict[str, Any]]:
    """Give 200 good records of two people."""
    from tests.tables import records_of, rows_of

    letters = "HHNNSAU.D" * 12
    return records_of(rows_of(letters)) + records_of(rows_of(letters[:92], face=2, start=20.0))


def run(
    kind: str, count: int, seed: int = 0, first: int = 0, say: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Make `count` damaged inputs of a kind ("videos" or "results") from `first` on, and try each."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "base").mkdir()
        bases: list[Any] = base_videos(place / "base") if kind == "videos" else [base_records()]
        with _Worker(kind, place) as worker:
            for number in range(first, first + count):
                rng = np.random.default_rng([seed, number])
                folder = place / f"{number}"
                folder.mkdir()
                base = bases[int(rng.choice(len(bases), p=_shares(len(bases))))]
                if kind == "videos":
                    path = folder / f"talk{base.suffix}"
                    path.write_bytes(damage(base.read_bytes(), rng))
                else:
                    path = write_results(base, folder, rng)
                ending, detail = worker.ask(path)
                outcome.add(number, path.name, ending, detail)
                say(f"{number} {path.name}: {ending} {detail}")
                shutil.rmtree(folder)
    return outcome


def _shares(count: int) -> np.ndarray:
    """Give the containers of videos, which come first, four times the share of a picture."""
    weights = np.array([4.0 if i < 6 else 1.0 for i in range(count)])
    return weights / weights.sum()


class _Worker:
    """A process that works on one input after the other, and is replaced when it dies or hangs."""

    def __init__(self, kind: str, place: Path) -> None:
        self._kind, self._place = kind, place
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._end, other = self._context.Pipe()
        self._process = self._context.Process(
            target=_work, args=(other, self._kind, str(self._place)), daemon=True
        )
        self._process.start()
        other.close()
        assert self._end.poll(120) and self._end.recv() == "ready"

    def ask(self, path: Path) -> tuple[str, str]:
        self._end.send(str(path))
        try:
            if self._end.poll(SECONDS):
                ending, detail = self._end.recv()
                return ending, detail
            ending, detail = "hang", f"more than {SECONDS:.0f} s"
        except (EOFError, ConnectionResetError):
            self._process.join(10)
            ending, detail = "crash", f"exit code {self._process.exitcode}"
        self._stop()
        self._start()
        return ending, detail

    def _stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._end.close()

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()


def _work(pipe: Connection, kind: str, place: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    temporary = Path(place) / "tmp"
    temporary.mkdir(exist_ok=True)
    tempfile.tempdir = str(temporary)
    work = _video_worker() if kind == "videos" else _read_results
    pipe.send("ready")
    while True:
        path = Path(pipe.recv())
        before = set(temporary.iterdir())
        heard = io.StringIO()
        try:
            with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(io.StringIO()):
                ending, detail = work(path, heard)
        except Exception:
            ending, detail = "traceback", traceback.format_exc()[-1500:]
        if left := set(temporary.iterdir()) - before:
            ending, detail = "leftover", f"{sorted(p.name for p in left)}"
        pipe.send((ending, detail))


def _video_worker() -> Callable[[Path, io.StringIO], tuple[str, str]]:
    import functools

    import main
    from emotion_core.recognizer import Recognizer

    # The weights are loaded once: it is the input that is tried here.
    Recognizer.from_pretrained = functools.cache(Recognizer.from_pretrained)  # type: ignore[method-assign]

    def work(path: Path, heard: io.StringIO) -> tuple[str, str]:
        code = main.main(["--video", str(path), "--format", "json,csv,parquet", "--no-objects"])
        lines = heard.getvalue().strip().splitlines()
        names = {p.name for p in path.parent.iterdir()} - {path.name}
        spoken = (
            all(line.startswith("main.py: talk") for line in lines) and len(lines) <= 6
        )  # remarks, a line each
        if code not in (0, 1, 2) or (code and not (lines and spoken)):
            return "wordy", f"code {code}: {lines[:5]}"
        if odd := [n for n in names if "partial" in n or not n.startswith("talk_")]:
            return "leftover", f"{odd}"
        if problem := unreadable(path.parent, names):
            return "unreadable", problem
        return ("done" if "talk_results.json" in names else "refused"), "; ".join(lines)[:300]

    return work


def unreadable(folder: Path, names: set[str]) -> str:
    """Give what can't be read of a program's outputs in a folder, or an empty text."""
    from emotion_core.results.recording import read_results
    from emotion_core.types import EmotionError
    from emotion_core.video.reader import Frames, identify

    for name in sorted(names):
        try:
            if "_summary" in name:
                json.loads((folder / name).read_text())
            elif name.endswith((".json", ".csv", ".parquet")):
                read_results(folder / name)
            elif name.endswith(".mp4"):
                with Frames(identify(folder / name)) as reader:
                    assert sum(1 for _ in reader) and not reader.problem, reader.problem
        except (EmotionError, ValueError, AssertionError) as error:
            return f"{name}: {error}"
    return ""


def _read_results(path: Path, heard: io.StringIO) -> tuple[str, str]:
    from emotion_core.analytics import loading
    from emotion_core.results.recording import read, read_results, summarize
    from emotion_core.types import EmotionError

    try:
        json.dumps(summarize(read_results(path)))
        read(path)
        loading.read(path)
    except EmotionError as error:
        line = str(error)
        return ("refused", line) if len(line.splitlines()) == 1 and len(line) < 600 else ("wordy", line[:800])
    return ("done", "") if not heard.getvalue() else ("wordy", heard.getvalue()[:800])


def main(argv: list[str] | None = None) -> int:
    """Try inputs from the command line; give 1 where one ends badly."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("kind", choices=("videos", "results"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--each", action="store_true", help="a line for each input")
    args = parser.parse_args(argv)
    begun = time.monotonic()
    say: Callable[[str], None] = (lambda text: print(text, flush=True)) if args.each else (lambda _: None)
    outcome = run(args.kind, args.count, args.seed, args.first, say)
    print("\n".join(outcome.problems))
    counts = ", ".join(f"{outcome.counts[e]} {e}" for e in ("done", "refused", *BAD))
    print(f"{args.count} {args.kind}, seed {args.seed}: {counts}; {time.monotonic() - begun:.0f} s")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
