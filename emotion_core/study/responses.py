"""What each participant showed during each stimulus, and what all came to, with intervals over people."""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emotion_core.analytics import loading, measures
from emotion_core.analytics.figures import means_over
from emotion_core.analytics.peaks import half_width
from emotion_core.study.checks import Analysed
from emotion_core.study.layout import Event, Layout, Recording

BASELINE = 1.0
"""Seconds before an onset that are its baseline."""
MEASURES = ("valence", "arousal")
SHARE = "share_"
"""Before the name of a category: its share of the time of a stimulus, in [0, 1]."""

KEYS = ("participant", "group", "recording", "stimulus", "onset", "duration")


Seen = Callable[[Recording, pd.DataFrame, int, float], None]
"""Takes a recording, its checked table, the number of the participant's face, and when it ends (s)."""


def table_of(layout: Layout, known: Mapping[Path, Analysed], seen: Seen | None = None) -> pd.DataFrame:
    """Return a row for each event of each analysed recording; `seen` is handed each that shows somebody.

    The columns: `KEYS`; `face`, the number of the face that is seen longest in the recording; `seen`, the
    share of the time in which it is; `valence` and `arousal`, their means; `valence_change` and
    `arousal_change`, the mean less that of the second before the onset, NaN where there is none; `share_` and
    each category.

    Raises:
        EmotionError: where a results file can't be read.
    """
    rows = [row for recording in layout.recordings for row in _of(recording, layout, known, seen)]
    columns = [*KEYS, "face", "seen", *MEASURES, *(f"{name}_change" for name in MEASURES)]
    table = pd.DataFrame(rows)
    shares = [name for name in table.columns if str(name).startswith(SHARE)]
    return table.reindex(columns=[*columns, *shares])


def _of(
    recording: Recording, layout: Layout, known: Mapping[Path, Analysed], seen: Seen | None
) -> Iterator[dict[str, Any]]:
    found = known.get(recording.path.absolute())
    if found is None or found.results is None or not recording.events:
        return
    frame = loading.read(found.results).frame
    people = measures.longest_seen(frame)
    group = layout.participants[recording.participant].get("group", "")
    end = measures.length(frame)
    if seen is not None and people:
        seen(recording, frame, people[0], end)
    for event in recording.events:
        head = (recording.participant, group, recording.path.name, event.name, event.onset)
        lasting = end - event.onset if math.isnan(event.duration) else event.duration
        row: dict[str, Any] = dict(zip(KEYS, (*head, lasting), strict=True)) | {"face": None, "seen": 0.0}
        yield row | (_shown(frame, people[0], event, lasting) if people else {})


def _shown(frame: pd.DataFrame, face: int, event: Event, lasting: float) -> dict[str, Any]:
    """Return the figures of one face during an event that lasts so long (s)."""
    end = event.onset + lasting
    part = measures.select(frame, people=[face], start=event.onset, end=end)
    there = part[part["face"].notna()]
    row: dict[str, Any] = {"face": face, "seen": min(1.0, float(there["duration"].sum()) / lasting)}
    mine = frame[frame["face"] == face]
    time, duration = mine["time"].to_numpy(float), mine["duration"].to_numpy(float)
    low = np.array([event.onset, event.onset - BASELINE])
    high = np.array([end, event.onset])
    for name in MEASURES:
        during, before = means_over(time, duration, mine[name].to_numpy(float), low, high)
        row |= {name: during, f"{name}_change": during - before if event.onset >= BASELINE else math.nan}
    shares = measures.shares(there)
    return row | {f"{SHARE}{label}": float(share) for label, share in shares.items()}


def summed(table: pd.DataFrame, by: tuple[str, ...] = ("stimulus",)) -> pd.DataFrame:
    """Return, for each stimulus, the mean over people of each measure with its 95 % interval.

    Events that one person saw several times are averaged first: people are the unit. The columns: those of
    `by`, `measure`, `people` (how many), `mean`, `sd`, `low` and `high`, Student's interval, NaN for one
    person.
    """
    numbers = [*MEASURES, *(f"{name}_change" for name in MEASURES)]
    numbers += [str(name) for name in table.columns if str(name).startswith(SHARE)]
    order = list(dict.fromkeys(table["stimulus"]))
    persons = table.groupby([*by, "participant"], sort=False)[numbers].mean().reset_index()
    rows = []
    for key, part in persons.groupby(list(by), sort=False):
        for name in numbers:
            values = part[name].dropna().to_numpy(float)
            n, mean = len(values), float(values.mean()) if len(values) else math.nan
            sd = float(values.std(ddof=1)) if n > 1 else math.nan
            half = float(half_width(values[:, None])[0])
            rows.append([*key, name, n, mean, sd, mean - half, mean + half])
    found = pd.DataFrame(rows, columns=[*by, "measure", "people", "mean", "sd", "low", "high"])
    return found.sort_values("stimulus", key=lambda names: names.map(order.index), kind="stable")
