"""Py-Feat: a Fex table of seven categories, action units, pose and box."""

from pathlib import Path

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
_BOX = {"box_x": "FaceRectX", "box_y": "FaceRectY", "box_w": "FaceRectWidth", "box_h": "FaceRectHeight"}


def _knows(head: Head) -> bool:
    return {"FaceRectX", "FaceScore", "happiness"} <= set(head.names)


def read(path: Path) -> Found:
    """Read the CSV of a detection; it holds no times, unless `approx_time` is among its columns."""
    table = csv(path)
    columns = scores(table, _NAMES)
    columns |= {name: table[column] for name, column in _BOX.items()}
    columns["frame"] = table["frame"] if "frame" in table else range(len(table))
    notes = []
    if "Identity" in table:
        names = sorted(table["Identity"].dropna().astype(str).unique())
        numbers = {name: at for at, name in enumerate(names, 1)}
        columns["face"] = table["Identity"].astype(str).map(numbers).fillna(1)
    else:
        columns["face"] = table.groupby(columns["frame"]).cumcount() + 1
        notes.append("the file tells nobody apart: faces are numbered by their place in the frame")
    own = own_columns(table, (*_NAMES, *_BOX.values(), "frame", "Identity"))
    own = {name: values for name, values in own.items() if not name.startswith("Identity_")}
    measures = {f"p_{label}": "probability, 0 to 1" for label in _NAMES.values()}
    measures |= {name: "probability, 0 to 1" for name in own if name.startswith("AU")}
    measures |= {name: "degrees" for name in ("Pitch", "Roll", "Yaw") if name in own}
    return Found(columns, measures, own, notes=notes)


TOOL = Tool("pyfeat", "Py-Feat", "its code, py-feat 2.1.5", (".csv",), _knows, read)
