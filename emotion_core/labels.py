"""The label order, per-data-set names and the valence-arousal co-ordinates: written once, here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

EMOTIONS: tuple[str, ...] = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
"""The one order of the seven categories; checkpoints store it and loading verifies it."""

ALIASES: dict[str, str] = {
    "angry": "Angry",
    "anger": "Angry",
    "disgust": "Disgust",
    "disgusted": "Disgust",
    "fear": "Fear",
    "fearful": "Fear",
    "happy": "Happy",
    "happiness": "Happy",
    "neutral": "Neutral",
    "sad": "Sad",
    "sadness": "Sad",
    "surprise": "Surprise",
    "surprised": "Surprise",
}
"""The names that data sets use for the seven, in lower case."""

PLEASURE_AROUSAL: dict[str, tuple[float, float]] = {
    "Angry": (-0.51, 0.59),
    "Disgust": (-0.60, 0.35),
    "Fear": (-0.64, 0.60),
    "Happy": (0.81, 0.51),
    "Neutral": (0.0, 0.0),
    "Sad": (-0.63, -0.27),
    "Surprise": (0.40, 0.67),
}
"""Pleasure and arousal of each word, both in [-1, 1].

Source: Russell & Mehrabian (1977), Evidence for a three-factor theory of emotions.
"""

VALENCE_AROUSAL_SOURCE = (
    "Valence and arousal are not measured: the model learnt them as the votes of human raters "
    "times the published co-ordinates of the seven words (Russell & Mehrabian 1977)."
)
"""The sentence shown wherever a person reads valence or arousal."""

DISCLAIMER = "Apparent expression, not what a person feels."
"""The sentence shown wherever a person reads a result."""


def canonical(name: str) -> str | None:
    """Give the category that a data set's `name` stands for, or None where it is none of the seven."""
    return ALIASES.get(name.strip().lower())


def anchors(labels: Sequence[str] = EMOTIONS) -> np.ndarray:
    """Give the (len(labels), 2) array of valence in [-1, 1] and arousal in [0, 1] of each label.

    Arousal is the published value mapped by (a + 1) / 2. A label that is none of the seven gets
    the neutral co-ordinates.
    """
    import numpy as np

    rows = [PLEASURE_AROUSAL.get(label, PLEASURE_AROUSAL["Neutral"]) for label in labels]
    table = np.asarray(rows, np.float32).reshape(-1, 2)
    table[:, 1] = (table[:, 1] + 1) / 2
    return table
