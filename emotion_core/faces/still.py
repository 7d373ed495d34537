"""A face that hardly changes from one frame to the next: its reading is carried on, moved along with it.

Nine tenths of a frame's work are the mesh and the network, and most frames of a video show a face as the one
before did. A thumbnail of the face tells: the one from when it was last read is laid over the newest (the
Gauss-Newton step of Lucas and Kanade 1981, for shift, size, turn and light), and what is left in the worst
part of the face is compared with the face's own contrast. The reference is always a face that was really
read, so that nothing drifts; another face at its place, as after a cut, differs by more than all limits.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from emotion_core.faces.crop import crop_matrix, five_points
from emotion_core.types import Box, DetectedFace

SIDE = 40
"""Side of the thumbnail in pixels; it shows what the network's own crop does."""

CHANGE = 0.2
"""Change of the worst part, in units of the face's contrast, at which a face is read again at once.

The n-th frame in a row that is not read may have changed by an n-th of it.
"""

MOST = 4
"""Frames in a row for which a reading is carried on at most."""

CHANGE_POINTS = 0.35
"""The same for the mesh alone: its points are moved along, for one frame, and the expression is read anew.

For two or three in a row where several faces are followed.
"""

_PARTS = 8  # parts a side, of which the worst counts: a lid or the corner of a mouth fills one
# What a step can be trusted for: pixels of the thumbnail, then the most that contrast may change by, as a
# share, and brightness, in grey levels.
_MOST_STEP = 1.0, 1.0, 1.0, 1.0, 0.15, 20.0
_FLAT = 4.0  # least contrast in grey levels, as in `crop.to_tensor`
_AXIS = (np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2) / (SIDE / 2)
_X, _Y = (axis.ravel() for axis in np.meshgrid(_AXIS, _AXIS))
_DAMPING = 1e-3 * np.eye(6, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """A face as it was last read, and how it looked: a grey thumbnail float32 (SIDE, SIDE).

    `matrix` (2, 3) maps pixels of the picture to those of the thumbnail, `contrast` is its spread.
    """

    face: DetectedFace
    picture: np.ndarray
    matrix: np.ndarray
    contrast: float


def anchored(image: np.ndarray, face: DetectedFace) -> DetectedFace:
    """Return a face of an RGB uint8 picture with what the frames to come are compared with."""
    matrix = crop_matrix(face.points, SIDE)
    picture = _thumbnail(image, matrix)
    return replace(face, anchor=Anchor(face, picture, matrix, max(float(picture.std()), _FLAT)))


def carried(image: np.ndarray, last: DetectedFace, spared: int = 1) -> DetectedFace | None:
    """Return the face of the frame before as it lies in this RGB uint8 picture, where it hardly changed.

    Its anchor is that of `last` where the expression is still as it was read, and a new one where only the
    mesh is, which may be `spared` frames in a row. None where the mesh is to be read again.
    """
    anchor = last.anchor
    if not isinstance(anchor, Anchor):
        return None
    in_a_row, held = last.held - anchor.face.held, last.held + 1
    apart = (_thumbnail(image, anchor.matrix) - anchor.picture).ravel()
    if not apart.any() and in_a_row < MOST:
        return replace(anchor.face, anchor=anchor, held=held)
    step, left = _fit(anchor.picture, apart)
    left /= anchor.contrast
    if any(abs(s) > most for s, most in zip(step.tolist(), _MOST_STEP, strict=True)):
        return None
    if in_a_row < MOST and left * (in_a_row + 1) <= CHANGE:
        return _moved(anchor, step, held, anchor)
    if last.held < spared and left <= CHANGE_POINTS:
        return anchored(image, _moved(anchor, step, held))
    return None


def _thumbnail(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    # four samples a pixel, however large the face: averaging all of it would take longer than it saves
    finer = 2 * matrix
    finer[:, 2] += 0.5
    crop = cv2.warpAffine(
        image, finer, (2 * SIDE, 2 * SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _fit(picture: np.ndarray, apart: np.ndarray) -> tuple[np.ndarray, float]:
    """Explain differences (SIDE * SIDE,) from `picture` by movement and light.

    Gives how far the face went to the right and down, how much it grew and turned, both in pixels at the
    edge, by what share its contrast rose and by how many grey levels its brightness; and the mean difference
    that is left in the worst part, in grey levels.
    """
    maps = np.empty((6, SIDE, SIDE), np.float32)
    _slopes(picture, maps[0])
    _slopes(picture.T, maps[1].T)
    rows = maps.reshape(6, -1)
    right, down = rows[0], rows[1]  # each with its sign turned, as where a face goes its picture comes from
    np.add(_X * right, _Y * down, out=rows[2])
    np.subtract(_X * down, _Y * right, out=rows[3])
    np.subtract(picture.ravel(), picture.mean(), out=rows[4])
    rows[5] = 1
    step = np.linalg.solve(rows @ rows.T + _DAMPING, rows @ apart)
    left = np.abs(apart - step @ rows).reshape(SIDE, SIDE)
    return step, float(cv2.resize(left, (_PARTS, _PARTS), interpolation=cv2.INTER_AREA).max())


def _slopes(picture: np.ndarray, out: np.ndarray) -> None:
    """Write by how much a picture (H, W) falls from each column to the next, in the middle of three."""
    np.subtract(picture[:, :-2], picture[:, 2:], out=out[:, 1:-1])
    out[:, 1:-1] *= 0.5
    np.subtract(picture[:, 0], picture[:, 1], out=out[:, 0])
    np.subtract(picture[:, -2], picture[:, -1], out=out[:, -1])


def _moved(anchor: Anchor, step: np.ndarray, held: int, kept: Anchor | None = None) -> DetectedFace:
    """Move the face of an anchor as `_fit` says."""
    face, (right, down, grown, turned) = anchor.face, step[:4].tolist()
    half, middle = SIDE / 2, (SIDE - 1) / 2
    # Of similarities [[a, -b], [b, a]] the order does not matter: the crop's own and its inverse drop out.
    ((a, b, x), (_, _, y)) = anchor.matrix.tolist()
    grow, turn, size = 1 + grown / half, turned / half, a * a + b * b
    x, y = x - middle, y - middle
    along, across = grow * x - turn * y + right - x, turn * x + grow * y + down - y
    there = np.array(
        [
            [grow, -turn, (a * along - b * across) / size],
            [turn, grow, (b * along + a * across) / size],
        ]
    )
    assert face.landmarks is not None
    landmarks = cv2.transform(face.landmarks[None], there)[0]
    low, high = landmarks.min(0).tolist(), landmarks.max(0).tolist()
    box = Box(low[0], low[1], high[0] - low[0], high[1] - low[1])
    points = five_points(landmarks)
    return replace(face, box=box, points=points, landmarks=landmarks, anchor=kept, held=held)
