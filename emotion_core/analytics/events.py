"""Files of events: what was shown or done when, as a study notes it down, read patiently.

A table with onset, duration and name (CSV, a BIDS `events.tsv`, exported events of BORIS), or a coding of
ELAN, Praat or a BORIS project. Points in time are events too: their duration is 0.
"""

import math
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.analytics.marks import EXCLUSION
from emotion_core.results.incoming import read_foreign
from emotion_core.results.incoming.base import csv
from emotion_core.results.names import name_of
from emotion_core.types import EmotionError

COLUMNS = ("onset", "duration", "name", "person", "source", "group")

_ONSET = ("onset", "start", "start_time", "begin", "begin_time", "time", "timestamp")
_END = ("end", "stop", "offset", "end_time", "stop_time")
_LENGTH = ("duration", "length", "dur")
_NAME = (
    "name",
    "trial_type",
    "stimulus",
    "stim",
    "event",
    "condition",
    "label",
    "behavior",
    "code",
    "value",
    "stim_file",
)
_PERSON = ("person", "face", "person_id", "face_id")
_SOURCE = (
    "source",
    "file",
    "video",
    "recording",
    "participant_id",
    "participant",
    "subject",
    "observation_id",
)
_GROUP = ("group", "condition")
CODINGS = (".eaf", ".textgrid", ".boris")
"""Endings of files that hold a coding instead of a table."""
_NAMED = 3  # rows that a note names


def read_events(path: Path, *, open_ended: bool = False) -> pd.DataFrame:
    """Read a file of events.

    Args:
        path: a table with a column for the onset, and for a duration or an end where events last; names are
            found by what studies usually call them, in any order and case. Times are seconds, minutes with
            colons (1:02.5), or milliseconds where the column says so (`onset_ms`). Also `.eaf`, `.TextGrid`
            and `.boris`.
        open_ended: whether an event without a duration lasts until something else ends it (NaN); else it is a
            point in time.

    Returns:
        A table in order of time: onset and duration (s, 0 for a point in time), name, and, missing where the
        event is about all, `person` (its number in the results), `source` (the recording) and `group`.
        `attrs["notes"]` says what is odd, and last, where `attrs["left_out"]`, which rows were left out.

    Raises:
        EmotionError: with a line that says what is wrong, where the file holds no event that can be used.
    """
    if path.suffix.lower() in CODINGS:
        spans = read_foreign(path)
        table = pd.DataFrame(
            {"onset": spans["time"], "duration": spans["duration"], "name": spans["emotion"]}
        )
        return _finished(table, path.name, [], open_ended)
    return events_of(_table(path), path.name, open_ended=open_ended)


def read_participants(path: Path, sources: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Read whose each recording is, and in which group, from a table with a column for either of them.

    Args:
        path: CSV, or the `participants.tsv` of BIDS: a row for each file, or for each participant, with whose
            id the names of their recordings begin (`sub-01_task-film_results.json`).
        sources: the recordings, by the names of their files.

    Returns:
        The row's file or participant, and its group, of each recording that has one.

    Raises:
        EmotionError: where a column is missing, or the table names none of the recordings.
    """
    raw = _table(path)
    named = {_plain(str(column)): column for column in raw.columns}
    where, group = _first(named, _SOURCE), _first(named, (*_GROUP, "tag"))
    if where is None or group is None:
        raise EmotionError(f"{path.name} needs the columns file and group: a row for each recording")
    rows = zip(raw[named[where]], raw[named[group]], strict=True)
    known = {_known(s): str(g).strip() for s, g in rows if pd.notna(s) and pd.notna(g)}
    whose = {source: owner for source in sources if (owner := _owner(_known(source), known)) is not None}
    if not whose:
        raise EmotionError(
            f"{path.name} names none of the recordings: call them as their results files are called, or "
            "begin the names of these with a participant's id"
        )
    return whose, {source: known[owner] for source, owner in whose.items()}


def _owner(name: str, known: Iterable[str]) -> str | None:
    """Return which of some ids a recording is called by, or which its name begins with; the longest."""
    fitting = [one for one in known if name == one or re.match(re.escape(one) + r"[_\-. ]", name)]
    return max(fitting, key=len, default=None)


def _table(path: Path) -> pd.DataFrame:
    try:
        return csv(path, na_values=["n/a", "N/A"], dtype=str)
    except FileNotFoundError as error:
        raise EmotionError(f"{path} does not exist: check the path") from error
    except OSError as error:
        raise EmotionError(f"{path.name} can't be read: {error.strerror or error}") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, LookupError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EmotionError(f"{path.name} can't be read as a table: {why}") from error


def events_of(raw: pd.DataFrame, name: str = "the table", *, open_ended: bool = False) -> pd.DataFrame:
    """Make of a table whatever `read_events` reads out of a file; `name` stands in what it says.

    Raises:
        EmotionError: as `read_events`.
    """
    named = {_plain(str(column)): column for column in raw.columns}
    if "kind" in named:  # marks of the dashboard: its exclusions are no events
        raw = raw[(raw[named["kind"]].astype("str").str.strip().str.lower() != EXCLUSION).to_numpy(bool)]
    if {"observation_id", "subject", "behavior"} <= set(named):
        return _boris(raw, named, name, open_ended)
    notes: list[str] = []
    onset = _first(named, _ONSET)
    if onset is None:
        raise EmotionError(f"{name} has no column onset: name the column of the times, in seconds, so")
    columns: dict[str, object] = {"onset": _times(raw, named, onset)}
    if (length := _first(named, _LENGTH)) is not None:
        columns["duration"] = _times(raw, named, length)
    elif (end := _first(named, _END)) is not None:
        columns["duration"] = _times(raw, named, end) - columns["onset"]  # type: ignore[operator]
    what = _first(named, _NAME)
    columns["name"] = raw[named[what]] if what is not None else pd.Series("event", raw.index)
    if what is None:
        notes.append("no column names the events: all are called event")
    if (who := _first(named, _PERSON)) is not None:
        columns["person"] = _people(raw[named[who]], name)
    if (where := _first(named, _SOURCE)) is not None:
        columns["source"] = raw[named[where]]
    if (group := _first(named, tuple(g for g in _GROUP if g != what))) is not None:
        columns["group"] = raw[named[group]]
    return _finished(pd.DataFrame(columns, index=raw.index), name, notes, open_ended)


def of_source(events: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the events of one recording by its file's name: those that name it, and those that name none."""
    whose = events["source"].map(lambda text: _known(text), na_action="ignore")
    return events[(events["source"].isna() | (whose == _known(source))).to_numpy(bool, na_value=False)]


def check_sources(events: pd.DataFrame, sources: list[str]) -> None:
    """Raise EmotionError where the events name recordings and none of `sources` is among them."""
    named = sorted({str(text) for text in events["source"].dropna()})
    if (
        named
        and events["source"].notna().all()
        and not {_known(s) for s in sources} & {_known(n) for n in named}
    ):
        raise EmotionError(
            f"no event belongs to {name_of(sources[0])}: the events name {', '.join(named[:_NAMED])}; "
            "call recordings there as their results files are called"
        )


def _known(source: object) -> str:
    """Return how a recording is known: its file's name without endings, in small letters."""
    return name_of(str(source)).casefold()


def _plain(column: str) -> str:
    """Return a column's name in small letters with underscores, without its unit."""
    text = re.sub(r"[\[(]\s*(s|sec|seconds|ms|msec|milliseconds)\s*[\])]", "", column.strip().lower())
    return re.sub(r"_(s|sec|seconds|ms|msec|milliseconds)$", "", re.sub(r"[\s_.-]+", "_", text.strip()))


def _first(named: Mapping[str, Hashable], choices: tuple[str, ...]) -> str | None:
    return next((choice for choice in choices if choice in named), None)


def _times(raw: pd.DataFrame, named: Mapping[str, Hashable], which: str) -> pd.Series:
    column = named[which]
    scale = 1e-3 if re.search(r"(?:_|\(|\[|\b)(ms|msec|milliseconds)\b", str(column).lower()) else 1.0
    return raw[column].map(_seconds).astype(float) * scale


def _seconds(cell: object) -> float:
    """Read a time: a number, with a point or a comma, or h:mm:ss; NaN for none, infinity for another text."""
    text = str(cell).strip().replace(",", ".")
    if not text.strip("-") or text == "nan":
        return math.nan
    sign = -1.0 if text.startswith("-") else 1.0
    try:
        parts = [float(part) for part in text.lstrip("-").split(":")]
    except ValueError:
        return math.inf
    if len(parts) > 3 or any(not 0 <= part < 1e9 for part in parts):
        return math.inf
    return sign * sum(part * 60**place for place, part in enumerate(reversed(parts)))


def _people(cells: pd.Series, name: str) -> pd.Series:
    """Read whom events are about: a number, or a text that ends with one."""
    numbers = cells.astype("str").str.extract(r"(\d+)(?:\.0+)?\s*$")[0].astype(float)
    wrong = cells.notna() & (cells.astype("str").str.strip() != "") & numbers.isna()
    if wrong.any():
        raise EmotionError(
            f"{name}: {cells[wrong].iloc[0]!r} is no number of a person: people are numbered in the results"
        )
    return numbers


def _boris(raw: pd.DataFrame, named: Mapping[str, Hashable], name: str, open_ended: bool) -> pd.DataFrame:
    """Read events that BORIS exported: states with both ends, and points."""
    notes: list[str] = []
    kind = (
        raw[named["behavior_type"]].fillna("").str.upper()
        if "behavior_type" in named
        else pd.Series("", raw.index)
    )
    table = pd.DataFrame({"name": raw[named["behavior"]], "source": None, "duration": 0.0}, index=raw.index)
    if raw[named["observation_id"]].nunique() > 1:
        table["source"] = raw[named["observation_id"]]
    who = raw[named["subject"]].astype("str").str.extract(r"(?i)^(?:person|face|subject)?\s*(\d+)$")[0]
    table["person"] = who.astype(float)
    others = set(raw[named["subject"]][who.isna()].dropna()) - {"No focal subject", ""}
    if others:
        notes.append(
            f"events of {', '.join(sorted(others)[:_NAMED])} count for everyone: they name no number"
        )
    if "start" in named:
        table["onset"] = _times(raw, named, "start")
        table["duration"] = (_times(raw, named, "stop") - table["onset"]).fillna(0.0)
        return _finished(table, name, notes, open_ended)
    if "time" not in named:
        raise EmotionError(f"{name} has neither times nor starts: export events of BORIS as a table again")
    table["onset"] = _times(raw, named, "time")
    begun: dict[tuple[str, ...], int] = {}
    keep = np.ones(len(raw), bool)
    onset, lasting = table["onset"].to_numpy(float), np.zeros(len(raw))
    cells = (raw[named["observation_id"]], raw[named["subject"]], table["name"])
    keys = list(zip(*(column.astype("str") for column in cells), strict=True))
    for row, (key, what) in enumerate(zip(keys, kind, strict=True)):
        if what == "STOP":
            keep[row] = False
            if key in begun:
                start = begun.pop(key)
                lasting[start] = onset[row] - onset[start]
        elif what == "START":
            begun[key] = row
    table["duration"] = lasting
    if begun:
        notes.append(f"{len(begun)} states that do not end are taken as points")
    return _finished(table[keep], name, notes, open_ended)


def _finished(table: pd.DataFrame, name: str, notes: list[str], open_ended: bool) -> pd.DataFrame:
    """Check and order events, and leave out what has no usable time or name."""
    if table.empty:
        raise EmotionError(f"{name} holds no events: it needs a row for each")
    table = table.reindex(columns=list(COLUMNS))
    onset, given = table["onset"].to_numpy(float), table["duration"].astype(float)
    length = given.fillna(0.0).to_numpy()
    text = table["name"].astype("str").str.strip()
    wrong = ~np.isfinite(onset) | ~np.isfinite(length) | (length < 0)
    wrong |= (table["name"].isna() | (text == "")).to_numpy(bool)
    if wrong.all():
        raise EmotionError(
            f"{name} holds no event that can be used: each needs an onset in seconds and a name"
        )
    if wrong.any():
        rows = ", ".join(str(int(row) + 2) for row in np.flatnonzero(wrong)[:_NAMED])
        notes.append(
            f"{int(wrong.sum()):,} rows without a usable onset, duration or name were left out (line {rows})"
        )
    found = pd.DataFrame(
        {
            "onset": onset,
            "duration": given.to_numpy() if open_ended else length,
            "name": text.to_numpy(object),
            "person": table["person"].astype(float).astype("Int64"),
            "source": _texts(table["source"]),
            "group": _texts(table["group"]),
        }
    )[~wrong]
    found = found.sort_values("onset", kind="stable").reset_index(drop=True)
    found.attrs = {"notes": notes, "left_out": bool(wrong.any())}
    return found


def _texts(column: pd.Series) -> np.ndarray:
    cells = [str(cell).strip() if pd.notna(cell) else "" for cell in column]
    return np.array([cell or None for cell in cells], object)
