"""Objects that YOLOv8 marked, with their names."""

import cv2
import numpy as np

from emotion_core.overlay import panels
from emotion_core.overlay.elements.base import Element, Scene, rect
from emotion_core.overlay.panels import Metrics
from emotion_core.overlay.placement import Rect, overlap
from emotion_core.palette import ACCENT, rgb
from emotion_core.types import DetectedObject


def mark(scene: Scene) -> None:
    """Draw the box of every object."""
    for thing in scene.objects:
        _object_box(scene.canvas, rect(thing.box), scene.metrics)


def label(scene: Scene) -> None:
    """Put a tag to every object."""
    taken = [*scene.boxes, *scene.taken]
    for thing in scene.objects:
        _object_label(scene.canvas, thing, taken, scene.metrics)


def _object_box(canvas: np.ndarray, box: Rect, metrics: Metrics) -> None:
    corners = (box[0], box[1]), (box[2] - 1, box[3] - 1)
    # Finer than a face's lines, which come first; the accent shows on dark and on bright by itself.
    cv2.rectangle(canvas, *corners, rgb(ACCENT), max(1, round(metrics.line * 0.55)), cv2.LINE_AA)


def _object_label(canvas: np.ndarray, thing: DetectedObject, taken: list[Rect], metrics: Metrics) -> None:
    """A tag at a corner of the object's box that is free; where none is, the one that covers least."""
    height, width = canvas.shape[:2]
    box = rect(thing.box)
    tag = panels.tag(f"{thing.label} {thing.score:.0%}", metrics, rgb(ACCENT))
    w, h = tag.size
    inset = metrics.hair
    left, right = box[0] + inset, box[2] - w - inset
    best: tuple[int, Rect] | None = None
    for x, y in (
        (box[0], box[1] - h - inset),
        (left, box[1] + inset),
        (right, box[1] + inset),
        (left, box[3] - h - inset),
        (right, box[3] - h - inset),
        (box[0], box[3] + inset),
    ):
        x, y = min(max(x, 0), max(0, width - w)), min(max(y, 0), max(0, height - h))
        place = (x, y, x + w, y + h)
        covered = sum(overlap(place, other) for other in taken)
        if best is None or covered < best[0]:
            best = covered, place
        if not covered:
            break
    assert best is not None
    taken.append(best[1])
    tag.paint(canvas, best[1][0], best[1][1])


ELEMENT = Element("objects", "boxes and names of objects", mark=mark, label=label, default=True, key="o")
