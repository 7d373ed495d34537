"""Faces made unrecognisable. The browser's live view does the same by the same numbers: `HIDING`."""

from collections.abc import Sequence

import cv2
import numpy as np

from emotion_core.overlay.elements.base import rect
from emotion_core.overlay.placement import Memory, Rect
from emotion_core.types import Box, Face

SIDE, OVER = 0.16, 0.2
"""How far the hidden area reaches beyond a face's box, to each side and above and below, as a share of it:
hair and chin tell people apart as well."""
ACROSS, DOWN = 6, 7
"""The most blocks of a hidden area."""
STEP = 11
"""A block's colours are rounded to steps of this size, to 24 levels: neighbouring frames of a video then add
nothing that would let the blocks be solved for finer ones."""

HELD = 1.0
"""Seconds for which the last place of a face stays hidden when it is not found: one that turns away, or is
missed in a frame, can still be seen."""

HIDING = {"side": SIDE, "over": OVER, "across": ACROSS, "down": DOWN, "step": STEP, "held": HELD}
"""All of it for a page that hides faces itself."""


def places(
    faces: Sequence[Face], size: tuple[int, int], time: float, memory: Memory | None = None
) -> list[Rect]:
    """Give the boxes to hide in a frame of that size (w, h) and time (s): those of its faces, and lost ones.

    What is remembered is in shares of the frame, since a window may change its size.
    """
    width, height = size
    seen = memory.seen if memory is not None else {}
    now = {face.id for face in faces}
    for gone in [key for key, (then, *_) in seen.items() if key in now or not 0 <= time - then <= HELD]:
        del seen[gone]
    lost = [Box(x * width, y * height, w * width, h * height) for _, x, y, w, h in seen.values()]
    for face in faces:
        x, y, w, h = face.box.as_list()
        seen[face.id] = time, x / width, y / height, w / width, h / height
    return [rect(box) for box in (*(face.box for face in faces), *lost)]


def hide(canvas: np.ndarray, box: Rect) -> None:
    """Pixelate a face in place, hair and chin included, so that it can't be recognised.

    `canvas` is RGB uint8 (H, W, 3), `box` in its pixels. Each block has the mean colour of what it covers.
    """
    height, width = canvas.shape[:2]
    dx, dy = round((box[2] - box[0]) * SIDE), round((box[3] - box[1]) * OVER)
    left, top = max(box[0] - dx, 0), max(box[1] - dy, 0)
    right, bottom = min(box[2] + dx, width), min(box[3] + dy, height)
    if left >= right or top >= bottom:
        return
    region = canvas[top:bottom, left:right]
    across = min(ACROSS, right - left)
    down = max(1, min(DOWN, round(across * (bottom - top) / (right - left))))
    small = cv2.resize(region, (across, down), interpolation=cv2.INTER_AREA)
    small = np.minimum(small.astype(np.uint16) // STEP * STEP + STEP // 2, 255).astype(np.uint8)
    canvas[top:bottom, left:right] = cv2.resize(
        small, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
    )
