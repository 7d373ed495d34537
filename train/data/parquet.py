"""Data sets in Parquet files: encoded pictures with votes, one label, or attributes alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emotion_core.labels import EMOTIONS
from emotion_core.types import EmotionError
from train.data.readers import (
    VOTES,
    Raw,
    Votes,
    build,
    categories,
    from_names,
    from_votes,
    in_range,
    one_line,
    require,
    strings,
    table_key,
)


def read_parquet(path: Path) -> Raw:
    """Read a Parquet file: `image` (encoded bytes) with FER+ votes, a `label` column, or no emotion."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise EmotionError(f"{path} can't be read as Parquet: {one_line(error)}") from None
    require(table, ["image"], path)
    counted = [name for name in VOTES if name in table]
    attributes = [name for name in ("age", "gender", "race", "masked") if name in table]
    problems: list[str] = []
    if len(counted) > 2:
        require(table, VOTES, path)
        votes = from_votes(table[list(VOTES)], problems)
        labels: tuple[str, ...] = EMOTIONS
    elif "label" in table:
        labels = categories(table["label"], strict=False)
        votes = from_names(table["label"], labels, problems)
    elif attributes:
        labels, n = EMOTIONS, len(table)
        votes = Votes(np.zeros((n, len(labels)), np.float32), np.full(n, -1), np.ones(n, np.float32))
    else:
        require(table, ["label"], path)
        raise AssertionError("not reached: there is no label column")
    rated = {
        name: in_range(table[name], low, name, problems)
        for name, low in (("valence", -1), ("arousal", 0))
        if name in table
    }
    group = next((table[c] for c in ("photo", "group", "person") if c in table), None)
    return build(
        path.stem,
        labels,
        [_encoded(image) for image in table["image"]],
        votes,
        key=table_key(path),
        ids=table.get("id"),
        split=table.get("split"),
        group=group,
        attributes={
            a: table[a].to_numpy(float) if a in ("age", "masked") else strings(table[a]) for a in attributes
        },
        problems=problems,
        tight=len(counted) > 2 or "labeller" in table,
        valence=rated.get("valence"),
        arousal=rated.get("arousal"),
    )


def _encoded(image: Any) -> bytes:
    """Return a cell's encoded picture; nothing, which counts as unreadable, where it holds none."""
    if isinstance(image, dict):  # as the `datasets` library writes them
        image = image.get("bytes")
    return bytes(image) if isinstance(image, bytes | bytearray | memoryview) else b""
