"""The overlay: what the core knows about a frame, drawn so that a person reads it at a glance.

`draw` makes a new picture; sizes follow the frame, so it reads alike at 320 pixels and at 4K. Panels keep
off the faces: beside, below or above where there is room, as a short label where there is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from emotion_core.overlay import panels, sprites
from emotion_core.overlay.panels import DIM, PAPER, Metrics
from emotion_core.overlay.placement import Memory, Placed, Planner, Rect, overlap
from emotion_core.palette import ACCENT, UNCERTAIN, color_of, rgb
from emotion_core.types import Box, DetectedObject, Face, Frame

__all__ = ["DrawStyle", "Memory", "draw", "hide", "mirrored", "scaled"]

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


@dataclass(frozen=True, slots=True)
class DrawStyle:
    """What the overlay shows.

    `panel` off leaves the box and a one-line label; `bars` and `va` are the probability bars and the
    valence and arousal rows of the panel. `hide_faces` pixelates every face beyond recognition and leaves
    its landmarks out; the rest of the overlay stays. `people` off leaves out the boxes of the class "person".
    `mirror` shows the picture as a mirror does, the text not. `scale` in [0.5, 3] makes everything
    smaller or larger.
    """

    panel: bool = True
    bars: bool = True
    va: bool = True
    landmarks: bool = False
    pose: bool = False
    hide_faces: bool = False
    objects: bool = True
    people: bool = True
    mirror: bool = False
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0.5 <= self.scale <= 3:
            raise ValueError(f"scale lies in [0.5, 3], not {self.scale}")


def draw(
    frame: Frame | np.ndarray,
    faces: Sequence[Face],
    objects: Sequence[DetectedObject] = (),
    *,
    fps: float | None = None,
    latency_ms: float | None = None,
    style: DrawStyle = DrawStyle(),
    memory: Memory | None = None,
    note: str = "",
) -> np.ndarray:
    """Draw faces and objects onto a copy of a frame: RGB uint8 (H, W, 3), the size of the frame.

    `fps` and `latency_ms` (milliseconds) show in a corner in live mode, with `note`, a few words.
    `memory` is a dict that the caller keeps per stream: with it panels stay where they are from frame to
    frame. A picture that is not RGB uint8 raises ValueError.
    """
    image = (frame if isinstance(frame, Frame) else Frame(frame)).image
    canvas = np.array(image[:, ::-1] if style.mirror else image, order="C")
    height, width = canvas.shape[:2]
    if not height or not width:
        return canvas
    if style.mirror:
        faces, objects = mirrored(faces, objects, width)
    metrics = Metrics.of(width, height, style.scale)
    boxes = [_rect(face.box) for face in faces]
    if style.hide_faces:
        for box in boxes:
            hide(canvas, box)
    seen = [thing for thing in objects if style.people or thing.label != "person"] if style.objects else []
    for thing in seen:
        _object_box(canvas, _rect(thing.box), metrics)
    for face, box in zip(faces, boxes, strict=True):
        _face_marks(canvas, face, box, metrics, style)

    reserved: list[Rect] = []
    status = panels.status_line(fps, latency_ms, note)
    if status:
        reserved.append(_status(canvas, status, boxes, metrics))
    plan: list[Placed] = []
    if faces:
        card = panels.Chooser(faces, metrics, style.panel, style.bars, style.va)
        planner = Planner((width, height), boxes, card.size, panels.LEVELS, metrics.gap, reserved)
        plan = planner.solve([face.id for face in faces], memory)
        for i, (box, place) in enumerate(zip(boxes, plan, strict=True)):
            panel = card.panel(i, place.level)
            assert panel is not None  # the planner places only what was offered
            _tie(canvas, box, place, panel.color, metrics)
            panel.paint(canvas, place.rect[0], place.rect[1])
    taken = boxes + reserved + [place.rect for place in plan]
    for thing in seen:
        _object_label(canvas, thing, taken, metrics)
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


def _rect(box: Box) -> Rect:
    left, top = round(box.x), round(box.y)
    return left, top, max(left + 1, round(box.x + box.width)), max(top + 1, round(box.y + box.height))


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


def _face_marks(canvas: np.ndarray, face: Face, box: Rect, metrics: Metrics, style: DrawStyle) -> None:
    color = rgb(UNCERTAIN if face.uncertain else color_of(face.emotion))
    if style.landmarks and face.landmarks is not None and not style.hide_faces:
        _landmarks(canvas, face.landmarks, metrics)
    if style.pose and face.pose is not None:
        _pose(canvas, face, box, metrics)
    _brackets(canvas, box, color, metrics.line)


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
    cv2.polylines(canvas, lines, False, (12, 14, 18), line + max(2, line), cv2.LINE_AA)
    cv2.polylines(canvas, lines, False, color, line, cv2.LINE_AA)


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


def _pose(canvas: np.ndarray, face: Face, box: Rect, metrics: Metrics) -> None:
    """Where the nose points: a line from the middle of the face, and its roll as a level bar."""
    assert face.pose is not None
    yaw, pitch, roll = np.radians([face.pose.yaw, face.pose.pitch, face.pose.roll])
    size = 0.5 * min(box[2] - box[0], box[3] - box[1])
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    tip = middle + size * np.array([-np.sin(yaw), -np.sin(pitch)])
    level = 0.5 * size * np.array([np.cos(roll), np.sin(roll)])

    def at(point: np.ndarray) -> tuple[int, int]:
        return int(round(point[0])), int(round(point[1]))

    for color, line in (((12, 14, 18), metrics.line + 2), (PAPER, metrics.line)):
        cv2.line(canvas, at(middle - level), at(middle + level), color, line, cv2.LINE_AA)
        cv2.arrowedLine(canvas, at(middle), at(tip), color, line, cv2.LINE_AA, 0, 0.2)


# ---------------------------------------------------------------- objects and status


def _object_box(canvas: np.ndarray, box: Rect, metrics: Metrics) -> None:
    corners = (box[0], box[1]), (box[2] - 1, box[3] - 1)
    # Finer than a face's lines, which come first; the accent shows on dark and on bright by itself.
    cv2.rectangle(canvas, *corners, rgb(ACCENT), max(1, round(metrics.line * 0.55)), cv2.LINE_AA)


def _object_label(canvas: np.ndarray, thing: DetectedObject, taken: list[Rect], metrics: Metrics) -> None:
    """A tag at a corner of the object's box that is free; where none is, the one that covers least."""
    height, width = canvas.shape[:2]
    box = _rect(thing.box)
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
        rect = (x, y, x + w, y + h)
        covered = sum(overlap(rect, other) for other in taken)
        if best is None or covered < best[0]:
            best = covered, rect
        if not covered:
            break
    assert best is not None
    taken.append(best[1])
    tag.paint(canvas, best[1][0], best[1][1])


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
