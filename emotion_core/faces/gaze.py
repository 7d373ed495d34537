"""Where the eyes look, from the iris points of the mesh: sideways only, in degrees against the head."""

import math

import numpy as np

from emotion_core.types import Gaze

_POINTS = [33, 133, 468, 362, 263, 473]  # corners and iris of the right eye, then of the left, left to right
_REACH = 0.4
"""Radius of the eyeball in widths of the eye: 12 of 30 mm."""
_NARROW = 4.0  # pixels of an eye's width below which nothing can be told


def gaze_of(mesh: np.ndarray) -> Gaze | None:
    """Return where the two eyes look on average, from the mesh (478, 2) in pixels; None for eyes too small.

    An iris that lies beside the middle between the corners of its eye by x widths of the eye looks aside by
    asin(x / 0.4). Up and down can't be told in this way: the lids move along, and hide the iris.
    """
    points = mesh[_POINTS].tolist()
    aside = 0.0
    for (ax, ay), (bx, by), (x, y) in (points[:3], points[3:]):
        wide = math.hypot(bx - ax, by - ay)
        if not wide >= _NARROW:
            return None
        aside += ((x - (ax + bx) / 2) * (bx - ax) + (y - (ay + by) / 2) * (by - ay)) / wide**2 / 2
    return Gaze(math.degrees(math.asin(max(-1.0, min(1.0, aside / _REACH)))))
