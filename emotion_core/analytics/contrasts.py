"""Do responses differ between two kinds of events or groups of people: permutation tests, mixed models.

The tests are SciPy's and statsmodels'. The measure is each trial's mean after the onset, less its baseline:
unlike a peak it does not grow with noise.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from emotion_core.analytics.peaks import LEVEL
from emotion_core.analytics.responses import Trials
from emotion_core.types import EmotionError

DRAWS = 9999
METHODS = ("permutation", "mixed")


@dataclass(frozen=True, slots=True)
class Contrast:
    """`second` less `first` in the mean response, with a 95 % interval and p; NaN where they can't be given.

    `paired` says that the same people are in both. `n_first` and `n_second` are people, or trials where there
    is but one person. `p_adjusted` is Holm's over the contrasts that were made together.
    """

    measure: str
    first: str
    second: str
    method: str
    paired: bool
    n_first: int
    n_second: int
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    sentence: str


def contrasts(
    trials: Sequence[Trials], by: str = "name", method: str = "permutation", *, seed: int = 0
) -> list[Contrast]:
    """Compare each two names, or groups, in each of some measures.

    Args:
        trials: of `trials_of`, one of each measure.
        by: "name" or "group".
        method: "permutation": of people's means, by signs where the same people are in both, else by groups;
            "mixed": a linear mixed model of all trials, with an intercept of its own for each person.
        seed: of the permutations.

    Raises:
        EmotionError: for an unknown method, or where there are no two to compare.
        ValueError: for another `by`.
    """
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

    if by not in ("name", "group"):
        raise ValueError(f"contrasts are by name or group, not {by}")
    if method not in METHODS:
        raise EmotionError(f"a contrast is made by {' or '.join(METHODS)}, not {method}", ("method",))
    found: list[dict[str, Any]] = []
    for one in trials:
        table = one.table.assign(value=one.area() / one.window.after)
        table = table[table["value"].notna() & table[by].notna()]
        levels = sorted(table[by].unique())
        for first, second in combinations(levels, 2):
            both = table[table[by].isin((first, second))]
            test = _mixed if method == "mixed" else _permuted
            found.append({"measure": one.measure, **test(both, by, first, second, seed)})
    if not found:
        what = "events of two names" if by == "name" else "two groups"
        raise EmotionError(f"there is nothing to compare: it needs {what} with trials that can be used")
    p = np.array([row["p"] for row in found], float)
    adjusted = np.full(len(p), np.nan)
    if len(p) == 1:
        adjusted = p  # `multipletests` collects all garbage at each call, which takes most of a second
    elif np.isfinite(p).any():
        adjusted[np.isfinite(p)] = multipletests(p[np.isfinite(p)], method="holm")[1]
    return [_contrast(row, method, float(q), len(p)) for row, q in zip(found, adjusted, strict=True)]


def _contrast(row: dict[str, Any], method: str, adjusted: float, count: int) -> Contrast:
    said = _sentence(row, method, adjusted, count)
    return Contrast(method=method, p_adjusted=adjusted, sentence=said, **row)


def _units(both: pd.DataFrame, by: str, first: str, second: str) -> tuple[pd.Series, pd.Series, bool]:
    """Return each person's mean in both, and whether the same people are in both."""
    if both.groupby(["source", "person"]).ngroups == 1:  # one person: trials are the units
        return both.loc[both[by] == first, "value"], both.loc[both[by] == second, "value"], False
    means = both.groupby(["source", "person", by])["value"].mean().unstack(by)
    pairs = means.dropna()
    if len(pairs) >= 2 and len(pairs) >= len(means) / 2:
        return pairs[first], pairs[second], True
    return means[first].dropna(), means[second].dropna(), False


def _permuted(both: pd.DataFrame, by: str, first: str, second: str, seed: int) -> dict[str, Any]:
    from scipy.stats import permutation_test, ttest_1samp, ttest_ind

    one, other, paired = _units(both, by, first, second)
    row = _row(first, second, paired, len(one), len(other), float(other.mean() - one.mean()))
    if min(len(one), len(other)) < 2 or np.ptp([*one, *other]) == 0:
        return row
    a, b = other.to_numpy(float), one.to_numpy(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of values that do not differ
        result = ttest_1samp(a - b, 0) if paired else ttest_ind(a, b, equal_var=False)
        interval = result.confidence_interval(LEVEL)
        test = permutation_test(
            (a - b,) if paired else (a, b),
            (lambda x, axis: x.mean(axis=axis))
            if paired
            else (lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis)),
            permutation_type="samples" if paired else "independent",
            vectorized=True,
            n_resamples=DRAWS,
            rng=np.random.default_rng(seed),
        )
    return row | {"low": float(interval.low), "high": float(interval.high), "p": float(test.pvalue)}


def _mixed(both: pd.DataFrame, by: str, first: str, second: str, seed: int) -> dict[str, Any]:
    """Fit value ~ level with an intercept for each person; of one person, nothing can be fitted."""
    from statsmodels.regression.mixed_linear_model import MixedLM  # type: ignore[import-untyped]

    one, other, paired = _units(both, by, first, second)
    row = _row(first, second, paired, len(one), len(other), float(other.mean() - one.mean()))
    whose = both.groupby(["source", "person"]).ngroup().to_numpy()
    if whose.max() < 2 or len(both) < 6 or np.ptp(both["value"]) == 0:
        return row
    level = (both[by] == second).to_numpy(float)
    design = np.column_stack([np.ones(len(both)), level])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a variance of 0 between people, which is an answer too
        try:
            fit = MixedLM(both["value"].to_numpy(float), design, groups=whose).fit(reml=True)
            low, high = np.asarray(fit.conf_int())[1]
        except np.linalg.LinAlgError:
            return row
    return row | {
        "difference": float(fit.params[1]),
        "low": float(low),
        "high": float(high),
        "p": float(fit.pvalues[1]),
    }


def _row(first: str, second: str, paired: bool, n: int, m: int, difference: float) -> dict[str, Any]:
    nan = float("nan")
    row: dict[str, Any] = {"first": first, "second": second, "paired": paired, "n_first": n, "n_second": m}
    return row | {"difference": difference, "low": nan, "high": nan, "p": nan}


def _sentence(row: dict[str, Any], method: str, adjusted: float, count: int) -> str:
    first, second = row["first"], row["second"]
    said = f"{row['measure']}: {second} less {first} is {row['difference']:+.3f}"
    if not np.isfinite(adjusted):
        return f"{said}; too few, or all alike: no interval can be given."
    how = "a mixed model" if method == "mixed" else "a permutation test"
    said += f" (95 % interval {row['low']:+.3f} to {row['high']:+.3f}; p {_p(row['p'])} by {how}"
    said += f", {_p(adjusted)} after Holm's correction for {count}" if count > 1 else ""
    people = (
        f"the same {row['n_first']} people" if row["paired"] else f"{row['n_first']} and {row['n_second']}"
    )
    verdict = "they differ" if adjusted < 1 - LEVEL else "no difference can be told"
    return f"{said}; {people}): {verdict}."


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
