"""MorphCast: the events of its SDK as a page keeps them, a JSON list or a line each."""

from pathlib import Path
from typing import Any

import pandas as pd

from emotion_core.labels import EMOTIONS
from emotion_core.results.incoming.base import Found, Head, Tool, records, scores


def _knows(head: Head) -> bool:
    return '"dominantEmotion"' in head.text or '"affects38"' in head.text


def read(path: Path) -> Found:
    """Read events that have `output` and a time: `timestamp` or `time`, in milliseconds.

    Events of one moment, of the emotion and of arousal and valence, become one row.
    """
    rows: dict[Any, dict[str, Any]] = {}
    for at, event in enumerate(records(path)):
        output = event.get("output", event)
        moment = event.get("timestamp", event.get("time", output.get("timestamp")))
        row = rows.setdefault(at if moment is None else moment, {"time": moment})
        row |= {label: score for label, score in (output.get("emotion") or {}).items() if label in EMOTIONS}
        for name in ("arousal", "valence"):
            if isinstance(output.get(name), (int, float)):
                row[name] = output[name]
    table = pd.DataFrame(list(rows.values()), columns=["time", *EMOTIONS, "arousal", "valence"])
    columns = scores(table, {label: label for label in EMOTIONS})
    time = pd.to_numeric(table["time"], errors="coerce")
    notes = ["arousal of -1 to 1 was brought to 0 to 1"]
    if time.notna().all() and len(time):
        columns["time"] = (time - (time.iloc[0] if time.iloc[0] > 1e11 else 0)) / 1000
        if time.iloc[0] > 1e11:
            notes.append(
                "times are counted from the first event: the file has those of the clock on the wall"
            )
    columns["valence"] = table["valence"]
    columns["arousal"] = (table["arousal"].astype(float) + 1) / 2
    measures = {f"p_{label}": "probability, 0 to 1" for label in EMOTIONS}
    measures |= {"valence": "-1 to 1", "arousal": "0 to 1 (the file has -1 to 1)", "time": "seconds"}
    return Found(columns, measures, notes=notes)


TOOL = Tool("morphcast", "MorphCast", "its public description", (".json", ".jsonl", ".ndjson"), _knows, read)
