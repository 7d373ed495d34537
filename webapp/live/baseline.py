"""A viewer's own resting face, against which the live view can show differences."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from emotion_core.types import Face

CALIBRATION_SECONDS = 3.0

_LEAST_SAMPLES = 8


# A neutral face under the model would look like this; the rest is shared by the other categories.
_NEUTRAL_SHARE = 0.88


# The most that calibration may change the log-odds of a category: it corrects a resting face and can't
# turn a clear expression into another one.
_LARGEST_SHIFT = 2.5


@dataclass(frozen=True, slots=True)
class Baseline:
    """One person's own neutral: mean log-probabilities, valence and arousal of a face at rest."""

    face: int
    logs: tuple[float, ...]
    valence: float
    arousal: float

    def apply(self, face: Face) -> Face:
        """Return `face` as it differs from its own neutral.

        Each category's log-probability is shifted by what turns the resting face into a neutral one, by
        at most 2.5, and the result is normalised again. Valence is relative to the resting face; arousal
        is moved so that the resting face lies at 0.5, the published neutral.
        """
        n = len(face.labels)
        if n < 2 or "Neutral" not in face.labels or len(self.logs) != n:
            return face
        rest = math.log((1 - _NEUTRAL_SHARE) / (n - 1))
        goals = (math.log(_NEUTRAL_SHARE) if label == "Neutral" else rest for label in face.labels)
        shifts = [g - b for g, b in zip(goals, self.logs, strict=True)]
        shifts = [min(_LARGEST_SHIFT, max(-_LARGEST_SHIFT, s)) for s in shifts]
        weights = [
            max(p, 1e-6) * math.exp(shift) for p, shift in zip(face.probabilities, shifts, strict=True)
        ]
        total = sum(weights)
        probabilities = tuple(w / total for w in weights)
        best = max(range(n), key=probabilities.__getitem__)
        # The label that is held against flicker stays while it is nearly as likely as the best.
        held = face.labels.index(face.emotion)
        if probabilities[best] - probabilities[held] < 0.05:
            best = held
        return replace(
            face,
            emotion=face.labels[best],
            confidence=probabilities[best],
            probabilities=probabilities,
            valence=min(1.0, max(-1.0, face.valence - self.valence)),
            arousal=min(1.0, max(0.0, face.arousal - self.arousal + 0.5)),
        )


@dataclass(slots=True)
class Calibration:
    """Three seconds of a face at rest, on their way to a Baseline."""

    face: int
    until: float  # seconds of the viewer's clock
    logs: list[tuple[float, ...]] = field(default_factory=list)
    planes: list[tuple[float, float]] = field(default_factory=list)

    def add(self, face: Face) -> None:
        """Take one more look at the resting face."""
        self.logs.append(tuple(math.log(max(p, 1e-6)) for p in face.probabilities))
        self.planes.append((face.valence, face.arousal))

    def result(self) -> Baseline | None:
        """Return the baseline, or None where the face was seen too seldom."""
        n = len(self.logs)
        if n < _LEAST_SAMPLES:
            return None
        logs = tuple(sum(column) / n for column in zip(*self.logs, strict=True))
        valence = sum(v for v, _ in self.planes) / n
        arousal = sum(a for _, a in self.planes) / n
        return Baseline(self.face, logs, valence, arousal)
