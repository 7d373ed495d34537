"""The overlay: what the core knows about a frame, drawn so that a person reads it at a glance.

`draw` makes a new picture; sizes follow the frame, so it reads alike at 320 pixels and at 4K, and are smaller
beside small faces. Panels keep off the faces: beside, below or above where there is room, as a short label
where there is not, over their own face where it must be, never over another's.
"""

from collections.abc import Sequence

import numpy as np

from emotion_core.overlay import panels
from emotion_core.overlay.elements import ELEMENTS
from emotion_core.overlay.elements.base import Scene, rect
from emotion_core.overlay.hiding import hide, places
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
    memory: dict[int, tuple[int, str]] | None = None,
    note: str = "",
    in_place: bool = False,
) -> np.ndarray:
    """Draw faces and objects onto a copy of a frame: RGB uint8 (H, W, 3), the size of the frame.

    With `in_place` the frame's own picture is drawn onto, where it can be: for whoever needs it no more.

    `fps` and `latency_ms` (milliseconds) show in a corner in live mode, with `note`, a few words.
    `memory` is a `Memory` that the caller keeps per stream: with it panels stay where they are from frame to
    frame, and a face that is to be hidden stays so for a second where it is lost, by the frames' times. (A
    plain dict does for the panels alone.) A picture that is not RGB uint8 raises ValueError.
    """
    style = style or DrawStyle()
    frame = frame if isinstance(frame, Frame) else Frame(frame)
    image = frame.image
    own = in_place and not style.mirror and image.flags.writeable and image.flags.c_contiguous
    canvas = image if own else np.array(image[:, ::-1] if style.mirror else image, order="C")
    height, width = canvas.shape[:2]
    if not height or not width:
        return canvas
    kept = memory if isinstance(memory, Memory) else None
    hidden = places(faces, (width, height), frame.time, kept)
    if style.hide_faces:
        for left, top, right, bottom in hidden:
            hide(
                canvas,
                (width - right, top, width - left, bottom) if style.mirror else (left, top, right, bottom),
            )
    if style.mirror:
        faces, objects = mirrored(faces, objects, width)
    boxes = [rect(face.box) for face in faces]
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
        scale=style.scale,
        language=style.language,
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
    """Return faces and objects as a mirror shows them, in a frame that is `width` pixels wide."""
    return _mapped(faces, objects, 1.0, 1.0, width)


def scaled(
    faces: Sequence[Face], objects: Sequence[DetectedObject], x: float, y: float
) -> tuple[list[Face], list[DetectedObject]]:
    """Return faces and objects for the same frame resized by the factors `x` and `y`."""
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
