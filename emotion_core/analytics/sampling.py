"""What each of several tables shows of a person at the same moments, so that they can be compared."""

import numpy as np
import pandas as pd

from emotion_core.analytics.agreement import Event


def moments_of(tables: list[pd.DataFrame], step: float = 0.5) -> np.ndarray:
    """Return moments (s), `step` apart, in the time that all tables cover; empty where there is none."""
    ranges = [
        (table["time"].min(), (table["time"] + table["duration"].fillna(0)).max())
        for table in tables
        if len(table)
    ]
    if len(ranges) < len(tables) or not ranges:
        return np.empty(0)
    start, end = max(low for low, _ in ranges), min(high for _, high in ranges)
    return start + step / 2 + step * np.arange(max(0, int((end - start) / step + 1e-9)))


def shown_at(table: pd.DataFrame, person: int, times: np.ndarray, column: str = "emotion") -> np.ndarray:
    """Return what a table of results or a coding shows of a person at some moments, (N,).

    Labels are objects, None where nothing is shown; numbers are floats, NaN there.
    """
    rows = table[(table["face"] == person).to_numpy(bool, na_value=False)]
    rows = rows[rows[column].notna()].sort_values("time", kind="stable")
    start = rows["time"].to_numpy(float)
    end = start + rows["duration"].fillna(0).to_numpy(float)
    at = np.searchsorted(start, times + 1e-9, side="right") - 1
    there = (at >= 0) & (times < np.append(end, -np.inf)[at])
    if column == "emotion":
        labels = np.array([*rows[column], None], object)[at]
        labels[~there] = None
        return labels
    return np.where(there, np.append(rows[column].to_numpy(float), np.nan)[at], np.nan)


def numbered(*raters: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return labels of several raters as numbers, (raters, units) with NaN for none, and their names."""
    names = sorted({str(label) for rater in raters for label in rater if label is not None})
    code = {name: float(number) for number, name in enumerate(names)}
    return np.array(
        [[code.get(str(x), np.nan) if x is not None else np.nan for x in r] for r in raters]
    ), names


def events_of(table: pd.DataFrame, person: int) -> list[Event]:
    """Return the spans of a person as events: neighbours of one label without a gap are one."""
    rows = table[(table["face"] == person).to_numpy(bool, na_value=False)].sort_values("time", kind="stable")
    found: list[Event] = []
    for time, lasting, label in zip(rows["time"], rows["duration"].fillna(0), rows["emotion"], strict=True):
        if not isinstance(label, str):
            continue
        if found and found[-1].label == label and time - found[-1].end < 0.0015:
            found[-1] = Event(found[-1].start, float(time + lasting), label)
        else:
            found.append(Event(float(time), float(time + lasting), label))
    return found
