"""Where something happened: peaks, sudden changes and brief flashes. Pure functions of a results table."""

import numpy as np
import pandas as pd

from emotion_core.analytics import figures
from emotion_core.analytics.measures import chance_columns, readings, runs, strongest
from emotion_core.labels import UNSURE

FLASH_SECONDS = 0.5
FLASH_CAUTION = (
    "Candidates only: at this frame rate, blur, speech and a model's own wavering look the same. "
    "A micro-expression has to be confirmed by a trained person on the video."
)
CHANGE_RATE = 2.0
"""Samples a second on which sudden changes are looked for."""
COLUMNS = ["kind", "face", "time", "end", "emotion", "strength", "what"]


def _people(frame: pd.DataFrame) -> list[tuple[int, pd.DataFrame]]:
    """Return each face's id and rows."""
    seen = readings(frame)
    return [(int(face), seen[seen["face"] == face]) for face in sorted(seen["face"].unique())]


def peaks(frame: pd.DataFrame, *, count: int = 10, least: float = figures.LEAST) -> pd.DataFrame:
    """Return the strongest moments of all faces, the strongest first: see `figures.strongest`."""
    runs = strongest(frame, count, least)
    table = runs.rename(columns={"confidence": "strength"}).assign(kind="Peak", time=runs["peak"])
    table["end"] = table["time"]
    table["what"] = [f"{e} at {s:.0%}" for e, s in zip(table["emotion"], table["strength"], strict=True)]
    return table[COLUMNS].reset_index(drop=True)


def changes(frame: pd.DataFrame, *, sensitivity: float = 1.0, least_seconds: float = 2.0) -> pd.DataFrame:
    """Return the moments at which a face's valence and arousal move to another level.

    PELT (Killick et al. 2012, library ruptures) with a least-squares cost on the two signals at
    `CHANGE_RATE` samples a second; `sensitivity` > 1 finds more. `strength` is the distance moved on the
    plane, arousal stretched to [-1, 1]; two levels last at least `least_seconds`. The time is exact to
    1 / CHANGE_RATE.
    """
    import ruptures  # type: ignore[import-untyped]

    found = []
    least = max(2, round(least_seconds * CHANGE_RATE))
    for face, rows in _people(frame):
        time, duration = rows["time"].to_numpy(), rows["duration"].to_numpy()
        span = time[-1] + duration[-1] - time[0]
        start = time[0] + np.arange(max(1, int(np.ceil(span * CHANGE_RATE - 1e-6)))) / CHANGE_RATE
        level = rows[["valence", "arousal"]].to_numpy()
        signal = figures.means_over(time, duration, level, start, start + 1 / CHANGE_RATE) * [1.0, 2.0]
        there = ~np.isnan(signal).any(axis=1)
        start, signal = start[there], signal[there]
        if len(signal) < 2 * least:
            continue
        # The penalty of the Bayesian criterion for two signals; the noise is read from the differences.
        noise = max(1e-4, float(np.median(np.abs(np.diff(signal, axis=0)))) / 0.6745 / np.sqrt(2))
        spread = max(noise, float(signal.std(axis=0).mean()) / 3)
        penalty = 4 * 2 * spread**2 * np.log(len(signal)) / max(sensitivity, 1e-3)
        ends = ruptures.KernelCPD(kernel="linear", min_size=least).fit(signal).predict(pen=penalty)
        edges = [0, *ends]
        means = [signal[a:b].mean(axis=0) for a, b in zip(edges, edges[1:], strict=False)]
        for i, at in enumerate(ends[:-1]):
            move = means[i + 1] - means[i]
            size = float(np.hypot(*move))
            what = f"valence {move[0]:+.2f}, arousal {move[1] / 2:+.2f}"
            found.append(("Change", face, start[at], start[at], None, size, what))
    table = pd.DataFrame(found, columns=COLUMNS)
    return table.sort_values("strength", ascending=False).reset_index(drop=True)


def flashes(frame: pd.DataFrame, *, longest: float = FLASH_SECONDS, least: float = 0.5) -> pd.DataFrame:
    """Return expressions that last under `longest` seconds between two longer ones of the same face.

    Read from the probabilities where the file has them, since the smoothed label hides what is brief.
    Neutral is not counted, nor what is uncertain or stays below `least` in probability.
    """
    seen = readings(frame)
    chances = chance_columns(frame)
    if chances and len(seen):
        values = seen[chances].fillna(0).to_numpy()
        labels = np.array([c[2:] for c in chances], object)
        seen = seen.assign(top=labels[values.argmax(axis=1)], confidence=values.max(axis=1))
    else:
        seen = seen.assign(top=seen["emotion"].astype(str))
    stretches = runs(seen, by="top")
    if stretches.empty:
        return pd.DataFrame(columns=COLUMNS)
    before, after = stretches.shift(1), stretches.shift(-1)
    brief = (stretches["duration"] < longest) & ~stretches["emotion"].isin([figures.NEUTRAL, UNSURE])
    brief &= stretches["confidence"] >= least
    brief &= (before["face"] == stretches["face"]) & (after["face"] == stretches["face"])
    brief &= (before["duration"] >= longest) & (after["duration"] >= longest)
    # A face that comes and goes would flash at each edge.
    brief &= (stretches["start"] - before["end"] < longest) & (after["start"] - stretches["end"] < longest)
    table = stretches[brief].rename(columns={"start": "time", "confidence": "strength"})
    table = table.assign(kind="Flash")
    table["what"] = [
        f"{e} for {1000 * d:.0f} ms" for e, d in zip(table["emotion"], table["duration"], strict=True)
    ]
    return table[COLUMNS].sort_values("time").reset_index(drop=True)


def moments(frame: pd.DataFrame, *, count: int = 20, sensitivity: float = 1.0) -> pd.DataFrame:
    """Return peaks, changes and flashes in one table in order of time, at most `count` of each kind."""
    parts = [
        peaks(frame, count=count),
        changes(frame, sensitivity=sensitivity).head(count),
        flashes(frame).sort_values("strength", ascending=False).head(count),
    ]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(parts, ignore_index=True).sort_values("time", kind="stable").reset_index(drop=True)
