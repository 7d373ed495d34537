"""The results that a browser has here, from what lies on disk: a page loaded anew shows them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from emotion_core.results.formats import FORMATS
from emotion_core.results.names import RESULTS, name_of, summary_path
from emotion_core.types import EmotionError
from webapp.shared import owners, parts
from webapp.shared.store import link
from webapp.video.result import result_html

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.shared.i18n import Text
    from webapp.shared.visitor import Visitor

MOST = 30
"""Results that are offered at once; older ones are there for as long as they are kept, by their links."""


def results_of(visitor: Visitor) -> list[tuple[str, str]]:
    """Return (name, token) of a visitor's results of videos and recordings, the newest first."""
    found = []
    for token in owners.tokens_of(visitor):
        folder = owners.folder_of(token, visitor)
        place = None if folder is None else results_in(folder)
        if place is not None and (summary := _summary(place)) is not None:
            found.append((_name(summary, place), token))
        if len(found) == MOST:
            break
    return found


def page_of(token: str, visitor: Visitor, text: Text) -> str | None:
    """Return the page of one result anew, in the language of `text`; None where it is gone or another's."""
    from emotion_core.results.recording import read_results

    folder = owners.folder_of(token, visitor)
    place = None if folder is None else results_in(folder)
    summary = None if place is None else _summary(place)
    if folder is None or place is None or summary is None:
        return None
    try:
        table = read_results(place)
    except EmotionError:  # it was deleted just now
        return None
    paths = {kind: place.with_suffix(fmt.endings[0]) for kind, fmt in FORMATS.items()}
    paths["summary"] = summary_path(place)
    paths["report"] = place.with_name(f"{name_of(place.name)}_report.html")
    video = next(iter(sorted(folder.glob("*.mp4"))), None)
    there = {"video": video, **{kind: path for kind, path in paths.items() if path.is_file()}}
    files = [link(token, path, kind) for kind, path in there.items() if path is not None]
    said = [] if summary.get("complete", True) else [_stopped(summary, text)]
    said += [f"{remark}." for remark in summary.get("remarks") or ()]
    board = f"dashboard/?result={token}"
    return result_html(
        table, summary, files, text, dashboard=board, problem=" ".join(said) or None, token=token
    )


def _stopped(summary: Mapping[str, Any], text: Text) -> str:
    return text("video.stopped", time=parts.clock(float(summary["seconds"])))


def results_in(folder: Path) -> Path | None:
    """Return the one results file of a folder; None where there is none, or one for each of many pictures."""
    found = sorted(folder.glob(f"*{RESULTS}.json"))
    return found[0] if len(found) == 1 else None


def _summary(results: Path) -> dict[str, Any] | None:
    """Read the summary beside a results file; None where there is none yet, as while it is being made."""
    try:
        summary = json.loads(summary_path(results).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return summary if isinstance(summary, dict) and "faces" in summary else None


def _name(summary: Mapping[str, Any], results: Path) -> str:
    """Return what a result is called: as its source was, or as its recording is."""
    source = summary.get("source")
    known = source.get("name") if isinstance(source, Mapping) else None
    return str(known or name_of(results.name))
