"""The only path from a picture to the network's input: training, evaluation, live and export all use it."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

SIZE = 224
"""Side of the network's input picture in pixels."""

KEY_POINTS: tuple[int, ...] = (
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 195, 4, 240, 75, 1, 305, 460),  # nose
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),  # outer lip
    *(78, 82, 13, 312, 308, 317, 14, 87),  # inner lip
)
"""MediaPipe mesh indices of the 50 key points: the 51 inner iBUG-68 points less one of the nose bridge."""

_KEY = np.array(KEY_POINTS)
_FIVE = np.array([[33, 362, 4, 61, 291], [133, 263, 4, 61, 291]])  # the mean of both

COLOR = 0.08
"""Saturation above which a picture counts as one in colour; skin lies at 0.2 to 0.6."""

_FACE_SIDE = 2.7  # side of the crop in units of face scale: frames a face as FER2013 does on average
_EYE_HEIGHT = 0.385  # where the eye line lies in the crop, from the top
_EYE_MOUTH = 0.93  # eye-to-mouth distance of a frontal face in units of its eye distance, inverted


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Give right eye, left eye, nose tip, right and left mouth corner (5, 2) of a mesh (478, 2) in pixels."""
    return ((landmarks[_FIVE[0]] + landmarks[_FIVE[1]]) / 2).astype(np.float32)


def crop_matrix(points: np.ndarray, size: int = SIZE, margin: float = 1.0) -> np.ndarray:
    """Return the (2, 3) similarity that maps picture pixels to an upright crop of `size` x `size`.

    `points` are the five of `five_points`, in pixels. The scale is the larger of the eye distance and the
    weighted eye-to-mouth distance, so that neither a turned nor a bowed head shrinks it; the upright
    direction comes from eyes and mouth together. `margin` widens the field of view about the same centre.

    Raises:
        ValueError: where the five points fall together.
    """
    # plain numbers: NumPy takes five times as long for so few, and every frame asks thrice
    right_eye, left_eye, _, right_mouth, left_mouth = np.asarray(points, np.float64).tolist()
    eyes_x, eyes_y = (right_eye[0] + left_eye[0]) / 2, (right_eye[1] + left_eye[1]) / 2
    across_x, across_y = left_eye[0] - right_eye[0], left_eye[1] - right_eye[1]
    mouth_x, mouth_y = (right_mouth[0] + left_mouth[0]) / 2, (right_mouth[1] + left_mouth[1]) / 2
    down_x, down_y = mouth_x - eyes_x, mouth_y - eyes_y
    scale = max(math.hypot(across_x, across_y), _EYE_MOUTH * math.hypot(down_x, down_y))
    axis_x, axis_y = across_x + down_y, across_y - down_x  # both point to the right on an upright face
    length = math.hypot(axis_x, axis_y)
    if not math.isfinite(length) or scale < 1e-6 or length < 1e-6:
        raise ValueError("the five points of a face fall together")
    side = _FACE_SIDE * scale
    below = (0.5 - _EYE_HEIGHT) * side / length
    center_x, center_y = eyes_x - below * axis_y, eyes_y + below * axis_x
    zoom = size / (side * margin * length)
    a, b, middle = zoom * axis_x, zoom * axis_y, (size - 1) / 2
    return np.array(
        [
            [a, b, middle - a * center_x - b * center_y],
            [-b, a, middle + b * center_x - a * center_y],
        ]
    )


def crop_face(image: np.ndarray, points: np.ndarray, size: int = SIZE, margin: float = 1.0) -> np.ndarray:
    """Cut the upright crop (size, size, 3) of a face out of an RGB uint8 picture.

    What lies outside the picture repeats its border.
    """
    return warp(image, crop_matrix(points, size, margin), size)


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Cut out the crop (size, size, 3) to which the similarity `matrix` (2, 3) maps picture pixels."""
    zoom = float(np.hypot(*matrix[:, 0]))
    if zoom < 0.5:  # average before thinning out, or a large face aliases; first cut the region out
        corners = cv2.invertAffineTransform(matrix) @ np.array(
            [[0, size, 0, size], [0, 0, size, size], [1, 1, 1, 1]], np.float64
        )
        height, width = image.shape[:2]
        x0, y0 = np.clip(np.floor(corners.min(1)).astype(int) - 2, 0, [width - 1, height - 1])
        x1, y1 = np.clip(np.ceil(corners.max(1)).astype(int) + 2, [x0 + 1, y0 + 1], [width, height])
        factor = 2 * zoom
        part = image[y0:y1, x0:x1]
        small = cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        grow = np.array([small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]])
        # small pixel u relates to picture pixel p by p = (u + 0.5) / grow - 0.5 + (x0, y0)
        offset = 0.5 / grow - 0.5 + np.array([x0, y0])
        matrix = np.column_stack([matrix[:, :2] / grow, matrix[:, :2] @ offset + matrix[:, 2]])
        image = small
    return cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def to_tensor(crops: Sequence[np.ndarray]) -> np.ndarray:
    """Turn crops (RGB uint8, any size, or grey (H, W)) into the network's input (N, 3, 224, 224) float32.

    The three channels are one piece of memory, which is not to be written to.

    Each becomes grey, repeated in the three channels: most labelled faces are grey, and colour tells
    more of the camera than of the expression. Then its own mean is taken off and its own spread divided
    out, which makes dark and flat pictures look like others.
    """
    return np.broadcast_to(standardized(crops, SIZE)[:, None], (len(crops), 3, SIZE, SIZE))


def standardized(crops: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Turn crops (RGB uint8, any size, or grey (H, W)) into grey ones of mean 0 and spread 1.

    Gives (N, size, size), float32. Pictures that are nearly flat keep a smaller spread, or noise would be all
    that is left of them.
    """
    batch = np.empty((len(crops), size, size), np.float32)
    for row, crop in zip(batch, crops, strict=True):
        grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
        if grey.shape != (size, size):
            shrinks = max(grey.shape) > size
            grey = cv2.resize(
                grey, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            )
        mean, spread = cv2.meanStdDev(grey)
        np.subtract(grey, np.float32(mean.item()), out=row)
        row /= max(spread.item(), 4.0)
    return batch


def has_colors(crop: np.ndarray) -> bool:
    """Tell whether an RGB uint8 crop (H, W, 3) is more than shades of grey.

    The network does not see colours. Its confidence is calibrated apart for pictures that have them: all
    labelled grey pictures come from sets with clear labels, all labelled colour pictures from the wild.
    """
    red, green, blue = np.moveaxis(crop[::8, ::8], 2, 0)  # each for itself: to reduce by three takes long
    brightest = np.maximum(np.maximum(red, green), blue)
    darkest = np.minimum(np.minimum(red, green), blue)
    return bool((brightest - darkest).sum() > COLOR * brightest.sum())


def key_points(landmarks: np.ndarray) -> np.ndarray:
    """Pick the 50 key points (50, 2) out of a mesh (478, 2)."""
    return landmarks[_KEY].astype(np.float32)


def normalize_landmarks(points: np.ndarray) -> np.ndarray:
    """Align 50 key points (50, 2) in pixels: eyes level, centred on their mean, outer-eye distance 1.

    Raises:
        ValueError: where the outer corners of the eyes fall together.
    """
    points = np.asarray(points, np.float64)
    right, left = points[KEY_POINTS.index(33)], points[KEY_POINTS.index(263)]
    axis = left - right
    distance = np.hypot(*axis)
    if not np.isfinite(distance) or distance < 1e-6:
        raise ValueError("the outer corners of the eyes fall together")
    cos, sin = axis / distance
    turned = (points - points.mean(0)) @ np.array([[cos, -sin], [sin, cos]])
    return (turned / distance).astype(np.float32)
