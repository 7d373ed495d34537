"""One flat record: a face in a frame, or a frame without a face; and its columns in a table."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from emotion_core.labels import EMOTIONS
from emotion_core.results import extras as more
from emotion_core.types import DetectedObject, Face, Frame

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a results file: one face in one frame, or a frame without a face.

    `time` is in seconds, `box` is x, y, width and height in pixels, valence is in [-1, 1], arousal and
    confidence are in [0, 1]; everything about the face is None where there is none. `duration` is how long
    the picture lasts in seconds, and so what the record weighs in every share and mean; None where it isn't
    known. `pose` (degrees), `blendshapes` ([0, 1]), `landmarks` (50 points, pixels) and `gaze` (degrees) are
    there on request, `name` where somebody has called the person something (see `results.people`).
    """

    frame: int
    emotion: str | None
    confidence: float | None
    valence: float | None
    arousal: float | None
    time: float
    face: int | None
    probabilities: Mapping[str, float] | None = None
    box: tuple[float, float, float, float] | None = None
    uncertain: bool = False
    objects: tuple[Mapping[str, Any], ...] | None = None
    duration: float | None = None
    pose: Mapping[str, float] | None = None
    blendshapes: Mapping[str, float] | None = None
    landmarks: tuple[tuple[float, float], ...] | None = None
    gaze: Mapping[str, float] | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if (self.face is None) != (self.emotion is None):
            raise ValueError("a record has both a face and an emotion, or neither")
        if not math.isfinite(self.time):
            raise ValueError(f"a record needs a finite time, not {self.time}")

    @classmethod
    def of(
        cls,
        frame: Frame,
        face: Face | None,
        objects: Sequence[DetectedObject] | None = None,
        extras: Sequence[str] = (),
    ) -> "Record":
        """Make the record of a face in a frame; `objects` None says that nobody looked for any.

        `extras` are names in `results.extras.EXTRAS`.
        """
        marked = None
        if objects is not None:
            marked = tuple(
                {"label": o.label, "score": round(float(o.score), 4), "box": o.box.as_list()} for o in objects
            )
        if face is None:
            return cls(frame.index, None, None, None, None, round(frame.time, 6), None, objects=marked)
        shares = {name: round(float(p), 6) for name, p in zip(face.labels, face.probabilities, strict=True)}
        x, y, width, height = face.box.as_list()
        return cls(
            frame.index,
            face.emotion,
            round(float(face.confidence), 6),
            round(float(face.valence), 6),
            round(float(face.arousal), 6),
            round(frame.time, 6),
            int(face.id),
            shares,
            (x, y, width, height),
            face.uncertain,
            marked,
            **more.of(face, extras),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the record as it stands in the file: the five known keys first."""
        record: dict[str, Any] = {
            "frame": self.frame,
            "emotion": self.emotion,
            "confidence": self.confidence,
            "valence": self.valence,
            "arousal": self.arousal,
            "time": self.time,
            "face": self.face,
            "probabilities": self.probabilities,
            "box": self.box,
        }
        if self.duration is not None:
            record["duration"] = self.duration
        if self.uncertain:
            record["uncertain"] = True
        if self.objects is not None:
            record["objects"] = self.objects
        for name in (*more.EXTRAS, more.NAME):
            if (value := getattr(self, name)) is not None:
                record[name] = value
        return record

    def as_row(self, labels: Sequence[str], extras: Sequence[str] = ()) -> list[Any]:
        """Return the values of `columns(labels, extras)`."""
        box = self.box or (None,) * 4
        shares = self.probabilities or {}
        objects = None if self.objects is None else orjson.dumps(self.objects).decode()
        return [
            self.frame,
            self.emotion,
            self.confidence,
            self.valence,
            self.arousal,
            self.time,
            self.face,
            *box,
            *(shares.get(label) for label in labels),
            self.uncertain,
            objects,
            self.duration,
            *(value for name in extras for value in more.flat(name, getattr(self, name))),
        ]


def chances(names: Iterable[object]) -> list[str]:
    """Return those of the names of columns that hold the probability of a category: p_ and its name."""
    return [name for name in map(str, names) if name.startswith("p_") and len(name) > 2]


def labels_in(names: Iterable[object]) -> list[str]:
    """Return the categories whose probabilities stand in columns of these names, in their order."""
    return [name[2:] for name in chances(names)]


def columns(labels: Sequence[str] = EMOTIONS, extras: Sequence[str] = ()) -> list[str]:
    """Return the column names of the table, and of the formats that have columns, in order."""
    names = ["frame", "emotion", "confidence", "valence", "arousal", "time", "face"]
    names += ["box_x", "box_y", "box_w", "box_h"]
    return [
        *names,
        *(f"p_{label}" for label in labels),
        "uncertain",
        "objects",
        "duration",
        *more.columns(extras),
    ]


def records_of(table: "pd.DataFrame") -> Iterator[Record]:
    """Yield the records of a table of `read_results`."""
    labels = labels_in(table.columns)
    extras = [name for name in more.EXTRAS if more.COLUMNS[name][0] in table.columns]
    # Columns as plain lists: a row at a time through pandas takes several times as long.
    column = {str(name): _listed(values) for name, values in table.items()}
    shares_of = list(zip(*(column[f"p_{label}"] for label in labels), strict=True)) or [()] * len(table)
    boxes = zip(*(column[f"box_{side}"] for side in "xywh"), strict=True)
    objects = column.get("objects") or [None] * len(table)
    called = column.get(more.NAME) or [None] * len(table)
    names = ("frame", "emotion", "confidence", "valence", "arousal", "time", "face", "uncertain", "duration")
    rows = zip(*(column[name] for name in names), shares_of, boxes, objects, strict=True)
    for at, row in enumerate(rows):
        frame, emotion, confidence, valence, arousal, time, face, doubt, lasting, shares, box, things = row
        seen = isinstance(emotion, str)
        known = seen and labels and not math.isnan(shares[0])
        number = face if isinstance(face, int) else None
        found = {name: [column[c][at] for c in more.COLUMNS[name]] for name in extras if seen}
        yield Record(
            frame,
            emotion if seen else None,
            confidence if seen else None,
            valence if seen else None,
            arousal if seen else None,
            0.0 if math.isnan(time) else time,
            (1 if number is None else number) if seen else None,
            dict(zip(labels, shares, strict=True)) if known else None,
            box if seen and not math.isnan(box[0]) else None,
            bool(doubt),
            _objects(things),
            None if math.isnan(lasting) else lasting,
            **{name: more.whole(name, numbers) for name, numbers in found.items()},
            name=called[at] if seen and isinstance(called[at], str) else None,
        )


def _listed(values: "pd.Series") -> list[Any]:
    return (shortest(values.to_numpy()) if values.dtype == "float32" else values).tolist()


def shortest(values: "np.ndarray") -> "np.ndarray":
    """Return float32 numbers as the shortest decimals that stand for them, where six places are enough.

    Widened as they are, 0.9 would be written as 0.8999999761581421.
    """
    wide = values.astype(float)
    out = wide.copy()
    for places in (6, 4, 2, 1):
        rounded = wide.round(places)
        same = rounded.astype(values.dtype) == values
        out[same] = rounded[same]
    return out


def _objects(text: Any) -> tuple[Mapping[str, Any], ...] | None:
    """Give the objects that a table's cell holds; None for anything else, such as another program's text."""
    try:
        found = orjson.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return tuple(o for o in found if isinstance(o, dict)) if isinstance(found, list) else None
