"""The numbers behind the dashboard: pure functions of a results table, each tested with known answers.

Every function takes the checked table of `webapp.loading` (one row per frame and face, in order of time;
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


def frame_step(frame: pd.DataFrame) -> float:
    """Give the usual time between two frames in seconds (the median; 0 for a single frame)."""
    times = frame["time"].to_numpy()
    if len(times) < 2:
        return 0.0
    gaps = np.diff(np.unique(times))
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
    seen = readings(frame)
    step = frame_step(frame)
    held = seen.groupby("face")["time"].shift(-1) - seen["time"]
    return held.where(held <= 2.5 * step, step)


def overview(frame: pd.DataFrame) -> dict[str, float]:
    """Give the figures of the first screen.

    length (s), frames, readings, people, found (share of frames with a face), valence and arousal (means,
    NaN without a face), changes (changes of emotion a minute of one face seen).
    """
    seen = readings(frame)
    frames = frame["frame"].nunique()
    return {
        "length": length(frame),
        "frames": float(frames),
        "readings": float(len(seen)),
        "people": float(seen["face"].nunique()),
        "found": seen["frame"].nunique() / frames if frames else 0.0,
        "valence": float(seen["valence"].mean()) if len(seen) else float("nan"),
        "arousal": float(seen["arousal"].mean()) if len(seen) else float("nan"),
        "changes": changes_per_minute(frame),
    }


def shares(frame: pd.DataFrame) -> pd.Series:
    """Give the share of readings of each category; they sum to 1, or are all 0 without a face."""
    counts = readings(frame)["emotion"].value_counts().reindex(labels_of(frame), fill_value=0)
    total = counts.sum()
    return (counts / total if total else counts.astype(float)).rename("share")


def shares_by_person(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the share of each category (columns) for each face (rows); rows sum to 1."""
    seen = readings(frame)
    counts = pd.crosstab(seen["face"].astype("int64"), seen["emotion"].astype(str))
    counts = counts.reindex(columns=labels_of(frame), fill_value=0)
    return counts.div(counts.sum(axis=1), axis=0)


def runs(frame: pd.DataFrame, *, by: str = "emotion") -> pd.DataFrame:
    """Give the stretches in which one face holds one category.

    Columns: face, emotion, start, end, duration (s), frames, confidence (highest). A stretch ends where the
    category changes or the face is away for more than `GAP` seconds. `by` names the column of categories.
    """
    seen = readings(frame)[["face", by, "time", "confidence"]].rename(columns={by: "emotion"})
    if seen.empty:
        return pd.DataFrame(columns=["face", "emotion", "start", "end", "duration", "frames", "confidence"])
    seen = seen.assign(held=durations(frame)).sort_values(["face", "time"], kind="stable")
    codes = pd.factorize(seen["emotion"])[0]
    face, time = seen["face"].to_numpy(), seen["time"].to_numpy()
    new = np.ones(len(seen), bool)
    new[1:] = (codes[1:] != codes[:-1]) | (face[1:] != face[:-1]) | (np.diff(time) > GAP)
    number = np.cumsum(new)
    grouped = seen.groupby(number, sort=False)
    out = pd.DataFrame(
        {
            "face": grouped["face"].first().astype("int64"),
            "emotion": grouped["emotion"].first().astype(str),
            "start": grouped["time"].first(),
            "end": grouped["time"].last() + grouped["held"].last(),
            "frames": grouped.size(),
            "confidence": grouped["confidence"].max(),
        }
    )
    out.insert(4, "duration", out["end"] - out["start"])
    return out.reset_index(drop=True)


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
    seen = readings(frame)
    if seen.empty:
        return pd.DataFrame(columns=["seconds", "expressive", "spread", "changes"])
    if "p_Neutral" in seen.columns:
        shown = 1 - seen["p_Neutral"]
    else:
        shown = (seen["emotion"].astype(str) != "Neutral").astype(float)
    face = seen["face"].astype("int64")
    spread = seen.groupby(face)["valence"].var(ddof=0) + 4 * seen.groupby(face)["arousal"].var(ddof=0)
    out = pd.DataFrame(
        {
            "seconds": durations(frame).groupby(face).sum(),
            "expressive": shown.groupby(face).mean(),
            "spread": np.sqrt(spread),
        }
    )
    stretches = runs(frame)
    pairs = _changes(stretches)
    counts = stretches.loc[pairs.index, "face"].value_counts().reindex(out.index, fill_value=0)
    out["changes"] = counts / (out["seconds"] / 60)
    return out


def select(
    frame: pd.DataFrame, *, people: Sequence[int] | None = None, start: float = -np.inf, end: float = np.inf
) -> pd.DataFrame:
    """Give the rows of some people within [start, end] seconds; frames without a face are kept."""
    keep = (frame["time"] >= start) & (frame["time"] <= end)
    if people is not None:
        keep &= frame["face"].isna() | frame["face"].isin(list(people))
    return frame if keep.all() else frame[keep]
