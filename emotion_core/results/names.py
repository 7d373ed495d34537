"""How the files of one source are called: NAME, the source's own, and an ending for what a file holds."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

RESULTS = "_results"
SUMMARY = "_summary"
OVERLAY = "_emotions"
"""The annotated video or picture."""
MOMENTS = "_moments"
"""Moments that a person marked in the dashboard."""
MARKS = "_marks"
"""Markers and exclusions that a person set on the timeline."""

_PARTIAL = ".partial"  # before the ending of a file that is not complete, beside a complete one
_OLDER = ("_annotated", "_output")  # what other tools call an annotated video


def results_path(folder: Path, name: str) -> Path:
    """Return NAME_results.json in `folder`; the other formats lie beside it."""
    return folder / f"{name}{RESULTS}.json"


def summary_path(results: Path) -> Path:
    """Return the summary that belongs to a results file of any format, partial or complete."""
    partial = _PARTIAL if results.stem.endswith(_PARTIAL) else ""
    return results.with_name(f"{_source(results.name)}{SUMMARY}{partial}.json")


def stub_path(results: Path) -> Path:
    """Return the place of the summary that says, from its first frame on, whose a results file is."""
    return results.with_name(f"{_source(results.name)}{SUMMARY}{_PARTIAL}.json")


def free_name(folder: Path, name: str, source: str, path: Path | None, ending: str) -> tuple[str, str | None]:
    """Return the NAME under which the files of a source go into `folder`, and whose the one asked for is.

    It is `name` unless a summary says that its files belong to another source; then the source's own `ending`
    (as ".mov") is added, and a number where that is taken too. `source` is how messages call it, `path` its
    file. The second value is the other source, None where the name was free.
    """
    other = first = _owner(folder, name, source, path)
    names = _alternatives(name, re.sub(r"\W", "", ending))
    while other is not None:
        name = next(names)
        other = _owner(folder, name, source, path)
    return name, first


def place_of(path: Path, folder: Path) -> str:
    """Return where a source lies as seen from the folder of its results, for the summary."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return path.name


def _alternatives(name: str, ending: str) -> Iterator[str]:
    longer = f"{name}_{ending}" if ending else name
    if ending:
        yield longer
    number = 2
    while True:
        yield f"{longer}_{number}"
        number += 1


def _owner(folder: Path, name: str, source: str, path: Path | None) -> str | None:
    """Return the source whose files have NAME in a folder, None where it is this one or nobody knows."""
    results = results_path(folder, name)
    for summary in (summary_path(results), stub_path(results)):
        try:
            about = json.loads(summary.read_text("utf-8"))["source"]
            owner, place = str(about["name"]), about.get("path")
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            continue
        if owner != source:
            return owner
        # The same name elsewhere: a folder may have been moved, so the other has to be there still.
        theirs = folder / place if isinstance(place, str) else None
        if theirs is not None and path is not None and theirs.exists() and not _same(theirs, path):
            return str(place)
    return None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def moments_path(results: Path) -> Path:
    """Return the place of the moments that were marked in a results file."""
    return results.with_name(f"{_source(results.name)}{MOMENTS}.csv")


def marks_path(results: Path) -> Path:
    """Return the place of the markers and exclusions that were set on a results file's timeline."""
    return results.with_name(f"{_source(results.name)}{MARKS}.tsv")


def video_names(results: str) -> list[str]:
    """Return the stems that the video of a results file may have, the likeliest first.

    The last is the source's own, which another source may have too: what the summary states goes before it.
    """
    name = _source(results)
    partial = [f"{name}{OVERLAY}{_PARTIAL}"] if PurePath(results).stem.endswith(_PARTIAL) else []
    return [*partial, *(f"{name}{ending}" for ending in (OVERLAY, *_OLDER, ""))]


def stated_source(summary: object) -> str | None:
    """Return the name of its source that a summary states, without folders; None where it states none."""
    source = summary.get("source") if isinstance(summary, dict) else None
    name = source.get("name") if isinstance(source, dict) else None
    return PureWindowsPath(name).name or None if isinstance(name, str) else None


def read_summary(path: Path) -> dict[str, Any] | None:
    """Read a summary; None where there is none that can be read."""
    try:
        loaded = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, dict) else None


def is_summary(file: str) -> bool:
    """Tell whether a file is called as a summary is."""
    stem = PurePath(file).stem.removesuffix(_PARTIAL)
    return PurePath(file).suffix.lower() == ".json" and stem.endswith(SUMMARY)


def _source(results: str) -> str:
    return PurePath(results).stem.removesuffix(_PARTIAL).removesuffix(RESULTS)


def is_partial(path: Path) -> bool:
    """Tell whether a file lies beside a complete one, as a run that failed leaves it."""
    return path.stem.endswith(_PARTIAL)


def is_results(path: Path) -> bool:
    """Tell whether a file of a results format may hold results, not a summary, moments or marks."""
    return not path.stem.removesuffix(_PARTIAL).endswith((SUMMARY, MOMENTS, MARKS))


def name_of(file: str) -> str:
    r"""Return NAME of any of a source's files, with or without the folders before it.

    >>> name_of("C:\\clips\\talk.v2_results.parquet"), name_of("talk_emotions.mp4"), name_of("talk")
    ('talk.v2', 'talk', 'talk')

    Only one ending is taken off: a source may be called `many_emotions` itself.

    >>> name_of("many_emotions_results.json")
    'many_emotions'
    """
    return bare(PureWindowsPath(file).stem.removesuffix(_PARTIAL))  # knows both kinds of slash


def bare(stem: str) -> str:
    """Take the ending that says what a file holds off its stem."""
    for ending in (RESULTS, SUMMARY, OVERLAY, MOMENTS, MARKS, *_OLDER):
        if stem.endswith(ending) and stem != ending:
            return stem.removesuffix(ending)
    return stem
