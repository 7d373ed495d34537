"""A results file into other formats, beside it or in another folder."""

import contextlib
import json
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.analytics.figures import ASSUMED_FPS, assumed
from emotion_core.files import Beside, partial_name, written_beside
from emotion_core.results.extras import COLUMNS, EXTRAS, NAME
from emotion_core.results.formats import FORMATS, check
from emotion_core.results.formats.base import Format
from emotion_core.results.incoming import read_foreign, tool_of
from emotion_core.results.names import (
    free_name,
    is_partial,
    name_of,
    place_of,
    results_path,
    summary_path,
)
from emotion_core.results.record import labels_in, records_of
from emotion_core.results.recording import read_results, summarize, write_summary
from emotion_core.results.whole import RESULTS_KIND, Whole
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 5_000  # records that are made at a time


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion left: `paths` by the names of the formats, and `notes` on what was filled in."""

    paths: Mapping[str, Path]
    notes: tuple[str, ...] = field(default=())


def convert(
    path: str | os.PathLike[str],
    to: Sequence[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    shift: float = 0.0,
    rate: float | None = None,
    overwrite: bool = False,
) -> Converted:
    """Write a results file in other formats.

    Args:
        path: a file that `read_any` reads: of ours, or of another tool, or a coding by people.
        to: names in `results.formats.FORMATS`. An archive is unpacked: BIDS becomes a folder `NAME_bids`.
        folder: where the files go; beside `path` where it is None.
        shift: seconds that are added to all times, for a clock that began elsewhere. What would lie before
            0 is left out of the formats of other tools, and refused for those of records.
        rate: frames a second of a file of another tool that holds neither times nor a rate.
        overwrite: whether files of the same recording that are there already are replaced.

    Raises:
        EmotionError: for an unknown format or one whose packages are not installed, a file that can't be
            read or is in that very format, or a file that is there already.
        OSError: where nothing can be written.
    """
    source = Path(path)
    check(to)
    goal = source.parent if folder is None else Path(folder)
    if not goal.is_dir():
        raise EmotionError(f"the folder {goal} does not exist: create it first", ("output",))
    table = read_any(source, rate=rate)
    about = _about(source)
    if "origin" in table.attrs:
        about = {**about, "version": None, "software": table.attrs["origin"]}
        _check_foreign(table, to)
    name = _name(source, about, goal)
    targets = {fmt: _target(goal, name, source, FORMATS[fmt]) for fmt in dict.fromkeys(to)}
    _check_targets(source, targets, overwrite)
    _claim(source, table, about, goal, name)
    written: dict[str, Path] = {}
    notes = tuple(table.attrs["notes"])
    plain = {fmt: target for fmt, target in targets.items() if FORMATS[fmt].whole is None}
    if plain:
        write_records(_moved(table, shift), plain)
    written |= plain
    whole = Whole.of(table, name, about) if len(plain) < len(targets) else None
    del table  # the whole has its own columns, and an hour of several people takes its room
    if whole is None:
        return Converted(written, notes)
    if shift:
        whole = whole.shifted(shift)
    for fmt, target in targets.items():
        if (write := FORMATS[fmt].whole) is not None:
            written[fmt] = _exported(write, whole, target)
    return Converted({fmt: written[fmt] for fmt in targets}, (*notes, *whole.notes))


def read_any(path: Path, *, rate: float | None = None) -> "pd.DataFrame":
    """Read results of ours, or of another tool by `incoming.read_foreign`.

    Raises:
        EmotionError: where it is neither.
    """
    try:
        foreign = path.is_file() and tool_of(path) is not None
    except OSError as error:
        raise EmotionError(f"{path.name} can't be read: {error.strerror or error}") from error
    return read_foreign(path, rate=rate) if foreign else read_results(path)


def _check_foreign(table: "pd.DataFrame", to: Sequence[str]) -> None:
    """Refuse what a file of another tool lacks: categories at all, or what each of our records has."""
    if table["emotion"].isna().all() and len(table):
        raise EmotionError(f"{table.attrs['origin']} names no categories: there is nothing to convert")
    lacking = [name for name in ("confidence", "valence", "arousal") if table[name].isna().any()]
    plain = [fmt for fmt in to if FORMATS[fmt].whole is None]
    if plain and lacking:
        raise EmotionError(
            f"{plain[0]} holds {lacking[0]} in each record, which {table.attrs['origin']} does not give: "
            "choose a format of spans, or tidy"
        )


def _about(source: Path) -> dict[str, Any]:
    """Return what the summary beside a results file says; its name and place where there is none."""
    try:
        about = json.loads(summary_path(source).read_text("utf-8"))
        if isinstance(about["source"]["name"], str):
            return dict(about)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    return {"source": {"name": source.name, "path": source.name, "kind": RESULTS_KIND}}


def _name(source: Path, about: Mapping[str, Any], goal: Path) -> str:
    """Return the NAME under which the files of this source go into a folder."""
    whose, place = str(about["source"]["name"]), about["source"].get("path")
    original = source.parent / place if isinstance(place, str) else None
    ending = Path(whose).suffix
    return free_name(goal, name_of(source.name), whose, original, ending)[0]


def _target(goal: Path, name: str, source: Path, fmt: Format) -> Path:
    if fmt.endings[0].endswith(".zip"):
        return goal / f"{name}_{fmt.name}"
    target = results_path(goal, name).with_suffix(fmt.endings[0])
    return partial_name(target) if is_partial(source) else target


def _check_targets(source: Path, targets: Mapping[str, Path], overwrite: bool) -> None:
    for fmt, target in targets.items():
        if target.exists() and target.samefile(source):
            raise EmotionError(f"{source.name} is a {FORMATS[fmt].label} file already: name other formats")
        if target.exists() and not overwrite:
            raise EmotionError(
                f"{target} is there already: choose another folder, or agree to replace it",
                ("output", "overwrite"),
            )
        if target.is_dir() and not _is_ours(target):
            raise EmotionError(f"{target} is a folder of somebody else's: choose another one", ("output",))


def _is_ours(folder: Path) -> bool:
    try:
        about = json.loads((folder / "dataset_description.json").read_text("utf-8"))
        return bool(about["GeneratedBy"][0]["Name"] == "emotion-recognition")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _claim(source: Path, table: "pd.DataFrame", about: dict[str, Any], goal: Path, name: str) -> None:
    """Put the summary where it isn't yet: it says whose the files of that name are."""
    place = summary_path(results_path(goal, name))
    if place.exists() or is_partial(source):
        return
    if "faces" not in about and "origin" not in table.attrs:
        about = {**summarize(table), "complete": bool(table.attrs.get("complete", True)), **about}
    remarks = list(table.attrs["notes"])
    if len(table) and table["time"].isna().all():
        remarks.append(assumed(ASSUMED_FPS))
    if remarks:
        about = {"remarks": remarks, **about}
    path = about["source"].get("path")
    if isinstance(path, str):
        moved = place_of(source.parent / path, goal)
        about = {**about, "source": {**about["source"], "path": moved}}
    write_summary(about, place)


def _exported(write: Any, whole: Whole, target: Path) -> Path:
    """Write a format of another tool; an archive is unpacked into the folder `target`."""
    archive = target.suffix == "" and target.name.endswith(tuple(f"_{name}" for name in FORMATS))
    if not archive:
        with written_beside(target) as part:
            write(whole, part)
        return target
    beside = Beside(target.with_name(f"{target.name}.zip"))
    folder = target.with_name(f"{target.name}.partial")
    try:
        write(whole, beside.path)
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(beside.path) as packed:
            packed.extractall(folder)
        if target.exists():
            shutil.rmtree(target)
        folder.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        beside.discard()
    return target


def _moved(table: "pd.DataFrame", shift: float) -> "pd.DataFrame":
    if not shift:
        return table
    if len(table) and table["time"].isna().all():
        raise EmotionError("the file holds no times that could be moved")
    if len(table) and table["time"].min() + shift < 0:
        raise EmotionError("some times would lie before 0: move them by less", ("shift",))
    return table.assign(time=table["time"] + shift)


def write_records(table: "pd.DataFrame", targets: Mapping[str, Path]) -> None:
    """Write formats of records, all at once and a few thousand records at a time."""
    labels = labels_in(table.columns)
    extras = [name for name in EXTRAS if COLUMNS[name][0] in table.columns]
    extras += [NAME] if NAME in table.columns else []
    with contextlib.ExitStack() as undone:
        files, writers = [], []
        for fmt, target in targets.items():
            file = Beside(target, wait=1.0)
            undone.callback(file.discard)  # nothing to do for one that was committed
            writer = FORMATS[fmt].writer(file.path, labels, extras)
            undone.callback(writer.discard)
            files.append(file)
            writers.append(writer)
        for begin in range(0, len(table), _ROWS):
            for record in records_of(table.iloc[begin : begin + _ROWS]):
                for writer in writers:
                    writer.write(record)
            for writer in writers:
                writer.flush()  # or a text of the whole file stays in memory
        for writer, file in zip(writers, files, strict=True):
            writer.close()
            file.commit()
