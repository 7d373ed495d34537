"""Predictions made calm: a moving average of the numbers, and a label that does not flicker."""

from dataclasses import dataclass, field

import numpy as np

from emotion_core.types import EmotionError

MARGIN = 0.1
"""A label that leads the current one by so much replaces it at once; else it must lead for a window."""


class SettingError(EmotionError, ValueError):
    """A setting out of its range."""


def check_smoothing(frames: int) -> int:
    """Return `frames`.

    Raises:
        SettingError: where it is no whole number from 1 on.
    """
    if isinstance(frames, bool) or not isinstance(frames, int | np.integer) or frames < 1:
        raise SettingError(f"smoothing counts frames and starts at 1 (no smoothing), not {frames!r}")
    return int(frames)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the network says of one face in one frame: probabilities (K,), valence and arousal."""

    probabilities: np.ndarray
    valence: float
    arousal: float


@dataclass(slots=True, eq=False)
class Smoother:
    """The recent readings of one face. Plain data.

    `lead` is by how much the held label's probability surpassed all others in the last frame, 0 where it
    didn't.

    >>> smoother = Smoother()
    >>> calm = smoother.update(Reading(np.array([1.0, 0.0]), 0.5, 0.5), frames=2)
    >>> calm, label = smoother.update(Reading(np.array([0.0, 1.0]), 0.1, 0.3), frames=2)
    >>> calm.probabilities.tolist(), round(calm.valence, 3), label
    ([0.5, 0.5], 0.3, 0)
    """

    readings: list[Reading] = field(default_factory=list)
    current: int | None = None
    rival: int | None = None
    streak: int = 0
    lead: float = 0.0

    def update(self, reading: Reading, frames: int) -> tuple[Reading, int]:
        """Take in the reading of a frame; return the mean over the last `frames` and the label's index.

        With one frame the reading itself and its largest probability come back. Otherwise the label stays
        until another one leads it by `MARGIN`, or leads it at all in as many frames in a row as are averaged.
        """
        self.readings = [*self.readings, reading][-frames:]
        mean = Reading(
            np.mean([r.probabilities for r in self.readings], axis=0),
            float(np.mean([r.valence for r in self.readings])),
            float(np.mean([r.arousal for r in self.readings])),
        )
        return mean, self._hold(mean.probabilities, frames)

    def _hold(self, probabilities: np.ndarray, frames: int) -> int:
        best = int(np.argmax(probabilities))
        second, first = np.partition(probabilities, -2)[-2:].tolist()
        self.lead = (first - second) if best == self.current else 0.0
        if self.current is None or frames == 1:
            self.current = best
        self.streak = self.streak + 1 if best == self.rival else 1
        self.rival = best
        if best != self.current:
            lead = float(probabilities[best] - probabilities[self.current])
            if lead >= MARGIN or self.streak >= frames:
                self.current = best
        return self.current
