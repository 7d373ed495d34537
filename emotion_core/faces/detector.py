"""What a face detector is, for the finder that uses it and the files that bring one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from emotion_core.types import Candidate


class Detector(Protocol):
    """Finds what may be faces; shared by threads and without a memory.

    `least` is its score from which a candidate counts that the mesh confirms, `least_alone` the score from
    which one counts that no mesh confirms: a face from the side, or no mesh at all.
    """

    least: float
    least_alone: float

    def detect(self, image: np.ndarray, sides: Iterable[int], least: float) -> list[Candidate]:
        """Find the faces of an RGB uint8 picture (H, W, 3), best first, each once.

        The picture is looked at as if its longer side had so many pixels, once per entry of `sides`: a large
        one shows small faces, a small one those that fill the picture. `least` is the lowest score.
        """


@dataclass(frozen=True, slots=True)
class DetectorKind:
    """A detector that can be chosen: its name, a line about it, and what loads it.

    `load` raises EmotionError where a model file is missing or damaged.
    """

    name: str
    about: str
    load: Callable[[], Detector]
