"""The panel of a face: its emotion, the bars of all categories, valence and arousal."""

import cv2
import numpy as np

from emotion_core.overlay import panels, sprites
from emotion_core.overlay.elements.base import Element, Scene
from emotion_core.overlay.panels import Metrics
from emotion_core.overlay.placement import NOWHERE, Memory, Placed, Planner, Rect


def label(scene: Scene) -> None:
    """Put a panel to every face, as large as there is room for."""
    put(scene, whole=True)


def put(scene: Scene, *, whole: bool) -> None:
    """Put a panel to every face; without `whole` one line."""
    if not scene.faces:
        return
    height, width = scene.canvas.shape[:2]
    boxes, ids = list(scene.boxes), [face.id for face in scene.faces]
    steps = scene.memory.steps if isinstance(scene.memory, Memory) else None
    sizes = panels.sizes_beside(boxes, ids, (width, height), scene.scale, steps)
    card = panels.Chooser(scene.faces, sizes, whole, scene.bars, scene.va, scene.language)
    gap = scene.metrics.gap
    planner = Planner((width, height), boxes, card.size, panels.LEVELS, gap, scene.taken, short=panels.LEVELS)
    plan = planner.solve(ids, scene.memory)
    for i, (box, place) in enumerate(zip(boxes, plan, strict=True)):
        if place.slot == NOWHERE:
            continue
        panel = card.panel(i, place.level)
        assert panel is not None  # the planner places only what was offered
        _tie(scene.canvas, box, place, panel.color, scene.metrics)
        panel.paint(scene.canvas, place.rect[0], place.rect[1])
    scene.taken += [place.rect for place in plan if place.slot != NOWHERE]


def _tie(canvas: np.ndarray, box: Rect, place: Placed, color: sprites.Color, metrics: Metrics) -> None:
    """A short line from the box to its panel, so that no panel is read as a neighbour's."""
    side = place.slot.partition("-")[0]
    left, top, right, bottom = place.rect
    middle = (max(left, box[0]) + min(right, box[2])) // 2
    level = max(top, box[1]) + min(2 * metrics.gap, max(1, (min(bottom, box[3]) - max(top, box[1])) // 2))
    ends = {
        "right": ((box[2], level), (left, level)),
        "left": ((box[0] - 1, level), (right - 1, level)),
        "below": ((middle, box[3]), (middle, top)),
        "above": ((middle, box[1] - 1), (middle, bottom - 1)),
    }
    if side in ends:
        cv2.line(canvas, *ends[side], color, metrics.line, cv2.LINE_AA)


ELEMENT = Element("panel", "bars, valence and arousal beside each face", label=label, default=True)
