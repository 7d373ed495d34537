"""Results as they come: one flat record a face and frame, written so that a killed run can still be read.

`NAME_results.json` is a list with one record a line. Its first five keys are those that users of older tools
know. A frame without a face is one record whose `face` and `emotion` are null: "no face" is a fact. `objects`
stands in the first record of every frame in which objects were looked for, `duration` in all: how long the
picture lasts, known when the next one comes, so records are written then. `NAME_summary.json` holds what the
recording comes to. The other formats (`results.formats`) lie beside it under the same name.
"""

import contextlib
import json
import math
import os
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from emotion_core.analytics.figures import timing, usual_step
from emotion_core.files import Beside, partial_name, written_beside
from emotion_core.labels import EMOTIONS
from emotion_core.results.extras import check as check_extras
from emotion_core.results.formats import FORMATS, check, spoken
from emotion_core.results.formats import of as format_of
from emotion_core.results.formats.base import Writer
from emotion_core.results.names import name_of, stub_path, summary_path
from emotion_core.results.record import Record, columns, labels_in, records_of
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
    "write_summary",
]

SCHEMA = 3
"""The version of the records' and the summary's form: 2 has `duration` in a record, 1 had not. Since 3 the
summary counts what is uncertain as a state of its own, and that of a live recording has `model`
and `settings` as others have; records are as they were."""

FLUSH_SECONDS = 0.5
"""What a kill can cost: the records of the last half second, and of the last frame."""
_ROWS = 20_000  # records that are counted at a time


class Recording:
    """Writes results while they come; use it in a `with` block.

    `paths` tells where the files lie by the names of their formats, "json" among them; after `close()` also
    "summary". A format that can be read at any moment has its name from the first frame on; another has its
    when it is whole, and until then is called, say, `NAME_results.partial.parquet`. Where a file of its name
    is already there, each grows beside it in this way and takes its place only when the recording was closed
    complete: a run that fails never harms an earlier result. Two runs never write to one name at the same
    time.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        formats: Sequence[str] = ("json",),
        labels: Sequence[str] = EMOTIONS,
        about: Mapping[str, Any] | None = None,
        extras: Sequence[str] = (),
    ) -> None:
        check(formats)
        self.extras = check_extras(extras)
        final = Path(path)
        if final.suffix.lower() not in (".json", ""):
            raise EmotionError(
                f"results are written to a .json file, not to {final.name!r}; other formats lie beside it"
            )
        final = final.with_suffix(".json")
        formats_to_write = [fmt for fmt in FORMATS.values() if fmt.name == "json" or fmt.name in formats]
        self.labels = tuple(labels)
        self.about: dict[str, Any] = dict(about or {})
        self.complete = True
        self.summary: dict[str, Any] = {}
        self._stub = stub_path(final)
        self._final = {fmt.name: final.with_suffix(fmt.endings[0]) for fmt in formats_to_write}
        self.paths = {
            fmt.name: target if fmt.readable_while_written and not target.exists() else partial_name(target)
            for fmt, target in zip(formats_to_write, self._final.values(), strict=True)
        }
        self._files: dict[str, Beside] = {}
        self._writers: list[Writer] = []  # none before the first frame
        self._counts = Summary(self.labels)
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
        extras: Sequence[str] = (),
    ) -> "Recording":
        """Begin a recording; nothing is written before the first frame.

        Args:
            path: `NAME_results.json`; the other files get their names from it.
            formats: names in `results.formats.FORMATS`; "json" is always written.
            labels: the categories of the model, as `recognizer.labels` gives them.
            about: what the summary should say of the source, the model and the settings.
            extras: what records hold besides, names in `results.extras.EXTRAS`: head pose, blendshapes (which
                the recognizer reads on request), the 50 key points, gaze.

        Raises:
            EmotionError: for an unknown format or extra, a format whose packages are not installed, or a name
                that does not end with .json.
        """
        return cls(path, formats=formats, labels=labels, about=about, extras=extras)

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
        if not self._writers:
            self._open(faces)
        for face in faces:
            if face.labels != self.labels:
                raise ValueError(f"the recording is of {self.labels}, the face of {face.labels}")
        self._write_waiting(frame.time)
        self._begun = self._begun if self._frames else frame.time
        self._frames += 1
        self._waiting = [
            Record.of(frame, face, None if number else objects, self.extras)
            for number, face in enumerate(faces or (None,))
        ]
        now = clock.monotonic()
        if now - self._flushed > FLUSH_SECONDS:
            self.flush()
            self._flushed = now

    def flush(self) -> None:
        """Hand all but the last frame to the operating system, so that killing this process loses no more."""
        for writer in self._writers:
            writer.flush()

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
        if not self._writers:
            self._put_away()
            return
        try:
            self._write_waiting(self._end(end))
        except BaseException:
            self._let_go()
            raise
        self._finish()
        for name, file in self._files.items():
            named = complete or file.path == file.target or not file.target.exists()
            self.paths[name] = file.commit() if named else file.release()
        summary = summary_path(self.paths["json"])
        self.summary = {**self._counts.as_dict(), "complete": complete, **_stamp(), **self.about}
        write_summary(self.summary, summary)
        self.paths["summary"] = summary
        if summary != self._stub:
            self._stub.unlink(missing_ok=True)

    def discard(self) -> None:
        """Stop and remove what this recording wrote; earlier results stay."""
        self._closed = True
        self._let_go()
        self._put_away()

    def _put_away(self) -> None:
        for file in self._files.values():
            file.discard()
        if self._writers and self.about.get("source"):
            self._stub.unlink(missing_ok=True)

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
        for name, file in self._files.items():
            writer = FORMATS[name].writer(file.path, self.labels, self.extras)
            writer.about = {"name": name_of(self._final["json"].name), **self.about}
            self._writers.append(writer)
        self.flush()
        if self.about.get("source"):
            # A run that is killed leaves results whose source has to be known when another one comes.
            write_summary({**self.about, "complete": False}, self._stub)
        for name, file in self._files.items():
            if FORMATS[name].readable_while_written and not file.target.exists():
                file.place()
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
        for writer in self._writers:
            writer.write(record)
        self._counts.add(
            record.frame,
            record.time,
            record.face,
            record.emotion,
            record.confidence or 0.0,
            record.valence or 0.0,
            record.arousal or 0.0,
            record.duration or 0.0,
            record.uncertain,
        )

    def _finish(self) -> None:
        """Close all writers, also where one of them can't, and then say so."""
        with contextlib.ExitStack() as closing:
            for writer in self._writers:
                closing.callback(writer.close)

    def _let_go(self) -> None:
        for writer in self._writers:
            with contextlib.suppress(OSError):  # a full disk shows again; what it holds is given up
                writer.discard()


def write_summary(summary: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a summary as readable JSON, beside and then renamed."""
    with written_beside(path) as part:
        part.write_text(
            json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
        )


def read_results(path: str | os.PathLike[str]) -> "pd.DataFrame":
    """Read results in any of the `FORMATS`, by the file's ending, as a table with `columns()`.

    JSON may also be the bare five-key list of older tools. See `emotion_core.results.table.read_table`.

    Raises:
        EmotionError: where it is no results file, has records and not one of them makes sense, or is in a
            format whose packages are not installed.
    """
    fmt = format_of(Path(path))
    fmt.require()
    if fmt.reader is None:
        what = f"{Path(path).name} is a {fmt.label} file, which does not hold every record"
        raise EmotionError(f"{what}: open a {spoken()} file")
    from emotion_core.results.table import read_table

    return read_table(path, fmt.reader)


def read(path: str | os.PathLike[str]) -> list[Record]:
    """Read results as records; for long files `read_results` is quicker.

    Raises:
        EmotionError: as `read_results` does.
    """
    return list(records_of(read_results(path)))


def summarize(table: "pd.DataFrame") -> dict[str, Any]:
    """Return the summary of a table of `read_results`; without times 25 frames a second are assumed."""
    labels = labels_in(table.columns) or list(EMOTIONS)
    counts = Summary(labels)
    times, lasting = timing(*(table[name].to_numpy(float) for name in ("frame", "time", "duration")))
    faces = table["face"]
    if faces.isna().all():
        # Older tools give no ids: faces are told apart by their place in the frame.
        faces = (table.groupby("frame").cumcount() + 1).where(table["emotion"].notna())
    numbers = [table[name].to_numpy(float) for name in ("confidence", "valence", "arousal")]
    whose = faces.to_numpy(float, na_value=math.nan)
    for begin in range(0, len(table), _ROWS):  # an hour of Python's own numbers takes a hundred megabytes
        rows = slice(begin, begin + _ROWS)
        part = table.iloc[rows]
        names = part["emotion"].astype(object).where(part["emotion"].notna(), None)
        ids = [None if math.isnan(face) else int(face) for face in whose[rows]]
        columns = (
            *(part["frame"].tolist(), times[rows].tolist(), ids, names.tolist()),
            *(*(values[rows].tolist() for values in numbers), lasting[rows].tolist()),
            part["uncertain"].tolist(),
        )
        for row in zip(*columns, strict=True):
            counts.add(*row)
    return counts.as_dict()


def _stamp() -> dict[str, Any]:
    from emotion_core.version import VERSION

    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    return {"schema": SCHEMA, "made": now, "version": VERSION}
