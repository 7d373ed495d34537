"""From a results file to a table that every chart can trust, with what was left out and why.

Nothing here knows of Streamlit. `emotion_core.results.table` reads and checks columns, types and ranges; here
such a table is put in order of time, and times and ids are filled in where a file has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.analytics.figures import ASSUMED_FPS, assumed, timing
from emotion_core.analytics.measures import longest_seen
from emotion_core.analytics.signal_tables import table_of as signals_of
from emotion_core.analytics.studies import read as read_study
from emotion_core.analytics.studies import stamp
from emotion_core.batch.study import is_part_of_study
from emotion_core.labels import EMOTIONS
from emotion_core.limits import MAX_RESULTS_BYTES
from emotion_core.results.converting import read_any
from emotion_core.results.formats import endings, spoken
from emotion_core.results.formats import of as format_of
from emotion_core.results.incoming import TOOLS, tool_of
from emotion_core.results.incoming.base import RATE
from emotion_core.results.named import names_in
from emotion_core.results.names import (
    RESULTS,
    is_results,
    read_summary,
    stated_source,
    summary_path,
    video_names,
)
from emotion_core.results.record import chances, labels_in
from emotion_core.results.table import checked
from emotion_core.types import EmotionError

VIDEO_SUFFIXES = (".mp4", ".mov", ".webm", ".m4v")
MAX_FILES = 500
_NAMED = 6  # of a tool's columns, in a note


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """One loaded file: a `name` that is unique on the screen, its checked table, and what was said about it.

    `frame` has one row per frame and face, in order of time: frame (int), time (s), face (float, NaN where
    nobody was found), emotion (categorical), confidence, valence [-1, 1], arousal [0, 1], duration (s, what
    the record weighs in every share and mean), uncertain (bool), p_<Label> [0, 1].
    """

    name: str
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    skipped: int = 0
    source: str = "upload"
    path: Path | None = None
    video: Path | None = None
    made: bool = False
    labels: tuple[str, ...] = field(default=EMOTIONS)
    names: Mapping[int, str] = field(
        default_factory=dict
    )  # what somebody has called people, by their numbers
    rate: float | None = None  # frames a second that are assumed, as the file holds no times; None: it does
    foreign: pd.DataFrame | None = (
        None  # the whole table of `read_foreign`, where another tool or a person made it
    )
    signals: pd.DataFrame | None = None  # of `analytics.signals`, where the file holds what they come of

    @property
    def people(self) -> list[int]:
        """The ids of the faces, the one seen longest first."""
        return longest_seen(self.frame)

    @property
    def origin(self) -> str | None:
        """The tool or coding that the file comes from; None where it is one of ours."""
        return None if self.foreign is None else str(self.foreign.attrs["origin"])

    @property
    def table(self) -> pd.DataFrame:
        """The table for `responses` and `agreeing`: with all columns of another tool."""
        return self.frame if self.foreign is None else self.foreign


def read(path: Path, *, name: str | None = None, source: str = "folder") -> Results:
    """Read and check one results file; raises EmotionError with one line saying what is wrong with it."""
    title = name or path.name
    if path.suffix.lower() not in all_endings():
        raise EmotionError(f"{title} is not a results file: choose a {spoken()} file.")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise EmotionError(f"{title} can't be read ({error.strerror}): choose another file.") from error
    if size == 0:
        raise EmotionError(f"{title} is empty: analyse the video again or choose another file.")
    if size > MAX_RESULTS_BYTES:
        raise EmotionError(
            f"{title} has {size / 1e6:,.0f} MB, more than the {MAX_RESULTS_BYTES / 1e6:,.0f} MB that can be "
            "shown: save it as Parquet or split it."
        )
    table = read_any(path)
    if "origin" in table.attrs:
        return _foreign(table, title, path, source)
    return _results(table, name=title, path=path, source=source)


def all_endings() -> tuple[str, ...]:
    """Return the endings of all files that `read` may know: ours, and those of other tools and codings."""
    theirs = (ending for tool in TOOLS.values() for ending in tool.endings)
    return tuple(dict.fromkeys((*endings(), *theirs)))


def _foreign(table: pd.DataFrame, name: str, path: Path, source: str) -> Results:
    """Turn a table of `read_foreign` into `Results`; what the tool does not measure stays missing."""
    if table.empty:
        raise EmotionError(f"{name} holds nothing that can be shown: choose another file.")
    origin, measured = table.attrs["origin"], table.attrs["measures"]
    frame = _used(table).sort_values(["time", "frame", "face"], kind="stable").reset_index(drop=True)
    frame.loc[frame["emotion"].isna(), "face"] = np.nan
    frame["frame"], frame["duration"] = frame["frame"].astype("int64"), frame["duration"].fillna(0.0)
    labels = _labels(frame)
    frame["emotion"] = frame["emotion"].cat.set_categories(labels)
    notes = [
        f"comes from {origin}: {', '.join(list(measured)[:_NAMED])}{'' if len(measured) <= _NAMED else ' …'}"
    ]
    notes += ["it names no categories"] if frame["face"].isna().all() else []
    return Results(
        name=name,
        frame=frame,
        notes=(*notes, *table.attrs["notes"]),
        skipped=int(table.attrs["skipped"]),
        source=source,
        path=path,
        video=find_video(path),
        labels=tuple(labels),
        rate=None if table.attrs["rate_known"] else ASSUMED_FPS,
        foreign=table,
    )


def at_rate(results: Results, rate: float) -> Results:
    """Return a file that holds no times at another assumed rate (frames a second); others as they are."""
    if results.rate is None or results.rate == rate:
        return results
    frame, foreign, signals = (
        None if table is None else _slower(table, results.rate / rate)
        for table in (results.frame, results.foreign, results.signals)
    )
    said = {assumed(results.rate, what): assumed(rate, what) for what in ("times", RATE)}
    notes = tuple(said.get(note, note) for note in results.notes)
    assert frame is not None
    return replace(results, frame=frame, foreign=foreign, signals=signals, notes=notes, rate=rate)


def _slower(table: pd.DataFrame, longer: float) -> pd.DataFrame:
    return table.assign(time=table["time"] * longer, duration=table["duration"] * longer)


def check(frame: pd.DataFrame, *, name: str, source: str = "upload", made: bool = False) -> Results:
    """Check a table with the columns of `read_results`, and put it in order.

    Bad records are left out and counted. Raises EmotionError where nothing that can be shown remains.
    """
    columns = {str(column): frame[column] for column in frame.columns}
    table = checked(columns, name, list(frame.attrs.get("notes", ())))
    return _results(table, name, source=source, made=made)


def _results(
    frame: pd.DataFrame, name: str, *, path: Path | None = None, source: str = "upload", made: bool = False
) -> Results:
    """Turn a table of `read_results` into `Results`."""
    if frame.empty:
        raise EmotionError(f"{name} holds no records: analyse the video again or choose another file.")
    skipped = int(frame.attrs["skipped"])
    notes = []
    if skipped:
        reasons = [f"{reason} ({count:,})" for reason, count in frame.attrs["reasons"]]
        notes.append(f"{skipped:,} records could not be read: {', '.join(reasons)}")
    notes += frame.attrs["notes"]
    table, more = _in_order(_used(frame).assign(row=np.arange(len(frame))))
    rows = table.pop("row").to_numpy()
    notes += more
    labels = _labels(table)
    table["emotion"] = table["emotion"].cat.set_categories(labels)
    if table["face"].isna().all():
        notes.append("no face was found in any frame")
    return Results(
        name=name,
        frame=table,
        notes=tuple(notes),
        skipped=skipped,
        source=source,
        path=path,
        video=find_video(path) if path is not None else None,
        made=made,
        labels=tuple(labels),
        names=names_in(frame),
        rate=ASSUMED_FPS if assumed(ASSUMED_FPS) in more else None,
        signals=signals_of(frame, rows, table),
    )


def _used(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that are used, as plain numbers and categories."""
    shares = chances(frame.columns)
    if frame[shares].isna().all(axis=None):
        shares = []
    names = ["frame", "time", "face", "confidence", "valence", "arousal", "duration", *shares]
    columns = {name: frame[name].to_numpy("float64", na_value=np.nan) for name in names}
    unsure = frame["uncertain"].to_numpy(bool)
    return pd.DataFrame({**columns, "emotion": pd.Categorical(frame["emotion"]), "uncertain": unsure})


def _in_order(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Fill in times and ids where the file has none, put the records in order and drop repeats."""
    notes: list[str] = []
    if table["time"].isna().all():
        table["time"], _ = timing(table["frame"].to_numpy(), table["time"].to_numpy())
        notes.append(assumed(ASSUMED_FPS))
    seen = table["emotion"].notna()
    unnamed = seen & table["face"].isna()
    if unnamed.any():
        place = table.loc[unnamed].groupby("frame").cumcount() + 1
        table.loc[unnamed, "face"] = place.astype("float64")
        notes.append("the file holds no face ids: faces are numbered by their place in the frame")
    table.loc[~seen, "face"] = np.nan
    table["frame"] = table["frame"].astype("int64")
    time = table["time"].to_numpy()
    if (np.diff(time) < 0).any():
        turns = int((np.diff(time) < 0).sum())
        notes.append(f"time runs backwards {turns:,} times: records were put in order of time")
        table = table.sort_values(["time", "frame", "face"], kind="stable")
    repeated = table.duplicated(["frame", "time", "face"])
    if repeated.any():
        notes.append(f"{int(repeated.sum()):,} records left out: the same face twice in one frame")
        table = table[~repeated]
    columns = (table[name].to_numpy() for name in ("frame", "time", "duration"))
    table = table.assign(duration=timing(*columns)[1])
    return table.set_axis(pd.RangeIndex(len(table))), notes


def _labels(table: pd.DataFrame) -> list[str]:
    """Give the seven, or the labels of a model of one's own; both where both were found, the seven first."""
    names = {str(v) for v in table["emotion"].cat.remove_unused_categories().cat.categories}
    names |= set(labels_in(table.columns))
    own = sorted(names - set(EMOTIONS))
    return own if own and not names & set(EMOTIONS) else [*EMOTIONS, *own]


def list_results(folder: Path) -> list[str]:
    """List the results files below `folder` as sorted relative names, without links that lead outside.

    Of a folder that a batch has made, those that its table names; raises EmotionError where that is damaged.
    """
    root = folder.resolve()
    if stamp(root) is not None:
        return [name for name in read_study(root).results if (root / name).is_file()]
    files = []
    known = all_endings()
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in known or not path.is_file() or path.name.startswith("."):
            continue
        if not is_results(path) or not _readable(path):
            continue
        if is_part_of_study(path, root) or _in_dataset(path, root):
            continue
        if root in path.resolve().parents:
            files.append(path.relative_to(root).as_posix())
        if len(files) >= MAX_FILES:
            break
    return files


def _readable(path: Path) -> bool:
    """Tell whether a file is read here: ours of a format with a reader, or one that another tool knows."""
    ours = path.suffix.lower() in endings() and format_of(path).reader is not None
    if ours:
        return True
    try:  # what we wrote for another tool lies beside the results, and says no more than they do
        return not path.stem.endswith(RESULTS) and tool_of(path) is not None
    except OSError:
        return False


def _in_dataset(path: Path, root: Path) -> bool:
    """Tell whether a file lies in a converted dataset of many tables, as "talk_bids"."""
    return any(part.endswith("_bids") for part in path.relative_to(root).parent.parts)


def inside(folder: Path, name: str) -> Path:
    """Return the path of `name` in `folder`; raises EmotionError where it leads outside or is not there."""
    root = folder.resolve()
    path = (root / name).resolve()
    if root not in path.parents:
        raise EmotionError(f"{name!r} lies outside the results folder: choose one of the listed files.")
    if not path.is_file():
        raise EmotionError(f"{name!r} is not in the results folder: choose one of the listed files.")
    return path


def find_video(results: Path) -> Path | None:
    """Find the video that lies beside a results file, or None.

    It is the annotated one; else the source that the summary states, or one of the source's name.
    """
    *ours, bare = video_names(results.name)
    stated = stated_source(read_summary(summary_path(results)))
    theirs = [stated] if stated is not None and stated.lower().endswith(VIDEO_SUFFIXES) else []
    names = [f"{name}{suffix}" for name in ours for suffix in VIDEO_SUFFIXES]
    names += theirs if stated is not None else [f"{bare}{suffix}" for suffix in VIDEO_SUFFIXES]
    return next((path for name in names if (path := results.with_name(name)).is_file()), None)


def unique_names(names: Sequence[str]) -> list[str]:
    """Tell files of the same name apart: talk.json, talk.json (2), ..."""
    taken: set[str] = set()
    out = []
    for name in names:
        shown, number = name, 1
        while shown in taken:
            number += 1
            shown = f"{name} ({number})"
        taken.add(shown)
        out.append(shown)
    return out
