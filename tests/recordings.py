"""Recordings made to try the rules of time, and what each comes to, worked out by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from emotion_core.labels import EMOTIONS
from emotion_core.results.recording import Recording
from emotion_core.types import Box, Face, Frame

PICTURE = np.zeros((8, 8, 3), np.uint8)
LOOKS = {
    "H": ("Happy", 0.5, 0.8),
    "S": ("Sad", -0.5, 0.2),
    "N": ("Neutral", 0.0, 0.5),
    "A": ("Angry", -0.5, 0.9),
}
"""The label, valence and arousal of the faces below, by their first letter."""


@dataclass(frozen=True)
class Person:
    """What a face comes to, worked out by hand: times in s, shares in 0..1."""

    seconds: float
    share: Mapping[str, float]
    valence: tuple[float, float]  # mean and standard deviation
    arousal: tuple[float, float]
    changes: int
    per_minute: float
    longest: tuple[str, float, float]  # emotion, start, end
    moments: list[tuple[str, float, float]]  # emotion, time, confidence
    quadrants: tuple[float, float, float, float]  # shares


@dataclass(frozen=True)
class Case:
    """A recording, as (time, {face: letter and confidence}), and what it comes to."""

    pictures: list[tuple[float, dict[int, tuple[str, float]]]]
    end: float | None
    seconds: float
    found: float  # share of the time in which somebody is
    valence: float  # of all faces together
    per_minute: float
    people: dict[int, Person]

    @property
    def uncertain(self) -> float:
        """The share of the time seen, of all faces together, in which the answer is uncertain."""
        people = self.people.values()
        unsure = sum(person.seconds * person.share.get("Uncertain", 0.0) for person in people)
        return unsure / sum(person.seconds for person in people)


# Pictures of 1, 0.5 and 2.5 s, and a last one that is held for 6 s.
VARIABLE = Case(
    [
        (0.0, {1: ("H", 0.6)}),
        (1.0, {1: ("H", 0.9)}),
        (1.5, {1: ("S", 0.7)}),
        (4.0, {1: ("N", 0.8)}),
    ],
    end=10.0,
    seconds=10.0,
    found=1.0,
    valence=-0.05,
    per_minute=12.0,
    people={
        1: Person(
            seconds=10.0,
            share={"Happy": 0.15, "Sad": 0.25, "Neutral": 0.6},
            # (1.5 x 0.5 - 2.5 x 0.5) / 10; 1.5 x 0.55^2 + 2.5 x 0.45^2 + 6 x 0.05^2 = 0.975
            valence=(-0.05, sqrt(0.0975)),
            # (1.5 x 0.8 + 2.5 x 0.2 + 6 x 0.5) / 10; 1.5 x 0.33^2 + 2.5 x 0.27^2 + 6 x 0.03^2 = 0.351
            arousal=(0.47, sqrt(0.0351)),
            changes=2,
            per_minute=12.0,
            longest=("Neutral", 4.0, 10.0),
            moments=[("Happy", 1.0, 0.9), ("Sad", 1.5, 0.7)],
            quadrants=(0.75, 0.0, 0.25, 0.0),
        )
    },
)

# Person 1 is away for 2 s, so no change is counted; person 2 for 0.5 s and for just 1 s, which are bridged.
RETURNING = Case(
    [
        (0.0, {1: ("H", 0.9), 2: ("S", 0.8)}),
        (0.5, {1: ("H", 0.9), 2: ("S", 0.85)}),
        (1.0, {}),
        (1.5, {2: ("H", 0.6)}),
        (2.0, {}),
        (2.5, {}),
        (3.0, {1: ("N", 0.95), 2: ("A", 0.7)}),
    ],
    end=4.0,
    seconds=4.0,
    found=2.5 / 4,
    valence=(1.5 * 0.5 - 2 * 0.5) / 4.5,
    per_minute=2 / 4.5 * 60,
    people={
        1: Person(
            seconds=2.0,
            share={"Happy": 0.5, "Neutral": 0.5},
            valence=(0.25, 0.25),
            arousal=(0.65, 0.15),
            changes=0,
            per_minute=0.0,
            longest=("Happy", 0.0, 1.0),
            moments=[("Happy", 0.0, 0.9)],
            quadrants=(1.0, 0.0, 0.0, 0.0),
        ),
        2: Person(
            seconds=2.5,
            share={"Sad": 0.4, "Happy": 0.2, "Angry": 0.4},
            # (-0.5 - 0.5 + 0.25) / 2.5; 2 x 0.2^2 + 0.5 x 0.8^2 = 0.4
            valence=(-0.3, sqrt(0.16)),
            # (0.2 + 0.4 + 0.9) / 2.5; 0.4^2 + 0.5 x 0.2^2 + 0.3^2 = 0.27
            arousal=(0.6, sqrt(0.108)),
            changes=2,
            per_minute=48.0,
            longest=("Sad", 0.0, 1.0),
            moments=[("Sad", 0.5, 0.85), ("Angry", 3.0, 0.7), ("Happy", 1.5, 0.6)],
            quadrants=(0.2, 0.4, 0.4, 0.0),
        ),
    },
)

# A new emotion in every picture; when the stream ended isn't known, so the last lasts 0.2 s as the others.
FLICKER = Case(
    [
        (k / 5, {1: look})
        for k, look in enumerate([("H", 0.7), ("N", 0.9), ("H", 0.8), ("S", 0.4), ("H", 0.9)])
    ],
    end=None,
    seconds=1.0,
    found=1.0,
    valence=0.2,
    per_minute=240.0,
    people={
        1: Person(
            seconds=1.0,
            share={"Happy": 0.6, "Neutral": 0.2, "Sad": 0.2},
            # (1.5 - 0.5) / 5; (3 x 0.3^2 + 0.2^2 + 0.7^2) / 5 = 0.16
            valence=(0.2, 0.4),
            # (2.4 + 0.5 + 0.2) / 5; (3 x 0.18^2 + 0.12^2 + 0.42^2) / 5 = 0.0576
            arousal=(0.62, 0.24),
            changes=4,
            per_minute=240.0,
            longest=("Happy", 0.0, 0.2),
            moments=[("Happy", 0.8, 0.9), ("Happy", 0.4, 0.8), ("Happy", 0.0, 0.7)],  # 40 % is too little
            quadrants=(0.8, 0.0, 0.2, 0.0),
        )
    },
)

# No picture comes for 6 s: the one before lasts so long. A run goes on over an absence, which is not seen.
STANDING = Case(
    [
        (0.0, {3: ("A", 0.8)}),
        (2.0, {}),
        (2.5, {3: ("A", 0.9)}),
        (8.5, {3: ("S", 0.9)}),
    ],
    end=9.0,
    seconds=9.0,
    found=8.5 / 9,
    valence=-0.5,
    per_minute=60 / 8.5,
    people={
        3: Person(
            seconds=8.5,
            share={"Angry": 8 / 8.5, "Sad": 0.5 / 8.5},
            valence=(-0.5, 0.0),
            # (8 x 0.9 + 0.5 x 0.2) / 8.5; the deviation of two values is sqrt(p q) times their distance
            arousal=(7.3 / 8.5, 0.7 * sqrt(8 * 0.5) / 8.5),
            changes=1,
            per_minute=60 / 8.5,
            longest=("Angry", 0.0, 8.5),
            moments=[("Angry", 2.5, 0.9), ("Sad", 8.5, 0.9)],
            quadrants=(0.0, 8 / 8.5, 0.5 / 8.5, 0.0),
        )
    },
)
# Small letters are answers less sure than was asked for. Half a second lies between Happy and Sad, which is
# bridged, two seconds between Sad and Happy, and half a second in the middle of Happy.
DOUBTFUL = Case(
    [
        (0.0, {1: ("H", 0.9)}),
        (1.0, {1: ("n", 0.4)}),
        (1.5, {1: ("S", 0.8)}),
        (2.5, {1: ("h", 0.55)}),
        (4.5, {1: ("H", 0.85)}),
        (5.0, {1: ("a", 0.6)}),
        (5.5, {1: ("H", 0.7)}),
    ],
    end=6.0,
    seconds=6.0,
    found=1.0,
    valence=1.25 / 6,
    per_minute=10.0,
    people={
        1: Person(
            seconds=6.0,
            share={"Happy": 2 / 6, "Sad": 1 / 6, "Uncertain": 3 / 6},
            # 4 x 0.5 - 1 x 0.5 - 0.5 x 0.5 = 1.25; 5.5 x 0.5^2 = 1.375
            valence=(1.25 / 6, sqrt(1.375 / 6 - (1.25 / 6) ** 2)),
            # 4 x 0.8 + 0.2 + 0.5 x 0.5 + 0.5 x 0.9 = 4.1; 4 x 0.64 + 0.04 + 0.5 x 0.25 + 0.5 x 0.81 = 3.13
            arousal=(4.1 / 6, sqrt(3.13 / 6 - (4.1 / 6) ** 2)),
            changes=1,
            per_minute=10.0,
            longest=("Uncertain", 2.5, 4.5),
            moments=[("Happy", 0.0, 0.9), ("Happy", 4.5, 0.85), ("Sad", 1.5, 0.8), ("Happy", 5.5, 0.7)],
            quadrants=(4.5 / 6, 0.5 / 6, 1 / 6, 0.0),
        )
    },
)
CASES = {
    "variable": VARIABLE,
    "returning": RETURNING,
    "flicker": FLICKER,
    "standing": STANDING,
    "doubtful": DOUBTFUL,
}


def face_of(number: int, look: tuple[str, float]) -> Face:
    """The face of a letter and a confidence; a small letter is of an uncertain answer."""
    label, valence, arousal = LOOKS[look[0].upper()]
    rest = (1 - look[1]) / 6
    chances = tuple(look[1] if name == label else rest for name in EMOTIONS)
    return Face(
        number, Box(1, 1, 4, 4), label, look[1], chances, valence, arousal, uncertain=look[0].islower()
    )


def record(case: Case, folder: Path) -> Recording:
    """Write a recording to `folder`, in all formats."""
    recording = Recording.create(folder / "made_results.json", formats=("csv", "parquet"))
    for index, (time, faces) in enumerate(case.pictures):
        recording.append(Frame(PICTURE, index, time), [face_of(*face) for face in faces.items()])
    recording.close(end=case.end)
    return recording
