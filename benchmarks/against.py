"""This tree against another revision: `python -m benchmarks --against REV`, and its records.

Both run as processes of their own and are asked in turns, so that whatever else the machine does meets both
alike. Where a row is in processor time, others may use the machine: it tells of the work done.
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

from benchmarks.clip import crowd, write_clip
from benchmarks.conditions import ROOT
from benchmarks.parts import FIRST_FRAME
from benchmarks.process import run
from benchmarks.revision import Runner, checked_out, python_of
from benchmarks.viewers import watched

CLIPS = ROOT.parent / "shared" / "clips"
ENDINGS = (".mp4", ".mov")

Sides = tuple[tuple[Path, str], tuple[Path, str]]
"""The other revision and this tree, each with its Python."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One measurement of both, old and new, and how many times less it is now."""

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
    """Measure live frames, the network, whole programs and the web app in turns; says each as it is found."""
    measurements: list[Pair] = []
    say(f"| what | {revision} | this tree | times less (lowest to highest of {turns} turns) |")
    say("|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, checked_out(revision) as tree:
        place = Path(folder)
        sides = (tree, python_of(tree)), (ROOT, sys.executable)
        for pair in chain(
            _frames(sides, place, turns),
            _crowd(sides, place, turns),
            _programs(sides, place, turns),
            _viewers(sides, turns),
        ):
            measurements.append(pair)
            say(row(pair))
    return measurements


def _frames(sides: Sides, place: Path, turns: int) -> Iterator[Pair]:
    """Measure single frames in processor time; a turn before the first warms both up."""
    names = ("sad_to_happy_hands.mp4", "webcam_near_far.mp4", "three_people_walk_in.mp4")
    made = _made(place / "made.mp4", 640, 360)
    with Runner(*sides[0]) as old, Runner(*sides[1]) as new:
        for clip in [made, *(CLIPS / name for name in names if (CLIPS / name).exists())]:
            asked = [[one.ask("live", clip=str(clip)) for one in (old, new)] for _ in range(turns + 1)][1:]
            yield _pair(f"a frame of {clip.stem}, ms", asked, "work")
            yield _pair(f"its 95th percentile, {clip.stem}, ms", asked, "p95")
        asked = [[one.ask("network") for one in (old, new)] for _ in range(turns + 1)][1:]
        yield _pair("encode + decide, one face, ms", asked, "work")


def _crowd(sides: Sides, place: Path, turns: int) -> Iterator[Pair]:
    """Measure a frame of one face and of sixteen, both in 1920x1080, and the one against the other."""
    counts, asked = (1, 16), []
    clips = [_made(place / f"{count}.mp4", 1920, 1080, faces=count, seconds=4 / 3) for count in counts]
    with Runner(*sides[0]) as old, Runner(*sides[1]) as new:
        for _ in range(turns + 1):
            asked.append([[one.ask("live", clip=str(c), skip=10) for c in clips] for one in (old, new)])
    seen = [[one["faces"] for one in side] for side in asked[0]]
    if any(tuple(side) != counts for side in seen):
        raise RuntimeError(f"of {counts} faces {seen[0]} were found by the revision, {seen[1]} by this tree")
    for i, count in enumerate(counts):
        yield _pair(f"a frame with faces: {count}, ms", [[s[i] for s in turn] for turn in asked[1:]], "work")
    ratios = [[many["work"] / one["work"] for one, many in turn] for turn in asked[1:]]
    yield Pair.of("cost of 16 faces against 1", *zip(*ratios, strict=True))


def _programs(sides: Sides, place: Path, turns: int) -> Iterator[Pair]:
    """Measure whole programs, from the start of their process to its end."""
    usual = _made(place / "720.mp4", 1280, 720, seconds=20)
    large = _made(place / "4k.mp4", 3840, 2160, seconds=2)
    out = ["--no-objects", "--output", str(place / "out.mp4")]
    for name, words in (
        ("--video, annotated, 20 s of 1280x720", ["main.py", "--video", str(usual), *out]),
        ("the same without pictures", ["main.py", "--video", str(usual), *out, "--no-video"]),
        ("--video, annotated, 2 s of 3840x2160", ["main.py", "--video", str(large), *out]),
        ("the first frame of a video, from process start", ["-c", FIRST_FRAME, str(usual)]),
    ):
        ran = [[run(words, python, tree) for tree, python in sides] for _ in range(turns)]
        for what in ("processor", "seconds", "peak_mb"):
            each = [[getattr(one, what) for one in side] for side in zip(*ran, strict=True)]
            yield Pair.of(f"{name}: {_UNITS[what]}", *each)


_UNITS = {"processor": "processor time, s", "seconds": "wall-clock time, s", "peak_mb": "peak memory, MB"}


def _viewers(sides: Sides, turns: int) -> Iterator[Pair]:
    """Measure how long each of four live views of the web app waits from one answer to the next."""
    asked = [[1e3 / min(watched(4, 10.0, python, tree)) for tree, python in sides] for _ in range(turns)]
    yield Pair.of("web app, four live viewers, ms from one answer to the next", *zip(*asked, strict=True))


def row(pair: Pair) -> str:
    """Return a line of the Markdown table."""
    times = f"{pair.ratio:.2f} ({pair.low:.2f} to {pair.high:.2f})"
    return f"| {pair.name} | {pair.old:.3g} | {pair.new:.3g} | {times} |"


def _pair(name: str, turns: Sequence[Sequence[dict[str, float]]], field: str) -> Pair:
    each = [[one[field] * 1e3 for one in side] for side in zip(*turns, strict=True)]
    return Pair.of(name, *each)


def _made(path: Path, width: int, height: int, *, faces: int = 0, seconds: float = 5) -> Path:
    """Write a clip of one face that fills the picture, or of `faces` in rows of it, and return its path."""
    from skimage import data

    picture = np.ascontiguousarray(data.astronaut())
    if not faces:
        write_clip(path, picture, width=width, height=height, seconds=seconds, tone=True)
        return path
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "16"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for image in crowd(picture, width, height, faces, round(30 * seconds)):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(video.encode(None))
    return path


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
