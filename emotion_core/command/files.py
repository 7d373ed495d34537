"""One source after the other: each has its progress and its report, and one that fails stops no other."""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.command.options import MISUSED
from emotion_core.command.progress import CLOSING, Bar, Count, StopOnSignal, report
from emotion_core.ending import explained, fail, warn
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emotion_core.planning import Plan

Tools = tuple[Any, Any]
"""The recognizer and what finds objects, or None."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is done with each of the sources: how it is planned, and with what it is read."""

    plan: "Callable[[str], Plan]"
    load: "Callable[[], Tools]"
    settings: "Callable[[], dict[str, Any]]"


def analyze_all(args: argparse.Namespace, sources: "Sequence[str | EmotionError]", work: Work) -> int:
    """Analyse sources and give the exit code: 0, or 1 where one of them failed; the end lists those.

    A single one fails by its exception. Ctrl-C ends the one in work well, and leaves out the rest.
    """
    if len(sources) > 1 and args.output is not None and not Path(args.output).expanduser().is_dir():
        warn(args.program, f"--output {args.output} is no folder, and {len(sources)} inputs need one")
        return MISUSED
    several = len(sources) > 1
    failed: list[str] = []
    tools: Tools | None = None
    with Count(len(sources)) as count:
        for at, source in enumerate(sources, 1):
            try:
                if isinstance(source, EmotionError):
                    raise source
                planned = work.plan(source)
            except Exception as error:
                failed.append(_line(error, source, several))
                count.step(failed=True)
                continue
            with planned:
                tools = tools or work.load()  # once for all; where it fails, none can be read
                stopped = False
                try:
                    problem, stopped = _analyze(args, planned, tools, work, count if several else None)
                except Exception as error:
                    problem = _line(error, planned.source.name, several)
            failed += [problem] if problem else []
            count.step(failed=bool(problem))
            if stopped and at < len(sources):
                failed += [f"{_shown(rest)}: not begun" for rest in sources[at:]]
                break
    if several:
        print(CLOSING, flush=True)
    if several and failed:
        warn(args.program, f"{len(failed)} of {len(sources)} failed:")
    for line in failed:
        fail(args.program, line)
    return int(bool(failed))


def _analyze(
    args: argparse.Namespace,
    planned: "Plan",
    tools: Tools,
    work: Work,
    count: Count | None,
) -> tuple[str, bool]:
    """Analyse one source and tell of it; gives what is missing, or an empty text, and if it was stopped."""
    from emotion_core import analysis

    begun = time.monotonic()
    name = planned.source.name
    with StopOnSignal() as should_stop, Bar(name, below=count is not None) as bar:
        result = analysis.analyze(
            planned,
            recognizer=tools[0],
            objects=tools[1],
            on_progress=bar.show,
            should_stop=should_stop,
            **work.settings(),
        )
    if count is not None:
        count.clear()
    print(report(result, time.monotonic() - begun, alone=count is None), flush=True)
    for remark in result.summary.get("remarks", ()):
        warn(args.program, f"{name}: {remark}")
    return ("" if result.complete else result.message), should_stop()


def _line(error: Exception, source: object, several: bool) -> str:
    """Return the line about one of several sources that failed; a fault of this program is raised on."""
    line = explained(error) if several else None
    if line is None:
        raise error
    named = isinstance(source, EmotionError) or _shown(source) in line
    return line if named else f"{_shown(source)}: {line}"


def _shown(source: object) -> str:
    return Path(str(source)).name or str(source)
