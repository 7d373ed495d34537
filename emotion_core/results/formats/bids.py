"""BIDS: a dataset in a ZIP archive, each person a subject with `_physio.tsv.gz` and `_events.tsv`.

The continuous file has no row of names (its JSON sidecar has them), and what is missing is n/a, never NaN;
the validator notices neither mistake.
"""

import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.labels import DISCLAIMER
from emotion_core.results.formats.base import exported
from emotion_core.results.spans import Span, seconds, spans
from emotion_core.results.whole import Whole, person
from emotion_core.version import VERSION

_BIDS = "1.10.0"
_REGULAR = 0.0005  # s by which the times of a steady recording may miss those that its rate gives
_MOST = 2_000_000  # samples of a person; a rate that would give more is lowered
_ROWS = 20_000  # turned into text at a time
_FIXED = (1980, 1, 1, 0, 0, 0)  # the date of the files in the archive: the same results, the same bytes
_ONSET = "picture_onset"
_UNITS = {
    "valence": ("Valence, -1 unpleasant to 1 pleasant", "arbitrary"),
    "arousal": ("Arousal, 0 calm to 1 excited", "arbitrary"),
    "confidence": ("Probability of the likeliest category, 0 to 1", "arbitrary"),
    _ONSET: ("When the picture came that the values were read from, on the source's clock", "s"),
}


def write(whole: Whole, path: Path) -> None:
    """Write the archive; its root is the root of the dataset."""
    task = re.sub(r"[^A-Za-z0-9]", "", whole.name) or "video"
    found = spans(whole)
    rows_of = whole.people
    width = max(2, len(str(max(rows_of, default=1))))
    names = {face: f"sub-{face:0{width}d}" for face in rows_of} or {0: f"sub-{0:0{width}d}"}
    grid = _Grid(whole)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "dataset_description.json", _json(_dataset(whole)))
        _put(archive, "README", _readme(whole, grid).encode())
        lines = ["participant_id\trecording\tperson"]
        lines += [f"{name}\t{_cell(whole.name)}\t{face or 'n/a'}" for face, name in names.items()]
        _put(archive, "participants.tsv", ("\n".join(lines) + "\n").encode())
        _put(archive, "participants.json", _json(_PARTICIPANTS))
        for face, name in names.items():
            start = f"{name}/beh/{name}_task-{task}"
            _put(archive, f"{start}_events.tsv", _events(whole, found.get(face, [])).encode())
            _put(archive, f"{start}_events.json", _json(_events_sidecar(whole, task)))
            if face in rows_of:
                first, lines_of = grid.person(rows_of[face])
                _put(archive, f"{start}_physio.tsv.gz", _packed(lines_of), zipfile.ZIP_STORED)
                _put(archive, f"{start}_physio.json", _json(_sidecar(whole, grid, task, first, face)))


class _Grid:
    """The even times of a recording's samples: its own pictures where they are steady, else close to them."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self.columns = ["valence", "arousal", "confidence", *whole.chances]
        times = np.unique(whole["time"])
        steps = np.diff(times)
        self.start = float(times[0]) if len(times) else 0.0
        step = float(times[-1] - times[0]) / len(steps) if len(steps) else 1.0
        even = self.start + step * np.arange(len(times))
        self.steady = bool(np.abs(times - even).max(initial=0.0) <= _REGULAR)
        if not self.steady:
            step = max(float(np.median(steps)), float(times[-1] - times[0]) / _MOST, 1e-4)
        self.rate = 1 / step

    def person(self, rows: np.ndarray) -> tuple[float, Iterator[str]]:
        """Return when a person's samples begin (s), and their lines."""
        whole = self._whole
        time, lasting = whole["time"][rows], whole["duration"][rows]
        until = time + np.maximum(lasting, 1e-6)
        # To the nearest where the pictures are steady; else what is in the picture at that moment.
        first = round((time[0] - self.start) * self.rate)
        last = round((time[-1] - self.start) * self.rate)
        at = self.start + np.arange(first, last + 1) / self.rate
        slack = min(2 * _REGULAR, 0.5 / self.rate) if self.steady else 1e-6
        which = np.maximum(np.searchsorted(time, at + slack, side="right") - 1, 0)
        # A picture that is steady is one sample, whatever the rounding of how long it lasts.
        seen = np.abs(time[which] - at) <= slack if self.steady else at < until[which] - 1e-6
        if not self.steady:
            seen[0] = seen[-1] = True
        return float(at[0]), self._lines(rows, which, seen)

    def _lines(self, rows: np.ndarray, which: np.ndarray, seen: np.ndarray) -> Iterator[str]:
        columns = [*self.columns, "time"]
        pattern = "\t".join(["%.6f"] * len(columns)) + "\n"
        for begin in range(0, len(which), _ROWS):
            part = slice(begin, begin + _ROWS)
            there = seen[part, None]
            picked = rows[which[part]]
            values = np.column_stack([self._whole[name][picked] for name in columns])
            values = np.where(there, values, np.nan)
            text = "".join([pattern % tuple(line) for line in values.tolist()])
            yield text.replace("nan", "n/a")


def _put(archive: zipfile.ZipFile, name: str, content: bytes, how: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, _FIXED)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, how, 6 if how == zipfile.ZIP_DEFLATED else None)


def _packed(lines: Iterator[str]) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=4, mtime=0) as file:
        for text in lines:
            file.write(text.encode())
    return out.getvalue()


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _events(whole: Whole, line: list[Span]) -> str:
    rows = ["onset\tduration\ttrial_type\tvalence\tarousal\tconfidence"]
    for span in line:
        means = [_number(value) for value in (span.valence, span.arousal, span.confidence)]
        words = [seconds(span.start), seconds(span.end - span.start), _cell(whole.labels[span.label])]
        rows.append("\t".join([*words, *means]))
    return "\n".join(rows) + "\n"


def _number(value: float) -> str:
    return "n/a" if value != value else f"{value:.4f}"


def _cell(text: str) -> str:
    return " ".join(text.split()) or "n/a"


def _dataset(whole: Whole) -> dict[str, Any]:
    return {
        "Name": whole.name,
        "BIDSVersion": _BIDS,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "emotion-recognition", "Version": VERSION, "Description": DISCLAIMER}],
    }


_PARTICIPANTS: dict[str, Any] = {
    "recording": {"Description": "The video in which the person was seen"},
    "person": {"Description": "Number of the person in the results"},
}


def _events_sidecar(whole: Whole, task: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "TaskName": task,
        "trial_type": {
            "Description": "Apparent expression of the face; time without a face is left out",
            "Levels": {_cell(label): f"Looks like {_cell(label)}" for label in whole.labels},
        },
    }
    for name in ("valence", "arousal", "confidence"):
        about, unit = _UNITS[name]
        described[name] = {"Description": f"Mean over the event. {about}", "Units": unit}
    return described


def _sidecar(whole: Whole, grid: _Grid, task: str, start: float, face: int) -> dict[str, Any]:
    columns = [*grid.columns, _ONSET]
    described: dict[str, Any] = {
        "TaskName": task,
        "SamplingFrequency": round(grid.rate, 9),
        "StartTime": round(start, 6),
        "Columns": columns,
        "PhysioType": "generic",
        "Manufacturer": whole.maker[0],
        "SoftwareVersions": whole.maker[1] or "n/a",
        "Description": f"{DISCLAIMER} {person(face)} of {whole.name}.",
    }
    for name in columns:
        about, unit = _UNITS.get(name, (f"Probability of {name[2:]}, 0 to 1", "arbitrary"))
        described[name] = {"Description": about, "Units": unit}
    return described


def _readme(whole: Whole, grid: _Grid) -> str:
    how = (
        "Each sample is a picture of the video."
        if grid.steady
        else "The pictures came at uneven times: samples repeat the last one, "
        f"and {_ONSET} says when it came."
    )
    nobody = "" if whole.people else "\nNo face was found.\n"
    return (
        f"# {whole.name}\n\nApparent expressions of the faces in a video, read by {whole.software}.\n"
        f"{DISCLAIMER}\n{nobody}\nEach person that was seen is a subject, by the number in the results. "
        f"{how} n/a stands for time in which the person was not seen. Events are the stretches in which a "
        "person shows one expression. No physiology was measured: `physio` is what BIDS calls continuous "
        "recordings of this kind.\n"
    )


FORMAT = exported(
    "bids",
    "BIDS",
    "a BIDS dataset, packed: `_physio.tsv.gz` and `_events.tsv` of each person, with their sidecars",
    write,
    ".bids.zip",
)
