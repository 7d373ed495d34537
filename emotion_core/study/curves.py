"""The average response to each stimulus over time, with bands, as the report shows it.

The same averaging as `analytics.responses`, with participants as the units: several recordings of one person
count once.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from emotion_core.analytics.responses import Response, Window, average, of_participants, trials_of
from emotion_core.analytics.study_responses import StudyResponses
from emotion_core.study import drawing
from emotion_core.study.document import Block, Figure, Heading, Lines, Paragraph
from emotion_core.study.layout import Layout, Recording
from emotion_core.study.responses import BASELINE, MEASURES
from emotion_core.types import EmotionError

LONGEST = 60.0
"""Seconds after an onset that a curve shows at most."""
BINS = 120
"""About how many points a curve has; none is shorter than a tenth of a second."""
_COLUMNS = ("frame", "time", "duration", "face", "emotion")


class Curves:
    """Takes the recordings of a study one after the other, and averages what is shown around events."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._tables: dict[str, pd.DataFrame] = {}
        self._whose: dict[str, str] = {}
        self._events: list[dict[str, object]] = []
        self._lasting: dict[str, float] = {}

    def add(self, recording: Recording, frame: pd.DataFrame, face: int, end: float) -> None:
        """Take in what a participant shows: `face` is theirs in a checked table that lasts to `end` (s)."""
        name = f"recording {len(self._tables)}"  # two may be called the same
        mine = frame.loc[frame["face"] == face, [*_COLUMNS, *MEASURES]]
        self._tables[name], self._whose[name] = mine, recording.participant
        for event in recording.events:
            lasting = end - event.onset if math.isnan(event.duration) else event.duration
            row = {"onset": event.onset, "duration": lasting, "name": event.name}
            self._events.append({**row, "source": name, "person": face, "group": None})
            self._lasting[event.name] = max(self._lasting.get(event.name, 0.0), lasting)

    def found(self) -> StudyResponses | None:
        """Return the average responses, of all and of each group where there are some; None without events.

        Raises:
            EmotionError: where no trial can be used.
        """
        if not self._events:
            return None
        events = pd.DataFrame(self._events)
        window = self._window(events["onset"].max())
        groups = {
            name: str(self._layout.participants[who].get("group", "")) for name, who in self._whose.items()
        }
        groups = {name: group for name, group in groups.items() if group}
        several = len(set(groups.values())) > 1
        trials = [
            of_participants(trials_of(self._tables, events, measure, window, groups=groups), self._whose)
            for measure in MEASURES
        ]
        shown = [one for part in trials for one in average(part)]
        if several:
            shown += [one for part in trials for one in average(part, by_group=True) if one.group]
        notes = dict.fromkeys(note for part in trials for note in part.notes)
        cut = tuple(self._until(one, window.step) for one in shown)
        return StudyResponses(window, tuple(trials), cut, (), tuple(notes))

    def _window(self, latest: float) -> Window:
        """Return the stretch around each onset: no baseline where recordings begin with their stimulus."""
        after = min(LONGEST, max(0.5, *self._lasting.values()))
        step = max(0.1, math.ceil(after / BINS * 10) / 10)
        before = BASELINE if latest >= BASELINE else 0.0
        return Window(before if before >= step else 0.0, math.ceil(after / step) * step, step)

    def _until(self, one: Response, step: float) -> Response:
        """Cut a response where its stimulus ends; its last bin holds half a picture of what follows."""
        inside = one.times <= max(self._lasting[one.name] - step, one.times[0])
        parts = {key: getattr(one, key)[inside] for key in ("times", "mean", "low", "high", "seen")}
        return replace(one, **parts)


def blocks(found: StudyResponses, groups: Sequence[str]) -> list[Block]:
    """Return the section of the report: curves of each measure, a panel a stimulus, and their figures."""
    named = [name for name in groups if any(one.group == name for one in found.responses)]
    change = found.window.before > 0
    begin = "Each curve is the mean over people, " + (
        f"less that of the {found.window.before:g} s before the onset"
        if change
        else "without a baseline, as nothing was recorded before the onset"
    )
    out: list[Block] = [
        Heading("Responses over time"),
        Paragraph(f"{begin}; the band is its 95 % interval, by Student's t at each moment alone."),
    ]
    for measure in MEASURES:
        drawn = [one for one in found.responses if one.measure == measure]
        drawn = [one for one in drawn if (one.group is not None) == bool(named)]
        panels: dict[str, list[drawing.Curve]] = {}
        for one in drawn:
            series = named.index(one.group) if one.group is not None else 0
            curve = drawing.Curve(one.times, one.mean, one.low, one.high, series)
            panels.setdefault(one.name, []).append(curve)
        axis = f"change of {measure}" if change else measure
        svg = drawing.curves(panels, f"{axis}, by seconds from the onset", named)
        out.append(Figure(f"response_{measure}", svg, f"Average {axis} after the onset of each stimulus."))
    out.append(Lines([one.sentence for one in found.responses if one.group is None]))
    if found.notes:
        out.append(Lines(found.notes))
    return out


def gathered(curves: Curves) -> tuple[StudyResponses | None, str]:
    """Return what was found, and why there is nothing."""
    try:
        return curves.found(), ""
    except EmotionError as error:
        return None, str(error)
