"""OpenFace 3: a category, gaze and action units of each face, without times."""

import json
from pathlib import Path

import numpy as np

from emotion_core.results.incoming.base import Found, Head, Tool, csv

LABELS = ("Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Angry", "Contempt")
"""The order of its numbers: that of AffectNet, with which it was trained."""


def _knows(head: Head) -> bool:
    return {"frame_index", "face_id", "action_units", "gaze_yaw"} <= set(head.names)


def read(path: Path) -> Found:
    """Read `detect-video`'s CSV; its `timestamp` is when the frame was analysed: no time of the video."""
    table = csv(path)
    seen = table["face_id"].notna()
    table = table[seen].reset_index(drop=True)
    boxes = np.full((len(table), 4), np.nan)
    for at, text in enumerate(table["face_detection"]):
        if isinstance(text, str):
            left, top, right, bottom = json.loads(text)[:4]
            boxes[at] = left, top, right - left, bottom - top
    emotion = [LABELS[int(code)] if code == code else None for code in table["emotion"]]
    columns = {"frame": table["frame_index"], "face": table["face_id"] + 1, "emotion": emotion}
    columns |= {f"box_{side}": boxes[:, at] for at, side in enumerate("xywh")}
    own = {name: table[name].to_numpy() for name in ("gaze_yaw", "gaze_pitch")}
    return Found(
        columns,
        {"emotion": "the likeliest of eight categories", "gaze_yaw": "radians", "gaze_pitch": "radians"},
        own,
        notes=[
            "its column timestamp says when a frame was analysed: it is no time of the video",
            "faces are numbered anew in each frame: person 1 need not be the same one",
        ],
    )


TOOL = Tool(
    "openface3",
    "OpenFace 3",
    "its code, openface-test 0.1.26",
    (".csv",),
    _knows,
    read,
)
