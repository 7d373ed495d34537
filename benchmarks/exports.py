"""`python -m benchmarks.exports`: an hour with three people into every format, each in a process of its own.

The recording is made: 30 pictures a second, an expression that lasts a second or two, as real ones do. For
each format it prints the processor's seconds and the largest memory; the goal is 10 s and 400 MB.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.conditions import conditions

SECONDS_GOAL, MEGABYTES_GOAL = 10.0, 400.0
PEOPLE, RATE = 3, 30


def make(folder: Path, minutes: float) -> Path:
    """Write the results of a recording of so many minutes, as Parquet; gives its path."""
    from emotion_core.labels import EMOTIONS
    from emotion_core.results.recording import Recording
    from emotion_core.types import Box, Face, Frame

    rng = np.random.default_rng(3)
    image = np.zeros((4, 4, 3), np.uint8)
    count = round(minutes * 60 * RATE)
    path = folder / "hour_results.json"
    about = {"source": {"name": "hour.mp4"}, "model": {"name": "made", "labels": list(EMOTIONS)}}
    shown = [0] * PEOPLE
    with Recording.create(path, about=about) as recording:
        for index in range(count):
            faces = []
            for number in range(PEOPLE):
                if rng.random() < 1 / 45:
                    shown[number] = int(rng.integers(len(EMOTIONS)))
                if number == 2 and index % 900 < 200:
                    continue  # the third person is away now and then
                shares = rng.dirichlet(np.ones(7)) * 0.4
                shares[shown[number]] += 0.6
                emotion = EMOTIONS[shown[number]]
                valence, arousal = float(rng.uniform(-1, 1)), float(rng.uniform())
                box = Box(100.0 * number + 1, 50, 80, 90)
                chances = tuple(float(share) for share in shares)
                confidence = chances[shown[number]]
                faces.append(Face(number + 1, box, emotion, confidence, chances, valence, arousal))
            recording.append(Frame(image, index, index / RATE), faces)
    return path


def converted(path: Path, fmt: str, folder: Path) -> dict[str, float]:
    """Convert a file in a process of its own; gives its processor's seconds and largest memory in MB."""
    command = [sys.executable, "-m", "benchmarks.exports", "--convert", str(path), fmt, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {key: float(value) for key, value in json.loads(done.stdout.splitlines()[-1]).items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each format that can be written here; gives 0 where all reach the goal."""
    from emotion_core.results.formats import available

    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, metavar="M", help="how long (default: 60)")
    parser.add_argument("--formats", default=",".join(available()), metavar="LIST", help="default: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there too")
    parser.add_argument("--convert", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.convert:
        from emotion_core.results.converting import convert

        path, fmt, folder = args.convert
        convert(path, [fmt], folder=folder)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"seconds": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}))
        return 0
    outcome = {}
    with tempfile.TemporaryDirectory() as place:
        path = make(Path(place), args.minutes)
        for fmt in args.formats.split(","):
            goal = Path(place) / fmt
            goal.mkdir()
            if fmt == "json":
                continue  # the recording is in it already
            outcome[fmt] = converted(path, fmt, goal)
            print(
                f"{fmt:10} {outcome[fmt]['seconds']:6.1f} s {outcome[fmt]['megabytes']:6.0f} MB", flush=True
            )
    if args.json:
        args.json.write_text(json.dumps({"conditions": conditions(), "outcome": outcome}, indent=1) + "\n")
    slow = max(one["seconds"] for one in outcome.values()) > SECONDS_GOAL
    large = max(one["megabytes"] for one in outcome.values()) > MEGABYTES_GOAL
    return int(slow or large)


if __name__ == "__main__":
    sys.exit(main())
