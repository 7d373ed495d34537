"""Hand-made results tables, and files of them, for the tests of the charts and the dashboard."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from emotion_core.analytics import loading
from emotion_core.labels import EMOTIONS


def rows_of(
    emotions: str | Sequence[str | None],
    *,
    face: int = 1,
    fps: float = 10.0,
    start: float = 0.0,
    valence: Any = 0.0,
    arousal: Any = 0.5,
    confidence: float = 0.8,
    chances: bool = True,
) -> pd.DataFrame:
    """One row a frame: emotions by their first letters ("HHN"; U is Surprise, "." no face)."""
    names: dict[str, str | None] = {label[0]: label for label in EMOTIONS}
    names |= {".": None, "S": "Sad", "U": "Surprise"}
    shown = [names[e] if isinstance(e, str) and len(e) == 1 else e for e in emotions]
    n = len(shown)
    seen = np.array([e is not None for e in shown])
    first = round(start * fps)
    table = {
        "frame": np.arange(first, first + n),
        "emotion": shown,
        "confidence": np.where(seen, confidence, np.nan),
        "valence": np.where(seen, valence, np.nan),
        "arousal": np.where(seen, arousal, np.nan),
        "time": start + np.arange(n) / fps,
        "face": np.where(seen, float(face), np.nan),
    }
    if chances:
        rest = (1 - confidence) / (len(EMOTIONS) - 1)
        for label in EMOTIONS:
            p = [confidence if e == label else rest for e in shown]
            table[f"p_{label}"] = np.where(seen, p, np.nan)
    return pd.DataFrame(table)


def checked(*parts: pd.DataFrame, name: str = "made") -> pd.DataFrame:
    """Put parts together in order of time and check them as a loaded file is."""
    table = pd.concat(parts, ignore_index=True).sort_values(["time", "face"], kind="stable")
    return loading.check(table.reset_index(drop=True), name=name).frame


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The records of a table as a results file holds them."""
    out = []
    for row in table.to_dict("records"):
        seen = row["face"] == row["face"] and row["face"] is not None
        record: dict[str, Any] = {"frame": int(row["frame"]), "emotion": row["emotion"] if seen else None}
        for key in ("confidence", "valence", "arousal"):
            record[key] = round(float(row[key]), 6) if seen else None
        record["time"] = round(float(row["time"]), 6)
        record["face"] = int(row["face"]) if seen else None
        record["probabilities"] = (
            {label: round(float(row[f"p_{label}"]), 6) for label in EMOTIONS}
            if seen and "p_Angry" in row
            else None
        )
        record["box"] = [10.0, 20.0, 100.0, 120.0] if seen else None
        out.append(record)
    return out


def write_json(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as NAME_results.json: one record a line."""
    lines = b",\n".join(orjson.dumps(record) for record in records_of(table))
    path.write_bytes(b"[\n" + lines + b"\n]\n")
    return path
