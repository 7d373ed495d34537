"""The numbers behind the dashboard: pure functions of a results table, each tested with known answers.

Every function takes the checked table of `analytics.loading` (one row per frame and face, in order of time;
`face` is NaN and `emotion` missing where nobody was found). Times are seconds.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emotion_core.labels import EMOTIONS

GAP = 1.0
"""A face away for longer than this (s) starts a new stretch: no change is counted across it."""

QUADRANTS = ("Pleasant, active", "Unpleasant, active", "Unpleasant, calm", "Pleasant, calm")
CENTRE = "Near neutral"


def labels_of(frame: pd.DataFrame) -> list[str]:
    """Give the categories of the table, the seven first."""
    if isinstance(frame["emotion"].dtype, pd.CategoricalDtype):
        return [str(c) for c in frame["emotion"].cat.categories]
    found = {str(v) for v in frame["emotion"].dropna().unique()}
    return [*EMOTIONS, *sorted(found - set(EMOTIONS))]


def readings(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the rows that hold a face."""
    return frame[frame["face"].notna()]


def chance_columns(frame: pd.DataFrame) -> list[str]:
    """Give the p_<Label> columns in label order; empty for files without probabilities."""
    return [f"p_{label}" for label in labels_of(frame) if f"p_{label}" in frame.columns]


def distinct(times: np.ndarray) -> np.ndarray:
    """Give the different values in rising order; at once where they already rise, as a table's times do."""
    steps = np.diff(times)
    if (steps < 0).any():
        return np.unique(times)
    return times[np.concatenate([[True], steps > 0])] if len(times) else times


def places(frame: pd.DataFrame, people: Sequence[int]) -> dict[int, np.ndarray]:
    """Give the row numbers of each of some people."""
    face = frame["face"].to_numpy()
    return {one: np.flatnonzero(face == one) for one in people}


def frame_step(frame: pd.DataFrame) -> float:
    """Give the usual time between two frames in seconds (the median; 0 for a single frame)."""
    times = frame["time"].to_numpy()
    if len(times) < 2:
        return 0.0
    gaps = np.diff(distinct(times))
    return float(np.median(gaps)) if len(gaps) else 0.0


def length(frame: pd.DataFrame) -> float:
    """Give the length in seconds: from the first frame to the end of the last."""
    if frame.empty:
        return 0.0
    return float(frame["time"].max() - frame["time"].min()) + frame_step(frame)


def durations(frame: pd.DataFrame) -> pd.Series:
    """Give how many seconds each reading stands for: up to the same face's next one.

    A reading that no other follows within 2.5 frames stands for one frame.
    """
    rows, held = _held(frame)
    order = np.argsort(rows)
    return pd.Series(held[order], index=frame.index[rows[order]], name="time")


def _by_face(frame: pd.DataFrame) -> np.ndarray:
    """Give the row numbers of all readings, one face after the other, each in order of time."""
    face, time = frame["face"].to_numpy(), frame["time"].to_numpy()
    rows = np.flatnonzero(~np.isnan(face))
    if (np.diff(time) < 0).any():
        return rows[np.lexsort((time[rows], face[rows]))]
    return rows[np.argsort(face[rows], kind="stable")]


def _held(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Give `_by_face`, and the seconds that each of these readings stands for."""
    rows, step = _by_face(frame), frame_step(frame)
    face, time = frame["face"].to_numpy()[rows], frame["time"].to_numpy()[rows]
    held = np.full(len(rows), step)
    gaps = np.diff(time)
    near = (face[1:] == face[:-1]) & (gaps <= 2.5 * step)
    held[:-1][near] = gaps[near]
    return rows, held


def extent(frame: pd.DataFrame) -> dict[str, float]:
    """Give length (s), frames, readings, people and found, the share of frames with a face."""
    number, face = frame["frame"].to_numpy(), frame["face"]
    frames, seen = (len(distinct(rows)) for rows in (number, number[face.notna().to_numpy()]))
    return {
        "length": length(frame),
        "frames": float(frames),
        "readings": float(face.count()),
        "people": float(face.nunique()),
        "found": seen / frames if frames else 0.0,
    }


def overview(frame: pd.DataFrame) -> dict[str, float]:
    """Give the figures of the first screen.

    Those of `extent`, and valence and arousal (means, NaN without a face), changes (changes of emotion a
    minute of one face seen).
    """
    seen = frame["face"].notna()
    means = {name: float(frame[name].where(seen).mean()) for name in ("valence", "arousal")}
    return {**extent(frame), **means, "changes": changes_per_minute(frame)}


def _codes(frame: pd.DataFrame) -> np.ndarray:
    """Give the number of each row's category in `labels_of`, -1 without one."""
    return np.asarray(pd.Categorical(frame["emotion"], categories=labels_of(frame)).codes, np.int64)


def shares(frame: pd.DataFrame) -> pd.Series:
    """Give the share of readings of each category; they sum to 1, or are all 0 without a face."""
    labels, codes = labels_of(frame), _codes(frame)
    codes = codes[(codes >= 0) & frame["face"].notna().to_numpy()]
    counts = np.bincount(codes, minlength=len(labels))
    return pd.Series(counts / max(1, len(codes)), index=pd.Index(labels, name="emotion"), name="share")


def shares_by_person(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the share of each category (columns) for each face (rows); rows sum to 1."""
    labels, codes = labels_of(frame), _codes(frame)
    known = (codes >= 0) & frame["face"].notna().to_numpy()
    faces, which = np.unique(frame["face"].to_numpy()[known], return_inverse=True)
    shape = (len(faces), len(labels))
    counts = np.bincount(which * len(labels) + codes[known], minlength=shape[0] * shape[1]).reshape(shape)
    index = pd.Index(faces.astype("int64"), name="face")
    table = pd.DataFrame(counts, index=index, columns=pd.Index(labels, name="emotion"))
    return table.div(table.sum(axis=1), axis=0)


def runs(frame: pd.DataFrame, *, by: str = "emotion") -> pd.DataFrame:
    """Give the stretches in which one face holds one category.

    Columns: face, emotion, start, end, duration (s), frames, confidence (highest). A stretch ends where the
    category changes or the face is away for more than `GAP` seconds. `by` names the column of categories.
    """
    rows, held = _held(frame)
    if not len(rows):
        return pd.DataFrame(columns=["face", "emotion", "start", "end", "duration", "frames", "confidence"])
    codes, names = pd.factorize(frame[by])
    codes = codes[rows]
    face, time, confidence = (frame[name].to_numpy()[rows] for name in ("face", "time", "confidence"))
    new = np.ones(len(rows), bool)
    new[1:] = (codes[1:] != codes[:-1]) | (face[1:] != face[:-1]) | (np.diff(time) > GAP)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(rows)) - 1
    start, end = time[first], time[last] + held[last]
    return pd.DataFrame(
        {
            "face": face[first].astype("int64"),
            "emotion": np.array([str(name) for name in names], object)[codes[first]],
            "start": start,
            "end": end,
            "duration": end - start,
            "frames": last - first + 1,
            "confidence": np.fmax.reduceat(confidence, first),
        }
    )


def _changes(stretches: pd.DataFrame) -> pd.DataFrame:
    """Give the stretches that follow each other on one face without a gap: columns source, target."""
    if len(stretches) < 2:
        return pd.DataFrame({"source": [], "target": []}, dtype=str)
    later = stretches.shift(-1)
    joined = (stretches["face"] == later["face"]) & (later["start"] - stretches["end"] <= GAP)
    joined &= stretches["emotion"] != later["emotion"]
    pairs = pd.DataFrame({"source": stretches["emotion"], "target": later["emotion"]})
    return pairs[joined.to_numpy()]


def changes_per_minute(frame: pd.DataFrame) -> float:
    """Give the changes of category per minute of one face seen; NaN without a face."""
    seconds = float(durations(frame).sum())
    return len(_changes(runs(frame))) / (seconds / 60) if seconds > 0 else float("nan")


def transitions(frame: pd.DataFrame) -> pd.DataFrame:
    """Count the changes from one category (rows) to the next (columns), over all faces of the table."""
    labels = labels_of(frame)
    pairs = _changes(runs(frame))
    table = pd.crosstab(pairs["source"], pairs["target"])
    table = table.reindex(index=labels, columns=labels, fill_value=0).astype("int64")
    return table.rename_axis(index="from", columns="to")


def quadrants(frame: pd.DataFrame, *, centre: float = 0.0) -> pd.Series:
    """Give the seconds spent in each quadrant of the valence-arousal plane, in the order of `QUADRANTS`.

    Valence 0 counts as pleasant and arousal 0.5, the middle of its range, as active. With `centre` > 0 the
    readings within that distance of neutral (0, 0.5), arousal stretched to [-1, 1], are told apart.
    """
    seen = readings(frame)
    valence = seen["valence"].to_numpy()
    arousal = 2 * seen["arousal"].to_numpy() - 1
    place = np.select(
        [(valence >= 0) & (arousal >= 0), (valence < 0) & (arousal >= 0), valence < 0], [0, 1, 2], 3
    )
    names: list[str] = list(QUADRANTS)
    if centre > 0:
        names.append(CENTRE)
        place = np.where(np.hypot(valence, arousal) < centre, 4, place)
    seconds = np.bincount(place, weights=durations(frame).to_numpy(), minlength=len(names))
    return pd.Series(seconds, index=names, name="seconds")


def expressiveness(frame: pd.DataFrame) -> pd.DataFrame:
    """Give, for each face (rows), how much and how lively it shows.

    seconds: time seen. expressive: mean of 1 - p(Neutral), or the share of readings that are not Neutral
    where the file has no probabilities. spread: root mean square distance from the person's own mean on
    the plane, arousal stretched to [-1, 1]. changes: changes of category a minute.
    """
    rows, held = _held(frame)
    if not len(rows):
        return pd.DataFrame(columns=["seconds", "expressive", "spread", "changes"])
    faces, which = np.unique(frame["face"].to_numpy()[rows], return_inverse=True)

    def mean(values: np.ndarray) -> np.ndarray:
        there = ~np.isnan(values)
        total = np.bincount(which[there], values[there], len(faces))
        return total / np.bincount(which[there], minlength=len(faces))

    def variance(name: str) -> np.ndarray:
        values = frame[name].to_numpy()[rows]
        return mean((values - mean(values)[which]) ** 2)

    if "p_Neutral" in frame.columns:
        shown = 1 - frame["p_Neutral"].to_numpy()[rows]
    else:
        shown = (frame["emotion"] != "Neutral").to_numpy()[rows].astype(float)
    seconds = np.bincount(which, held)
    pairs = _changes(stretches := runs(frame))
    counts = stretches.loc[pairs.index, "face"].value_counts().reindex(faces, fill_value=0)
    return pd.DataFrame(
        {
            "seconds": seconds,
            "expressive": mean(shown),
            "spread": np.sqrt(variance("valence") + 4 * variance("arousal")),
            "changes": counts.to_numpy() / np.where(seconds > 0, seconds / 60, np.nan),
        },
        index=pd.Index(faces.astype("int64"), name="face"),
    )


def select(
    frame: pd.DataFrame, *, people: Sequence[int] | None = None, start: float = -np.inf, end: float = np.inf
) -> pd.DataFrame:
    """Give the rows of some people within [start, end] seconds; frames without a face are kept."""
    keep = (frame["time"] >= start) & (frame["time"] <= end)
    if people is not None:
        keep &= frame["face"].isna() | frame["face"].isin(list(people))
    return frame if keep.all() else frame[keep]
