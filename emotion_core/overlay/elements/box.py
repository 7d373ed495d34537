"""The corners around a face, in the colour of its emotion."""

from functools import lru_cache

import cv2
import numpy as np

from emotion_core.overlay import sprites
from emotion_core.overlay.elements.base import DARK, Element, Scene, color_of_face
from emotion_core.overlay.placement import Rect


def mark(scene: Scene) -> None:
    """Draw the corners of every face."""
    for face, box in zip(scene.faces, scene.boxes, strict=True):
        _brackets(scene.canvas, box, color_of_face(face), scene.metrics.line)


@lru_cache(maxsize=256)
def _corners(arm: int, radius: int) -> tuple[np.ndarray, ...]:
    turn = np.linspace(0, np.pi / 2, 5)
    x, y = radius * (1 - np.sin(turn)), radius * (1 - np.cos(turn))
    corner = np.rint(np.stack([np.r_[arm, x, 0], np.r_[0, y, arm]], 1)).astype(np.int32)
    return tuple(corner * np.array(sign, np.int32) for sign in ((1, 1), (-1, 1), (-1, -1), (1, -1)))


def _brackets(canvas: np.ndarray, box: Rect, color: sprites.Color, line: int) -> None:
    """Four rounded corners, over a dark line of their own so that they show on any picture."""
    left, top, right, bottom = box
    short = min(right - left, bottom - top)
    arm = max(3, min(round(short * 0.22), 16 * line))
    radius = max(1, min(round(arm * 0.45), short // 2))
    at = ((left, top), (right - 1, top), (right - 1, bottom - 1), (left, bottom - 1))
    lines = [
        corner + np.array(start, np.int32) for corner, start in zip(_corners(arm, radius), at, strict=True)
    ]
    cv2.polylines(canvas, lines, False, DARK, line + max(2, line), cv2.LINE_AA)
    cv2.polylines(canvas, lines, False, color, line, cv2.LINE_AA)


ELEMENT = Element("box", "corners around each face", mark=mark, default=True)
