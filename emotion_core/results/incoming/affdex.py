"""AFFDEX, by iMotions' export or the SDK's own CSV: scores of 0 to 100, without a neutral category."""

from pathlib import Path

import numpy as np

from emotion_core.results.incoming.base import Found, Head, Tool, csv, own_columns, scores

THRESHOLD = 50.0
"""Below it in all scores a frame is called Neutral here."""
_NAMES = {
    "anger": "Angry",
    "contempt": "Contempt",
    "disgust": "Disgust",
    "fear": "Fear",
    "joy": "Happy",
    "sadness": "Sad",
    "surprise": "Surprise",
}


def _knows(head: Head) -> bool:
    line = head.text.splitlines()[_skipped(head.text)] if head.text.splitlines() else ""
    words = {word.strip().strip('"').lower() for word in line.replace("\t", ",").replace(";", ",").split(",")}
    return {"timestamp", *_NAMES} <= words


def _skipped(text: str) -> int:
    """Return how many lines stand before the names: all up to `#DATA` of iMotions, and further comments."""
    lines = text.splitlines()
    marks = [at for at, line in enumerate(lines) if line.startswith("#")]
    return min(marks[-1] + 1, len(lines) - 1) if marks else 0


def read(path: Path) -> Found:
    """Read it; times of iMotions are milliseconds, those of the SDK seconds."""
    head = Head.of(path)
    skip = _skipped(head.text)
    table = csv(path, skip=skip)
    places = {name.lower(): name for name in table.columns}
    imotions = skip > 0 or "Row" in table
    table = table[table[[places[name] for name in _NAMES]].notna().any(axis=1)].reset_index(drop=True)
    columns = scores(table, {places[name]: label for name, label in _NAMES.items()}, 100.0)
    highest = np.asarray(columns["confidence"], float)
    low = highest < THRESHOLD / 100
    columns["emotion"] = [
        "Neutral" if quiet else word for quiet, word in zip(low, columns["emotion"], strict=True)
    ]
    columns["time"] = table[places["timestamp"]].astype(float) / (1000 if imotions else 1)
    if "valence" in places:
        columns["valence"] = table[places["valence"]].astype(float) / 100
    if "faceid" in places:
        columns["face"] = table[places["faceid"]].fillna(0).astype(float) + 1
    used = [places[name] for name in ("timestamp", "valence", "faceid", *_NAMES) if name in places]
    own = own_columns(table, (*used, "Row"))
    measures = {f"p_{label}": "score, 0 to 1 (the file has 0 to 100)" for label in _NAMES.values()}
    measures |= {"valence": "-1 to 1 (the file has -100 to 100)", "time": "seconds"}
    note = f"it has no neutral category: a frame without a score of {THRESHOLD:g} is called Neutral here"
    return Found(columns, measures, own, notes=[note, "its scores are no probabilities: several may be high"])


TOOL = Tool("affdex", "AFFDEX (iMotions)", "its public description", (".csv", ".txt", ".tsv"), _knows, read)
