"""What faces show around events: curves with baseline, averaged over repetitions and people, with intervals.

A trial is one event and one person. All means are weighed by time (`figures.means_over`), so that the frame
rate may waver. Repetitions are averaged within a person first: people are the units, never trials or frames;
only where there is one person, trials are. Intervals of means are Student's. Peak and latency are those of
the average curve, with intervals over units: the jackknife's (Miller, Patterson & Ulrich 1998,
Psychophysiology 35), which is made for curves that are too noisy one by one, and the bootstrap's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emotion_core.analytics.events import check_sources, of_source
from emotion_core.analytics.figures import means_over
from emotion_core.analytics.peaks import Estimate, half_width, mean_of, peak_of
from emotion_core.types import EmotionError

LEAST = 0.5
"""The share of a baseline, and of what follows it, that a face must be seen for a trial to count."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at around an event: seconds of baseline before it, seconds after it, seconds a bin.

    Without a baseline (`before` 0) the values stay as they are.
    """

    before: float = 1.0
    after: float = 4.0
    step: float = 0.1

    def __post_init__(self) -> None:
        if not 0.01 <= self.step <= 10:
            raise EmotionError(f"a bin of {self.step:g} s can't be used: choose 0.01 to 10 s", ("step",))
        if not self.before >= 0 or 0 < self.before < self.step or self.before > 3600:
            raise EmotionError(
                "the baseline lasts at least one bin, at most an hour, or 0 for none", ("before",)
            )
        if not 5 * self.step <= self.after <= 3600:
            raise EmotionError(
                "what follows an event lasts at least five bins and at most an hour", ("after",)
            )

    @property
    def edges(self) -> np.ndarray:
        """The edges of the bins in seconds from the onset, which is one of them."""
        return self.step * np.arange(-round(self.before / self.step), round(self.after / self.step) + 1)

    @property
    def times(self) -> np.ndarray:
        """The middles of the bins in seconds from the onset, (bins,)."""
        return self.edges[:-1] + self.step / 2


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Trials of one `measure`: `table` has a row for each, `curves` (trials, bins) what it shows.

    `table`: source, person, name, group, onset (s), repetition (from 1), baseline (its mean, taken off the
    curve), used (bool) and why it isn't. `curves` are NaN where the face isn't seen.
    """

    measure: str
    window: Window
    table: pd.DataFrame
    curves: np.ndarray
    notes: tuple[str, ...] = ()

    def area(self) -> np.ndarray:
        """Return the area of each trial between curve and baseline after the onset, (trials,), units x s."""
        later = self.curves[:, self.window.times > 0]
        seen = np.isfinite(later)
        mean = np.where(seen, later, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        return np.where(self.table["used"] & seen.any(axis=1), mean * self.window.after, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """The average response to events of one name (and group): a curve with a band, and its figures.

    `mean`, `low`, `high` and `seen` (units) are (bins,). `peak` is the largest departure from the baseline,
    `latency` when it is reached (s from the onset), `area` that between curve and baseline (units x s).
    """

    name: str
    group: str | None
    measure: str
    times: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seen: np.ndarray
    peak: Estimate
    latency: Estimate
    area: Estimate
    units: int
    trials: int
    over: str
    sentence: str


def trials_of(
    tables: Mapping[str, pd.DataFrame],
    events: pd.DataFrame,
    measure: str = "valence",
    window: Window | None = None,
    *,
    groups: Mapping[str, str] | None = None,
    exclude: Mapping[str, Sequence[Span]] | None = None,
) -> Trials:
    """Cut what is shown around each event out of tables of results, codings, or other tools' results.

    Args:
        tables: by the names of their recordings, as `read_any` gives them.
        events: of `read_events`.
        measure: a column such as valence, arousal or AU12_r, or a category: its probability where the table
            has one, else 1 while it is shown and 0 while another is.
        window: see `Window`.
        groups: of each recording; those of the events go before.
        exclude: spans (s) of each recording that are left out.

    Raises:
        EmotionError: where the events belong to none of the recordings, or none holds the measure.
    """
    window = window or Window()
    check_sources(events, list(tables))
    rows: list[dict[str, object]] = []
    curves: list[np.ndarray] = []
    notes: list[str] = []
    found = False
    for source, table in tables.items():
        wanted = of_source(events, source)
        values = values_of(table, measure)
        if values is None:
            notes.append(f"{source} holds no {measure}")
            continue
        found = True
        group = (groups or {}).get(source)
        spans = (exclude or {}).get(source, ())
        seen = pd.DataFrame({"time": table["time"], "duration": table["duration"], "value": values})
        coded = bool(table.attrs.get("spans"))
        for person in sorted(int(face) for face in table["face"].dropna().unique()):
            theirs = wanted[
                (wanted["person"].isna() | (wanted["person"] == person)).to_numpy(bool, na_value=False)
            ]
            own = seen[(table["face"] == person).to_numpy(bool, na_value=False)]
            own = without(own if coded else _centred(own), spans)
            cut = _cut(own, theirs["onset"].to_numpy(float), window)
            curves += list(cut)
            rows += [
                {
                    "source": source,
                    "person": person,
                    "name": e.name,
                    "group": e.group if isinstance(e.group, str) else group,
                    "onset": e.onset,
                }
                for e in theirs[["name", "group", "onset"]].itertuples(index=False)
            ]
    if not found:
        raise EmotionError(f"none of the results holds {measure}: choose another measure", ("measure",))
    if not rows:
        raise EmotionError("no event is about anybody in these results: check the numbers of the people")
    both = np.array(curves)
    table = pd.DataFrame(rows)
    table["repetition"] = table.groupby(["source", "person", "name"], sort=False).cumcount() + 1
    baseline, table["why"] = _judged(both, window)
    table["baseline"] = baseline
    table["used"] = table["why"] == ""
    if (left := int((~table["used"]).sum())) > 0:
        commonest = table.loc[~table["used"], "why"].mode().iloc[0]
        notes.append(f"{left:,} of {len(table):,} trials were left out, mostly because {commonest}")
    if (early := _overlapping(table, events, window)) > 0:
        notes.append(f"in {early:,} trials the baseline begins before an earlier event has ended")
    return Trials(measure, window, table, both - np.nan_to_num(baseline)[:, None], tuple(notes))


def of_participants(trials: Trials, whose: Mapping[str, str]) -> Trials:
    """Let all recordings of one participant count as one person; `whose` names the participant of each.

    Recordings that show several people stay as they are: who of them is the participant isn't known.
    """
    table = trials.table
    alone = table.groupby("source", sort=False)["person"].transform("nunique") == 1
    known = alone & table["source"].isin(list(whose))
    owners = table["source"].map(lambda source: whose.get(source, source))
    table = table.assign(
        source=table["source"].where(~known, owners), person=table["person"].where(~known, 1)
    ).assign(recording=table["source"])
    return replace(trials, table=table)


def values_of(table: pd.DataFrame, measure: str) -> np.ndarray | None:
    """Return what each row shows of a measure, (rows,); None where the table holds nothing of it."""
    for column in (measure, f"p_{measure}"):
        if column in table and column not in ("emotion", "objects") and table[column].notna().any():
            return pd.to_numeric(table[column], errors="coerce").to_numpy(float, na_value=np.nan)
    shown = table["emotion"].astype("str")
    if not (shown == measure).any():
        return None if measure not in _labels(table) else np.where(table["emotion"].notna(), 0.0, np.nan)
    return np.where(table["emotion"].notna(), (shown == measure).astype(float), np.nan)


def _labels(table: pd.DataFrame) -> set[str]:
    from emotion_core.labels import EMOTIONS

    return set(EMOTIONS) if table["emotion"].notna().any() else set()


def without(table: pd.DataFrame, spans: Iterable[Span]) -> pd.DataFrame:
    """Return rows with `time` and `duration` without what lies in some spans (s), cut at their ends."""
    for low, high in spans:
        start = table["time"].to_numpy(float)
        end = start + table["duration"].fillna(0.0).to_numpy(float)
        hit = (start < high) & (end > low) | ((start >= low) & (start < high))
        if not hit.any():
            continue
        before, after = table[hit & (start < low)], table[hit & (end > high)]
        ends = (after["time"] + after["duration"]).to_numpy(float)
        before = before.assign(duration=low - before["time"])
        after = after.assign(time=high, duration=ends - high)
        table = pd.concat([table[~hit], before, after]).sort_values("time", kind="stable")
    return table


def _centred(own: pd.DataFrame) -> pd.DataFrame:
    """Let each picture stand for the time around it: one that holds until the next is half a picture late."""
    own = own.sort_values("time", kind="stable")
    time = own["time"].to_numpy(float)
    lasting = own["duration"].fillna(0.0).to_numpy(float)
    before = lasting.copy()
    follows = np.diff(time) - lasting[:-1] < 1e-6
    before[1:] = np.where(follows, np.minimum(lasting[:-1], np.diff(time)), lasting[1:])
    return own.assign(time=time - before / 2, duration=(before + lasting) / 2)


def _cut(own: pd.DataFrame, onsets: np.ndarray, window: Window) -> np.ndarray:
    """Return what one person shows in the bins around each onset, (events, bins)."""
    edges = onsets[:, None] + window.edges
    low, high = edges[:, :-1].ravel(), edges[:, 1:].ravel()
    if own.empty:
        return np.full((len(onsets), len(window.times)), np.nan)
    time, held = (own[name].to_numpy(float, na_value=0.0) for name in ("time", "duration"))
    return means_over(time, held, own["value"].to_numpy(float), low, high).reshape(len(onsets), -1)


def _judged(curves: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return each trial's baseline, 0 where none is taken, and why it can't be used, "" where it can."""
    first, later = curves[:, window.times < 0], curves[:, window.times > 0]
    why = np.full(len(curves), "", object)
    why[np.isfinite(later).mean(axis=1) < LEAST] = "the face is seen for less than half of what follows"
    if not first.shape[1]:
        return np.zeros(len(curves)), why
    seen = np.isfinite(first)
    mean = np.where(seen, first, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    known = seen.mean(axis=1) >= LEAST
    why[~known] = "the face is seen for less than half of the baseline"
    return np.where(known, mean, np.nan), why


def _overlapping(table: pd.DataFrame, events: pd.DataFrame, window: Window) -> int:
    """Count trials whose baseline lies in an earlier event, which may still show in it."""
    if not window.before:
        return 0
    count = 0
    for source, rows in table[table["used"]].groupby("source", sort=False):
        own = of_source(events, str(source))
        end = np.sort((own["onset"] + own["duration"]).to_numpy(float))
        onset = rows["onset"].to_numpy(float)
        ended = np.searchsorted(end, onset + 1e-9, side="right") - np.searchsorted(
            end, onset - window.before + 1e-9, side="right"
        )
        begun = np.searchsorted(np.sort(own["onset"].to_numpy(float)), onset - 1e-9)
        running = begun - np.searchsorted(end, onset + 1e-9, side="right")
        count += int(((ended > 0) | (running > 0)).sum())
    return count


def average(trials: Trials, *, by_group: bool = False) -> list[Response]:
    """Average trials over repetitions and people: a response for each name, and for each group of it.

    Raises:
        EmotionError: where no trial can be used.
    """
    table = trials.table
    if not table["used"].any():
        raise EmotionError(f"no trial can be used: {table['why'].mode().iloc[0]}", ("before", "after"))
    keys = ["name", "group"] if by_group else ["name"]
    used = table[table["used"]]
    found = []
    for key, rows in used.groupby(keys, sort=True, dropna=False):
        group = key[1] if by_group and isinstance(key[1], str) else None
        found.append(_response(trials, rows, str(key[0]), group))
    return found


def _response(trials: Trials, rows: pd.DataFrame, name: str, group: str | None) -> Response:
    curves, over = trials.curves[rows.index], "people"
    whose = rows.groupby(["source", "person"], sort=False).ngroup().to_numpy()
    if whose.max() > 0:
        curves = np.array([mean_of(curves[whose == unit]) for unit in range(whose.max() + 1)])
    else:
        over = "repetitions"
    times = trials.window.times
    mean, seen = mean_of(curves), np.isfinite(curves).sum(axis=0)
    half = half_width(curves)
    later = times > 0
    areas = np.array([np.nanmean(curve[later]) for curve in curves]) * trials.window.after
    spread = half_width(areas[:, None])[0]
    area = Estimate(float(areas.mean()), float(areas.mean() - spread), float(areas.mean() + spread))
    peak, latency = peak_of(times[later], curves[:, later], trials.window.step)
    sentence = _sentence(trials, name, group, (peak, latency, area), len(curves), over, len(rows))
    return Response(
        name, group, trials.measure, times, mean, mean - half, mean + half, seen,
        peak, latency, area, len(curves), len(rows), over, sentence,
    )  # fmt: skip


def _sentence(
    trials: Trials,
    name: str,
    group: str | None,
    figures: tuple[Estimate, Estimate, Estimate],
    units: int,
    over: str,
    count: int,
) -> str:
    peak, latency, area = figures
    whose = f" in group {group}" if group else ""
    many = f"{count} trials of {units} people" if over == "people" else f"{count} repetitions of one person"
    said = f"After {name}{whose}, {trials.measure} departs from its baseline by up to {peak.value:+.2f}"
    if np.isfinite(peak.low):
        said += f" (95 % interval {peak.low:+.2f} to {peak.high:+.2f})"
    said += f" {latency.value:.1f} s after the onset"
    if np.isfinite(latency.low):
        said += f" ({latency.low:.1f} to {latency.high:.1f} s)"
    if not np.isfinite(area.low):
        return f"{said}; {many}: too few for an interval."
    verdict = "differs from" if area.low > 0 or area.high < 0 else "can't be told from"
    return f"{said}; over {trials.window.after:g} s it {verdict} the baseline ({many})."
