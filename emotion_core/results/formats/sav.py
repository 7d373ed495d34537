"""SPSS: variables with labels, the emotion as a number whose values have names.

Written by pyreadstat when the recording is closed; until then the columns are kept, 8 bytes a value.
"""

import errno
import math
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emotion_core.labels import DISCLAIMER
from emotion_core.results.extras import NAME, spoken
from emotion_core.results.formats.base import Format, Writer
from emotion_core.results.record import Record, chances, columns
from emotion_core.types import EmotionError

_PROBABILITY = "Probability of "  # begins the variable label that holds a category's full name
_LONGEST = 32_000  # bytes of text that a variable can hold; longer lists of objects are left out
_ABOUT = {
    "frame": "Number of the frame, from 0",
    "emotion": "Apparent emotion",
    "confidence": "Probability of the emotion, 0 to 1",
    "valence": "Valence, -1 unpleasant to 1 pleasant",
    "arousal": "Arousal, 0 calm to 1 excited",
    "time": "Time on the source's own clock, seconds",
    "face": "Number of the person",
    "box_x": "Left edge of the face, pixels",
    "box_y": "Top edge of the face, pixels",
    "box_w": "Width of the face, pixels",
    "box_h": "Height of the face, pixels",
    "uncertain": "Whether the confidence lies below the threshold",
    "objects": "Objects in the frame, JSON",
    "duration": "How long the picture lasts, seconds",
    NAME: "Name of the person",
}
_WORDS = ("objects", NAME)
_NOMINAL = ("emotion", "face", "uncertain", *_WORDS)
_WHOLE = ("frame", "emotion", "face", "uncertain")


class SavWriter(Writer):
    """Keeps the columns and writes them at the end; a killed run leaves an empty file beside the place."""

    def __init__(self, path: Path, labels: Sequence[str], extras: Sequence[str] = ()) -> None:
        self._path, self._labels, self._extras = path, tuple(labels), tuple(extras)
        self._codes = {label: float(code) for code, label in enumerate(self._labels, 1)}
        names = columns(labels, extras)
        self._emotion = names.index("emotion")
        places = {name: names.index(name) for name in _WORDS if name in names}
        self._places = sorted(places.items(), key=lambda item: -item[1])  # the last is taken out first
        self._numbers = {name: array("d") for name in names if name not in _WORDS}
        self._texts: dict[str, list[str]] = {name: [] for name in places}

    def write(self, record: Record) -> None:
        """Take in a row."""
        row = record.as_row(self._labels, self._extras)
        row[self._emotion] = self._codes.get(record.emotion or "")
        for name, place in self._places:
            text = row.pop(place) or ""
            self._texts[name].append(text if not text or len(text.encode()) <= _LONGEST else "")
        for column, value in zip(self._numbers.values(), row, strict=True):
            column.append(math.nan if value is None else value)

    def flush(self) -> None:
        """Do nothing: the file is still empty."""

    def close(self) -> None:
        """Write the file."""
        import numpy as np
        import pandas as pd
        import pyreadstat

        table = pd.DataFrame({name: np.asarray(values) for name, values in self._numbers.items()})
        for name, words in self._texts.items():
            table[name] = np.array(words, object)
        own = _variables(self._labels)
        about = {name: _ABOUT.get(name) or spoken(name) or _PROBABILITY + name[2:] for name in table.columns}
        table = table.rename(columns=own)
        try:
            pyreadstat.write_sav(
                table,
                self._path,
                file_label="Apparent expressions",
                note=DISCLAIMER,
                column_labels={own.get(name, name): text for name, text in about.items()},
                variable_value_labels={
                    "emotion": {code: label for label, code in self._codes.items()},
                    "uncertain": {0.0: "no", 1.0: "yes"},
                },
                variable_measure={name: "nominal" if name in _NOMINAL else "scale" for name in table.columns},
                variable_format={
                    own.get(name, name): "F10.0" if name in _WHOLE else "F12.6" for name in self._numbers
                },
                row_compress=True,
            )
            # The library does not say when a disk is full: the last row tells.
            last = len(table) - 1
            whole = last < 0 or len(pyreadstat.read_sav(self._path, row_offset=last, row_limit=1)[0]) == 1
        except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
            raise OSError(errno.EIO, str(error), str(self._path)) from error
        if not whole:
            raise OSError(errno.EIO, "it could not be written to its end", str(self._path))

    def discard(self) -> None:
        """Do nothing: the file is still empty."""


def _variables(labels: Sequence[str]) -> dict[str, str]:
    """Return the names of the probabilities' variables: short, plain, and apart in small letters."""
    small = [label.lower() for label in labels]
    names = {}
    for code, label in enumerate(labels, 1):
        plain = (
            label.isascii() and label.isidentifier() and len(label) < 60 and small.count(label.lower()) == 1
        )
        names[f"p_{label}"] = f"p_{label}" if plain else f"p_{code}"
    return names


def read(path: Path, notes: list[str]) -> dict[str, Any]:
    """Read the columns, with emotions by their names."""
    import pyreadstat

    from emotion_core.results import bounded

    try:
        _, head = pyreadstat.read_sav(path, metadataonly=True)
        bounded.check_rows(path.name, head.number_rows or 0)
        bounded.check_labels(path.name, chances(head.column_names))
        table, meta = pyreadstat.read_sav(path)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as error:
        raise EmotionError(f"{path.name} is no whole SPSS file: write it again") from error
    raw: dict[str, Any] = {}
    for name in table.columns:
        about = meta.column_names_to_labels.get(name) or ""
        full = f"p_{about.removeprefix(_PROBABILITY)}" if about.startswith(_PROBABILITY) else name
        raw[full if name.startswith("p_") else name] = table[name]
    if names := meta.variable_value_labels.get("emotion"):
        raw["emotion"] = raw["emotion"].map(names).astype(object)
    for name in _WORDS:
        if name in raw:
            raw[name] = raw[name].astype(object).where(raw[name] != "", None)
    return raw


FORMAT = Format(
    "sav",
    "SPSS",
    "for SPSS, PSPP and jamovi: emotions with value labels, every variable with its own",
    SavWriter,
    read,
    (".sav",),
    needs=("pandas", "pyreadstat"),
    readable_while_written=False,
)
