"""The figures of a recording while it passes, and of a whole table at once: the same class counts both.

What is kept does not grow with the length of the recording: sums, one run in progress and the strongest
moments of each face.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from emotion_core.analytics import figures
from emotion_core.analytics.figures import MOMENTS, QUADRANTS, Runs, Spread


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Columns of readings, those of a face in order of time: see `figures`.

    `emotion` holds numbers of labels, also where the reading is `uncertain`; times and durations are seconds,
    valence is in [-1, 1], arousal and confidence are in [0, 1].
    """

    face: np.ndarray
    emotion: np.ndarray
    frame: np.ndarray
    time: np.ndarray
    duration: np.ndarray
    confidence: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray
    uncertain: np.ndarray

    def __len__(self) -> int:
        return len(self.face)

    def take(self, rows: np.ndarray) -> "Readings":
        """Return some of them, in the order of `rows`."""
        return Readings(
            self.face[rows],
            self.emotion[rows],
            self.frame[rows],
            self.time[rows],
            self.duration[rows],
            self.confidence[rows],
            self.valence[rows],
            self.arousal[rows],
            self.uncertain[rows],
        )

    def runs(self) -> Runs:
        """Return the runs; the readings must be of one face after the other."""
        return figures.runs(self.face, self.states, self.frame, self.time, self.duration, self.confidence)

    @property
    def states(self) -> np.ndarray:
        """The numbers of `figures.states`."""
        return figures.states(self.emotion, self.uncertain)


@dataclass(slots=True)
class Person:
    """What is counted of one face, or of several together.

    `labels` are the weights of the labels by number, `uncertain` that of the readings without a sure one, and
    `quadrants` those of `QUADRANTS`; `runs` are those that may still matter: the longest, the strongest, the
    last, which may go on, and the last with an emotion, which may be changed from.
    """

    readings: int = 0
    seconds: float = 0.0
    first: float = float("inf")
    last: float = -float("inf")
    changes: int = 0
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0))
    uncertain: float = 0.0
    quadrants: np.ndarray = field(default_factory=lambda: np.zeros(len(QUADRANTS)))
    confidence: Spread = field(default_factory=Spread)
    valence: Spread = field(default_factory=Spread)
    arousal: Spread = field(default_factory=Spread)
    runs: Runs | None = None

    def add(self, part: Readings) -> None:
        """Count the next readings of this face."""
        weight = figures.weights(part.duration)
        self.readings += len(part)
        self.seconds += float(part.duration.sum())
        self.first = min(self.first, float(part.time[0]))
        self.last = max(self.last, float(part.time[-1]))
        known = max(len(self.labels), int(part.emotion.max(initial=-1)) + 1)
        self.labels = _sum(self.labels, figures.weight_of_labels(part.states, part.duration, known))
        self.uncertain += float(weight[part.uncertain].sum())
        place = figures.quadrant(part.valence, part.arousal)
        self.quadrants = _sum(self.quadrants, np.bincount(place, weight, len(QUADRANTS)))
        for name in ("confidence", "valence", "arousal"):
            getattr(self, name).add(getattr(part, name), weight)

    def join(self, other: "Person") -> None:
        """Count what another one has counted, but not its runs: those of two faces are no sequence."""
        self.readings += other.readings
        self.seconds += other.seconds
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.changes += other.changes
        self.labels = _sum(self.labels, other.labels)
        self.uncertain += other.uncertain
        self.quadrants = _sum(self.quadrants, other.quadrants)
        for name in ("confidence", "valence", "arousal"):
            getattr(self, name).join(getattr(other, name))

    @property
    def changes_per_minute(self) -> float:
        """Changes of emotion per minute of one face seen; NaN where none was."""
        return figures.per_minute(self.changes, self.seconds)

    @property
    def shares(self) -> tuple[np.ndarray, float]:
        """The share of the time of each label by number, and that of the uncertain readings; in [0, 1]."""
        return figures.shares(self.labels, self.uncertain)

    @property
    def quadrant_shares(self) -> np.ndarray:
        """The share of the time in each of `QUADRANTS`."""
        return share(self.quadrants)


def share(weights: np.ndarray) -> np.ndarray:
    """Compute weights as shares of their sum, in [0, 1]; all 0 where there is none."""
    whole = float(weights.sum())
    return weights / whole if whole > 0 else weights


def _sum(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    out = np.zeros(max(len(one), len(other)))
    out[: len(one)] += one
    out[: len(other)] += other
    return out


class Tally:
    """Counts readings as they come; `people` has what was counted of each face, by its id."""

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}

    def add(self, part: Readings, labels: Sequence[str]) -> None:
        """Count the next piece of a recording, of any length; its readings are in order of time.

        `labels` are the names of the numbers in `emotion`; later pieces may have more of them.
        """
        if not len(part):
            return
        part = part.take(np.argsort(part.face, kind="stable"))
        edges = np.flatnonzero(np.diff(part.face, prepend=np.nan, append=np.nan) != 0)
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            self._count(part.take(np.arange(start, stop)), labels)

    def _count(self, part: Readings, labels: Sequence[str]) -> None:
        """Count the next readings of one face."""
        person = self.people.setdefault(int(part.face[0]), Person())
        person.add(part)
        runs = part.runs()
        # Of what came before, these go on from the last run with an emotion and what follows it.
        earlier = person.runs
        at = 0
        if earlier is not None:
            at = _last_sure(earlier)
            runs = earlier.take(np.arange(at, len(earlier))).then(runs)
        person.changes += len(figures.changes(runs)[0])
        if earlier is not None:
            runs = earlier.take(np.arange(at)).and_also(runs)
        person.runs = runs.take(_worth_keeping(runs, labels))

    def whole(self) -> Person:
        """Return all faces together: times are sums over the faces, changes too."""
        together = Person()
        for person in self.people.values():
            together.join(person)
        return together


def _last_sure(runs: Runs) -> int:
    """Return the number of the last run with an emotion, of the last run where none has."""
    sure = np.flatnonzero(runs.emotion != figures.NO_EMOTION)
    return int(sure[-1]) if len(sure) else len(runs) - 1


def _worth_keeping(runs: Runs, labels: Sequence[str]) -> np.ndarray:
    """Return the numbers of the runs that may still matter: see `Person`."""
    named = [
        figures.longest(runs),
        *figures.strongest(runs, labels, MOMENTS),
        _last_sure(runs),
        len(runs) - 1,
    ]
    return np.unique(np.array(named, np.int64))
