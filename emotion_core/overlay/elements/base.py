"""What an element of the overlay is, and the frame that it is drawn on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emotion_core.overlay.panels import Metrics
from emotion_core.overlay.placement import Rect
from emotion_core.palette import UNCERTAIN, color_of, rgb
from emotion_core.types import Box, DetectedObject, Face

DARK = (12, 14, 18)
"""The colour under a bright line, so that the line shows on any picture."""


@dataclass(slots=True)
class Scene:
    """A frame in the making.

    `canvas` is RGB uint8 (H, W, 3) and is drawn on; `boxes` are those of the faces, in whole pixels.
    `elements` are the names of all that are drawn. `taken` are places that a label keeps off; who puts one
    down adds it. `bars` and `va` choose the rows of the panel; with `hide_faces` nothing may be drawn that
    tells one face from another. `scale` makes labels smaller or larger, as `metrics` have it already;
    `language` is that of their words.
    """

    canvas: np.ndarray
    faces: Sequence[Face]
    boxes: Sequence[Rect]
    objects: Sequence[DetectedObject]
    metrics: Metrics
    taken: list[Rect]
    elements: frozenset[str]
    memory: dict[int, tuple[int, str]] | None = None
    bars: bool = True
    va: bool = True
    hide_faces: bool = False
    scale: float = 1.0
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Element:
    """One thing that the overlay can show.

    Args:
        name: what a user types.
        about: what it shows, a few words.
        mark: draws what belongs to a place in the picture; earlier elements lie under later ones.
        label: puts down text, after all marks; the labels of later elements come first.
        default: whether it is on unless somebody chooses.
        key: the letter that switches it in the window, where it has one.
    """

    name: str
    about: str
    mark: Callable[[Scene], None] | None = None
    label: Callable[[Scene], None] | None = None
    default: bool = False
    key: str | None = None


def color_of_face(face: Face) -> tuple[int, int, int]:
    """Return the colour of a face's emotion; grey where the answer is uncertain."""
    return rgb(UNCERTAIN if face.uncertain else color_of(face.emotion))


def rect(box: Box) -> Rect:
    """Return a box in whole pixels: left, top, right, bottom; at least one pixel large."""
    left, top = round(box.x), round(box.y)
    return left, top, max(left + 1, round(box.x + box.width)), max(top + 1, round(box.y + box.height))
