"""Py-Feat: a Fex table of seven categories, action units, pose and box."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.results.incoming.base import Found, Head, Tool, csv, own_columns, scores

_NAMES = {
    "anger": "Angry",
    "disgust": "Disgust",
    "fear": "Fear",
    "happiness": "Happy",
    "neutral": "Neutral",
    "sadness": "Sad",
    "surprise": "Surprise",
}
_SECOND = {label: label for label in ("Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise", "Contempt")}
_SECOND["Anger"] = "Angry"
"""What its second detector calls them; without Contempt in the version that is shipped."""
_SURE = 0.02  # the share by which a rate that is worked out may be wrong
_BOX = {"box_x": "FaceRectX", "box_y": "FaceRectY", "box_w": "FaceRectWidth", "box_h": "FaceRectHeight"}


def _knows(head: Head) -> bool:
    return {"FaceRectX", "FaceScore"} <= set(head.names) and bool({"happiness", "Happy"} & set(head.names))


def read(path: Path) -> Found:
    """Read the CSV of a detection, by `Detector` or `Detectorv2`, which gives valence and arousal too.

    It holds no times; `approx_time`, of whole seconds, tells about the rate where a recording is long enough.
    """
    table = csv(path)
    names = _NAMES if "happiness" in table else {n: label for n, label in _SECOND.items() if n in table}
    columns = scores(table, names)
    columns |= {name: table[column] for name, column in _BOX.items()}
    columns["frame"] = table["frame"] if "frame" in table else range(len(table))
    notes = []
    if "Identity" in table:
        called = sorted(table["Identity"].dropna().astype(str).unique())
        numbers = {name: at for at, name in enumerate(called, 1)}
        columns["face"] = table["Identity"].astype(str).map(numbers).fillna(1)
    else:
        columns["face"] = table.groupby(columns["frame"]).cumcount() + 1
        notes.append("the file tells nobody apart: faces are numbered by their place in the frame")
    measures = {f"p_{label}": "probability, 0 to 1" for label in names.values()}
    if {"valence", "arousal"} <= set(table.columns):
        columns |= {"valence": table["valence"], "arousal": (table["arousal"].astype(float) + 1) / 2}
        measures |= {"valence": "-1 to 1", "arousal": "0 to 1 (the file has -1 to 1)"}
        notes.append("arousal of -1 to 1 was brought to 0 to 1")
    rate = _rate(table)
    if rate is not None:
        notes.append(f"its approx_time has whole seconds: by it there are about {rate:.1f} frames a second")
    own = own_columns(table, (*names, *_BOX.values(), "frame", "Identity", "valence", "arousal"))
    own = {name: values for name, values in own.items() if not name.startswith("Identity_")}
    measures |= {name: "probability, 0 to 1" for name in own if name.startswith("AU")}
    measures |= {name: "degrees" for name in ("Pitch", "Roll", "Yaw") if name in own}
    return Found(columns, measures, own, rate=rate, notes=notes)


def _rate(table: pd.DataFrame) -> float | None:
    """Return the frames a second that fit to all of `approx_time` (mm:ss), None where they are not sure."""
    if "approx_time" not in table or "frame" not in table:
        return None
    parts = table["approx_time"].astype(str).str.extract(r"^(\d+):(\d\d)$").astype(float)
    second, frame = (60 * parts[0] + parts[1]).to_numpy(), table["frame"].to_numpy(float)
    known = np.isfinite(second) & np.isfinite(frame)
    # The frame lies in its second: second <= frame / rate < second + 1.
    least = np.max(frame[known] / (second[known] + 1), initial=0.0)
    later = known & (second > 0)
    most = np.min(frame[later] / second[later], initial=math.inf)
    sure = 0 < least <= most <= least * (1 + _SURE)
    return float(least + most) / 2 if sure else None


TOOL = Tool("pyfeat", "Py-Feat", "its code, py-feat 2.1.5", (".csv",), _knows, read)
