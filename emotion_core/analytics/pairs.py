"""Two people at once: how alike they are and who follows whom. Pure functions of a results table."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from emotion_core.analytics.measures import chance_columns, readings, shares_by_person, weighted_means

GRID = 10.0
"""Samples a second on which two people are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Synchrony:
    """What windowed correlation of two people gives.

    `windows` has one row per window (index: its middle in seconds) and one column per lag (s), Pearson's r.
    `profile` is the mean r per lag. At the positive `lag` the second person follows the first; `strength` is
    the mean r there. `chance` is what the best lag reaches, in 95 of 100 cases, when the second person's
    time is shifted at random.
    """

    windows: pd.DataFrame
    profile: pd.Series
    lag: float
    strength: float
    chance: float


def similarity(frame: pd.DataFrame) -> pd.DataFrame:
    """Return how alike the mixtures of emotions of two faces are: 1 the same, 0 nothing in common.

    One minus the Jensen-Shannon distance (base 2) of the mean probabilities over the time, or of the shares
    of categories where the file has no probabilities. Rows and columns are face ids.
    """
    from scipy.spatial.distance import cdist

    seen = readings(frame)
    chances = chance_columns(frame)
    if chances and len(seen):
        mixture = weighted_means(seen.fillna(dict.fromkeys(chances, 0.0)), chances)
    else:
        mixture = shares_by_person(frame)
    values = mixture.to_numpy(float)
    if not len(values):
        return pd.DataFrame()
    distance = np.nan_to_num(cdist(values, values, "jensenshannon") / np.sqrt(np.log(2)))
    return pd.DataFrame(1 - distance, index=mixture.index, columns=mixture.index)


def on_grid(frame: pd.DataFrame, face: int, signal: str, grid: np.ndarray) -> np.ndarray:
    """Return a face's `signal` at the times of `grid`: linear, NaN over 0.5 s from any reading."""
    rows = frame[frame["face"] == face].dropna(subset=[signal]).drop_duplicates("time")
    time, value = rows["time"].to_numpy(), rows[signal].to_numpy()
    if len(time) < 2:
        return np.full(len(grid), np.nan)
    out = np.interp(grid, time, value)
    right = np.clip(np.searchsorted(time, grid), 1, len(time) - 1)
    near = np.minimum(np.abs(grid - time[right - 1]), np.abs(grid - time[right]))
    out[near > 0.5] = np.nan
    return out


def synchrony(
    frame: pd.DataFrame,
    first: int,
    second: int,
    *,
    signal: str = "valence",
    window: float = 10.0,
    max_lag: float = 5.0,
    seed: int = 0,
) -> Synchrony | None:
    """Correlate two faces in windows of `window` seconds at lags up to `max_lag` seconds either way.

    Gives None where they were not seen together for at least one window and both lags.
    """
    both = frame[frame["face"].isin([first, second])]
    spans = both.groupby("face")["time"].agg(["min", "max"])
    if len(spans) < 2:
        return None
    start, end = spans["min"].max(), spans["max"].min()
    grid = np.arange(np.ceil(start * GRID), np.floor(end * GRID) + 1) / GRID
    width, reach = round(window * GRID), round(max_lag * GRID)
    if len(grid) < width + 2 * reach:
        return None
    a = on_grid(frame, first, signal, grid)
    b = on_grid(frame, second, signal, grid)
    correlations, middles = _windowed(a, b, width, reach)
    if not np.isfinite(correlations).any():
        return None
    lags = np.arange(-reach, reach + 1) / GRID
    windows = pd.DataFrame(correlations, index=grid[middles], columns=lags)
    profile = windows.mean(axis=0)
    best = int(np.nanargmax(profile.to_numpy()))
    chance = _chance(a, b, width, reach, np.random.default_rng(seed))
    return Synchrony(windows, profile, float(lags[best]), float(profile.iloc[best]), chance)


def _windowed(
    a: np.ndarray, b: np.ndarray, width: int, reach: int, stride: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute r (windows, lags) and the middle sample of each window; a window with a gap gives NaN."""
    from scipy.fft import irfft, next_fast_len, rfft

    stride = stride or max(1, width // 4)
    starts = np.arange(reach, len(a) - width - reach + 1, stride)
    windows = sliding_window_view(np.nan_to_num(a), width)[starts]  # (W, width)
    centred = windows - windows.mean(axis=1, keepdims=True)
    around = sliding_window_view(np.nan_to_num(b), width + 2 * reach)[starts - reach]  # (W, width + lags - 1)
    # All lags at once, by the spectrum: the sum over k of centred[k] * around[k + lag].
    size = next_fast_len(width + 2 * reach, real=True)
    spectrum = rfft(around, size) * rfft(centred, size).conj()
    cross = irfft(spectrum, size)[:, : 2 * reach + 1]
    at = starts[:, None] + np.arange(-reach, reach + 1)  # (W, lags)
    spread = (centred**2).sum(axis=1)[:, None] * _spread(b, width)[at]
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.clip(cross / np.sqrt(spread), -1, 1)
    r[(spread < 1e-9) | _holes(a, width)[starts][:, None] | _holes(b, width)[at]] = np.nan
    return r, starts + width // 2


def _spread(values: np.ndarray, width: int) -> np.ndarray:
    """Compute the sum of squared deviations from the mean of the window that starts at each sample."""
    level = np.nan_to_num(values - np.nanmean(values))
    total, squares = (np.concatenate([[0.0], np.cumsum(v)]) for v in (level, level**2))
    spread = squares[width:] - squares[:-width] - (total[width:] - total[:-width]) ** 2 / width
    return np.maximum(spread, 0.0)


def _holes(values: np.ndarray, width: int) -> np.ndarray:
    """Return whether the window that starts at each sample has a missing value."""
    missing = np.concatenate([[0], np.cumsum(np.isnan(values))])
    return np.asarray(missing[width:] > missing[:-width])


def _chance(a: np.ndarray, b: np.ndarray, width: int, reach: int, rng: np.random.Generator) -> float:
    """Compute the 95th percentile of the best mean r over 40 random shifts in time of the second person."""
    low, high = width + reach, len(b) - width - reach
    if high <= low:
        return float("nan")
    best = []
    for shift in rng.integers(low, high, 40):
        r, _ = _windowed(a, np.roll(b, int(shift)), width, reach, stride=width)
        seen = r[np.isfinite(r).any(axis=1)]
        if len(seen):
            best.append(float(np.nanmax(np.nanmean(seen, axis=0))))
    return float(np.percentile(best, 95)) if best else float("nan")
