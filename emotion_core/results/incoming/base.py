"""What another tool's results are: how its files are known, and how they become our table."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emotion_core.analytics.figures import ASSUMED_FPS, assumed, durations
from emotion_core.files import no_plain_file
from emotion_core.labels import EMOTIONS, canonical
from emotion_core.results.bounded import check_lines, check_rows, manner_of
from emotion_core.results.record import columns, labels_in
from emotion_core.types import EmotionError

RATE = "frame rate"
"""What a note says that a tool's file lacks."""
LOOKED = 65_536  # bytes that are looked at to know a file
_WORDS = {"joy": "Happy", "scared": "Fear", "contempt": "Contempt", "disgusted": "Disgust"}
_MOST_BYTES = 450_000_000


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file, by which a tool knows its own: its text, and the names in its first line."""

    path: Path
    text: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> "Head":
        """Read it; raises OSError."""
        with path.open("rb") as file:
            start = file.read(LOOKED)
        letters = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = start.decode(letters, errors="replace")
        line = text.partition("\n")[0]
        separator = max(",;\t", key=line.count)
        return cls(path, text, tuple(name.strip().strip('"') for name in line.split(separator)))


@dataclass(frozen=True, slots=True)
class Found:
    """What a tool's file holds: columns of our table by name, all of one length, and the tool's own columns.

    `rate` is the frames a second where the file says so. `measures` says in words what each filled column
    is, with its unit.
    """

    columns: Mapping[str, Any]
    measures: Mapping[str, str]
    own: Mapping[str, Any] = field(default_factory=dict)
    rate: float | None = None
    notes: Sequence[str] = ()
    spans: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool whose results are read.

    Args:
        name: its name in `TOOLS`.
        label: what a person reads.
        basis: what its columns are known from: the code of a version, or its public description.
        endings: of its files.
        knows: tells a file of its own by the beginning.
        read: reads one.
    """

    name: str
    label: str
    basis: str
    endings: tuple[str, ...]
    knows: Callable[[Head], bool]
    read: Callable[[Path], Found]


def read(path: Path, tool_of: Callable[[Path], Tool | None], rate: float | None) -> pd.DataFrame:
    """Read a file by the tool that it comes from; see `incoming.read_foreign`."""
    tool: Tool | None = None
    try:
        if (kind := no_plain_file(path)) is not None:
            raise EmotionError(f"{path.name} is a {kind}: name a results file")
        if path.stat().st_size > _MOST_BYTES:
            raise EmotionError(f"{path.name} has more than {_MOST_BYTES / 1e6:.0f} MB: split it first")
        if (tool := tool_of(path)) is None:
            raise EmotionError(f"{path.name} comes from no tool that is known here: see docs/formats.md")
        found = tool.read(path)
    except FileNotFoundError as error:
        raise EmotionError(f"{path} does not exist: check the path") from error
    except OSError as error:
        raise EmotionError(f"{path.name} can't be read: {error.strerror or error}") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, LookupError, TypeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        whose = f" as a file of {tool.label}" if tool is not None else ""
        raise EmotionError(f"{path.name} can't be read{whose}: {why}") from error
    return _table(tool, found, rate)


def _table(tool: Tool, found: Found, rate: float | None) -> pd.DataFrame:
    length = len(next(iter(found.columns.values()), ()))
    labels = labels_in(found.columns) or list(EMOTIONS)
    table = pd.DataFrame({name: np.full(length, np.nan) for name in columns(labels)})
    table["uncertain"] = False
    table["emotion"] = pd.array([None] * length, dtype="str")
    table["objects"] = pd.array([None] * length, dtype="str")
    for name, values in found.columns.items():
        if name == "emotion":
            table[name] = pd.array([spelt(value) for value in values], dtype="str")
        else:
            table[name] = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float)
    if "face" not in found.columns:
        table["face"] = 1.0
    if "frame" not in found.columns:
        table["frame"] = np.arange(length, dtype=float)
    notes = list(found.notes)
    known = "time" in found.columns or (rate or found.rate) is not None
    if "time" not in found.columns:
        if not known:
            notes.append(assumed(ASSUMED_FPS, RATE))
        table["time"] = table["frame"] / (rate or found.rate or ASSUMED_FPS)
    bad = ~np.isfinite(table["time"].to_numpy()) | ~np.isfinite(table["frame"].to_numpy())
    if bad.any():
        notes.append(f"{int(bad.sum()):,} rows without a usable time were left out")
    own = pd.DataFrame({name: np.asarray(values) for name, values in found.own.items()}, index=table.index)
    own = own[[name for name in own.columns if name not in table.columns]]
    table = pd.concat([table, own], axis=1)[~bad]
    table = table.sort_values(["time", "face"], kind="stable").reset_index(drop=True)
    table["frame"] = table["frame"].astype("int64")
    table["face"] = table["face"].round().astype("Int64")
    if not found.spans and len(table):
        table["duration"] = durations(table["frame"].to_numpy(float), table["time"].to_numpy(float))
    table.attrs = {
        "origin": tool.label,
        "basis": tool.basis,
        "measures": dict(found.measures),
        "spans": found.spans,
        "rate_known": known,
        "notes": notes,
        "skipped": int(bad.sum()),
        "complete": True,
    }
    return table


def spelt(name: Any) -> str | None:
    """Return a category as this project spells it; None for what is none."""
    if not isinstance(name, str) or not name.strip():
        return None
    return canonical(name) or _WORDS.get(name.strip().lower()) or name.strip()


def csv(path: Path, *, skip: int = 0, **more: Any) -> pd.DataFrame:
    """Read a table of text with names in its first line, or in that after `skip` lines."""
    check_lines(path)
    manner = manner_of(path)
    if skip:  # what stands before the names is no table: its separators and numbers tell nothing
        lines = Head.of(path).text.splitlines()[skip:]
        separator = max(",;\t", key=lines[0].count)
        commas = separator != "," and any(re.search(r"\d,\d", line) for line in lines[1:50])
        manner |= {"skiprows": skip, "sep": separator, "decimal": "," if commas else "."}
    table = pd.read_csv(path, skipinitialspace=True, low_memory=False, **{**manner, **more})
    check_rows(path.name, len(table))
    table.columns = [str(name).strip() for name in table.columns]
    return table


def records(path: Path) -> list[Any]:
    """Read a JSON list, or an object on each line; raises ValueError."""
    text = path.read_text("utf-8-sig")
    try:
        found = json.loads(text)
    except ValueError:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    rows = found if isinstance(found, list) else [found]
    check_rows(path.name, len(rows))
    return rows


def scores(table: pd.DataFrame, names: Mapping[str, str], scale: float = 1.0) -> dict[str, Any]:
    """Return p_<Label> columns, and the highest as `emotion` with its value as `confidence`.

    `names` gives the category of each of the tool's columns; values are divided by `scale`. Rows without any
    value have no emotion.
    """
    values = table[list(names)].apply(pd.to_numeric, errors="coerce").to_numpy(float) / scale
    labels = list(names.values())
    known = ~np.isnan(values).all(axis=1)
    best = np.where(known, np.nan_to_num(values, nan=-np.inf).argmax(axis=1), 0)
    found: dict[str, Any] = {f"p_{label}": values[:, at] for at, label in enumerate(labels)}
    found["emotion"] = [labels[at] if there else None for at, there in zip(best, known, strict=True)]
    found["confidence"] = np.where(known, values[np.arange(len(best)), best], np.nan)
    return found


def own_columns(table: pd.DataFrame, used: Sequence[str]) -> dict[str, Any]:
    """Return the tool's further columns of numbers, as they are."""
    kinds = table.select_dtypes("number")
    return {str(name): kinds[name].to_numpy() for name in kinds.columns if name not in used}


def coded(lines: Sequence[tuple[float, float, str, str]], notes: Sequence[str] = ()) -> Found:
    """Return spans that people coded, as (start s, end s, whom, what)."""
    ordered = sorted(lines)
    whom = list(dict.fromkeys(sorted({line[2] for line in ordered})))
    numbers = _numbers(whom)
    named = [f"person {numbers[name]} is {name!r}" for name in whom if name]
    return Found(
        {
            "time": [line[0] for line in ordered],
            "duration": [line[1] - line[0] for line in ordered],
            "face": [numbers[line[2]] for line in ordered],
            "emotion": [line[3] for line in ordered],
        },
        {"emotion": "what was coded", "time": "seconds", "duration": "seconds"},
        notes=[*notes, *named],
        spans=True,
    )


def _numbers(names: Sequence[str]) -> dict[str, int]:
    """Give each name a number: the one that it ends with, where all of them end with another one."""
    ends = [name.split()[-1] if name.split() else "" for name in names]
    if all(end.isdecimal() for end in ends) and len(set(map(int, ends))) == len(names):
        return dict(zip(names, map(int, ends), strict=True))
    return {name: number for number, name in enumerate(names, 1)}
