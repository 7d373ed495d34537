"""NDJSON: the records of the JSON file without the list around them, for streams and line by line tools."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from emotion_core.results.formats.base import UNFINISHED, Format, Writer
from emotion_core.results.record import Record

_PIECE = 1 << 20  # bytes of lines that are unpacked at a time


class NdjsonWriter(Writer):
    """Writes a line a record; the file is whole after every one of them."""

    def __init__(self, path: Path, labels: Sequence[str], extras: Sequence[str] = ()) -> None:
        self._file = path.open("wb")

    def write(self, record: Record) -> None:
        """Append one line."""
        self._file.write(orjson.dumps(record.as_dict(), option=orjson.OPT_APPEND_NEWLINE))

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
    """Read the columns; a line that can't be read is counted, and left out where it is a torn last one."""
    from emotion_core.results import bounded
    from emotion_core.results.table import gathered

    bounded.check_lines(path)
    return gathered(_pieces(path, notes), path.name)


def _pieces(path: Path, notes: list[str]) -> Iterator[list[Any]]:
    with path.open("rb") as file:
        while lines := file.readlines(_PIECE):
            torn = not lines[-1].endswith(b"\n") and _parsed(lines[-1]) is None
            if torn:
                notes.append(UNFINISHED)
                lines.pop()
            yield [_parsed(line) for line in lines if line.strip()]


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            return json.loads(line)  # knows NaN, which other tools write; the check of the table names it
        except (ValueError, RecursionError):
            return None


FORMAT = Format(
    "ndjson",
    "NDJSON",
    "the same records, one a line and no list around them, for streams, `jq` and DuckDB",
    NdjsonWriter,
    read,
    (".ndjson", ".jsonl"),
)
