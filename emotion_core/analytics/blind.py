"""A coding of random spans of a recording by somebody who does not see what was read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.files import written_beside
from emotion_core.types import EmotionError

SPANS = 100
LENGTH = 1.5
"""Seconds of a span."""


@dataclass(frozen=True, slots=True)
class Task:
    """Spans of one person to be coded: `starts` in seconds, in the order in which they are shown."""

    person: int
    length: float
    starts: tuple[float, ...]
    alone: bool
    """Whether nobody else is in the picture in any of them."""


def draw_spans(
    table: pd.DataFrame, person: int, count: int = SPANS, length: float = LENGTH, seed: int = 0
) -> Task:
    """Draw random spans in which a person is seen, at least half a length apart, in random order.

    Spans in which nobody else is seen are taken where there are any. What was read plays no part in it.

    Args:
        table: of results, as the dashboard holds it.
        person: whose spans they are.
        count: how many at the most; fewer where the recording is short.
        length: of a span (s).
        seed: of the draw.

    Raises:
        EmotionError: where the person is never seen for so long.
    """
    start = float(table["time"].min())
    slots = start + 1.5 * length * np.arange(int((_end(table) - start) / (1.5 * length) + 1e-9) or 1)
    own = _share(table[table["face"] == person], slots, length)
    others = _share(table[table["face"].notna() & (table["face"] != person)], slots, length)
    seen = own > 0.95
    if not seen.any():
        raise EmotionError(f"person {person} is never seen for {length:g} s: choose somebody else")
    alone = seen & (others <= 0)
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(slots[alone if alone.any() else seen])[:count]
    return Task(person, length, tuple(round(float(at), 3) for at in drawn), bool(alone.any()))


def _end(table: pd.DataFrame) -> float:
    return float((table["time"] + table["duration"]).max())


def _share(rows: pd.DataFrame, slots: np.ndarray, length: float) -> np.ndarray:
    """Return which share of each slot some rows cover."""
    rows = rows.sort_values("time", kind="stable")
    time, held = rows["time"].to_numpy(float), rows["duration"].to_numpy(float)
    if not len(time):
        return np.zeros(len(slots))
    knots = np.maximum.accumulate(np.column_stack([time, time + held]).ravel())
    covered = np.cumsum(np.column_stack([np.zeros(len(time)), knots[1::2] - knots[::2]]).ravel())
    ends = (np.interp(edge, knots, covered) for edge in (slots + length, slots))
    return np.asarray(np.subtract(*ends)) / length


def coding_table(task: Task, labels: list[str | None], coder: str) -> pd.DataFrame:
    """Return what was coded as a table that `read_any` reads; spans without a label are left out."""
    rows = [
        {"onset": at, "duration": task.length, "label": label, "person": task.person, "coder": coder}
        for at, label in zip(task.starts, labels, strict=False)
        if label is not None
    ]
    table = pd.DataFrame(rows, columns=["onset", "duration", "label", "person", "coder"])
    return table.sort_values("onset", kind="stable").reset_index(drop=True)


def write_coding(table: pd.DataFrame, path: Path) -> None:
    """Write a coding; a file that is there is replaced.

    Raises:
        OSError, EmotionError: where it can't be written.
    """
    with written_beside(path) as part:
        part.write_text(str(table.to_csv(sep="\t", index=False)), "utf-8")
