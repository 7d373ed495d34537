"""The tables of a study: the manifest, a row per file, and the summary, a row per file and face.

Each is written as CSV and as Parquet, some thousand rows at a time: memory does not grow with their number.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from emotion_core.batch.manifest import DONE, PARTIAL, Manifest
from emotion_core.batch.messages import Row
from emotion_core.batch.study import LISTED, MANIFEST, RESULTS_FOLDER, SUMMARIES, Study
from emotion_core.files import written_beside
from emotion_core.results.names import RESULTS

_GROUP = 4096  # rows that are held in memory
_FACTS = ("path", "state", "error", "sha256", "size", "seconds", "tries", "settings", "weights")
_TEXTS = {
    "file",
    "results",
    "path",
    "state",
    "error",
    "sha256",
    "settings",
    "weights",
    "emotion",
    "longest_run_emotion",
}
_WHOLE = {"size", "tries", "face", "records", "changes", "frames", "frames_with_face", "people"}
_SPENT = "seconds_spent"


def write(study: Study, manifest: Manifest) -> None:
    """Write both tables anew, each beside and then under its name.

    Raises:
        OSError: where they can't be written.
    """
    _table(study.out / MANIFEST, lambda: _files(manifest))
    _table(study.out / SUMMARIES, lambda: _people(manifest))


def _files(manifest: Manifest) -> Iterator[Row]:
    """Yield a row per file: what the manifest knows of it, then the figures of all its faces together."""
    for entry in manifest.files():
        facts = {_SPENT if name == "seconds" else name: entry[name] for name in _FACTS}
        yield _named(entry) | facts | _listed(entry) | entry["whole"]


def _people(manifest: Manifest) -> Iterator[Row]:
    """Yield a row per file and face; a file without a face has one whose `face` is empty."""
    for entry in manifest.files():
        if entry["state"] not in (DONE, PARTIAL):
            continue
        about = _named(entry) | {"path": entry["path"], "state": entry["state"]} | _listed(entry)
        about |= {"file_seconds": entry["length"], "people": entry["whole"].get("people", 0)}
        for person in manifest.people(entry["number"]) or [{"face": None}]:
            yield about | person


def _named(entry: Mapping[str, Any]) -> Row:
    return {"file": entry["key"], "results": f"{RESULTS_FOLDER}/{entry['name']}{RESULTS}.json"}


def _listed(entry: Mapping[str, Any]) -> Row:
    """Return what a list said of a file, under names that no figure has."""
    return {f"{LISTED}{name}": value for name, value in entry["columns"].items()}


def _table(place: Path, rows: Callable[[], Iterable[Row]]) -> None:
    """Write rows as PLACE.csv and PLACE.parquet; they are made twice, first to name their columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(name for row in rows() for name in row)) or ["file"]
    schema = pa.schema([(name, _type(name)) for name in names])
    with (
        written_beside(place.with_suffix(".csv")) as plain,
        written_beside(place.with_suffix(".parquet")) as typed,
        plain.open("w", encoding="utf-8", newline="") as file,
        pq.ParquetWriter(str(typed), schema) as parquet,
    ):
        lines = csv.DictWriter(file, names, restval="")
        lines.writeheader()
        for group in _groups(rows()):
            lines.writerows(group)
            parquet.write_table(pa.Table.from_pylist(group, schema=schema))


def _type(name: str) -> Any:
    import pyarrow as pa

    if name in _TEXTS or name.startswith(LISTED):
        return pa.string()
    return pa.int64() if name in _WHOLE else pa.float64()


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) >= _GROUP:
            yield group
            group = []
    if group:
        yield group
