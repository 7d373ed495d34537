"""JSON: a list of flat records, one a line; the format that is always written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from emotion_core.results.formats.base import Format, Writer
from emotion_core.results.record import Record


class JsonWriter(Writer):
    """Writes the list so that a file without its end can be read up to the last whole record."""

    def __init__(self, path: Path, labels: Sequence[str], extras: Sequence[str] = ()) -> None:
        self._file = path.open("wb")
        self._file.write(b"[\n")
        self._between = b""

    def write(self, record: Record) -> None:
        """Append one line."""
        self._file.write(self._between + orjson.dumps(record.as_dict()))
        self._between = b",\n"

    def flush(self) -> None:
        """Hand the lines to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """End the list."""
        with self._file:
            self._file.write(b"\n]\n")

    def discard(self) -> None:
        """Close the file as it is."""
        self._file.close()


def read(path: Path, notes: list[str]) -> dict[str, Any]:
    """Read the columns, in pieces."""
    from emotion_core.results.table import from_json

    return from_json(path, notes)


FORMAT = Format("json", "JSON", "a list of records, one a line", JsonWriter, read, (".json",))
