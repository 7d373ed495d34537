"""`python -m benchmarks.stream`: how late the API's stream answers thirty pictures a second."""

import argparse
import io
import json
import sys
import time
from collections.abc import Iterator

import numpy as np
from PIL import Image

from benchmarks.clip import drift
from benchmarks.conditions import conditions
from benchmarks.measurement import Measurement, table
from benchmarks.process import spent_seconds, status_mb
from benchmarks.serving import running
from emotion_core.client import Client

RATE = 30.0
MOST_LATE = 60.0  # ms above the model's own, 95th percentiles


def paced(pictures: list[bytes], seconds: float) -> Iterator[tuple[bytes, float]]:
    """Yield `RATE` pictures a second, each stamped with the time at which it was due."""
    begun = time.monotonic()
    for number in range(int(seconds * RATE)):
        due = begun + number / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        yield pictures[number % len(pictures)], due


def pictures_of(count: int) -> list[bytes]:
    """Return JPEG pictures of 640x480 with one drifting face: NASA's photograph of Eileen Collins."""
    from skimage import data

    made = []
    for image in drift(data.astronaut(), 640, 480, count, RATE):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=85)
        made.append(file.getvalue())
    return made


def measure(seconds: float) -> list[Measurement]:
    """Send pictures for so long; latency is from the time at which a picture was due to its answer.

    The model's own time is what the server says it took to decode and read the picture.
    """
    late, model, memory, overtaken = [], [], [], 0
    pictures = pictures_of(200)
    with running() as (url, app), Client(url) as client:
        list(client.stream(paced(pictures, min(10.0, seconds)), newest=True))
        begun, used = time.monotonic(), spent_seconds(app.pid)
        for answer in client.stream(paced(pictures, seconds), newest=True):
            late.append((time.monotonic() - (answer.stamp or 0.0)) * 1000)
            model.append(answer.milliseconds)
            overtaken += answer.dropped
            if len(late) % round(RATE) == 0:
                memory.append(status_mb(app.pid))
        took, used = time.monotonic() - begun, spent_seconds(app.pid) - used
    third, part = len(late) // 3, max(1, len(memory) // 3)
    p95 = float(np.percentile(late, 95))
    own = float(np.percentile(model, 95))
    grown = float(np.median(memory[-part:]) - np.median(memory[:part]))
    return [
        Measurement("answers", len(late) / took, "a second", RATE - 0.5, at_most=False),
        Measurement("pictures overtaken", 100 * overtaken / (overtaken + len(late)), "%"),
        Measurement("latency, median", float(np.median(late)), "ms"),
        Measurement("latency, 95th percentile", p95, "ms"),
        Measurement("model's own, 95th percentile", own, "ms"),
        Measurement("latency above the model's own, 95th percentiles", p95 - own, "ms", MOST_LATE),
        Measurement(
            "the same for each picture, 95th percentile",
            float(np.percentile(np.subtract(late, model), 95)),
            "ms",
        ),
        Measurement("latency, median of the first third", float(np.median(late[:third])), "ms"),
        Measurement("latency, median of the last third", float(np.median(late[-third:])), "ms"),
        Measurement("processor time of the server for a picture", 1000 * used / len(late), "ms"),
        Measurement("memory of the server, last third", float(np.median(memory[-part:])), "MB"),
        Measurement("memory, growth from the first to the last third", grown, "MB", 5.0),
    ]


def main() -> int:
    """Measure and print the figures, as JSON with their conditions and as a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long (default 300)")
    args = parser.parse_args()
    figures = measure(args.seconds)
    facts = {"conditions": conditions(), "seconds": args.seconds, "pictures": "640x480 JPEG, one face"}
    print(json.dumps(facts | {"figures": [one.as_dict() for one in figures]}, indent=1))
    print()
    print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
