"""Made studies: people who respond to events by a known size, after a known time, under a known noise."""

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from emotion_core.analytics.events import events_of

LATENCY, WIDTH, BETWEEN = 1.2, 0.45, 0.08


def made_study(
    seed: int,
    *,
    people: int = 10,
    repetitions: int = 3,
    size: dict[str, float] | None = None,
    noise: float = 0.12,
    every: float = 8.0,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Tables by recording, one person each, and the events of all: `size` is the response to each name.

    Valence rises as a bell of `WIDTH` s around `LATENCY` s after each onset, by a height that differs between
    people with the deviation `BETWEEN`; its noise hangs together over 0.3 s, and pictures come unevenly, 25 a
    second or so.
    """
    rng = np.random.default_rng(seed)
    size = {"clip": 0.3} if size is None else size
    names = list(size) * repetitions
    onsets = every * np.arange(1, len(names) + 1)
    tables = {}
    for number in range(people):
        duration = rng.uniform(0.5, 1.5, int(25 * every * (len(names) + 1))) / 25
        time = np.cumsum(duration) - duration
        hold = np.exp(-1 / 25 / 0.3)
        valence = lfilter([np.sqrt(1 - hold**2)], [1, -hold], rng.normal(size=len(time))) * noise
        own = rng.normal() * BETWEEN
        for name, onset in zip(names, onsets, strict=True):
            valence += (size[name] + own) * bell(time - onset)
        tables[f"p{number:02}_results.json"] = table_of(time, duration, valence + rng.normal(0, 0.2))
    return tables, events_of(pd.DataFrame({"onset": onsets, "duration": 1.0, "name": names}))


def bell(time: np.ndarray) -> np.ndarray:
    """The shape of a response, (N,), at times (s) from its onset."""
    return np.exp(-((time - LATENCY) ** 2) / 2 / WIDTH**2)


def table_of(time: np.ndarray, duration: np.ndarray, valence: np.ndarray, face: int = 1) -> pd.DataFrame:
    """A table of results of one person who looks happy throughout."""
    return pd.DataFrame(
        {
            "frame": np.arange(len(time)),
            "time": time,
            "duration": duration,
            "face": pd.array([face] * len(time), dtype="Int64"),
            "emotion": pd.array(["Happy"] * len(time), dtype="str"),
            "valence": valence,
            "arousal": 0.5,
        }
    )


def truth(size: float, before: float = 1.0, after: float = 4.0) -> dict[str, float]:
    """Peak, latency and area of the response as `responses` defines them, its baseline taken off."""
    baseline = size * bell(np.linspace(-before, 0, 2001)).mean()
    later = size * bell(np.linspace(0, after, 8001)) - baseline
    return {"peak": size - baseline, "latency": LATENCY, "area": float(later.mean() * after)}
