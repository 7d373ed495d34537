"""How well two or more readings of the same moments agree: coders with each other, or a tool with a coder.

Each figure comes with a 95 % interval of the percentile bootstrap and a sentence. Moments of one recording
are no independent units: give `block`, the moments that hang together, and whole blocks are drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 1000
LEVEL = 0.95

_KAPPA = ((0.0, "worse than chance"), (0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))
_ALPHA = ((0.667, "too low to draw conclusions from"), (0.8, "enough for tentative conclusions"))
_ICC = ((0.5, "poor"), (0.75, "moderate"), (0.9, "good"))
_CCC = ((0.9, "poor"), (0.95, "moderate"), (0.99, "substantial"))


@dataclass(frozen=True, slots=True)
class Agreement:
    """A figure of agreement: `value` with `low` and `high`, its interval; NaN where none can be given.

    `units` are the moments, or the events, that it rests on; `sentence` says it in words.
    """

    name: str
    value: float
    low: float
    high: float
    units: int
    sentence: str


def krippendorff_alpha(
    ratings: np.ndarray, level: str = "nominal", *, block: int = 1, seed: int = 0
) -> Agreement:
    """Return Krippendorff's alpha of any number of raters, some of whom may not have rated a unit.

    After Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability"; the words are those of his
    "Content Analysis" (2004), p. 241.

    Args:
        ratings: (raters, units), NaN where a rater gave none. Categories are numbers.
        level: "nominal", "ordinal" or "interval".
        block: units that hang together, for the interval.
        seed: of the draws.

    Raises:
        ValueError: for another level, or ratings that are not (raters, units).
    """
    if level not in ("nominal", "ordinal", "interval"):
        raise ValueError(f"alpha is nominal, ordinal or interval, not {level}")
    ratings = np.asarray(ratings, float)
    if ratings.ndim != 2:
        raise ValueError(f"ratings are (raters, units), not of shape {ratings.shape}")
    units = ratings.T[(~np.isnan(ratings)).sum(axis=0) >= 2]  # (units, raters); one rating is no pair
    find = _alpha_interval(units) if level == "interval" else _alpha_counts(units, level == "ordinal")
    return _figure("Krippendorff's alpha", find, len(units), block, seed, _alpha_words)


def _alpha_counts(units: np.ndarray, ordinal: bool) -> Callable[[np.ndarray], float]:
    values = np.unique(units[~np.isnan(units)])
    counts = (units[:, :, None] == values).sum(axis=1).astype(float)  # (units, values)
    several = np.maximum(counts.sum(axis=1, keepdims=True) - 1, 1)
    share = counts / several

    def find(rows: np.ndarray) -> float:
        one, other = counts[rows], share[rows]
        coincidences = one.T @ other - np.diag(other.sum(axis=0))
        total = coincidences.sum(axis=0)
        distance = 1.0 - np.eye(len(values))
        if ordinal:
            up = np.cumsum(total) - total / 2  # the middle of each value's ranks
            distance = (up[:, None] - up[None, :]) ** 2
        expected = (np.outer(total, total) * distance).sum()
        observed = (coincidences * distance).sum()
        return 1 - (total.sum() - 1) * observed / expected if expected > 0 else float("nan")

    return find


def _alpha_interval(units: np.ndarray) -> Callable[[np.ndarray], float]:
    known = ~np.isnan(units)
    values = np.where(known, units - np.nanmean(units) if known.any() else 0.0, 0.0)
    several = known.sum(axis=1)
    sums, squares = values.sum(axis=1), (values**2).sum(axis=1)
    within = 2 * (several * squares - sums**2) / np.maximum(several - 1, 1)

    def find(rows: np.ndarray) -> float:
        total = several[rows].sum()
        between = 2 * (total * squares[rows].sum() - sums[rows].sum() ** 2)
        return 1 - (total - 1) * within[rows].sum() / between if between > 1e-12 else float("nan")

    return find


def cohen_kappa(
    first: np.ndarray, second: np.ndarray, weights: str | None = None, *, block: int = 1, seed: int = 0
) -> Agreement:
    """Return Cohen's kappa of two raters; units that one of them left out don't count.

    The words are those of Landis & Koch (1977), Biometrics 33.

    Args:
        first: (units,), categories as numbers, NaN for none; where weighted, in order.
        second: (units,) of the other.
        weights: None, or "linear" or "quadratic" by the distance of the categories' places.
        block: units that hang together, for the interval.
        seed: of the draws.

    Raises:
        ValueError: for other weights, or where the two are not of one length.
    """
    if weights not in (None, "linear", "quadratic"):
        raise ValueError(f"weights are None, linear or quadratic, not {weights}")
    one, other = _paired(first, second)
    values, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    size = len(values)
    cells = codes[: len(one)] * size + codes[len(one) :]
    steps = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(float)
    cost = np.minimum(steps, 1) if weights is None else steps if weights == "linear" else steps**2

    def find(rows: np.ndarray) -> float:
        table = np.bincount(cells[rows], minlength=size * size).reshape(size, size)
        expected = (np.outer(table.sum(axis=1), table.sum(axis=0)) * cost).sum() / table.sum()
        return float(1 - (table * cost).sum() / expected) if expected > 0 else float("nan")

    return _figure("Cohen's kappa", find, len(one), block, seed, _words(_KAPPA, "almost perfect"))


def intraclass(ratings: np.ndarray, kind: str = "A1", *, block: int = 1, seed: int = 0) -> Agreement:
    """Return the intraclass correlation of numbers that all raters gave for all units.

    After McGraw & Wong (1996), Psychological Methods 1; the words are those of Koo & Li (2016).

    Args:
        ratings: (raters, units); units that a rater left out (NaN) don't count.
        kind: "A1" absolute agreement of single raters, ICC(2,1); "C1" consistency, ICC(3,1); "1" one-way,
            ICC(1,1); "Ak", "Ck" and "1k" of the mean of all raters.
        block: units that hang together, for the interval.
        seed: of the draws.

    Raises:
        ValueError: for another kind, or fewer than two raters.
    """
    if kind not in ("1", "A1", "C1", "1k", "Ak", "Ck"):
        raise ValueError(f"the kind of an intraclass correlation is 1, A1, C1, 1k, Ak or Ck, not {kind}")
    ratings = np.asarray(ratings, float)
    if ratings.ndim != 2 or len(ratings) < 2:
        raise ValueError("an intraclass correlation needs two raters or more: (raters, units)")
    table = ratings.T[~np.isnan(ratings).any(axis=0)]  # (units, raters)
    raters = table.shape[1]

    def find(rows: np.ndarray) -> float:
        part = table[rows]
        count = len(part)
        if count < 2:
            return float("nan")
        part = part - part.mean()
        units, sides = part.mean(axis=1), part.mean(axis=0)
        between = raters * (units**2).sum() / (count - 1)
        across = count * (sides**2).sum() / (raters - 1)
        inside = ((part - units[:, None]) ** 2).sum() / (count * (raters - 1))
        rest = ((part - units[:, None] - sides) ** 2).sum() / ((count - 1) * (raters - 1))
        error = inside if kind[0] == "1" else rest
        if kind.endswith("k"):
            below = between + ((across - rest) / count if kind[0] == "A" else 0.0)
        else:
            below = between + (raters - 1) * error
            below += raters * (across - rest) / count if kind[0] == "A" else 0.0
        return float((between - error) / below) if abs(below) > 1e-15 else float("nan")

    return _figure("Intraclass correlation", find, len(table), block, seed, _words(_ICC, "excellent"))


def concordance(first: np.ndarray, second: np.ndarray, *, block: int = 1, seed: int = 0) -> Agreement:
    """Return Lin's concordance correlation of two series of numbers; units that one left out don't count.

    After Lin (1989), Biometrics 45, with the variances of the moments given (divided by n); the words are
    those of McBride (2005), which are strict: they are meant for instruments of measurement.

    Args:
        first: (units,), NaN for none.
        second: (units,) of the other.
        block: units that hang together, for the interval.
        seed: of the draws.

    Raises:
        ValueError: where the two are not of one length.
    """
    one, other = _paired(first, second)

    def find(rows: np.ndarray) -> float:
        a, b = one[rows], other[rows]
        below = a.var() + b.var() + (a.mean() - b.mean()) ** 2
        together = ((a - a.mean()) * (b - b.mean())).mean()
        return float(2 * together / below) if below > 1e-15 else float("nan")

    return _figure("Concordance", find, len(one), block, seed, _words(_CCC, "almost perfect"))


@dataclass(frozen=True, slots=True)
class Event:
    """Something with a beginning and an end (s) and a label."""

    start: float
    end: float
    label: str


def event_f1(
    first: Sequence[Event],
    second: Sequence[Event],
    tolerance: float = 0.5,
    *,
    ends: bool = True,
    seed: int = 0,
) -> Agreement:
    """Return F1 of two codings' events: twice those that both have, by all events.

    Two are the same where their labels are and their beginnings, and with `ends` their ends, differ by at
    most `tolerance` seconds. Each counts once; of all ways to pair them up one with the most pairs is taken.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    close = np.zeros((len(first), len(second)), bool)
    if len(first) and len(second):
        names = [np.array([event.label for event in events], object) for events in (first, second)]
        starts = [np.array([event.start for event in events]) for events in (first, second)]
        stops = [np.array([event.end for event in events]) for events in (first, second)]
        edge = tolerance + 1e-9
        close = names[0][:, None] == names[1][None, :]
        close &= np.abs(np.subtract.outer(*starts)) <= edge
        if ends:
            close &= np.abs(np.subtract.outer(*stops)) <= edge
    pairs = 0
    if close.any():
        pairs = int((maximum_bipartite_matching(csr_matrix(close), perm_type="column") >= 0).sum())
    alone = len(first) + len(second) - 2 * pairs
    both = np.array([True] * pairs + [False] * alone)

    def find(rows: np.ndarray) -> float:
        shared = 2 * both[rows].sum()
        return float(shared / (shared + (~both[rows]).sum())) if len(rows) else float("nan")

    def words(value: float) -> str:
        where = "and ends " if ends else ""
        return (
            f"of {len(first)} and {len(second)} events {pairs} are the same "
            f"(beginnings {where}within {tolerance:g} s)"
        )

    return _figure("Event F1", find, len(both), 1, seed, words)


def _paired(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one, other = np.asarray(first, float), np.asarray(second, float)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"two raters give one value for each unit, not {one.shape} and {other.shape}")
    both = ~(np.isnan(one) | np.isnan(other))
    return one[both], other[both]


def _figure(
    name: str,
    find: Callable[[np.ndarray], float],
    units: int,
    block: int,
    seed: int,
    words: Callable[[float], str],
) -> Agreement:
    """Compute a figure of all units and its interval from draws of them."""
    value = find(np.arange(units)) if units else float("nan")
    if not np.isfinite(value):
        why = (
            "there is nothing that both rated" if not units else "the ratings do not differ among themselves"
        )
        nan = float("nan")
        return Agreement(name, nan, nan, nan, units, f"{name} can't be given: {why}.")
    rng = np.random.default_rng(seed)
    block = max(1, min(block, units))
    several = -(-units // block)
    found = []
    for _ in range(DRAWS):
        starts = rng.integers(0, units, several)
        rows = ((starts[:, None] + np.arange(block)) % units).ravel()[:units]
        found.append(find(rows))
    known = np.array(found)[np.isfinite(found)]
    low = high = float("nan")
    if len(known) >= DRAWS // 2:
        low, high = (float(q) for q in np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    sentence = (
        f"{name} is {value:.2f} (95 % interval {low:.2f} to {high:.2f}, {units} units): {words(value)}."
    )
    return Agreement(name, float(value), low, high, units, sentence)


def _words(steps: Sequence[tuple[float, str]], best: str) -> Callable[[float], str]:
    def words(value: float) -> str:
        return f"{next((word for limit, word in steps if value < limit), best)} agreement"

    return words


def _alpha_words(value: float) -> str:
    return next((word for limit, word in _ALPHA if value < limit), "reliable by the usual bound of 0.8")
