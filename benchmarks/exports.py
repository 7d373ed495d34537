"""`python -m benchmarks.exports`: an hour with three people into every format, each in a process of its own.

The recording is made, at 30 pictures a second. For each format it prints the processor's seconds and the
largest memory, those of reading the results and of starting Python in them; the goal is 10 s and 400 MB.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import process
from benchmarks.conditions import conditions
from benchmarks.dashboard import write_hour

SECONDS_GOAL, MEGABYTES_GOAL = 10.0, 400.0


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each format that can be written here; gives 0 where all reach the goal."""
    from emotion_core.results.formats import available

    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, metavar="M", help="how long (default: 60)")
    parser.add_argument("--formats", metavar="LIST", help="default: all that can be written here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there too")
    parser.add_argument("--convert", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.convert:
        from emotion_core.results.converting import convert

        path, fmt, folder = args.convert
        convert(path, [fmt], folder=folder)
        print(time.process_time())
        return 0
    formats = args.formats.split(",") if args.formats else available()
    outcome = {}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "hour_results.json"
        write_hour(path, args.minutes * 60, 3)
        for fmt in formats:
            if fmt == "json":
                continue  # the recording is in it already
            folder = Path(place) / fmt
            folder.mkdir()
            done = process.run(["-m", "benchmarks.exports", "--convert", str(path), fmt, str(folder)])
            outcome[fmt] = {"seconds": float(done.output.split()[-1]), "megabytes": done.peak_mb}
            print(f"{fmt:10} {outcome[fmt]['seconds']:6.1f} s {done.peak_mb:6.0f} MB", flush=True)
    if args.json:
        args.json.write_text(json.dumps({"conditions": conditions(), "outcome": outcome}, indent=1) + "\n")
    slow = max(one["seconds"] for one in outcome.values()) > SECONDS_GOAL
    large = max(one["megabytes"] for one in outcome.values()) > MEGABYTES_GOAL
    return int(slow or large)


if __name__ == "__main__":
    sys.exit(main())
