"""CSV: a line of column names, then a line a record. Written by Python's own module."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emotion_core.results.formats.base import Format, Writer
from emotion_core.results.record import Record, columns
from emotion_core.types import EmotionError


class CsvWriter(Writer):
    """Writes the columns of `columns(labels)`; what a record does not have is empty."""

    def __init__(self, path: Path, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._file = path.open("w", encoding="utf-8", newline="")
        self._lines = csv.writer(self._file)
        self._lines.writerow(columns(labels))

    def write(self, record: Record) -> None:
        """Append one line."""
        self._lines.writerow(record.as_row(self._labels))

    def flush(self) -> None:
        """Hand the lines to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def discard(self) -> None:
        """Close the file as it is."""
        self._file.close()


def read(path: Path, notes: list[str]) -> dict[str, Any]:
    """Read the columns; a line that is torn is left out."""
    import pandas as pd

    try:
        table = pd.read_csv(path, on_bad_lines="skip", low_memory=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise EmotionError(f"{path.name} is no CSV of results: {str(error).splitlines()[0]}") from error
    return {str(name): table[name] for name in table.columns}


FORMAT = Format(
    "csv",
    "CSV",
    "one line a record, for spreadsheets and every statistics program",
    CsvWriter,
    read,
    (".csv",),
)
