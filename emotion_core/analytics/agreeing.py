"""How well readings of one recording agree, file against file: all figures that fit, person by person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emotion_core.analytics import agreement
from emotion_core.analytics.agreement import Agreement
from emotion_core.analytics.sampling import events_of, moments_of, numbered, shown_at
from emotion_core.types import EmotionError

NUMBERS = ("valence", "arousal")
_TOGETHER = 5.0  # s that hang together, for the intervals
_SPARSE = 0.5  # a coding that covers less of its time than this was made of samples

Pair = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """A figure of agreement about one person: its number in each file, what was compared, and the figure."""

    person: Pair
    measure: str
    figure: Agreement


def matched(tables: Mapping[str, pd.DataFrame]) -> list[Pair]:
    """Return who is who: those of the same number in all files, or the only person of each.

    Raises:
        EmotionError: where that can't be told, with what to do.
    """
    faces = {name: {int(face) for face in table["face"].dropna().unique()} for name, table in tables.items()}
    for name, found in faces.items():
        if not found:
            raise EmotionError(f"{name} holds nobody: there is nothing to compare")
    same = set.intersection(*faces.values())
    if same:
        return [(number,) * len(tables) for number in sorted(same)]
    if all(len(found) == 1 for found in faces.values()):
        return [tuple(next(iter(found)) for found in faces.values())]
    said = "; ".join(f"{name} has {', '.join(map(str, sorted(found)))}" for name, found in faces.items())
    raise EmotionError(f"nobody has the same number in all files ({said}): say who is who", ("people",))


def agree(
    tables: Mapping[str, pd.DataFrame],
    people: Sequence[Pair] | None = None,
    *,
    step: float = 0.5,
    tolerance: float = 0.5,
) -> list[Agreed]:
    """Compare two or more tables of one recording: results, other tools' results, or codings.

    Labels: Krippendorff's alpha of all, and of two Cohen's kappa and F1 of their events. Valence and arousal
    where all have them: intraclass correlation (absolute, single), and of two the concordance. A coding of
    samples (spans that cover less than half of their time) is compared span by span, with what the others
    show for longest in each.

    Args:
        tables: of `read_any`, by names.
        people: the numbers of each person in the tables, in their order; `matched` where None.
        step: seconds between two moments that are compared.
        tolerance: seconds by which an event's ends may differ.

    Raises:
        EmotionError: where there are fewer than two, they share no time, or nothing that both measure.
    """
    if len(tables) < 2:
        raise EmotionError("agreement needs two files or more: name another one")
    if not 0.01 <= step <= 3600:
        raise EmotionError("moments lie 0.01 s to an hour apart", ("step",))
    given = list(tables.values())
    moments = moments_of(given, step)
    sampled = next((table for table in given if is_sample(table)), None)
    if not len(moments) and sampled is None:
        raise EmotionError("the files share no time: check that they are of one recording")
    found: list[Agreed] = []
    for pair in people or matched(tables):
        for (name, table), who in zip(tables.items(), pair, strict=True):
            if not (table["face"] == who).any():
                raise EmotionError(f"{name} has no person {who}: say who is who", ("people",))
        if sampled is not None:
            spans = _spans(sampled, pair[[t is sampled for t in given].index(True)])
            found += _labels(
                pair, [longest_shown(t, who, spans) for t, who in zip(given, pair, strict=True)], 1
            )
            continue
        block = max(1, round(_TOGETHER / step))
        found += _labels(pair, [shown_at(t, who, moments) for t, who in zip(given, pair, strict=True)], block)
        found += _numbers(pair, given, moments, block)
        if len(given) == 2:
            events = [events_of(table, who) for table, who in zip(given, pair, strict=True)]
            if all(events):
                found.append(Agreed(pair, "events", agreement.event_f1(events[0], events[1], tolerance)))
    if not found:
        raise EmotionError(
            "the files measure nothing that can be compared: neither labels nor valence and arousal"
        )
    return found


def _labels(pair: Pair, shown: list[np.ndarray], block: int) -> list[Agreed]:
    codes, names = numbered(*shown)
    if np.isnan(codes).all(axis=1).any() or not names:
        return []
    figures = [agreement.krippendorff_alpha(codes, block=block)]
    if len(codes) == 2:
        figures.insert(0, agreement.cohen_kappa(*codes, block=block))
    return [Agreed(pair, "emotion", figure) for figure in figures]


def _numbers(pair: Pair, given: list[pd.DataFrame], moments: np.ndarray, block: int) -> list[Agreed]:
    found = []
    for name in NUMBERS:
        values = np.array([shown_at(t, who, moments, name) for t, who in zip(given, pair, strict=True)])
        if np.isnan(values).all(axis=1).any():
            continue
        figures = [agreement.intraclass(values, block=block)]
        if len(values) == 2:
            figures.insert(0, agreement.concordance(*values, block=block))
        found += [Agreed(pair, name, figure) for figure in figures]
    return found


def is_sample(table: pd.DataFrame) -> bool:
    """Tell whether a table is a coding of samples: its spans cover less than half of their time."""
    if not table.attrs.get("spans") or len(table) < 2:
        return False
    start = table["time"].to_numpy(float)
    length = table["duration"].fillna(0.0).to_numpy(float)
    return bool(length.sum() < _SPARSE * ((start + length).max() - start.min()))


def _spans(table: pd.DataFrame, person: int) -> np.ndarray:
    """Return start and end (s) of each span of a person, (spans, 2)."""
    rows = table[(table["face"] == person).to_numpy(bool, na_value=False)].sort_values("time", kind="stable")
    start = rows["time"].to_numpy(float)
    return np.column_stack([start, start + rows["duration"].fillna(0.0).to_numpy(float)])


def longest_shown(table: pd.DataFrame, person: int, spans: np.ndarray) -> np.ndarray:
    """Return the label that a person shows for longest in each of `spans` (spans, 2); None for none."""
    rows = table[(table["face"] == person).to_numpy(bool, na_value=False)]
    rows = rows[rows["emotion"].notna()].sort_values("time", kind="stable")
    start = rows["time"].to_numpy(float)
    end = start + rows["duration"].fillna(0.0).to_numpy(float)
    labels, codes = np.unique(rows["emotion"].astype("str").to_numpy(object), return_inverse=True)
    found = np.full(len(spans), None, object)
    for place, (low, high) in enumerate(spans):
        held = np.minimum(end, high) - np.maximum(start, low)
        near = held > 0
        if near.any():
            found[place] = labels[np.bincount(codes[near], held[near], len(labels)).argmax()]
    return found


def crossed(tables: Sequence[pd.DataFrame], pair: Pair, step: float = 0.5) -> pd.DataFrame:
    """Return how often each label of the first table (rows) meets each of the second (columns)."""
    sampled = next((at for at, table in enumerate(tables) if is_sample(table)), None)
    if sampled is not None:
        spans = _spans(tables[sampled], pair[sampled])
        one, other = (longest_shown(t, who, spans) for t, who in zip(tables, pair, strict=True))
    else:
        moments = moments_of(list(tables), step)
        one, other = (shown_at(t, who, moments) for t, who in zip(tables, pair, strict=True))
    both = np.array([a is not None and b is not None for a, b in zip(one, other, strict=True)], bool)
    return pd.crosstab(pd.Series(one[both], dtype=object), pd.Series(other[both], dtype=object))


def as_table(found: Sequence[Agreed]) -> pd.DataFrame:
    """Return figures as a table: person, measure, figure, value, low, high, units, sentence."""
    return pd.DataFrame(
        {
            "person": "=".join(map(str, one.person)) if len(set(one.person)) > 1 else str(one.person[0]),
            "measure": one.measure,
            "figure": one.figure.name,
            "value": one.figure.value,
            "low": one.figure.low,
            "high": one.figure.high,
            "units": one.figure.units,
            "sentence": one.figure.sentence,
        }
        for one in found
    )
