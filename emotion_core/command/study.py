"""The job `study`: the folder of a study is checked, analysed by the batch engine, and reported on."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.command.options import MISUSED
from emotion_core.ending import warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emotion_core.batch.messages import Listed
    from emotion_core.study.checks import Analysed
    from emotion_core.study.layout import Layout

_MOST = 30  # lines about participants on a terminal; the report has all


def study(args: argparse.Namespace) -> int:
    """Check the folder and analyse it, or write its report; gives 1 where data are missing."""
    from emotion_core.study import checks, report

    if args.output is not None:
        warn(args.program, "a study keeps its results in its own folder: leave --output out")
        return MISUSED
    folder = Path(args.study).expanduser().absolute()
    layout = _layout(folder)
    if args.report:
        known = checks.analysed(layout)
        _say(layout, known)
        files = report.write(layout, known)
        for kind in ("html", "markdown", "methods", "citation", "responses", "means", "curves", "peaks"):
            if kind not in files:
                continue
            print(f"  {kind:9} {files[kind]}", flush=True)
        return 0
    code = 0
    if not args.check:
        code = _analyse(args, layout)
        print(flush=True)
    return _say(layout, checks.analysed(layout)) or code


def _layout(folder: Path) -> "Layout":
    from emotion_core.command.listing import listed
    from emotion_core.study import ANALYSIS
    from emotion_core.study.layout import VIDEOS, read
    from emotion_core.types import EmotionError

    if not folder.is_dir():
        raise EmotionError(f"the folder {folder} does not exist: check the path")
    videos = folder / VIDEOS
    if not videos.is_dir():
        raise EmotionError(f"{folder} has no folder {VIDEOS}: put the recordings there")
    return read(folder, [Path(path).absolute() for path, _ in listed([str(videos)], folder / ANALYSIS)])


def _say(layout: "Layout", known: "Mapping[Path, Analysed]") -> int:
    """Print what is missing; gives 1 where something is."""
    from emotion_core.study.checks import findings, lines

    found = findings(layout, known)
    said = lines(layout, found)
    print("\n".join(said[:_MOST]))
    if len(said) > _MOST:
        print(f"and {len(said) - _MOST} more: the report has all")
    lacking = {one.participant for one in found if one.missing}
    total = len(layout.participants)
    print(f"{total - len(lacking - {None})} of {total} participants are complete", flush=True)
    return int(bool(lacking))


def _analyse(args: argparse.Namespace, layout: "Layout") -> int:
    from emotion_core.command.batch import into
    from emotion_core.study import ANALYSIS

    for path in layout.strangers:
        warn(args.program, f"{path.name} belongs to no participant and is left out")
    return into(args, _sources(layout), layout.folder / ANALYSIS)


def _sources(layout: "Layout") -> "Iterator[Listed]":
    for recording in layout.recordings:
        facts = {"participant": recording.participant, **layout.participants[recording.participant]}
        yield str(recording.path), facts
