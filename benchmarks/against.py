"""This tree against another revision: `python -m benchmarks --against REV`, and its records.

Both run as processes of their own and are asked in turns, so that whatever else the machine does meets both
alike. Ratios are of processor time: it tells of the work done, also where others use the machine.
"""

import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clip import write_clip
from benchmarks.conditions import ROOT
from benchmarks.parts import FIRST_FRAME
from benchmarks.process import processor_seconds
from benchmarks.revision import Runner, checked_out, python_of

CLIPS = ROOT.parent / "shared" / "clips"
ENDINGS = (".mp4", ".mov")

Sides = tuple[tuple[Path, str], tuple[Path, str]]
"""The other revision and this tree, each with its Python."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One measurement of both: work per frame in ms, old and new, and how many times less it is now."""

    name: str
    old: float
    new: float
    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, name: str, old: Sequence[float], new: Sequence[float]) -> "Pair":
        """Take the median of the turns' ratios, with the interval from the lowest to the highest."""
        ratios = [a / b for a, b in zip(old, new, strict=True)]
        middle = statistics.median
        return cls(name, middle(old), middle(new), middle(ratios), min(ratios), max(ratios))


def clips() -> list[Path]:
    """Return the shared clips, by name; none where they are not there."""
    return sorted(path for path in CLIPS.glob("*") if path.suffix in ENDINGS)


@contextlib.contextmanager
def both(revision: str) -> Iterator[tuple[Runner, Runner]]:
    """Run the other revision and this tree, in this order."""
    with (
        checked_out(revision) as tree,
        Runner(tree, python_of(tree)) as old,
        Runner(ROOT, sys.executable) as new,
    ):
        yield old, new


def _say(line: str) -> None:
    print(line, flush=True)


def pairs(revision: str, turns: int = 5, say: Callable[[str], None] = _say) -> list[Pair]:
    """Measure the live path, the network, whole videos and the start in turns; says each as it is found."""
    measurements: list[Pair] = []
    say(
        f"| processor time in ms | {revision} | this tree | times less (lowest to highest of {turns} turns) |"
    )
    say("|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, checked_out(revision) as tree:
        made = Path(folder) / "made.mp4"
        _write(made)
        sides = (tree, python_of(tree)), (ROOT, sys.executable)
        for pair in chain(_frames(sides, made, turns), _programs(sides, made, turns)):
            measurements.append(pair)
            say(row(pair))
    return measurements


def _frames(sides: Sides, made: Path, turns: int) -> Iterator[Pair]:
    """Measure single frames; a turn before the first warms both up."""
    names = ("sad_to_happy_hands.mp4", "webcam_near_far.mp4", "three_people_walk_in.mp4")
    with Runner(*sides[0]) as old, Runner(*sides[1]) as new:
        for clip in [made, *(CLIPS / name for name in names if (CLIPS / name).exists())]:
            asked = [[one.ask("live", clip=str(clip)) for one in (old, new)] for _ in range(turns + 1)][1:]
            yield _pair(f"a frame of {clip.stem}", asked, "work")
            yield _pair(f"its 95th percentile, {clip.stem}", asked, "p95")
        asked = [[one.ask("network") for one in (old, new)] for _ in range(turns + 1)][1:]
        yield _pair("encode + decide, one face", asked, "work")


def _programs(sides: Sides, made: Path, turns: int) -> Iterator[Pair]:
    """Measure whole programs, from the start of their process to its end."""
    video = ["main.py", "--video", str(made), "--no-objects", "--output", str(made.with_name("out.mp4"))]
    for name, words in (
        ("--video, annotated, 5 s of 640x360", video),
        ("the same without pictures", [*video[:-2], "--output", str(made.parent), "--no-video"]),
        ("the first frame of a video, from process start", ["-c", FIRST_FRAME, str(made)]),
    ):
        asked = [
            [{"work": processor_seconds([python, *words], tree)} for tree, python in sides]
            for _ in range(turns)
        ]
        yield _pair(name, asked, "work")


def row(pair: Pair) -> str:
    """Return a line of the Markdown table."""
    times = f"{pair.ratio:.2f} ({pair.low:.2f} to {pair.high:.2f})"
    return f"| {pair.name} | {pair.old:.3g} | {pair.new:.3g} | {times} |"


def _pair(name: str, turns: Sequence[Sequence[dict[str, float]]], field: str) -> Pair:
    each = [[one[field] * 1e3 for one in side] for side in zip(*turns, strict=True)]
    return Pair.of(name, *each)


def _write(path: Path) -> None:
    from skimage import data

    write_clip(path, np.ascontiguousarray(data.astronaut()), width=640, height=360, seconds=5, tone=True)


def records(revision: str, say: Callable[[str], None] = _say) -> dict[str, float]:
    """Compare what both read of the shared clips, field by field; says a line per clip, gives the whole."""
    say(
        "| clip | faces both see | one sees | labels equal | ids | valence | arousal | probabilities | pose |"
    )
    say("|---|---:|---:|---:|---|---:|---:|---:|---:|")
    everything: list[dict[str, Any]] = []
    with both(revision) as (old, new):
        for clip in clips():
            before, after = (one.ask("records", clip=str(clip))["rows"] for one in (old, new))
            outcome = compare(before, after)
            everything.append(outcome)
            ids = "same" if outcome["ids"] else "others"
            counts = f"{outcome['both']} | {outcome['alone']} | {outcome['labels']} | {ids}"
            means = " | ".join(f"{np.mean(outcome[name]):.4f}" if outcome[name] else "" for name in FIELDS)
            say(f"| {clip.stem} | {counts} | {means} |")
    faces = sum(one["both"] + one["alone"] for one in everything)
    whole = {"labels": sum(one["labels"] for one in everything) / max(1, faces)}
    for name in FIELDS:
        whole[name] = float(np.mean([value for one in everything for value in one[name]]))
    say(f"all: labels equal in {whole['labels']:.2%}, mean difference of " + ", ".join(
        f"{name} {whole[name]:.4f}" for name in FIELDS
    ))  # fmt: skip
    return whole


FIELDS = ("valence", "arousal", "probabilities", "pose")
"""Numbers of a record that are compared; `pose` in degrees."""


def compare(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Pair the rows of two runs by frame and id: how many agree, and the differences of each field."""
    old, new = ({(row["frame"], row["face"]): row for row in rows} for rows in (before, after))
    shared = sorted(old.keys() & new.keys())
    outcome: dict[str, Any] = {
        "both": len(shared),
        "alone": len(old.keys() ^ new.keys()),
        "labels": sum(old[key]["label"] == new[key]["label"] for key in shared),
        "ids": {face for _, face in old} == {face for _, face in new},
    }
    for name in FIELDS:
        outcome[name] = [
            float(np.abs(np.subtract(old[key][name], new[key][name])).mean())
            for key in shared
            if old[key][name] and new[key][name]
        ]
    return outcome
