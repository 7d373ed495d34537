"""A face's mesh, its head's rotation and its blendshapes, and what a reader of them is asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from emotion_core.types import EmotionError

PRESENCE_CONFIDENCE = 0.3
"""The mesh's own score in [0, 1] from which a crop counts as one of a face."""


@dataclass(frozen=True, slots=True, eq=False)
class MeshReading:
    """A mesh (478, 2) in pixels of the crop, the head's rotation (3, 3) in the crop, and blendshapes.

    The rotation's axes are x to the picture's right, y up and z towards the camera. `fit` is the model's own
    score, a logit, that the crop shows an upright face; None where a reader does not tell.
    """

    points: np.ndarray
    rotation: np.ndarray
    blendshapes: dict[str, float] | None
    fit: float | None = None


class MeshMissingError(EmotionError):
    """The package of a mesh reader is not there."""


def not_a_bundle(path: Path) -> EmotionError:
    """Return the error for a file that no reader can use."""
    return EmotionError(f"{path} is no FaceLandmarker bundle; give another or none to use the usual one")


class Mesh(Protocol):
    """What the finder needs of a mesh reader; thread-safe, and nothing is kept between calls."""

    side: int
    """Pixels of the upright crop that a face which is followed is read in."""

    def region(self, points: np.ndarray) -> np.ndarray:
        """Lay that crop by five points in pixels; gives the similarity (2, 3), as `crop.crop_matrix`."""

    def read(self, crop: np.ndarray) -> MeshReading | None:
        """Read the face that an RGB uint8 crop (side, side, 3) is laid around; None where none is seen."""

    def find(self, picture: np.ndarray) -> MeshReading | None:
        """Find and read the face of an RGB uint8 picture (H, W, 3) that is mostly a face."""
