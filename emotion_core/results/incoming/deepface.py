"""DeepFace: what `analyze` gives, saved as JSON: a list for each picture, or one list of faces."""

from pathlib import Path

import pandas as pd

from emotion_core.results.incoming.base import Found, Head, Tool, records, scores

_NAMES = {
    "angry": "Angry",
    "disgust": "Disgust",
    "fear": "Fear",
    "happy": "Happy",
    "neutral": "Neutral",
    "sad": "Sad",
    "surprise": "Surprise",
}


def _knows(head: Head) -> bool:
    return '"dominant_emotion"' in head.text and '"region"' in head.text


def read(path: Path) -> Found:
    """Read the faces; a list in the list, or a line of its own, is a picture, and so is each lone face."""
    rows = []
    for frame, picture in enumerate(records(path)):
        faces = picture if isinstance(picture, list) else [picture]
        for number, face in enumerate(faces, 1):
            rows.append((frame, number, face))
    table = pd.DataFrame([row[2]["emotion"] for row in rows], columns=list(_NAMES))
    columns = scores(table, _NAMES, 100.0)
    columns |= {"frame": [row[0] for row in rows], "face": [row[1] for row in rows]}
    for side in "xywh":
        columns[f"box_{side}"] = [row[2].get("region", {}).get(side) for row in rows]
    return Found(
        columns,
        {f"p_{label}": "probability, 0 to 1 (the file has per cent)" for label in _NAMES.values()},
        notes=["faces are numbered by their place in the picture: person 1 need not be the same one"],
    )


TOOL = Tool(
    "deepface", "DeepFace", "its code, deepface 0.0.103", (".json", ".jsonl", ".ndjson"), _knows, read
)
