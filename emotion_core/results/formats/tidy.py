"""CSV for R: a row for each person and picture, NA for what is missing, TRUE and FALSE, plain names."""

import csv
import re
from pathlib import Path

import numpy as np

from emotion_core.analytics.signals import signals
from emotion_core.results.formats.base import exported
from emotion_core.results.whole import Whole, extra_columns

_ROWS = 20_000  # rows that are turned into text at a time
_WHOLE = ("frame", "person")
_WORD = re.compile(r"[^A-Za-z0-9_.]+")


def write(whole: Whole, path: Path) -> None:
    """Write the columns recording, person, frame, time, duration, emotion and what else is known.

    Where the recording has blendshapes or key points, what `analytics.signals` derives of them comes last.
    """
    numbers = {**whole.numbers, **signals(whole.numbers)} if len(whole) else dict(whole.numbers)
    names = {"person": "face", "frame": "frame", "time": "time", "duration": "duration"}
    more = [
        *("confidence", "valence", "arousal", "uncertain"),
        *("box_x", "box_y", "box_w", "box_h"),
        *whole.chances,
        *extra_columns(whole),
        *(name for name in numbers if name not in whole.numbers),
    ]
    names |= dict(zip(_syntactic(more), more, strict=True))
    names = {name: column for name, column in names.items() if column in numbers}
    head = [*list(names)[:4], "emotion", *list(names)[4:]]
    words = np.array(["NA", *whole.labels], object)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["recording", *head])
        for begin in range(0, len(whole), _ROWS):
            rows = slice(begin, begin + _ROWS)
            cells = {name: _cells(name, numbers[column][rows]) for name, column in names.items()}
            cells["emotion"] = words[whole.emotion[rows] + 1].tolist()
            titles = [whole.name] * len(cells["emotion"])
            lines.writerows(zip(titles, *(cells[name] for name in head), strict=True))


def _cells(name: str, values: np.ndarray) -> list[str]:
    missing = np.isnan(values)
    known = np.where(missing, 0, values)
    if name == "uncertain":
        words = np.where(known != 0, "TRUE", "FALSE").tolist()
    elif name in _WHOLE:
        words = known.astype(np.int64).astype(str).tolist()
    else:
        words = [f"{value:.6f}".rstrip("0").rstrip(".") for value in known.tolist()]
    return ["NA" if gone else word for gone, word in zip(missing.tolist(), words, strict=True)]


def _syntactic(columns: list[str]) -> list[str]:
    """Return names that R takes as they are: no spaces or other signs, each once."""
    names: list[str] = []
    for at, column in enumerate(columns, 1):
        plain = _WORD.sub("_", column)
        names.append(plain if plain not in names and plain.strip("_") != "p" else f"{plain}_{at}")
    return names


FORMAT = exported(
    "tidy",
    "CSV for R",
    "a row for each person and picture with NA and TRUE or FALSE, for R, jamovi and JASP",
    write,
    ".tidy.csv",
)
