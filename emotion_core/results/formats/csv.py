"""CSV: a line of column names, then a line a record. Written by Python's own module."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emotion_core.results.formats.base import Format, Writer
from emotion_core.results.record import Record, columns
from emotion_core.types import EmotionError


class CsvWriter(Writer):
    """Writes the columns of `columns(labels, extras)`; what a record does not have is empty.

    The file grows by whole lines: half a number would be read as another one.
    """

    def __init__(self, path: Path, labels: Sequence[str], extras: Sequence[str] = ()) -> None:
        self._labels, self._extras = tuple(labels), tuple(extras)
        self._file = path.open("wb", buffering=0)
        self._text = io.StringIO(newline="")
        self._lines = csv.writer(self._text)
        self._lines.writerow(columns(labels, extras))

    def write(self, record: Record) -> None:
        """Take in one line."""
        self._lines.writerow(record.as_row(self._labels, self._extras))

    def flush(self) -> None:
        """Hand the lines to the operating system."""
        lines = memoryview(self._text.getvalue().encode("utf-8"))
        while lines:  # a disk that fills up takes a part, and complains at the next one
            lines = lines[self._file.write(lines) :]
        self._text.seek(0)
        self._text.truncate()

    def close(self) -> None:
        """Write the last lines."""
        with self._file:
            self.flush()

    def discard(self) -> None:
        """Close the file as it is."""
        self._file.close()


def read(path: Path, notes: list[str]) -> dict[str, Any]:
    """Read the columns, also of a table that a spreadsheet wrote anew; a line that is torn is left out."""
    import pandas as pd

    from emotion_core.results import bounded
    from emotion_core.results.table import NEEDED

    try:
        table = bounded.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise EmotionError(f"{path.name} is no CSV of results: {str(error).splitlines()[0]}") from error
    # pandas calls the second column of a name NAME.1, and reads names that end so as they are.
    twice = [name for name in NEEDED if f"{name}.1" in table.columns]
    notes += [f"the column {name} stands there twice: the first is read" for name in twice]
    return {str(name): table[name] for name in table.columns}


FORMAT = Format(
    "csv",
    "CSV",
    "one line a record, for spreadsheets and every statistics program",
    CsvWriter,
    read,
    (".csv", ".tsv"),
)
