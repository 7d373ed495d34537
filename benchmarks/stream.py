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
from benchmarks.serving import memory_mb, running
from emotion_core.client import Client

RATE = 30.0


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


def measure(seconds: float) -> dict[str, float]:
    """Return the 95th percentiles of latency and of the model alone, in ms, and the server's memory in MB."""
    late, model = [], []
    pictures = pictures_of(200)
    with running() as (url, app), Client(url) as client:
        list(client.stream(paced(pictures, 2), newest=True))
        before = memory_mb(app.pid)
        begun = time.monotonic()
        for answer in client.stream(paced(pictures, seconds), newest=True):
            late.append((time.monotonic() - (answer.stamp or 0.0)) * 1000)
            model.append(answer.milliseconds)
        took = time.monotonic() - begun
        after = memory_mb(app.pid)
    third = len(late) // 3
    return {
        "answers a second": len(late) / took,
        "latency, 95th percentile, ms": float(np.percentile(late, 95)),
        "model, 95th percentile, ms": float(np.percentile(model, 95)),
        "latency, median of the first third, ms": float(np.median(late[:third])),
        "latency, median of the last third, ms": float(np.median(late[-third:])),
        "memory before, MB": before,
        "memory after, MB": after,
    }


def main() -> int:
    """Measure and print the figures with their conditions as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long (default 300)")
    args = parser.parse_args()
    figures = {name: round(value, 1) for name, value in measure(args.seconds).items()}
    print(json.dumps({"conditions": conditions(), "figures": figures}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
