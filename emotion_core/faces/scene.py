"""What a whole picture tells at a glance: whether the camera has cut, and whether somebody may have come."""

from collections.abc import Iterable

import cv2
import numpy as np

from emotion_core.types import Box

# A hard cut: pixels differ by so many grey levels on average, and what is bright is so little alike. Movement
# changes 25 levels in a third of a second at most, and a light that goes on or off leaves the pattern alike.
_CUT_LEVELS, _CUT_ALIKE = 30.0, 0.7
_CUT_WITHIN = 0.5  # seconds between two frames, at most, for which that tells anything
# Parts of the picture differ by so many grey levels where somebody new may have come; where faces are that
# are followed, by so many times as much. It takes a part as large as the smallest face that is found.
_NEWS, _KNOWN = 9.0, 3.0


def scene_of(image: np.ndarray) -> np.ndarray:
    """Return a thumbnail (18, 32) of an RGB picture, float32 in [0, 255], by which hard cuts are seen."""
    apart = max(1, min(image.shape[:2]) // 64)  # every so many pixels: averaging all of 4K would take 5 ms
    small = cv2.resize(image[::apart, ::apart], (32, 18), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)


def is_cut(before: np.ndarray, scene: np.ndarray, step: float) -> bool:
    """Tell whether a hard cut lies between two thumbnails of `scene_of` that are `step` seconds apart."""
    if step > _CUT_WITHIN or np.abs(scene - before).mean() < _CUT_LEVELS:
        return False
    a, b = scene - scene.mean(), before - before.mean()
    return bool((a * b).sum() < _CUT_ALIKE * np.sqrt((a * a).sum() * (b * b).sum()))


def has_news(before: np.ndarray, scene: np.ndarray, boxes: Iterable[Box], size: tuple[int, ...]) -> bool:
    """Tell whether anything has changed between two thumbnails but the faces in `boxes` (pixels).

    `size` is the (width, height) of the picture.
    """
    apart = np.abs(scene - before)
    rows, columns = apart.shape
    for box in boxes:
        x0, x1 = (round(x * columns / size[0]) for x in (box.x - box.width / 4, box.x + 1.25 * box.width))
        y0, y1 = (round(y * rows / size[1]) for y in (box.y - box.height / 4, box.y + 1.25 * box.height))
        apart[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] /= _KNOWN
    return bool(apart.max() >= _NEWS)
