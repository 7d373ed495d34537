"""Means of curves with their bands, and where and how high their peaks are, with intervals."""

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
DRAWS = 500
_AROUND = 0.35  # s to both sides by which a peak is looked for, and a parabola laid through it


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; NaN where there is none."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def mean_of(curves: np.ndarray) -> np.ndarray:
    """Return the mean of curves (n, bins) over those that are known in each bin; NaN where none is."""
    known = np.isfinite(curves)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, curves, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def half_width(curves: np.ndarray) -> np.ndarray:
    """Return half the width of Student's interval of the mean of curves (n, bins); NaN for fewer than two."""
    from scipy.stats import t

    known = np.isfinite(curves)
    count = known.sum(axis=0)
    off = np.where(known, curves - mean_of(curves), 0.0)
    error = np.sqrt((off**2).sum(axis=0) / np.maximum(count - 1, 1) / np.maximum(count, 1))
    return np.where(count > 1, t.ppf(0.5 + LEVEL / 2, np.maximum(count - 1, 1)) * error, np.nan)


def peak_of(times: np.ndarray, curves: np.ndarray, step: float) -> tuple[Estimate, Estimate]:
    """Return height and time of the largest departure from 0 of the mean of curves (n, bins).

    The height's bias and error are the jackknife's. The time of a flat peak jumps from one bump to the next,
    which the jackknife does not see: its error is that of draws of units.
    """
    from scipy.stats import t

    count = len(curves)
    mean = mean_of(curves)
    if np.isfinite(mean).sum() < 5:
        return Estimate(float("nan")), Estimate(float("nan"))
    smooth = _smooth(_bridged(mean[None]), step)[0]
    sign = float(np.sign(smooth[np.abs(smooth).argmax()])) or 1.0

    def tops(weights: np.ndarray) -> np.ndarray:
        known = np.isfinite(curves)
        below = weights @ known
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(below > 0, (weights @ np.where(known, curves, 0.0)) / below, np.nan)
        return _tops(times, sign * _bridged(means), step)

    whole = tops(np.ones((1, count)))[0]
    if count < 3:
        return Estimate(sign * float(whole[0])), Estimate(float(whole[1]))
    one_less = tops(1.0 - np.eye(count))
    value = count * whole[0] - (count - 1) * one_less[:, 0].mean()
    error = np.sqrt((count - 1) / count * ((one_less[:, 0] - one_less[:, 0].mean()) ** 2).sum())
    rng = np.random.default_rng(0)
    drawn = tops(rng.multinomial(count, np.full(count, 1 / count), DRAWS).astype(float))
    later = drawn[:, 1].std() * np.sqrt(count / (count - 1))
    wide = float(t.ppf(0.5 + LEVEL / 2, count - 1))
    low, high = sorted((sign * (value - wide * error), sign * (value + wide * error)))
    first, last = np.clip((whole[1] - wide * later, whole[1] + wide * later), 0.0, times[-1] + step / 2)
    return Estimate(sign * value, low, high), Estimate(float(whole[1]), float(first), float(last))


def _reach(step: float, bins: int) -> int:
    return int(min(max(2, round(_AROUND / step)), (bins - 1) // 2))


def _bridged(curves: np.ndarray) -> np.ndarray:
    """Fill the gaps of curves (n, bins) with straight lines; each has a known bin."""
    out = curves.copy()
    for row in np.flatnonzero(np.isnan(curves).any(axis=1)):
        known = np.flatnonzero(np.isfinite(curves[row]))
        out[row] = np.interp(np.arange(curves.shape[1]), known, curves[row][known])
    return out


def _smooth(curves: np.ndarray, step: float) -> np.ndarray:
    """Smooth curves (n, bins) by parabolas through neighbouring bins (Savitzky & Golay 1964)."""
    from scipy.signal import savgol_filter

    return np.asarray(savgol_filter(curves, 2 * _reach(step, curves.shape[1]) + 1, 2, axis=1))


def _tops(times: np.ndarray, curves: np.ndarray, step: float) -> np.ndarray:
    """Return height and time (s) of the highest point of each curve (n, bins), (n, 2).

    Between bins it lies on the parabola through those around.
    """
    smooth = _smooth(curves, step)
    bins, rows = curves.shape[1], np.arange(len(curves))
    at = smooth.argmax(axis=1)
    reach = _reach(step, bins)
    middle = np.clip(at, reach, bins - 1 - reach)
    steps = np.arange(-reach, reach + 1)
    fit = np.linalg.pinv(np.vander(steps, 3, increasing=True))  # (3, steps)
    level, slope, square = fit @ curves[rows[:, None], middle[:, None] + steps].T
    bent = square < 0
    top = np.where(bent, -slope / (2 * np.where(bent, square, -1.0)), 0.0)
    bent &= np.abs(top + middle - at) <= reach
    top = np.clip(top, -middle, bins - 1 - middle)
    height = np.where(bent, level + slope * top + square * top**2, smooth[rows, at])
    return np.column_stack([height, np.where(bent, times[middle] + top * step, times[at])])
