"""How the files of one source are called: NAME, the source's own, and an ending for what a file holds."""

from pathlib import Path, PurePath, PureWindowsPath

RESULTS = "_results"
SUMMARY = "_summary"
OVERLAY = "_emotions"
"""The annotated video or picture."""
MOMENTS = "_moments"
"""Moments that a person marked in the dashboard."""

_PARTIAL = ".partial"  # before the ending of a file that is not complete, beside a complete one
_OLDER = ("_annotated", "_output")  # what other tools call an annotated video


def results_path(folder: Path, name: str) -> Path:
    """Return NAME_results.json in `folder`; the other formats lie beside it."""
    return folder / f"{name}{RESULTS}.json"


def summary_path(results: Path) -> Path:
    """Return the summary that belongs to a results file of any format, partial or complete."""
    partial = _PARTIAL if results.stem.endswith(_PARTIAL) else ""
    return results.with_name(f"{_source(results.name)}{SUMMARY}{partial}.json")


def moments_path(results: Path) -> Path:
    """Return the place of the moments that were marked in a results file."""
    return results.with_name(f"{_source(results.name)}{MOMENTS}.csv")


def video_names(results: str) -> list[str]:
    """Return the stems that the video of a results file may have, the likeliest first."""
    name = _source(results)
    partial = [f"{name}{OVERLAY}{_PARTIAL}"] if PurePath(results).stem.endswith(_PARTIAL) else []
    return [*partial, *(f"{name}{ending}" for ending in (OVERLAY, *_OLDER, ""))]


def _source(results: str) -> str:
    return PurePath(results).stem.removesuffix(_PARTIAL).removesuffix(RESULTS)


def is_results(path: Path) -> bool:
    """Tell whether a file of a results format may hold results: it is no summary and no list of moments."""
    return not path.stem.removesuffix(_PARTIAL).endswith((SUMMARY, MOMENTS))


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
    for ending in (RESULTS, SUMMARY, OVERLAY, MOMENTS, *_OLDER):
        if stem.endswith(ending) and stem != ending:
            return stem.removesuffix(ending)
    return stem
