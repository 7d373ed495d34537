"""What is missing or odd in a study, a plain line each, by participant."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion_core.batch.study import MANIFEST
from emotion_core.results.names import summary_path
from emotion_core.study import ANALYSIS
from emotion_core.study.layout import Layout, Recording
from emotion_core.types import EmotionError

SEEN = 0.8
"""The share of a recording in which a face should be seen."""
APART = 0.5
"""Seconds by which an event may last longer or shorter than its stimulus."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A line about a participant, None: about the study. `missing`: data lack, else it is a caution."""

    participant: str | None
    line: str
    missing: bool


@dataclass(frozen=True, slots=True)
class Analysed:
    """What a batch left of a recording: its state, the results of a file that has some, and their summary."""

    state: str
    error: str = ""
    results: Path | None = None
    summary: Mapping[str, Any] | None = None


def analysed(layout: Layout) -> dict[Path, Analysed]:
    """Return what the batch left of each recording that it knows.

    Raises:
        EmotionError: where its tables are there and can't be read.
    """
    from emotion_core.analytics.studies import read, stamp

    folder = layout.folder / ANALYSIS
    if stamp(folder) is None:
        return {}
    found = {}
    for row in read(folder).files.to_dict("records"):
        results = folder / str(row["results"])
        done = row["state"] in ("done", "partial") and results.is_file()
        found[Path(str(row["path"]))] = Analysed(
            str(row["state"]) if done or row["state"] not in ("done", "partial") else "waiting",
            str(row["error"] or ""),
            results if done else None,
            _summary(results) if done else None,
        )
    return found


def _summary(results: Path) -> Mapping[str, Any]:
    path = summary_path(results)
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise EmotionError(
            f"{path.name} can't be read ({error}): remove it, and analyse the study again"
        ) from error


def findings(layout: Layout, known: Mapping[Path, Analysed]) -> list[Finding]:
    """Return all findings, those about the whole study last."""
    found = [one for who in layout.participants for one in _of(who, layout, known)]
    for path in layout.strangers:
        line = f"{path.name} belongs to nobody of the participants: begin its name with a participant_id"
        found.append(Finding(None, line, False))
    for path in layout.loose:
        line = f"{path.name} belongs to no recording: call it as the recording is called"
        found.append(Finding(None, line, False))
    if not known and layout.recordings:
        found.append(Finding(None, f"nothing is analysed yet ({MANIFEST} is missing)", True))
    return found


def _of(who: str, layout: Layout, known: Mapping[Path, Analysed]) -> Iterator[Finding]:
    recordings = layout.of(who)
    if not recordings:
        yield Finding(who, "no recording", True)
        return
    shown = Counter(event.name for recording in recordings for event in recording.events)
    for name in layout.stimuli:
        if not shown[name]:
            yield Finding(who, f"no recording of {name}", True)
        elif shown[name] > 1:
            yield Finding(who, f"{name} was shown {shown[name]} times: their mean is taken", False)
    for recording in recordings:
        if not recording.events:
            yield Finding(who, f"{recording.path.name}: no file of events says what was shown", True)
        for event in recording.events:
            usual = layout.stimuli[event.name]
            if abs(event.duration - usual) > APART:
                line = f"{event.name} lasts {event.duration:.1f} s, not {usual:.1f} s"
                yield Finding(who, f"{recording.path.name}: {line}", False)
        if known:
            yield from (Finding(who, f"{recording.path.name}: {t}", m) for t, m in _read(recording, known))


def _read(recording: Recording, known: Mapping[Path, Analysed]) -> Iterator[tuple[str, bool]]:
    """Yield what is wrong with the results of a recording, and whether data lack by it."""
    found = known.get(recording.path.absolute())
    if found is None or found.state in ("waiting", "running"):
        yield "not analysed yet", True
        return
    if found.summary is None:
        yield found.error or "could not be analysed", True
        return
    if found.state == "partial":
        yield f"was read only in part ({found.error or 'it ends early'})", True
    summary = found.summary
    seconds, seen = float(summary.get("seconds", 0)), float(summary.get("seconds_with_face", 0))
    if not seen:
        yield "no face was found", True
    elif seen < SEEN * seconds:
        yield f"a face is seen in {seen / seconds:.0%} of the time only", False
    if (people := int(summary.get("people", 0))) > 1:
        yield f"{people} faces are told apart: the one seen longest is taken", False
    for event in recording.events:
        end = event.onset if math.isnan(event.duration) else event.onset + event.duration
        if end > seconds + APART:
            yield f"{event.name} would end at {end:.1f} s, and the recording at {seconds:.1f} s", True


def lines(layout: Layout, found: list[Finding]) -> list[str]:
    """Return the findings as lines for a terminal: each participant with what is said of them."""
    out = []
    for who in layout.participants:
        mine = [one for one in found if one.participant == who]
        out.append(f"{who}: " + ("; ".join(one.line for one in mine) if mine else "complete"))
    return [*out, *(one.line for one in found if one.participant is None)]
