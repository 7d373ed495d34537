"""Where a crop lies in its picture, and how two of them, or two boxes, compare. Plain geometry."""

import math

import cv2
import numpy as np

from emotion_core.faces.crop import crop_matrix
from emotion_core.types import Box, Pose

# Two crops are one for the mesh while the logarithms of their sizes differ by less than this, they are turned
# by less than so many radians, and their middles lie less than this share of a side apart.
_ZOOM, _TURN, _SHIFT = 0.14, math.radians(8), 0.08
_SAME = 0.45  # of a face's size: two faces nearer than this are one
GREY = (128, 128, 128)
"""What is put around a crop that fills its picture."""


def sound(points: np.ndarray) -> bool:
    """Tell whether a crop can be laid by five points: they have not fallen together."""
    try:
        crop_matrix(points)
    except ValueError:
        return False
    return True


def head_pose(rotation: np.ndarray, region: np.ndarray) -> Pose:
    """Return the head's angles in the picture from its rotation in an upright crop.

    The rotation is taken apart as Rz Ry Rx; the crop's own turn is added to the roll.
    """
    scale = np.linalg.norm(rotation, axis=0).clip(1e-9)
    (xx, _, _), (yx, _, _), (zx, zy, zz) = (rotation / scale).tolist()
    yaw = math.asin(max(-1.0, min(1.0, -zx)))
    pitch = -math.atan2(zy, zz)
    roll = -math.atan2(yx, xx) + math.atan2(region[0, 1], region[0, 0])
    roll = (roll + math.pi) % (2 * math.pi) - math.pi
    return Pose(*map(math.degrees, (yaw, pitch, roll)))


def apart(region: np.ndarray, other: np.ndarray, side: int) -> float:
    """Tell how ill one crop of `side` pixels stands for another, by size, turn and place; below 1 it does."""
    # plain numbers: both are [[a, b, x], [-b, a, y]], and every frame asks
    ((a, b, x), (_, _, y)), ((c, d, u), (_, _, v)) = region.tolist(), other.tolist()
    zoom = math.log(math.hypot(a, b) / math.hypot(c, d))
    turn = (math.atan2(b, a) - math.atan2(d, c) + math.pi) % (2 * math.pi) - math.pi
    right, down, size = side / 2 - u, side / 2 - v, c * c + d * d
    at_x, at_y = (c * right - d * down) / size, (d * right + c * down) / size  # the other's middle
    shift = math.hypot(a * at_x + b * at_y + x - side / 2, a * at_y - b * at_x + y - side / 2) / side
    return max(abs(zoom) / _ZOOM, abs(turn) / _TURN, shift / _SHIFT)


def turned(region: np.ndarray, degrees: float, side: int) -> np.ndarray:
    """Turn the crop of `side` pixels that a similarity (2, 3) lays, about its middle."""
    if degrees == 0:
        return region
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), degrees, 1.0)
    return np.column_stack([turn[:, :2] @ region[:, :2], turn[:, :2] @ region[:, 2] + turn[:, 2]])


def plausible(before: Box, now: Box) -> bool:
    """Tell whether one face can have gone from `before` to `now` in a frame."""
    size = max(before.width, before.height)
    dx = before.x + before.width / 2 - now.x - now.width / 2
    dy = before.y + before.height / 2 - now.y - now.height / 2
    return bool(np.hypot(dx, dy) < 0.7 * size and 0.55 < max(now.width, now.height) / size < 1.8)


def area(box: Box) -> float:
    """Return a box's area in square pixels."""
    return box.width * box.height


def inside(image: np.ndarray, box: Box) -> bool:
    """Tell whether a box's middle lies in the picture."""
    x, y = box.x + box.width / 2, box.y + box.height / 2
    return 0 <= x < image.shape[1] and 0 <= y < image.shape[0]


def pad(picture: np.ndarray, margin: int) -> np.ndarray:
    """Put `margin` pixels of grey around a picture."""
    if margin == 0:
        return picture
    return cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=GREY)


def center(box: Box) -> np.ndarray:
    """Return the centre (2,) of a box."""
    return np.array([box.x + box.width / 2, box.y + box.height / 2])


def size_of(box: Box) -> float:
    """Return the side of a square as large as a box, in pixels."""
    return math.sqrt(box.width * box.height)


def one_face(a: Box, b: Box) -> bool:
    """Tell whether two boxes lie so near that they hold one face."""
    return math.hypot(*_between(a, b)) < _SAME * min(size_of(a), size_of(b)) or a.iou(b) > 0.55


def covers(a: Box, b: Box) -> bool:
    """Tell whether two faces stand so near that one may hide a part of the other."""
    return max(map(abs, _between(a, b))) < (size_of(a) + size_of(b)) * 0.5


def touch(a: Box, b: Box) -> bool:
    """Tell whether two faces stand so near that each shows in the other's surroundings."""
    return max(map(abs, _between(a, b))) < (size_of(a) + size_of(b)) * 0.9


def _between(a: Box, b: Box) -> tuple[float, float]:
    """Return how far the middle of one box lies from that of another: in plain numbers, for all pairs ask."""
    return a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2
