"""The label order, per-data-set names and the valence-arousal coordinates: written once, here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

EMOTIONS: tuple[str, ...] = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
"""The one order of the seven categories; checkpoints store it and loading verifies it."""

UNSURE = "Uncertain"
"""The name of the state of a face that is less sure than was asked for; it is none of the labels."""

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

MEAN_RATINGS: dict[str, tuple[float, float]] = {
    "Angry": (-0.42, 0.78),
    "Disgust": (-0.68, 0.72),
    "Fear": (-0.11, 0.88),
    "Happy": (0.68, 0.55),
    "Neutral": (-0.04, 0.49),
    "Sad": (-0.63, 0.37),
    "Surprise": (0.18, 0.84),
}
"""Mean valence in [-1, 1] and arousal in [0, 1] that people gave to faces of each category.

Source: the 1,212 training faces of the seven categories with measured values (set `affect`, see the card).
"""

VALENCE_AROUSAL_SOURCE = (
    "Valence and arousal are learnt from people's ratings of 1,399 faces, and elsewhere from the votes times "
    "the mean rating of each word; with the ratings of 927 other faces they agree at a concordance of "
    "0.62 and 0.50."
)
"""The sentence shown wherever a person reads valence or arousal."""

DISCLAIMER = "Apparent expression, not what a person feels."
"""The sentence shown wherever a person reads a result."""


def canonical(name: str) -> str | None:
    """Return the category that a data set's `name` stands for, or None where it is none of the seven."""
    return ALIASES.get(name.strip().lower())


def coordinates(labels: Sequence[str] = EMOTIONS) -> np.ndarray:
    """Return the (len(labels), 2) array of mean valence in [-1, 1] and arousal in [0, 1] of each label.

    A label that is none of the seven gets the neutral coordinates.
    """
    import numpy as np

    rows = [MEAN_RATINGS.get(label, MEAN_RATINGS["Neutral"]) for label in labels]
    return np.asarray(rows, np.float32).reshape(-1, 2)


def _sides(*names: str) -> tuple[str, ...]:
    return tuple(name + side for name in names for side in ("Left", "Right"))


BLENDSHAPES = (
    *("_neutral", *_sides("browDown"), "browInnerUp", *_sides("browOuterUp")),
    *("cheekPuff", *_sides("cheekSquint")),
    *_sides("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide"),
    *("jawForward", "jawLeft", "jawOpen", "jawRight"),
    *("mouthClose", *_sides("mouthDimple", "mouthFrown"), "mouthFunnel", "mouthLeft"),
    *(*_sides("mouthLowerDown", "mouthPress"), "mouthPucker", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *_sides("mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer"),
)
"""The 52 blendshapes of a face's mesh in the order of the model's outputs, each in [0, 1]."""
