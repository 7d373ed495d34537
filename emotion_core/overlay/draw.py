"""The overlay: what the core knows about a frame, drawn so that a person reads it at a glance.

`draw` makes a new picture; sizes follow the frame, so it reads alike at 320 pixels and at 4K. Panels keep
off the faces: beside, below or above where there is room, as a short label where there is not.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from emotion_core.overlay import panels
from emotion_core.overlay.elements import ELEMENTS
from emotion_core.overlay.elements.base import Scene, rect
from emotion_core.overlay.panels import DIM, Metrics
from emotion_core.overlay.placement import Memory, Rect, overlap
from emotion_core.overlay.style import DrawStyle
from emotion_core.types import Box, DetectedObject, Face, Frame

__all__ = ["DrawStyle", "Memory", "draw", "hide", "mirrored", "scaled"]


def draw(
    frame: Frame | np.ndarray,
    faces: Sequence[Face],
    objects: Sequence[DetectedObject] = (),
    *,
    fps: float | None = None,
    latency_ms: float | None = None,
    style: DrawStyle | None = None,
    memory: Memory | None = None,
    note: str = "",
    in_place: bool = False,
) -> np.ndarray:
    """Draw faces and objects onto a copy of a frame: RGB uint8 (H, W, 3), the size of the frame.

    With `in_place` the frame's own picture is drawn onto, where it can be: for whoever needs it no more.

    `fps` and `latency_ms` (milliseconds) show in a corner in live mode, with `note`, a few words.
    `memory` is a dict that the caller keeps per stream: with it panels stay where they are from frame to
    frame. A picture that is not RGB uint8 raises ValueError.
    """
    style = style or DrawStyle()
    image = (frame if isinstance(frame, Frame) else Frame(frame)).image
    own = in_place and not style.mirror and image.flags.writeable and image.flags.c_contiguous
    canvas = image if own else np.array(image[:, ::-1] if style.mirror else image, order="C")
    height, width = canvas.shape[:2]
    if not height or not width:
        return canvas
    if style.mirror:
        faces, objects = mirrored(faces, objects, width)
    boxes = [rect(face.box) for face in faces]
    if style.hide_faces:
        for box in boxes:
            hide(canvas, box)
    metrics = Metrics.of(width, height, style.scale)
    scene = Scene(
        canvas,
        faces,
        boxes,
        [thing for thing in objects if style.people or thing.label != "person"],
        metrics,
        taken=[],
        elements=frozenset(style.elements),
        memory=memory,
        bars=style.bars,
        va=style.va,
        hide_faces=style.hide_faces,
    )
    drawn = [element for name, element in ELEMENTS.items() if name in scene.elements]
    for element in drawn:
        if element.mark is not None:
            element.mark(scene)
    status = panels.status_line(fps, latency_ms, note)
    if status:
        scene.taken.append(_status(canvas, status, boxes, metrics))
    for element in reversed(drawn):
        if element.label is not None:
            element.label(scene)
    return canvas


# ---------------------------------------------------------------- geometry


def mirrored(
    faces: Sequence[Face], objects: Sequence[DetectedObject], width: int
) -> tuple[list[Face], list[DetectedObject]]:
    """Give faces and objects as a mirror shows them, in a frame that is `width` pixels wide."""
    return _mapped(faces, objects, 1.0, 1.0, width)


def scaled(
    faces: Sequence[Face], objects: Sequence[DetectedObject], x: float, y: float
) -> tuple[list[Face], list[DetectedObject]]:
    """Give faces and objects for the same frame resized by the factors `x` and `y`."""
    return _mapped(faces, objects, x, y, None)


def _mapped(
    faces: Sequence[Face], objects: Sequence[DetectedObject], sx: float, sy: float, flip: int | None
) -> tuple[list[Face], list[DetectedObject]]:
    def box(b: Box) -> Box:
        x = b.x if flip is None else flip - b.x - b.width
        return Box(x * sx, b.y * sy, b.width * sx, b.height * sy)

    def points(p: np.ndarray | None) -> np.ndarray | None:
        if p is None:
            return None
        moved = np.array(p, np.float32)
        if flip is not None:
            moved[:, 0] = flip - moved[:, 0]
        moved[:, :2] *= (sx, sy)
        return moved

    def face(f: Face) -> Face:
        pose = f.pose
        if pose is not None and flip is not None:
            pose = type(pose)(-pose.yaw, pose.pitch, -pose.roll)
        return Face(
            f.id,
            box(f.box),
            f.emotion,
            f.confidence,
            f.probabilities,
            f.valence,
            f.arousal,
            f.labels,
            f.uncertain,
            points(f.landmarks),
            pose,
            f.blendshapes,
        )

    return [face(f) for f in faces], [DetectedObject(o.label, o.score, box(o.box)) for o in objects]


def _clipped(rect: Rect, width: int, height: int) -> Rect | None:
    left, top, right, bottom = max(rect[0], 0), max(rect[1], 0), min(rect[2], width), min(rect[3], height)
    return (left, top, right, bottom) if left < right and top < bottom else None


# ---------------------------------------------------------------- faces


def hide(canvas: np.ndarray, box: Rect) -> None:
    """Pixelate a face in place, hair and chin included, so that it can't be recognised.

    Six blocks across at most, each rounded to 24 levels: neighbouring frames of a video then add
    nothing that would let the blocks be solved for finer ones.
    """
    height, width = canvas.shape[:2]
    dx, dy = round((box[2] - box[0]) * 0.16), round((box[3] - box[1]) * 0.2)
    area = _clipped((box[0] - dx, box[1] - dy, box[2] + dx, box[3] + dy), width, height)
    if area is None:
        return
    left, top, right, bottom = area
    region = canvas[top:bottom, left:right]
    across = min(6, right - left)
    down = max(1, min(7, round(across * (bottom - top) / (right - left))))
    small = cv2.resize(region, (across, down), interpolation=cv2.INTER_AREA)
    small = np.minimum(small.astype(np.uint16) // 11 * 11 + 5, 255).astype(np.uint8)
    blocks = cv2.resize(small, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
    canvas[top:bottom, left:right] = blocks


def _status(canvas: np.ndarray, line: str, boxes: Sequence[Rect], metrics: Metrics) -> Rect:
    height, width = canvas.shape[:2]
    chip = panels.tag(line, metrics, None, DIM)
    (w, h), gap = chip.size, metrics.gap
    corners = [
        (gap, gap),
        (width - w - gap, gap),
        (gap, height - h - gap),
        (width - w - gap, height - h - gap),
    ]
    rects = [(x, y, x + w, y + h) for x, y in corners]
    best = min(rects, key=lambda rect: sum(overlap(rect, box) for box in boxes))
    chip.paint(canvas, best[0], best[1])
    return best
