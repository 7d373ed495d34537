"""Tables out of files that may be anything: what is too large is refused before it is unpacked.

A few kilobytes can describe a table of gigabytes: a long run of one value, a text that a dictionary repeats,
a line without an end. So rows, columns and sizes are looked at first, and files are read piece by piece.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from emotion_core.limits import MAX_LABELS, MAX_ROWS, MAX_TABLE_BYTES
from emotion_core.results.extras import NAME
from emotion_core.results.extras import NAMES as EXTRAS
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PIECE = 1 << 20  # bytes that are looked at at a time
LONGEST_LINE = 1 << 20  # bytes of a row of CSV
MOST_COLUMNS = 3 * MAX_LABELS
MOST_TEXT = 200_000_000  # bytes of a column of words
BATCH = 20_000  # rows that are unpacked at a time
_FOOTER = 64_000_000  # bytes of a Parquet file's list of contents: six hours of three faces take 30 MB
_KEY = b'"frame"'
_ENOUGH = 50_000  # rows after which a file without one usable record is given up
_NUMBERS = (
    *("frame", "confidence", "valence", "arousal", "time", "face", "duration"),
    *("box_x", "box_y", "box_w", "box_h"),
)
_SEPARATORS = (",", ";", "\t", "|")  # the first of those that stand equally often
_LETTERS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_SAMPLED = 200  # lines that are looked at for the decimal sign
_OTHERS = ("emotion", "uncertain", "objects", NAME)


class Budget:
    """How much of a file has been taken in; it says when that is too much."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows = 0
        self._usable = False

    def take(self, frames: Any) -> None:
        """Count rows by their frame numbers; raises EmotionError for too many, or for only useless ones."""
        self._rows += len(frames)
        check_rows(self._name, self._rows)
        if not self._usable:
            numbers = pd.to_numeric(pd.Series(frames), errors="coerce").to_numpy(float, na_value=np.nan)
            self._usable = bool(np.isfinite(numbers).any())
        if not self._usable and self._rows > _ENOUGH:
            raise EmotionError(
                f"{self._name} holds no record that makes sense among its first {self._rows:,}: "
                "choose another file"
            )


def check_rows(name: str, rows: int) -> None:
    """Refuse more records than are read."""
    if rows > MAX_ROWS:
        raise EmotionError(f"{name} has more than the {MAX_ROWS:,} records that can be read: split it first")


def check_labels(name: str, labels: Sequence[str]) -> None:
    """Refuse more categories than are read."""
    if len(labels) > MAX_LABELS:
        raise EmotionError(f"{name} has more than {MAX_LABELS} categories: it is no results file")


def check_records(file: Path) -> None:
    """Refuse a JSON file of too many records before it is unpacked: each names its frame."""
    records, end = 0, b""
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            records += (end + piece).count(_KEY)
            end = piece[1 - len(_KEY) :]
            check_rows(file.name, records)


def read_csv(file: Path) -> pd.DataFrame:
    """Read the columns of a CSV that a results table has.

    Raises:
        EmotionError: where it has too many rows or columns, or too long a line.
        pandas.errors.ParserError, EmptyDataError, UnicodeDecodeError: where it is no CSV.
    """
    check_lines(file)
    manner = manner_of(file)
    names = list(pd.read_csv(file, nrows=0, **manner).columns)
    if len(names) > MOST_COLUMNS:
        raise EmotionError(f"{file.name} has {len(names):,} columns: it is no results file")
    if "frame" not in names:
        raise EmotionError(f"{file.name} is no results file: it has no column 'frame'")
    budget, tables = Budget(file.name), []
    with pd.read_csv(
        file, on_bad_lines="skip", low_memory=False, usecols=_wanted, chunksize=BATCH, **manner
    ) as pieces:
        for piece in pieces:
            budget.take(piece["frame"])
            tables.append(_narrowed(piece))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=names)


def manner_of(file: Path) -> dict[str, Any]:
    """Tell how a table is written, as arguments for pandas: its letters, separator and decimal sign.

    Spreadsheets write what their country uses: semicolons or tabs, UTF-16, and commas in numbers, and may say
    `sep=;` in a first line.
    """
    with file.open("rb") as stream:
        head = stream.read(PIECE)
    letters = next((name for mark, name in _LETTERS if head.startswith(mark)), None)
    if letters is None and b"\0" in head[:2]:  # UTF-16 without its mark
        letters = "utf-16-le" if head[:1] != b"\0" else "utf-16-be"
    if letters is None:
        letters = "utf-8" if _is_utf8(head) else "cp1252"
    lines = head.decode(letters, errors="replace").lstrip("\ufeff").splitlines() or [""]
    said = lines[0].strip().strip('"').lower()
    skipped = int(said.startswith("sep=") and len(said) == 5)
    titles = lines[skipped] if len(lines) > skipped else ""
    separator = said[4] if skipped else max(_SEPARATORS, key=titles.count)
    # One number with a comma is enough: those with a point, as a program may write them, are read as well.
    commas = any(_comma_number(separator).search(line) for line in lines[skipped + 1 : _SAMPLED])
    return {
        "encoding": letters,
        "sep": separator,
        "decimal": "," if commas else ".",
        "skiprows": skipped,
    }


def _comma_number(separator: str) -> re.Pattern[str]:
    """Return the pattern of a whole cell that holds a number with a comma."""
    number = r"-?\d+,\d+(?:[eE][-+]?\d+)?"
    edge = re.escape(separator)
    quoted = rf'(?:^|{edge})"{number}"(?:{edge}|$)'
    return re.compile(quoted if separator == "," else rf"{quoted}|(?:^|{edge}){number}(?:{edge}|$)")


def _is_utf8(head: bytes) -> bool:
    try:
        head[: PIECE - 4].decode("utf-8")
    except UnicodeDecodeError as error:
        return len(head) >= PIECE and error.start >= PIECE - 8  # cut within a letter
    return True


def check_lines(file: Path) -> None:
    """Count lines without keeping one, and find those without an end."""
    rows, since = 0, 0
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            end = b"\n" if b"\n" in piece else b"\r"
            rows += piece.count(end)
            since = len(piece) - 1 - piece.rfind(end) if end in piece else since + len(piece)
            if since > LONGEST_LINE:
                raise EmotionError(f"{file.name} has a line of more than a megabyte: it is no results file")
            check_rows(file.name, rows - 1)


def _wanted(name: str) -> bool:
    plain = name.removesuffix(".1")
    return plain in _NUMBERS or plain in _OTHERS or plain in EXTRAS or name.startswith("p_")


def _narrowed(piece: pd.DataFrame) -> pd.DataFrame:
    """Keep numbers as numbers: as words, as a broken column is read, they take many times more."""
    return piece.assign(
        **{
            name: pd.to_numeric(piece[name], errors="coerce")
            for name in piece.columns
            if name in _NUMBERS or name in EXTRAS or name.startswith("p_")
        }
    )


def read_parquet(file: Path) -> pd.DataFrame:
    """Read the columns of a Parquet file that a results table has.

    Raises:
        EmotionError: where it has too many rows or columns, or would take too much memory.
        pyarrow.ArrowException: where it is no Parquet file.
    """
    import pyarrow
    import pyarrow.parquet
    import pyarrow.types

    _check_footer(file)
    limits = {"thrift_string_size_limit": _FOOTER, "thrift_container_size_limit": MAX_ROWS}
    with pyarrow.parquet.ParquetFile(file, **limits) as source:
        about = source.metadata
        fields = [f for f in source.schema_arrow if _wanted(f.name) and not pyarrow.types.is_nested(f.type)]
        check_rows(file.name, about.num_rows)
        if about.num_columns > MOST_COLUMNS:
            raise EmotionError(f"{file.name} has {about.num_columns:,} columns: it is no results file")
        texts = [f.name for f in fields if pyarrow.types.is_string(f.type)]
        _check_memory(file.name, about, [f.name for f in fields], MAX_TABLE_BYTES)
        _check_memory(file.name, about, texts, MOST_TEXT)
    names = [f.name for f in fields]
    budget, batches = Budget(file.name), []
    # Words stay in the file's dictionaries: a long one that is repeated may not be written out.
    with pyarrow.parquet.ParquetFile(
        file, read_dictionary=texts, buffer_size=PIECE, pre_buffer=False, **limits
    ) as source:
        for batch in source.iter_batches(BATCH, columns=names, use_threads=False):
            if "frame" in names:
                budget.take(batch.column(batch.schema.get_field_index("frame")).to_pandas())
            batches.append(batch)
    if not batches:
        return pd.DataFrame(columns=names)
    table = pyarrow.Table.from_batches(batches)
    _check_texts(file.name, table)
    return table.to_pandas(ignore_metadata=True)


def _check_footer(file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(0, size - 8))
        end = stream.read(8)
    if end[4:] == b"PAR1" and int.from_bytes(end[:4], "little") > min(size, _FOOTER):
        raise EmotionError(f"{file.name} has a list of contents that is too long: it is no results file")


def _check_memory(name: str, about: Any, columns: list[str], most: int) -> None:
    """Refuse columns that unpack, as they say themselves, to more than `most` bytes."""
    size = about.num_rows * len(columns) * 8
    for group in range(about.num_row_groups):
        row_group = about.row_group(group)
        parts = (row_group.column(place) for place in range(row_group.num_columns))
        size += sum(part.total_uncompressed_size for part in parts if part.path_in_schema in columns)
    if size > most:
        raise EmotionError(
            f"{name} would take {size / 1e6:,.0f} MB of memory, more than the {most / 1e6:,.0f} MB that it "
            "may: split the file first"
        )


def _check_texts(name: str, table: Any) -> None:
    """Refuse words that a dictionary repeats so often that they would not fit when they are written out."""
    import pyarrow.compute as pc
    import pyarrow.types

    for column in table.columns:
        if not pyarrow.types.is_dictionary(column.type):
            continue
        size = 0
        for chunk in column.chunks:
            lengths = pc.binary_length(chunk.dictionary)
            taken = lengths.take(chunk.indices)
            size += pc.sum(taken).as_py() or 0
        if size > MOST_TEXT:
            raise EmotionError(
                f"{name} repeats texts of {size / 1e6:,.0f} MB, more than can be read: split it first"
            )
