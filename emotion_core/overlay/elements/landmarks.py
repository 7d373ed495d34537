"""The 50 key points of a face and the lines between them."""

import cv2
import numpy as np

from emotion_core.overlay.elements.base import Element, Scene
from emotion_core.overlay.panels import PAPER, Metrics

# The 50 key points (design: brows, nose, eyes, lips) as lines: first point, end, whether it closes.
CONTOURS = (
    (0, 5, False),
    (5, 10, False),
    (10, 13, False),
    (13, 18, False),
    (18, 24, True),
    (24, 30, True),
    (30, 42, True),
    (42, 50, True),
)


def mark(scene: Scene) -> None:
    """Draw the points of every face that has some; none where faces are hidden: they tell people apart."""
    if scene.hide_faces:
        return
    for face in scene.faces:
        if face.landmarks is not None:
            _landmarks(scene.canvas, face.landmarks, scene.metrics)


def _landmarks(canvas: np.ndarray, points: np.ndarray, metrics: Metrics) -> None:
    shift = 3  # eighths of a pixel, so that the lines don't tremble
    at = np.rint(np.asarray(points, np.float64)[:, :2] * (1 << shift)).clip(-(1 << 20), 1 << 20)
    at = at.astype(np.int32)
    if len(at) == 50:
        for closed in (False, True):
            lines = [at[start:end] for start, end, closes in CONTOURS if closes == closed]
            cv2.polylines(canvas, lines, closed, PAPER, metrics.hair, cv2.LINE_AA, shift)
    for x, y in at:
        cv2.circle(canvas, (int(x), int(y)), metrics.hair << shift, (255, 255, 255), -1, cv2.LINE_AA, shift)


ELEMENT = Element("landmarks", "the 50 key points of each face", mark=mark, key="l")
