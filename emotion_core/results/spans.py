"""Spans: for how long each person shows one emotion, in whole milliseconds, as tools of annotation want them.

A span is a run of one person's pictures with one label; where the person is away, there is none. Unlike the
runs of `analytics.figures`, which bridge a second, no gap is bridged.
"""

from typing import NamedTuple

import numpy as np

from emotion_core.results.whole import Whole

_CLOSE = 0.0015  # s: two pictures that follow each other are no further apart than rounding makes them


class Span(NamedTuple):
    """One person shows one emotion from `start` to `end` (ms); the means are weighed by time.

    `label` is a number of the recording's labels. Valence is in [-1, 1], arousal and confidence in [0, 1].
    """

    label: int
    start: int
    end: int
    frame: int
    valence: float
    arousal: float
    confidence: float


def milliseconds(seconds: np.ndarray) -> np.ndarray:
    """Return times in whole milliseconds, the nearest."""
    return np.rint(np.asarray(seconds) * 1000).astype(np.int64)


def spans(whole: Whole) -> dict[int, list[Span]]:
    """Return the spans of each person by their number, in order of time.

    No two of a person's overlap, and each lasts for 1 ms at least: one that follows another at once begins
    where that one ends. Those that have no room left, at more than 1,000 pictures a second, are left out.
    """
    return {number: _of_one(whole, rows) for number, rows in sorted(whole.people.items())}


def _of_one(whole: Whole, rows: np.ndarray) -> list[Span]:
    time, lasting = whole["time"][rows], whole["duration"][rows]
    label = whole.emotion[rows]
    away = time[1:] - (time + lasting)[:-1] > _CLOSE
    first = np.flatnonzero(np.append(True, away | (label[1:] != label[:-1])))
    last = np.append(first[1:], len(rows)) - 1
    start, end = milliseconds(time[first]), milliseconds((time + lasting)[last])
    joined = ~away[last[:-1]] if len(first) > 1 else np.zeros(0, bool)
    # The next one's beginning, not the sum of beginning and duration, is the end: sums differ in rounding.
    end[:-1] = np.where(joined, start[1:], np.minimum(end[:-1], start[1:]))
    single = (end <= start) & (np.append(start[1:], np.iinfo(np.int64).max) > start)
    end = np.where(single, start + 1, end)  # a single picture of which nobody knows how long it lasts
    weight = np.maximum(lasting, 1e-9)
    total = np.add.reduceat(weight, first)
    means = [
        (np.add.reduceat(weight * whole[name][rows], first) / total).tolist()
        for name in ("valence", "arousal", "confidence")
    ]
    frames = whole["frame"][rows][first].astype(np.int64).tolist()
    numbers = (label[first].tolist(), start.tolist(), end.tolist(), frames, *means)
    found = [Span(*values) for values in zip(*numbers, strict=True)]
    return apart([span for span in found if span.end > span.start])


def apart(found: list[Span]) -> list[Span]:
    """Return spans of one person as they are.

    Raises:
        ValueError: where one overlaps the next or lasts for no time, which libraries of these formats take.
    """
    for one, following in zip(found, found[1:], strict=False):
        if one.end > following.start:
            raise ValueError(f"the span from {one.start} ms overlaps the next, from {following.start} ms")
    if any(span.end <= span.start for span in found):
        raise ValueError("a span lasts for no time")
    return found


def seconds(value: int) -> str:
    """Return whole milliseconds as seconds with three decimals: always the same text for the same moment."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{value // 1000}.{value % 1000:03d}"
