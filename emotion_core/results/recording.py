"""Results as they come: one flat record a face and frame, written so that a killed run can still be read.

`NAME_results.json` is a list with one record a line. Its first five keys are those that users of older tools
know. A frame without a face is one record whose `face` and `emotion` are null: "no face" is a fact. `objects`
stands in the first record of every frame in which objects were looked for, `duration` in all: how long the
picture lasts, known when the next one comes, so records are written then. `NAME_summary.json` holds what the
recording comes to. CSV and Parquet have the same columns as the table that `read_results` gives.
"""

import contextlib
import csv
import io
import json
import math
import os
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from emotion_core.analytics.figures import timing, usual_step
from emotion_core.files import Beside, partial_name, written_beside
from emotion_core.labels import EMOTIONS
from emotion_core.results.record import Record, columns, parquet_schema, records_of
from emotion_core.results.summary import Summary
from emotion_core.types import DetectedObject, EmotionError, Face, Frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FORMATS",
    "Record",
    "Recording",
    "columns",
    "read",
    "read_results",
    "summarize",
    "write_csv",
    "write_parquet",
    "write_summary",
]

FORMATS = ("json", "csv", "parquet")
"""JSON is always written; the other two on request."""

FLUSH_SECONDS = 0.5
"""What a kill can cost: the records of the last half second, and of the last frame."""

_READABLE = ("json", "csv")  # formats whose files can be read while they grow

_ROW_GROUP = 2048  # rows of Parquet that are held in memory


class Recording:
    """Writes results while they come; use it in a `with` block.

    `paths` tells where the files lie: "json" and, on request, "csv" and "parquet"; after `close()` also
    "summary". JSON and CSV can be read at any moment, so they have their names from the first frame on;
    Parquet has its when it is whole, and until then is called `NAME_results.partial.parquet`. Where a file
    of its name is already there, each grows beside it in this way and takes its place only when the
    recording was closed complete: a run that fails never harms an earlier result. Two runs never write to
    one name at the same time.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        formats: Sequence[str] = ("json",),
        labels: Sequence[str] = EMOTIONS,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        for name in formats:
            if name not in FORMATS:
                raise EmotionError(f"{name!r} is no format of results: choose from {', '.join(FORMATS)}")
        final = Path(path)
        if final.suffix.lower() not in (".json", ""):
            raise EmotionError(
                f"results are written to a .json file, not to {final.name!r}; CSV comes with it"
            )
        final = final.with_suffix(".json")
        wanted = [n for n in FORMATS if n == "json" or n in formats]
        self.labels = tuple(labels)
        self.about: dict[str, Any] = dict(about or {})
        self.complete = True
        self.summary: dict[str, Any] = {}
        self._final = {name: final.with_suffix(f".{name}") for name in wanted}
        self.paths = {name: partial_name(target) for name, target in self._final.items()}
        self.paths |= {n: p for n, p in self._final.items() if n in _READABLE and not p.exists()}
        self._files: dict[str, Beside] = {}
        self._name = final.stem.removesuffix("_results")
        self._counts = Summary(self.labels)
        self._json: BinaryIO | None = None
        self._csv: BinaryIO | None = None
        self._lines = io.StringIO(newline="")
        self._parquet: Any = None
        self._rows: list[list[Any]] = []
        self._waiting: list[Record] = []  # those of the last frame, until it is known how long it lasts
        self._begun = 0.0
        self._frames = 0
        self._flushed = 0.0
        self._closed = False

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        formats: Sequence[str] = ("json",),
        labels: Sequence[str] = EMOTIONS,
        about: Mapping[str, Any] | None = None,
    ) -> "Recording":
        """Begin a recording; nothing is written before the first frame.

        Args:
            path: `NAME_results.json`; the other files get their names from it.
            formats: any of "json" (always written), "csv", "parquet".
            labels: the categories of the model, as `recognizer.labels` gives them.
            about: what the summary should say of the source, the model and the settings.

        Raises:
            EmotionError: for an unknown format or a name that does not end with .json.
        """
        return cls(path, formats=formats, labels=labels, about=about)

    @property
    def final_paths(self) -> dict[str, Path]:
        """The names that the files have, or will have once the recording is closed complete."""
        return dict(self._final)

    def reserve(self) -> None:
        """Take the name for this recording before there is a first frame to write.

        Raises:
            EmotionError: where another run is writing it.
            OSError: where nothing can be written there.
        """
        for name in self._final:
            if name not in self._files:
                self._files[name] = Beside(self._final[name])

    def append(
        self, frame: Frame, faces: Sequence[Face], objects: Sequence[DetectedObject] | None = None
    ) -> None:
        """Take what was found in a frame; `objects` None says that nobody looked for any.

        It is written when the next frame comes, or by `close`.

        Raises:
            ValueError: where a face has other labels than the recording.
            EmotionError: where another run is writing the same results.
            OSError: where the disk is full.
        """
        if self._json is None:
            self._open(faces)
        for face in faces:
            if face.labels != self.labels:
                raise ValueError(f"the recording is of {self.labels}, the face of {face.labels}")
        self._write_waiting(frame.time)
        self._begun = self._begun if self._frames else frame.time
        self._frames += 1
        self._waiting = [
            Record.of(frame, face, None if number else objects)
            for number, face in enumerate(faces or (None,))
        ]
        now = clock.monotonic()
        if now - self._flushed > FLUSH_SECONDS:
            self.flush()
            self._flushed = now

    def flush(self) -> None:
        """Hand all but the last frame to the operating system, so that killing this process loses no more."""
        self._write_lines()
        if self._json is not None:
            self._json.flush()
        if len(self._rows) >= _ROW_GROUP:
            self._write_rows()

    def close(self, *, complete: bool = True, end: float | None = None) -> None:
        """Finish all files and write the summary.

        Args:
            complete: False leaves files beside an earlier result beside it, instead of replacing it.
            end: when the stream ended, in seconds: until then its last picture lasts. Where it isn't known,
                the picture lasts as long as the mean of the others.
        """
        if self._closed:
            return
        self._closed = True
        self.complete = complete
        if self._json is None:
            self._put_away()
            return
        try:
            self._write_waiting(self._end(end))
            self._json.write(b"\n]\n")
            self._write_lines()
            self._write_rows()
        finally:
            self._shut()
        for name, file in self._files.items():
            named = complete or file.path == file.target or not file.target.exists()
            self.paths[name] = file.commit() if named else file.release()
        ending = "" if self.paths["json"] == self._final["json"] else ".partial"
        summary = self.paths["json"].with_name(f"{self._name}_summary{ending}.json")
        self.summary = {**self._counts.as_dict(), "complete": complete, **_stamp(), **self.about}
        write_summary(self.summary, summary)
        self.paths["summary"] = summary

    def discard(self) -> None:
        """Stop and remove what this recording wrote; earlier results stay."""
        self._closed = True
        with contextlib.suppress(OSError):  # a full disk shows again; the files go away anyway
            self._shut()
        self._put_away()

    def _put_away(self) -> None:
        for file in self._files.values():
            file.discard()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(complete=kind is None)

    def _open(self, faces: Sequence[Face]) -> None:
        if faces and self.labels == EMOTIONS:
            self.labels = faces[0].labels
            self._counts = Summary(self.labels)
        self.reserve()
        self._json = self._files["json"].path.open("wb")
        self._json.write(b"[\n")
        self._first = True
        if "csv" in self.paths:
            # Whole lines at a time: half a number would be read as another one.
            self._csv = self._files["csv"].path.open("wb", buffering=0)
            self._csv_rows = csv.writer(self._lines)
            self._csv_rows.writerow(columns(self.labels))
            self._write_lines()
        if "parquet" in self.paths:
            import pyarrow.parquet

            self._schema = parquet_schema(self.labels)
            self._parquet = pyarrow.parquet.ParquetWriter(str(self._files["parquet"].path), self._schema)
        self._json.flush()
        for name in _READABLE:
            if name in self._files and not self._final[name].exists():
                self._files[name].place()
        self.paths = {name: file.path for name, file in self._files.items()}

    def _write_waiting(self, until: float | None) -> None:
        """Write the records of the last frame, which lasted `until` that time (s)."""
        if not self._waiting:
            return
        duration = None if until is None else round(max(0.0, until - self._waiting[0].time), 6)
        for record in self._waiting:
            self._write(replace(record, duration=duration))
        self._waiting = []

    def _end(self, known: float | None) -> float | None:
        """Give when the last frame went away (s); None for a single frame of which nothing else is known."""
        time = self._waiting[0].time if self._waiting else 0.0
        if known is not None and known > time:
            return known
        step = usual_step(self._begun, time, self._frames)
        return time + step if step > 0 else None

    def _write(self, record: Record) -> None:
        assert self._json is not None
        self._json.write((b"" if self._first else b",\n") + orjson.dumps(record.as_dict()))
        self._first = False
        self._counts.add(
            record.frame,
            record.time,
            record.face,
            record.emotion,
            record.confidence or 0.0,
            record.valence or 0.0,
            record.arousal or 0.0,
            record.duration or 0.0,
        )
        if self._csv is not None or self._parquet is not None:
            row = record.as_row(self.labels)
            if self._csv is not None:
                self._csv_rows.writerow(row)
            if self._parquet is not None:
                self._rows.append(row)

    def _write_lines(self) -> None:
        if self._csv is None:
            return
        lines = memoryview(self._lines.getvalue().encode("utf-8"))
        while lines:  # a disk that fills up takes a part, and complains at the next one
            lines = lines[self._csv.write(lines) :]
        self._lines.seek(0)
        self._lines.truncate()

    def _write_rows(self) -> None:
        if self._parquet is None or not self._rows:
            return
        import pyarrow

        arrays = [
            pyarrow.array(values, type=field.type)
            for values, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
        ]
        self._parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()

    def _shut(self) -> None:
        files = [f for f in (self._json, self._csv, self._parquet) if f is not None]
        self._csv = self._parquet = None
        problem: OSError | None = None
        for file in files:
            try:
                file.close()
            except OSError as error:
                problem = error
        if problem is not None:
            raise problem


def write_summary(summary: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a summary as readable JSON, beside and then renamed."""
    with written_beside(path) as part:
        part.write_text(
            json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
        )


def write_csv(table: "pd.DataFrame", path: str | os.PathLike[str]) -> None:
    """Write a table of `read_results` as CSV."""
    with written_beside(path) as part:
        table.to_csv(part, index=False)


def write_parquet(table: "pd.DataFrame", path: str | os.PathLike[str]) -> None:
    """Write a table of `read_results` as Parquet."""
    with written_beside(path) as part:
        table.to_parquet(part, index=False)


def read_results(path: str | os.PathLike[str]) -> "pd.DataFrame":
    """Read results in JSON, CSV or Parquet as a table with `columns()`; see `emotion_core.results.table`."""
    from emotion_core.results.table import read_results as read_table

    return read_table(path)


def read(path: str | os.PathLike[str]) -> list[Record]:
    """Read results as records; for long files `read_results` is quicker.

    Raises:
        EmotionError: as `read_results` does.
    """
    return list(records_of(read_results(path)))


def summarize(table: "pd.DataFrame") -> dict[str, Any]:
    """Give the summary of a table of `read_results`; without times 25 frames a second are assumed."""
    labels = [c[2:] for c in table.columns if c.startswith("p_")] or list(EMOTIONS)
    counts = Summary(labels)
    times, lasting = timing(*(table[name].to_numpy(float) for name in ("frame", "time", "duration")))
    faces = table["face"]
    if faces.isna().all():
        # Older tools give no ids: faces are told apart by their place in the frame.
        faces = (table.groupby("frame").cumcount() + 1).where(table["emotion"].notna())
    names = table["emotion"].astype(object).where(table["emotion"].notna(), None)
    numbers = [table[name].to_numpy(float).tolist() for name in ("confidence", "valence", "arousal")]
    ids = [None if math.isnan(face) else int(face) for face in faces.to_numpy(float, na_value=math.nan)]
    columns = (table["frame"].tolist(), times.tolist(), ids, names.tolist(), *numbers, lasting.tolist())
    for row in zip(*columns, strict=True):
        counts.add(*row)
    return counts.as_dict()


def _stamp() -> dict[str, str]:
    from emotion_core.version import VERSION

    made = datetime.now(UTC).replace(microsecond=0).isoformat()
    return {"made": made, "version": VERSION}
