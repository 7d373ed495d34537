"""OpenFace 2: action units, head pose and gaze of each frame; no categories."""

from pathlib import Path

from emotion_core.results.incoming.base import Found, Head, Tool, csv, own_columns

_OURS = ("frame", "timestamp", "confidence", "face_id")


def _knows(head: Head) -> bool:
    return {"frame", "confidence", "success"} <= set(head.names) and "AU01_r" in head.text


def read(path: Path) -> Found:
    """Read FeatureExtraction's or FaceLandmarkVidMulti's CSV; frames that failed (success 0) are left out."""
    table = csv(path)
    failed = table["success"] == 0
    table = table[~failed].reset_index(drop=True)
    columns = {
        "frame": table["frame"] - 1,  # it counts from 1
        "confidence": table["confidence"],
        "face": table["face_id"] + 1 if "face_id" in table else [1] * len(table),
    }
    if "timestamp" in table:
        columns["time"] = table["timestamp"]
    own = own_columns(table, (*_OURS, "success"))
    measures = {"confidence": "that the face was tracked, 0 to 1", "time": "seconds"}
    measures |= {name: _unit(name) for name in own}
    notes = (
        [f"{int(failed.sum()):,} frames in which no face was tracked were left out"] if failed.any() else []
    )
    return Found(columns, measures, own, notes=notes)


def _unit(name: str) -> str:
    if name.startswith("AU"):
        return "intensity, 0 to 5" if name.endswith("_r") else "presence, 0 or 1"
    if name.startswith(("pose_R", "gaze_angle")):
        return "radians"
    if name.startswith(("pose_T", "X_", "Y_", "Z_")):
        return "millimetres"
    return "direction, unit vector" if name.startswith("gaze_") else "pixels or parameters of the shape"


TOOL = Tool(
    "openface",
    "OpenFace 2",
    "its public description, Output Format",
    (".csv",),
    _knows,
    read,
)
