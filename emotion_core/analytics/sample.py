"""Results made up on the spot, so that the dashboard can be tried without a video; marked as made."""

import numpy as np
import pandas as pd

from emotion_core.labels import EMOTIONS, coordinates
from emotion_core.results.names import RESULTS

MARK = "MADE-UP"
"""Stands in the name of everything that comes from here."""


def make_recording(
    seconds: float = 180.0,
    people: int = 2,
    fps: float = 30.0,
    *,
    seed: int = 7,
    mood: str | None = None,
    lag: float = 1.2,
) -> pd.DataFrame:
    """Make the results of a recording that never was, with the columns of `read_results`.

    The second person half follows the first with `lag` seconds of delay; every other person is on their
    own. `mood` names a category that turns up more often. About one frame in fifty has no face.
    """
    rng = np.random.default_rng(seed)
    n = max(1, round(seconds * fps))
    time = np.arange(n) / fps
    leader = _scores(rng, n, fps, mood)
    parts = []
    empty = _gaps(rng, n, fps)
    for face in range(1, people + 1):
        scores = leader if face == 1 else _scores(rng, n, fps, mood)
        if face == 2:
            shift = round(lag * fps)
            scores = 0.3 * scores + 0.7 * np.vstack([np.repeat(leader[:1], shift, 0), leader])[:n]
        parts.append(_rows(rng, time, scores, face)[~empty])
    blank = pd.DataFrame({"frame": np.flatnonzero(empty), "time": time[empty]})
    table = pd.concat([*parts, blank], ignore_index=True).sort_values(["frame", "face"], kind="stable")
    return table.reset_index(drop=True)


def make_study(files: int = 12, seconds: float = 40.0, *, seed: int = 11) -> dict[str, pd.DataFrame]:
    """Make `files` short one-person recordings in two groups, A calmer and B happier, by name."""
    study = {}
    for number in range(files):
        group = "AB"[number % 2]
        mood = "Happy" if group == "B" and number % 6 != 5 else "Neutral"
        name = f"{MARK}_{group}_{number // 2 + 1:02d}{RESULTS}"
        study[name] = make_recording(seconds, 1, 25.0, seed=seed + number, mood=mood)
    return study


def _scores(rng: np.random.Generator, n: int, fps: float, mood: str | None) -> np.ndarray:
    """Return smooth logits (n, 7): a sequence of expressions of a few seconds each, neutral in between."""
    from scipy.ndimage import gaussian_filter1d  # a quarter of a second, and not every page needs a sample

    weights = np.array([1.0, 0.6, 0.6, 2.2, 3.5, 1.2, 1.0])
    if mood is not None:
        weights[EMOTIONS.index(mood)] += 4.0
    target = np.zeros((n, len(EMOTIONS)), np.float32)
    at = 0
    while at < n:
        length = max(int(fps * 0.3), int(rng.gamma(2.0, 2.4) * fps))
        target[at : at + length, rng.choice(len(EMOTIONS), p=weights / weights.sum())] = rng.uniform(2.2, 4.6)
        at += length
    noise = gaussian_filter1d(rng.normal(0, 1.6, target.shape), fps * 0.08 + 0.5, axis=0)
    return gaussian_filter1d(target, fps * 0.18 + 0.1, axis=0) + noise * 0.6


def _gaps(rng: np.random.Generator, n: int, fps: float) -> np.ndarray:
    """Return the mask (n,) of frames in which nobody was found: a few stretches, 2 % in all."""
    mask = np.zeros(n, bool)
    for start in rng.integers(0, max(1, n - 1), max(1, round(n / fps / 60))):
        mask[start : start + int(fps * 1.2)] = True
    mask[0] = False
    return mask


def _rows(rng: np.random.Generator, time: np.ndarray, scores: np.ndarray, face: int) -> pd.DataFrame:
    from scipy.ndimage import gaussian_filter1d

    odds = np.exp(scores - scores.max(1, keepdims=True))
    p = odds / odds.sum(1, keepdims=True)
    va = p @ coordinates()
    best = p.argmax(1)
    drift = gaussian_filter1d(rng.normal(0, 40, (len(time), 2)), 30, axis=0)
    table = {
        "frame": np.arange(len(time)),
        "emotion": np.array(EMOTIONS, object)[best],
        "confidence": p[np.arange(len(p)), best],
        "valence": va[:, 0],
        "arousal": va[:, 1],
        "time": time,
        "face": np.full(len(time), float(face)),
        "box_x": 260.0 * face + drift[:, 0],
        "box_y": 180.0 + drift[:, 1],
        "box_w": 150.0,
        "box_h": 180.0,
    }
    table.update({f"p_{label}": p[:, i] for i, label in enumerate(EMOTIONS)})
    return pd.DataFrame(table)
