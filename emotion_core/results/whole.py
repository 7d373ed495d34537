"""A recording as a whole, in columns: what the formats of other tools are written from."""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emotion_core.analytics.figures import ASSUMED_FPS, assumed, timing
from emotion_core.results.extras import COLUMNS, EXTRAS, NAME
from emotion_core.results.extras import columns as columns_of
from emotion_core.results.named import names_in
from emotion_core.results.names import name_of
from emotion_core.results.record import Record, columns, labels_in

if TYPE_CHECKING:
    import pandas as pd

RESULTS_KIND = "results"
"""The kind of a source that is a results file itself, since nobody knows what it was made from."""

_WORDS = ("emotion", "objects", NAME)  # columns that hold no numbers


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """All records of a recording, in order of time.

    `numbers` holds the columns of `record.columns` by name, each (N,) and float64, NaN for what is missing;
    `emotion` has numbers of `labels`, -1 where there is no face. Times are seconds of the source's own clock;
    `duration` is how long the picture lasts. `about` is what the summary says of source, model and settings;
    `names` is what somebody has called people, by their numbers.
    """

    name: str
    labels: tuple[str, ...]
    numbers: Mapping[str, np.ndarray]
    emotion: np.ndarray
    about: Mapping[str, Any] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.emotion)

    def __getitem__(self, column: str) -> np.ndarray:
        return self.numbers[column]

    @property
    def people(self) -> dict[int, np.ndarray]:
        """The row numbers of each person, in order of time."""
        face = self["face"]
        rows = np.flatnonzero(self.emotion >= 0)
        rows = rows[np.argsort(face[rows], kind="stable")]
        if not len(rows):
            return {}
        edges = np.flatnonzero(np.diff(face[rows], prepend=np.nan, append=np.nan) != 0)
        return {int(face[rows[low]]): rows[low:high] for low, high in zip(edges[:-1], edges[1:], strict=True)}

    @property
    def end(self) -> float:
        """When the last picture goes away (s)."""
        return float((self["time"] + self["duration"]).max()) if len(self) else 0.0

    @property
    def chances(self) -> list[str]:
        """The p_<Label> columns that hold anything."""
        names = [f"p_{label}" for label in self.labels]
        return [name for name in names if name in self.numbers and not np.isnan(self[name]).all()]

    @property
    def source(self) -> Mapping[str, Any]:
        """What is known of the source; empty where nothing is."""
        source = self.about.get("source")
        return source if isinstance(source, Mapping) else {}

    @property
    def media(self) -> str | None:
        """Where the video or picture lies, seen from the results; None where that is not known."""
        path = self.source.get("path")
        return path if isinstance(path, str) and self.source.get("kind") != RESULTS_KIND else None

    @property
    def maker(self) -> tuple[str, str]:
        """What made the results and its version; an empty text where a file of another tool has none."""
        if other := self.about.get("software"):
            return str(other), ""
        return "emotion-recognition", str(self.about.get("version") or _version())

    @property
    def software(self) -> str:
        """What made the results, with its version, as far as the results say so."""
        return " ".join(self.maker).strip()

    def called(self, number: int) -> str:
        """Return what a person is called: by their name, else by the number; no two are called the same."""
        name = self.names.get(number)
        again = name in [other for face, other in self.names.items() if face != number]
        return person(number) if name is None else f"{name} ({number})" if again else name

    def shifted(self, seconds: float) -> "Whole":
        """Return the recording on another clock: `seconds` are added to all times.

        What would lie before 0 is left out; a picture that lasts into the time after it begins at 0.
        """
        time, end = self["time"] + seconds, self["time"] + seconds + self["duration"]
        kept = np.flatnonzero((time >= 0) | (end > 0))
        numbers = {name: values[kept] for name, values in self.numbers.items()}
        numbers["time"] = np.maximum(time[kept], 0.0)
        numbers["duration"] = end[kept] - numbers["time"]
        return replace(self, numbers=numbers, emotion=self.emotion[kept])

    @classmethod
    def of(cls, table: "pd.DataFrame", name: str, about: Mapping[str, Any] | None = None) -> "Whole":
        """Make it of a table of `read_results`; what the table lacks is filled in, and `notes` say so."""
        labels = labels_in(table.columns)
        names = table["emotion"].astype(object)
        found = names.dropna().unique().tolist()
        labels += [label for label in found if label not in labels]
        code = {label: number for number, label in enumerate(labels)}
        emotion = names.map(code).fillna(-1).to_numpy(np.int64)
        numbers = {
            column: table[column].to_numpy("float64", na_value=np.nan)
            for column in table.columns
            if column not in _WORDS
        }
        unnamed = (emotion >= 0) & np.isnan(numbers["face"])
        notes = []
        if unnamed.any():
            place = table.loc[unnamed].groupby("frame").cumcount() + 1
            numbers["face"] = numbers["face"].copy()
            numbers["face"][unnamed] = place.to_numpy(float)
            notes.append("the file holds no face ids: faces are numbered by their place in the frame")
        extras = tuple(name for name in EXTRAS if COLUMNS[name][0] in numbers)
        kept = bool(table.attrs.get("spans"))
        whole = _in_order(name, tuple(labels), numbers, emotion, dict(about or {}), extras, notes, kept)
        return replace(whole, names=names_in(table))


class Growing:
    """Records on their way into a `Whole`."""

    def __init__(self, labels: Sequence[str], extras: Sequence[str] = ()) -> None:
        self._labels, self._extras = tuple(labels), tuple(extras)
        self._codes = {label: code for code, label in enumerate(self._labels)}
        names = columns(labels, extras)
        self._words = sorted((names.index(name) for name in _WORDS if name in names), reverse=True)
        self._numbers = {name: array("d") for name in names if name not in _WORDS}
        self._emotion = array("q")

    def add(self, record: Record) -> None:
        """Take in the next record."""
        row = record.as_row(self._labels, self._extras)
        self._emotion.append(self._codes.get(record.emotion or "", -1))
        for place in self._words:
            del row[place]
        for column, value in zip(self._numbers.values(), row, strict=True):
            column.append(math.nan if value is None else value)

    def whole(self, about: Mapping[str, Any], path: Path) -> Whole:
        """Return what came; it is called as `about` says by "name", else as the file of this `path`."""
        numbers = {name: np.array(values, float) for name, values in self._numbers.items()}
        emotion = np.array(self._emotion, np.int64)
        name = str(about.get("name") or name_of(path.name))
        return _in_order(name, self._labels, numbers, emotion, about, self._extras, [])


def _in_order(
    name: str,
    labels: tuple[str, ...],
    numbers: dict[str, np.ndarray],
    emotion: np.ndarray,
    about: Mapping[str, Any],
    extras: tuple[str, ...],
    notes: list[str],
    spans: bool = False,
) -> Whole:
    """Fill in times and how long pictures last, unless each row is a `spans` row that says so itself."""
    if len(emotion) and np.isnan(numbers["time"]).all():
        notes.append(assumed(ASSUMED_FPS))
    if len(emotion) and not spans:
        numbers["time"], numbers["duration"] = timing(
            numbers["frame"], numbers["time"], numbers.get("duration")
        )
    order = np.lexsort((numbers["face"], numbers["time"]))
    again = np.zeros(len(order), bool)
    same = [np.diff(numbers[column][order]) == 0 for column in ("time", "frame", "face")]
    again[1:] = np.logical_and.reduce(same) if len(order) > 1 else False
    if again.any():
        notes.append(f"{int(again.sum()):,} records left out: the same face twice in one frame")
    order = order[~again]
    if not np.array_equal(order, np.arange(len(emotion))):
        numbers = {column: values[order] for column, values in numbers.items()}
        emotion = emotion[order]
    return Whole(name, labels, numbers, emotion, about, extras, tuple(notes))


def _version() -> str:
    from emotion_core.version import VERSION

    return VERSION


def person(number: int) -> str:
    """Return how other tools' files call a person."""
    return f"Person {number}"


def extra_columns(whole: Whole) -> Iterator[str]:
    """Yield the columns of the extras that a recording holds."""
    yield from columns_of(whole.extras)
