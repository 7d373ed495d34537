"""The signals of a whole recording in a table, and what they come to for each person."""

import numpy as np
import pandas as pd

from emotion_core.analytics import signals
from emotion_core.analytics.measures import longest_seen, weighted_means
from emotion_core.analytics.signals import Blinks
from emotion_core.results.extras import COLUMNS, EXTRAS

PLACES = ("frame", "time", "face", "duration")
"""The columns that say whose signals they are and when."""
MEANS = ("pose_yaw", "pose_pitch", "pose_roll", "gaze_yaw", "smile_left", "smile_right", "smile_asymmetry")


def table_of(raw: pd.DataFrame, rows: np.ndarray, ordered: pd.DataFrame) -> pd.DataFrame | None:
    """Return the signals of a recording, a row for each of `ordered`; None where it holds none of them.

    Args:
        raw: of `read_results`, with whatever was asked for besides.
        rows: (N,) the row of `raw` that each of `ordered` comes from.
        ordered: (N,) the columns `PLACES`, checked and in order of time.

    Returns:
        `PLACES`, head pose and gaze (degrees) where they are there, and what `signals.signals` derives.
    """
    extras = [name for name in EXTRAS if COLUMNS[name][0] in raw.columns]
    if not extras:
        return None
    columns = {name: ordered[name].to_numpy(float) for name in PLACES}
    held = {c: raw[c].to_numpy(np.float32)[rows] for name in extras for c in COLUMNS[name]}
    found = {c: held[c] for name in ("pose", "gaze") for c in COLUMNS[name] if c in held}
    found |= {name: values.astype(np.float32) for name, values in signals.signals(columns | held).items()}
    if not found:
        return None
    return pd.DataFrame({**{name: ordered[name] for name in PLACES}, **found})


def of_people(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each person, the one seen longest first: `MEANS` weighed by time, and their blinks.

    `blinks`, `per_minute`, `lasting` (the mean of a blink, s) and `closures` (longer ones) are there where
    lids were read; all are NaN where nothing tells them.
    """
    faces = longest_seen(table)
    seen = table[table["face"].notna()]
    found = weighted_means(seen, [name for name in MEANS if name in table.columns]).reindex(faces)
    if "closure" in table.columns:
        all_blinks = [blinks_of(table, face) for face in faces]
        found["blinks"] = [len(one.onset) for one in all_blinks]
        found["per_minute"] = [one.per_minute for one in all_blinks]
        found["lasting"] = [one.duration.mean() if len(one.onset) else np.nan for one in all_blinks]
        found["closures"] = [one.closures for one in all_blinks]
    return found.rename_axis("person")


def blinks_of(table: pd.DataFrame, face: int) -> Blinks:
    """Return the blinks of a person in a table of `table_of`, or a part of one."""
    names = ("time", "duration", "face", "closure")
    return signals.blinks({name: table[name].to_numpy(float) for name in names}, face)
