"""AFFDEX, by iMotions' export or the SDK's own CSV: scores of 0 to 100, Neutral in newer exports alone."""

from pathlib import Path

import numpy as np

from emotion_core.results.incoming.base import Found, Head, Tool, csv, own_columns, scores

THRESHOLD = 50.0
"""Below it in all scores a frame of a file without a neutral category is called Neutral here."""
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
    names = _NAMES | ({"neutral": "Neutral"} if "neutral" in places else {})
    columns = scores(table, {places[name]: label for name, label in names.items()}, 100.0)
    notes = ["its scores are no probabilities: several may be high"]
    if "neutral" not in places:
        low = np.asarray(columns["confidence"], float) < THRESHOLD / 100
        columns["emotion"] = [
            "Neutral" if quiet else word for quiet, word in zip(low, columns["emotion"], strict=True)
        ]
        quiet = f"a frame without a score of {THRESHOLD:g} is called Neutral here"
        notes.insert(0, f"it has no neutral category: {quiet}")
    columns["time"] = table[places["timestamp"]].astype(float) / (1000 if imotions else 1)
    if "valence" in places:
        columns["valence"] = table[places["valence"]].astype(float) / 100
    if "faceid" in places:
        columns["face"] = table[places["faceid"]].fillna(0).astype(float) + 1
    used = [places[name] for name in ("timestamp", "valence", "faceid", *names) if name in places]
    own = own_columns(table, (*used, "Row"))
    measures = {f"p_{label}": "score, 0 to 1 (the file has 0 to 100)" for label in names.values()}
    measures |= {"valence": "-1 to 1 (the file has -100 to 100)", "time": "seconds"}
    return Found(columns, measures, own, notes=notes)


TOOL = Tool("affdex", "AFFDEX (iMotions)", "its public description", (".csv", ".txt", ".tsv"), _knows, read)
