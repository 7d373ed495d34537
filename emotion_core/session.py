"""What one viewer or one file owns: tracks, feature windows and smoothed readings. Plain data throughout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emotion_core.faces.tracking import Tracker
from emotion_core.smoothing import Reading, SettingError, Smoother, check_smoothing
from emotion_core.types import DetectedFace, Frame

NEAR = 0.25
"""Lead of a face's label over the next likely one below which every frame is read: it may turn any time."""

GAP = 0.5
"""Seconds out of sight after which a face's window starts anew: what was before says little of now."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """The faces found in a frame by their ids, in the order of these, before any expression is read.

    `now` is the tracker's clock in seconds, and `known` the ids that it remembers, seen or not. `beyond`
    counts what may be faces besides, beyond those that are read at most.
    """

    frame: Frame
    found: dict[int, DetectedFace]
    now: float
    known: frozenset[int]
    beyond: int = 0


@dataclass(slots=True, eq=False)
class Person:
    """The memory of one face: its last feature vectors, each (F,), newest last, and its readings.

    `reading` is the newest, before smoothing, and `anchor` that of the face it was read from.
    """

    window: list[np.ndarray]
    smoother: Smoother = field(default_factory=Smoother)
    seen: float = 0.0  # seconds of the tracker's clock
    reading: Reading | None = None
    anchor: object = None

    @classmethod
    def first(cls, vector: np.ndarray, length: int) -> "Person":
        """Begin with one feature vector (F,); a window that is not full repeats its first."""
        return cls([vector] * length)

    def add(self, vector: np.ndarray) -> None:
        """Take in the newest feature vector (F,); the oldest goes."""
        self.window = [*self.window[1:], vector]


@dataclass(eq=False)
class Session:
    """State of one viewer or file; hand it to the recognizer with every frame.

    It can be copied and pickled, and both settings may be changed between frames. Its tracker remembers what
    people look like, biometric data that end with it; see `Recognizer.from_pretrained(reidentify=)`.

    Args:
        smoothing: frames over which the predictions of a face are averaged; 1 is none.
        threshold: confidence in [0, 1] below which a face is marked uncertain.

    Raises:
        SettingError: where a setting is out of its range.
    """

    smoothing: int = 5
    threshold: float = 0.0
    tracker: Tracker = field(default_factory=Tracker, repr=False)
    people: dict[int, Person] = field(default_factory=dict, repr=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "smoothing":
            value = check_smoothing(value)
        elif name == "threshold":
            value = float(value)
            if not 0 <= value <= 1:
                raise SettingError(f"the threshold is a confidence between 0 and 1, not {value}")
        object.__setattr__(self, name, value)

    def reset(self) -> None:
        """Forget every face and start counting ids anew; the settings stay."""
        self.tracker, self.people = Tracker(), {}

    def carry_on(self, sighting: Sighting) -> set[int]:
        """Take in the faces whose reading still holds, and give their ids: they hardly changed since.

        Forgets whoever the tracker has forgotten.
        """
        self.people = {face: person for face, person in self.people.items() if face in sighting.known}
        same = set()
        for face, found in sighting.found.items():
            person = self.people.get(face)
            if (
                person is not None
                and sighting.now - person.seen <= GAP
                and found.anchor is not None
                and found.anchor is person.anchor
                and person.reading is not None
                and person.smoother.lead >= NEAR
            ):
                person.add(person.window[-1])
                person.seen = sighting.now
                same.add(face)
        return same

    def remember(self, sighting: Sighting, features: Mapping[int, np.ndarray], length: int) -> np.ndarray:
        """Take in the feature vectors (F,) of faces that were read and give their windows (N, length, F)."""
        windows = np.empty((len(features), length, *next(iter(features.values())).shape), np.float32)
        for room, (face, vector) in zip(windows, features.items(), strict=True):
            person = self.people.get(face)
            if person is None or sighting.now - person.seen > GAP:
                person = self.people[face] = Person.first(vector, length)
            else:
                person.add(vector)
            person.seen, person.anchor = sighting.now, sighting.found[face].anchor
            np.stack(person.window, out=room)
        return windows
