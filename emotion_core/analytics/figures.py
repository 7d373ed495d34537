"""What each figure of a recording means, over plain NumPy columns: the one definition that everything reads.

A picture lasts until the next one, the last until its stream ends; that is the `duration` of each of its
records, in seconds, and every share, mean and run is weighed by it. A reading is one face in one picture.
A face that is away for more than `GAP` seconds starts a new run; a shorter absence is bridged. All columns
are those of readings, of one face after the other and each in order of time.

A reading that is less sure than was asked for (`uncertain` in its record) is in a state of its own, number
`NO_EMOTION`, name `UNSURE`: it has a share of the time and runs of its own, and is no moment. Between two
emotions it is passed over as an absence is: up to `GAP` seconds of it are bridged, and more count no change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from emotion_core.labels import UNSURE

GAP = 1.0
"""A face away for longer than this (s) starts a new run: no change is counted across the absence."""
MOMENTS = 5
"""How many of its strongest moments a face gets."""
LEAST = 0.5
"""What a strongest moment needs at the least in probability."""
ASSUMED_FPS = 25.0
"""The frame rate of a file that holds no times (the five-key list of older tools)."""
NEUTRAL = "Neutral"
NO_EMOTION = -1
"""The number of the state of a reading whose emotion is uncertain."""
QUADRANTS = ("Pleasant, active", "Unpleasant, active", "Unpleasant, calm", "Pleasant, calm")
CENTRE = "Near neutral"

_INSTANT = 1e-9  # s that a picture without any duration weighs, so that a single one has shares and means too
_DAY = 86_400.0  # s; a file that says that a picture lasts for longer isn't believed
_CLOSE = 1e-6  # s; two sums of the same steps differ by less


def assumed(rate: float, lacking: str = "times") -> str:
    """Return the note on a file that doesn't say when its frames were, whose `rate` is a guess."""
    return f"the file holds no {lacking}: {rate:g} frames a second are assumed"


def usual_step(first: float, last: float, pictures: int) -> float:
    """Give the mean time between two pictures (s), 0 for a single one: what a last picture lasts by guess."""
    return (last - first) / (pictures - 1) if pictures > 1 else 0.0


def new_pictures(frame: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return the mask of the records that begin another picture; the records are in order of time."""
    new = np.ones(len(time), bool)
    new[1:] = (np.diff(frame) != 0) | (np.diff(time) != 0)
    return new


def durations(frame: np.ndarray, time: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Return how long the picture of each record lasts (s): until the next one, or less where `known`.

    What isn't known (NaN) is guessed: frames without a record lie between two numbers that don't follow each
    other and take their part of the time; the last picture lasts as long as the mean of the others.
    """
    if not len(time):
        return np.empty(0)
    order = np.argsort(time, kind="stable")
    frame, ordered = frame[order], time[order]
    new = new_pictures(frame, ordered)
    until = np.append(np.diff(ordered[new]), np.inf)
    steps = np.append(np.maximum(np.diff(frame[new]), 1), 1)
    said = np.full(len(until), np.nan) if known is None else known[order][new]
    sure = (said >= 0) & (said <= _DAY)
    lasting = np.where(sure, np.minimum(said, until), until / steps)
    if not sure[-1]:
        lasting[-1] = lasting[:-1].mean() if len(lasting) > 1 else 0.0
    out = np.empty(len(time))
    out[order] = lasting[np.cumsum(new) - 1]
    return out


def timing(
    frame: np.ndarray, time: np.ndarray, known: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Give times and `durations` of records; where a file holds no times, `ASSUMED_FPS` is its frame rate."""
    if np.isnan(time).all():
        time, known = frame / ASSUMED_FPS, None
    return time, durations(frame, time, known)


def weights(duration: np.ndarray) -> np.ndarray:
    """Return what each reading weighs: its seconds; readings without any duration count alike."""
    return np.maximum(duration, _INSTANT)


def states(emotion: np.ndarray, uncertain: np.ndarray) -> np.ndarray:
    """Return the numbers of the emotions, `NO_EMOTION` where the reading is uncertain."""
    return np.where(uncertain, NO_EMOTION, emotion)


def names_of(state: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Return the names (object) of states by the names of the emotions."""
    return np.array([*labels, UNSURE], object)[state]


def shares(labels: np.ndarray, uncertain: float) -> tuple[np.ndarray, float]:
    """Compute the shares of the emotions and of what is uncertain from weights: together 1, or all 0."""
    whole = float(labels.sum()) + uncertain
    return (labels / whole, uncertain / whole) if whole > 0 else (labels, 0.0)


def weight_of_labels(emotion: np.ndarray, duration: np.ndarray, labels: int) -> np.ndarray:
    """Compute the weight of each of some `labels`; `emotion` holds their numbers, negative for none."""
    known = emotion >= 0
    return np.bincount(emotion[known], weights(duration)[known], labels)


def quadrant(valence: np.ndarray, arousal: np.ndarray, centre: float = 0.0) -> np.ndarray:
    """Return the place in `QUADRANTS` of each reading.

    Valence 0 counts as pleasant and arousal 0.5, the middle of its range, as active. With `centre` > 0 the
    readings within that distance of neutral (0, 0.5), arousal stretched to [-1, 1], get the number 4.
    """
    arousal = 2 * arousal - 1
    place = np.select(
        [(valence >= 0) & (arousal >= 0), (valence < 0) & (arousal >= 0), valence < 0], [0, 1, 2], 3
    )
    return np.where(np.hypot(valence, arousal) < centre, 4, place) if centre > 0 else place


@dataclass(slots=True)
class Spread:
    """Mean and standard deviation of values that hold for a time; `add` takes them in pieces of any length.

    Pieces are joined as by Chan, Golub & LeVeque (1983), The American Statistician 37.
    """

    count: int = 0
    weight: float = 0.0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: np.ndarray, weight: np.ndarray) -> None:
        """Take in values and their weights; NaN among the values is left out."""
        known = ~np.isnan(values)
        values, weight = values[known], weight[known]
        if len(values):
            total = float(weight.sum())
            mean = float(weight @ values) / total
            self.join(Spread(len(values), total, mean, float(weight @ (values - mean) ** 2)))

    def join(self, other: "Spread") -> None:
        """Take in what another one has taken in."""
        whole = self.weight + other.weight
        if whole > 0:
            step = other.mean - self.mean
            self.squares += other.squares + step**2 * self.weight * other.weight / whole
            self.mean += step * other.weight / whole
            self.weight, self.count = whole, self.count + other.count

    @property
    def deviation(self) -> float:
        """The standard deviation over the time."""
        return float(np.sqrt(self.squares / self.weight)) if self.weight > 0 else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """The stretches in which one face holds one state, as columns; `end` - `start` is a run's length in s.

    `peak` is the highest confidence, `peak_time` and `peak_frame` are of the first picture that has it.
    """

    face: np.ndarray
    emotion: np.ndarray
    start: np.ndarray
    end: np.ndarray
    pictures: np.ndarray
    peak: np.ndarray
    peak_time: np.ndarray
    peak_frame: np.ndarray

    def __len__(self) -> int:
        return len(self.face)

    def take(self, rows: np.ndarray) -> "Runs":
        """Return some of them: by number, or by a mask."""
        return Runs(*(getattr(self, column.name)[rows] for column in fields(self)))

    def and_also(self, later: "Runs") -> "Runs":
        """Put others after them, each as it is."""
        return Runs(*(np.concatenate([getattr(p, c.name) for p in (self, later)]) for c in fields(self)))

    def then(self, later: "Runs") -> "Runs":
        """Put those of the next piece of a recording after them: a run that goes on there becomes one."""
        return _joined(self.and_also(later))


def runs(
    face: np.ndarray,
    emotion: np.ndarray,
    frame: np.ndarray,
    time: np.ndarray,
    duration: np.ndarray,
    confidence: np.ndarray,
) -> Runs:
    """Give the runs of readings: each ends where the emotion changes or the face is away for over `GAP` s."""
    peak = np.nan_to_num(confidence, nan=0.0)
    return _joined(
        Runs(face, emotion, time, time + duration, np.ones(len(time), np.int64), peak, time, frame)
    )


def _joined(parts: Runs) -> Runs:
    """Join neighbours of one face and emotion without a gap; a reading is a run of one picture."""
    if not len(parts):
        return parts
    same = ~_apart(parts) & (parts.emotion[1:] == parts.emotion[:-1])
    first = np.flatnonzero(np.append(True, ~same))
    last = np.append(first[1:], len(parts)) - 1
    peak = np.maximum.reduceat(parts.peak, first)
    which = np.repeat(np.arange(len(first)), last - first + 1)
    highest = np.flatnonzero(parts.peak == peak[which])
    at = highest[np.unique(which[highest], return_index=True)[1]]
    pictures = np.add.reduceat(parts.pictures, first)
    face, emotion, start = parts.face[first], parts.emotion[first], parts.start[first]
    return Runs(
        face, emotion, start, parts.end[last], pictures, peak, parts.peak_time[at], parts.peak_frame[at]
    )


def _apart(parts: Runs) -> np.ndarray:
    """Give, between each two neighbours, whether they are of two faces or have an absence between them."""
    away = parts.start[1:] - parts.end[:-1]
    return (parts.face[1:] != parts.face[:-1]) | (away > GAP + _CLOSE)


def changes(stretches: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Return the emotions before and after each change from one to another; an absence counts none."""
    sure = stretches.take(stretches.emotion != NO_EMOTION)
    left = np.flatnonzero(~_apart(sure) & (sure.emotion[1:] != sure.emotion[:-1]))
    return sure.emotion[left], sure.emotion[left + 1]


def per_minute(count: float, seconds: float) -> float:
    """Return a count per minute of one face seen; NaN where none was seen for any time."""
    return 60 * count / seconds if seconds > 0 else float("nan")


def longest(stretches: Runs) -> int:
    """Return the number of the longest run, the first of equals; there must be one."""
    length = stretches.end - stretches.start
    return int(np.flatnonzero(length >= length.max() - _CLOSE)[0])


def strongest(stretches: Runs, labels: Sequence[str], count: int | None, least: float = LEAST) -> np.ndarray:
    """Return the numbers of the runs whose peaks are the strongest moments, the strongest first.

    A moment is the peak of a run of any emotion but Neutral, of at least `least`; of equals the first leads.
    """
    named = np.array([*(label != NEUTRAL for label in labels), False], bool)  # the last is NO_EMOTION
    rows = np.flatnonzero(named[stretches.emotion] & (stretches.peak >= least))
    order = np.lexsort((stretches.face[rows], stretches.peak_time[rows], -stretches.peak[rows]))
    return rows[order][:count]


def means_over(
    time: np.ndarray, duration: np.ndarray, values: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Average what one face shows over each time from `low` to `high` (s), absences left out.

    `values` is (N,) or (N, K) and the answer as long as `low`; NaN where the face is away for all of it.
    """
    held = weights(duration)
    knots = np.maximum.accumulate(np.column_stack([time, time + held]).ravel())
    held = knots[1::2] - knots[::2]
    columns = values.reshape(len(values), -1).T
    out = np.full((len(columns), len(low)), np.nan)
    for place, column in enumerate(columns):
        known = np.where(np.isnan(column), 0.0, held)
        there = _integral(knots, known, low, high)
        area = _integral(knots, known * np.nan_to_num(column), low, high)
        np.divide(area, there, out=out[place], where=there > _INSTANT / 2)
    return out[0] if values.ndim == 1 else out.T


def _integral(knots: np.ndarray, area: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Integrate what rises by `area` between the knots 2 i and 2 i + 1 and not at all in between."""
    whole = np.cumsum(area)
    sums = np.column_stack([whole - area, whole]).ravel()
    return np.asarray(np.interp(high, knots, sums) - np.interp(low, knots, sums))


def moving_mean(
    time: np.ndarray, duration: np.ndarray, values: np.ndarray, window: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give the mean of one face's values over `window` seconds around each picture, and the deviation in it.

    0 gives the values as they are.
    """
    if window <= 0 or not len(time):
        return values, np.zeros(len(values))
    middle = time + duration / 2
    half = max(window, 2 * _INSTANT) / 2
    known = values[~np.isnan(values)]
    level = float(known.mean()) if len(known) else 0.0  # taken off for the sake of the squares' precision
    both = np.column_stack([values - level, (values - level) ** 2])
    mean, square = means_over(time, duration, both, middle - half, middle + half).T
    return mean + level, np.sqrt(np.maximum(square - mean**2, 0.0))
