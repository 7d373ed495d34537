"""Results files into a table: checked, fast for long recordings, and patient with broken files.

JSON is read in pieces, so that an hour of three faces takes little memory, and a file that ends in the middle
of a record, as a killed run leaves it, is read up to the last whole one.
"""

import gc
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from emotion_core.analytics.figures import durations
from emotion_core.files import no_plain_file
from emotion_core.labels import EMOTIONS, canonical
from emotion_core.results import bounded
from emotion_core.results import extras as more
from emotion_core.results.formats.base import UNFINISHED
from emotion_core.results.pieces import pieces as pieces_of
from emotion_core.results.record import chances as chances_in
from emotion_core.results.record import shortest
from emotion_core.shortage import OUT_OF_MEMORY
from emotion_core.types import EmotionError

NEEDED = ("frame", "emotion", "confidence", "valence", "arousal")
"""The five keys that every record has, also in the files of older tools."""

_TEXTS = ("objects", more.NAME)  # columns of words that may be missing
_NAMED = 5  # reasons that are named with their counts
_LISTED = 100  # rows named one by one in `attrs`; pandas copies these with every table
_NOTHING: dict[str, Any] = {}
_LARGEST = 2**53  # whole numbers up to here are exact
_LATEST = 1e12  # seconds: past any clock's, and small enough to be added up
_TRUE = ("true", "1", "1.0", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "prawda")
"""How spreadsheets of several languages write that something is so."""
_RANGES = {"confidence": (0.0, 1.0), "valence": (-1.0, 1.0), "arousal": (0.0, 1.0)}


def read_table(
    path: str | os.PathLike[str], read: Callable[[Path, list[str]], dict[str, Any]]
) -> pd.DataFrame:
    """Read a results file with the reader of its format and check what it holds.

    Returns:
        A table with one row per record: frame (int), emotion (str, missing without a face), confidence in
        [0, 1], valence in [-1, 1], arousal in [0, 1], time (s), face (id, missing without one), box_x, box_y,
        box_w, box_h (pixels), p_<Label> in [0, 1] for each category, uncertain (bool), objects (JSON text),
        duration (s, how long the picture lasts, worked out from the times where the file does not say), and
        the columns of those `results.extras` that the file holds, `name` (str) among them.
        What a file does not hold is missing: older lists have no time, face, box or probabilities. Rows that
        make no sense are left out: `attrs["skipped"]` counts them, `attrs["skipped_rows"]` names the first
        hundred as (row, reason), `attrs["reason"]` is the commonest, `attrs["reasons"]` are the commonest few
        with their counts, `attrs["notes"]` says what else is worth knowing and `attrs["complete"]` is False
        where the file was not finished.

    Raises:
        EmotionError: where it is no results file, or has records and not one of them makes sense.
    """
    file = Path(path)
    notes: list[str] = []
    try:
        if (kind := no_plain_file(file)) is not None:
            raise EmotionError(f"{file.name} is a {kind}: name a results file")
        raw = read(file, notes)
    except FileNotFoundError as error:
        raise EmotionError(f"{file} does not exist: check the path") from error
    except OSError as error:
        why = error.strerror or str(error).partition("\n")[0]
        raise EmotionError(f"{file.name} can't be read: {why}") from error
    except MemoryError as error:
        raise EmotionError(f"{file.name} can't be read: {OUT_OF_MEMORY}") from error
    return checked(raw, file.name, notes)


def from_json(file: Path, notes: list[str]) -> dict[str, Any]:
    """Read the columns of a list of records, also of one that ends in the middle."""
    bounded.check_records(file)
    with file.open("rb") as stream:
        return gathered(pieces_of(stream, file.name, notes), file.name)


def gathered(pieces: Iterable[list[Any]], name: str) -> dict[str, Any]:
    """Put the records of a file, some thousand at a time, into columns; what is no object is a bad record.

    `name` is that of the file, for what is said where they are too many.
    """
    columns = _Columns(name)
    collecting = gc.isenabled()
    gc.disable()  # a hundred thousand new dicts would set the collector off again and again, for nothing
    try:
        for rows in pieces:
            columns.add(rows)
    finally:
        if collecting:
            gc.enable()
    return columns.whole()


class _Columns:
    """Records on their way into columns: arrays piece by piece, so that no dict outlives its piece."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._budget = bounded.Budget(name)
        self._parts: dict[str, list[np.ndarray]] = {}
        self._labels: list[str] = []
        self._length = 0

    def add(self, rows: Sequence[Any]) -> None:
        """Take in the rows of one piece."""
        if not rows:
            return
        dicts = [row if isinstance(row, dict) else _NOTHING for row in rows]
        self._budget.take(_numbers([row.get("frame") for row in dicts]))
        for name in ("frame", "confidence", "valence", "arousal", "time", "face", "duration"):
            self._put(name, _numbers([row.get(name) for row in dicts]))
        names = [row.get("emotion") for row in dicts]
        self._put("emotion", np.array([name if isinstance(name, str) else None for name in names], object))
        self._put("uncertain", np.array([row.get("uncertain") is True for row in dicts], bool))
        boxes = _grid([_box(row.get("box")) for row in dicts])
        for place, name in enumerate(("box_x", "box_y", "box_w", "box_h")):
            self._put(name, boxes[:, place])
        chances = [row.get("probabilities") for row in dicts]
        first = next((c for c in chances if isinstance(c, dict) and c), None)
        if first is not None:
            self._labels += [str(k) for k in first if k not in self._labels]
            bounded.check_labels(self._name, self._labels)
        labels = self._labels
        if labels:
            self._put_chances(labels, chances)
        if any("objects" in row for row in dicts):
            texts = [_as_text(row["objects"]) if "objects" in row else None for row in dicts]
            self._put("objects", np.array(texts, object))
        if any(more.NAME in row for row in dicts):
            called = [row.get(more.NAME) for row in dicts]
            self._put(more.NAME, np.array([n if isinstance(n, str) else None for n in called], object))
        for name in more.EXTRAS:
            if any(name in row for row in dicts):
                values = _grid([more.flat(name, row.get(name)) for row in dicts])
                with np.errstate(over="ignore"):
                    values = values.astype(np.float32)
                for place, column in enumerate(more.COLUMNS[name]):
                    self._put(column, values[:, place])
        self._length += len(dicts)

    def _put_chances(self, labels: list[str], chances: list[Any]) -> None:
        nothing = (None,) * len(labels)
        try:
            pick = itemgetter(*labels) if len(labels) > 1 else lambda c: tuple(c.get(k) for k in labels)
            values = _grid([pick(c) if c else nothing for c in chances])
        except (KeyError, TypeError, AttributeError):  # not all records have the same categories
            values = _grid([[c.get(k) if isinstance(c, dict) else None for k in labels] for c in chances])
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named as such
            values = values.astype(np.float32)
        for place, label in enumerate(labels):
            self._put(f"p_{label}", values[:, place])

    def whole(self) -> dict[str, np.ndarray]:
        """Return the columns in full length."""
        names = self._labels or list(EMOTIONS)
        extras = [name for name in self._parts if name in more.NAMES or name == more.NAME]
        for name in [*(f"p_{label}" for label in names), "objects", *extras]:
            kind: Any = object if name in _TEXTS else np.float32
            self._put(name, np.empty(0, kind))
            self._fill(name)
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}

    def _put(self, name: str, values: np.ndarray) -> None:
        if name not in self._parts:
            self._parts[name] = []
        self._fill(name)
        self._parts[name].append(values)

    def _fill(self, name: str) -> None:
        # A column that appears late, or misses in a piece, is empty for the rows before.
        behind = self._length - sum(len(p) for p in self._parts[name])
        if behind > 0:
            empty = np.full(behind, None, object) if name in _TEXTS else np.full(behind, np.nan, np.float32)
            self._parts[name].append(empty)


def _numbers(values: list[Any]) -> np.ndarray:
    try:
        numbers = np.array(values, float)
        if numbers.ndim == 1:  # not so where each value is a list
            return numbers
    except (TypeError, ValueError, OverflowError):
        pass
    return np.array([_number(value) for value in values], float)


def _grid(rows: list[Sequence[Any]]) -> np.ndarray:
    try:
        numbers = np.array(rows, float)
        if numbers.ndim == 2:
            return numbers
    except (TypeError, ValueError, OverflowError):
        pass
    return np.array([[_number(value) for value in row] for row in rows], float).reshape(len(rows), -1)


def _as_text(objects: Any) -> str | None:
    try:
        return orjson.dumps(objects).decode()
    except TypeError:  # what no JSON file of ours holds: deep nesting, numbers of more than 64 bits
        return None


def _number(value: Any) -> float:
    # A word where a number should be becomes infinity: the check below names the row, as NaN might not.
    if value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.inf


def _box(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) and len(value) == 4 else (None, None, None, None)


def checked(raw: Mapping[str, Any], name: str, notes: list[str]) -> pd.DataFrame:
    """Make of columns the table that `read_results` gives, leaving out what makes no sense.

    The one check of columns, types and ranges. `name` stands in what it says; `notes` go into the table.

    Raises:
        EmotionError: where a column is missing, or there are records and not one of them makes sense.
    """
    missing = [column for column in NEEDED if column not in raw]
    if missing and len(next(iter(raw.values()), [])):
        raise EmotionError(f"{name} is no results file: it has no column {missing[0]!r}")
    length = len(next(iter(raw.values()), []))
    nothing = np.full(length, np.nan)
    chances = chances_in(raw) or [f"p_{label}" for label in EMOTIONS]
    columns: dict[str, Any] = {}

    def number(column: str, kind: Any = float) -> np.ndarray:
        given = pd.Series(raw.get(column, nothing))
        if kind is float and given.dtype == np.float32:
            return shortest(given.to_numpy())  # a Parquet file says the same as the JSON file beside it
        try:
            values = pd.to_numeric(given, errors="coerce").to_numpy(float, na_value=np.nan)
        except (TypeError, ValueError):  # a table's own kinds, such as categories or lists
            values = _numbers(given.tolist())
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named as such
            return values.astype(kind, copy=False)

    seen, emotion = _emotions(raw.get("emotion", np.full(length, None, object)))
    reasons = _Reasons(length)
    frame = number("frame")
    reasons.mark(
        ~np.isfinite(frame) | (frame < 0) | (frame > _LARGEST) | (frame != np.trunc(frame)),
        lambda i: "it has no frame number",
    )
    columns["frame"] = frame
    columns["emotion"] = emotion
    for column, (low, high) in _RANGES.items():
        values = number(column)
        reasons.mark(seen & ~np.isfinite(values), lambda i, c=column: f"{c} is not a number")
        outside = seen & ((values < low - 1e-6) | (values > high + 1e-6))
        words = f"outside [{low:g}, {high:g}]"
        reasons.mark(outside, lambda i, c=column, v=values, w=words: f"{c} {v[i]:g} is {w}")
        columns[column] = np.where(seen, values, np.nan).clip(low, high)
    time = number("time")
    late = np.isinf(time) | (time < 0) | (time > _LATEST) | (np.isnan(time) & bool(np.isfinite(time).any()))
    reasons.mark(late, lambda i: "it has no usable time")
    columns["time"] = time
    face = number("face")
    columns["face"] = face
    reasons.mark(seen & np.isinf(face), lambda i: "its face id is not a number")
    named = seen & ~np.isnan(face)
    odd = named & ((np.abs(face) > _LARGEST) | (face != np.trunc(face)))
    reasons.mark(odd, lambda i: "its face id is not a whole number")
    for column in ("box_x", "box_y", "box_w", "box_h"):
        values = number(column, np.float32)
        columns[column] = np.where(np.isfinite(values), values, np.float32(np.nan))
    for column in chances:
        values = number(column, np.float32)
        reasons.mark(
            seen & (np.isinf(values) | (values < -1e-6) | (values > 1 + 1e-6)),
            lambda i: "a probability is outside [0, 1]",
        )
        columns[column] = values
    doubt = raw.get("uncertain")
    columns["uncertain"] = np.zeros(length, bool) if doubt is None else _booleans(doubt)
    columns["objects"] = raw.get("objects", np.full(length, None, object))
    columns["duration"] = number("duration")
    for column in more.columns(name for name in more.EXTRAS if _holds(raw, name)):
        values = number(column, np.float32)
        columns[column] = np.where(seen & np.isfinite(values), values, np.float32(np.nan))

    if more.NAME in raw:
        columns[more.NAME] = _called(raw[more.NAME], seen)

    keep = reasons.none()
    if length and not keep.any():
        raise EmotionError(f"{name} holds no record that makes sense: {reasons.commonest()}")
    table = pd.DataFrame(columns, copy=False)
    if not keep.all():
        table = table[keep].reset_index(drop=True)
    if len(table) and table["time"].notna().all():
        table["duration"] = durations(*(table[column].to_numpy() for column in ("frame", "time", "duration")))
    table["frame"] = table["frame"].astype("int64")
    table["face"] = table["face"].where(table["emotion"].notna()).astype("Int64")
    table["objects"] = table["objects"].astype("str")
    if more.NAME in table.columns:
        table[more.NAME] = table[more.NAME].astype("str")
    table.attrs = {
        "skipped": int((~keep).sum()),
        "skipped_rows": reasons.first(_LISTED),
        "reason": reasons.commonest(),
        "reasons": reasons.few(),
        "notes": notes,
        "complete": UNFINISHED not in notes,
    }
    return table


def _called(values: Any, seen: np.ndarray) -> np.ndarray:
    """Return the names of people, None where there is none."""
    cells = np.array(values, object)
    there = np.array([isinstance(cell, str) and bool(cell.strip()) for cell in cells], bool)
    cells[~(seen & there)] = None
    return cells


def _holds(raw: Mapping[str, Any], extra: str) -> bool:
    return any(column in raw for column in more.COLUMNS[extra])


def _emotions(values: Any) -> tuple[np.ndarray, pd.Series]:
    """Return which rows have an emotion, and its name as this project spells it."""
    cells = np.asarray(values, object)
    try:
        codes, names = pd.factorize(cells)
    except TypeError:  # lists and the like
        codes, names = pd.factorize(np.array([c if isinstance(c, str) else None for c in cells], object))
    none = ("none", "null", "nan")
    spelt = [
        canonical(name) or name
        if isinstance(name, str) and name.strip() and name.lower() not in none
        else None
        for name in names
    ]
    there = np.array([*(name is not None for name in spelt), False])
    return there[codes], pd.Series(pd.array([*spelt, None], dtype="str").take(codes % (len(spelt) + 1)))


def _booleans(values: Any) -> np.ndarray:
    return pd.Series(values).astype(str).str.strip().str.lower().isin(_TRUE).to_numpy(bool)


class _Reasons:
    """Which rows are left out, and why; the first reason of a row counts."""

    def __init__(self, length: int) -> None:
        self._bad = np.zeros(length, bool)
        self._rows: list[tuple[int, str]] = []
        self._count: Counter[str] = Counter()

    def mark(self, bad: np.ndarray, why: Callable[..., str]) -> None:
        """Leave out the rows of a mask; `why(row)` says it in words."""
        fresh = np.flatnonzero(bad & ~self._bad)
        if not len(fresh):
            return
        self._bad[fresh] = True
        self._rows += [(int(i), why(int(i))) for i in fresh[:_LISTED]]
        self._count[why(int(fresh[0]))] += len(fresh)

    def none(self) -> np.ndarray:
        """Return the mask of the rows that stay."""
        return ~self._bad

    def first(self, count: int) -> list[tuple[int, str]]:
        """Return (row, reason) of the first rows left out."""
        return sorted(self._rows)[:count]

    def few(self) -> list[tuple[str, int]]:
        """Return the commonest reasons with the number of rows they hit."""
        return self._count.most_common(_NAMED)

    def commonest(self) -> str:
        """Return the reason that hit most rows, or an empty text."""
        return self._count.most_common(1)[0][0] if self._count else ""
