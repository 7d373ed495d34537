"""FaceReader: the detailed log, a table of text after some lines about the analysis."""

import re
from pathlib import Path

import pandas as pd

from emotion_core.results.incoming.base import Found, Head, Tool, csv, own_columns, scores

_NAMES = {
    "Neutral": "Neutral",
    "Happy": "Happy",
    "Sad": "Sad",
    "Angry": "Angry",
    "Surprised": "Surprise",
    "Scared": "Fear",
    "Disgusted": "Disgust",
    "Contempt": "Contempt",
}


def _knows(head: Head) -> bool:
    return (
        re.search(r"^\"?Video Time\"?[\t;,]", head.text, re.MULTILINE) is not None and "Scared" in head.text
    )


def read(path: Path) -> Found:
    """Read it; frames marked FIT_FAILED or FIND_FAILED have no face and are left out."""
    lines = Head.of(path).text.splitlines()
    skip = next(at for at, line in enumerate(lines) if line.strip('"').startswith("Video Time"))
    about = "\n".join(lines[:skip])
    table = csv(path, skip=skip, na_values=["FIT_FAILED", "FIND_FAILED"])
    names = {name: label for name, label in _NAMES.items() if name in table}
    failed = pd.to_numeric(table["Neutral"], errors="coerce").isna()
    table = table[~failed].reset_index(drop=True)
    columns = scores(table, names)
    columns["time"] = [_seconds(str(text)) for text in table["Video Time"]]
    for name in ("Valence", "Arousal"):
        if name in table:
            columns[name.lower()] = pd.to_numeric(table[name], errors="coerce")
    rate = re.search(r"Frame ?rate\W+(\d+(?:[.,]\d+)?)", about, re.IGNORECASE)
    fps = float(rate[1].replace(",", ".")) if rate else None
    if fps:
        columns["frame"] = (pd.Series(columns["time"]) * fps).round()
    measures = {f"p_{label}": "intensity, 0 to 1" for label in names.values()}
    measures |= {"valence": "-1 to 1", "arousal": "0 to 1", "time": "seconds"}
    notes = ["its intensities are no probabilities: several may be high"]
    if failed.any():
        notes.append(f"{int(failed.sum()):,} frames without a face were left out")
    own = own_columns(table, (*names, "Valence", "Arousal"))
    return Found(columns, measures, own, rate=fps, notes=notes)


def _seconds(text: str) -> float:
    """Read a time as 00:01:02.345."""
    total = 0.0
    for part in text.strip().replace(",", ".").split(":"):
        total = 60 * total + float(part)
    return total


TOOL = Tool("facereader", "FaceReader", "its public description", (".txt", ".csv"), _knows, read)
