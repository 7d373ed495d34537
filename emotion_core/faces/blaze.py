"""BlazeFace, the detector in MediaPipe's bundle: where the mesh has to look in a picture of one face."""

import math

import cv2
import numpy as np

from emotion_core.faces.litert import Model

LEAST_SCORE = 0.3
"""Low, since whoever asks takes it for given that there is a face."""

_SIDE = 128
_GRIDS = ((16, 2), (8, 6))  # places a side, and how many boxes are guessed at each
_ALIKE = 0.5  # boxes that overlap by more than this share are averaged
_WIDER = 1.5  # what the mesh sees, in units of the detector's box


class BlazeFace:
    """The short-range model (Bazarevsky et al. 2019); thread-safe.

    Args:
        content: `face_detector.tflite` of the bundle.
        copies: how many pictures may be searched at once.

    Raises:
        ImportError: where LiteRT can't be imported.
        ValueError: where the content is no such model.
    """

    def __init__(self, content: bytes, copies: int = 1) -> None:
        self._net = Model(content, copies, scale=1 / 127.5, offset=-1.0)
        self._anchors = np.concatenate([np.repeat(_middles(count), each, 0) for count, each in _GRIDS])

    def region(self, image: np.ndarray, side: int) -> np.ndarray | None:
        """Return the similarity (2, 3) to the crop of `side` pixels around the face of an RGB uint8 picture.

        Its eyes are level in the crop. None where no face is seen.
        """
        height, width = image.shape[:2]
        zoom = _SIDE / max(height, width)
        shift = _SIDE / 2 - np.array([width, height]) / 2 * zoom
        # pixel centres lie at half numbers of the square, and at whole ones for OpenCV
        fit = np.column_stack([np.eye(2) * zoom, shift])
        found = self._best(cv2.warpAffine(image, fit, (_SIDE, _SIDE)))
        if found is None:
            return None
        box, eyes = found
        (x, y), (reach, _) = (box[:2] - shift) / zoom, box[2:] / zoom
        turn = math.atan2(*(eyes[1] - eyes[0])[::-1])
        scale = side / (_WIDER * reach)
        cos, sin = scale * math.cos(turn), scale * math.sin(turn)
        middle = side / 2
        return np.array(
            [[cos, sin, middle - cos * x - sin * y], [-sin, cos, middle + sin * x - cos * y]], np.float64
        )

    def _best(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return centre, width and height (4,) and both eyes (2, 2) of the surest face, in pixels."""
        regressed, logits = self._net(picture)
        at = np.flatnonzero(logits > math.log(LEAST_SCORE / (1 - LEAST_SCORE)))
        if not len(at):
            return None
        score = 1 / (1 + np.exp(-logits[at].clip(-100, 100)))
        rows = regressed.reshape(-1, 16)[at, :8]
        rows[:, :2] += self._anchors[at]
        rows[:, 4:] += np.tile(self._anchors[at], 2)
        best = int(score.argmax())
        alike = _overlap(rows[:, :4], rows[best, :4]) > _ALIKE
        alike[best] = True
        mean = score[alike] @ rows[alike] / score[alike].sum()
        return mean[:4], mean[4:].reshape(2, 2)


def _middles(count: int) -> np.ndarray:
    """Return the middles (count * count, 2) of a grid's places in pixels, row by row."""
    line = (np.arange(count, dtype=np.float32) + 0.5) * _SIDE / count
    return np.stack(np.meshgrid(line, line), 2).reshape(-1, 2)


def _overlap(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return what boxes (N, 4) share with one, both by centre and size: intersection over union (N,)."""
    low = np.maximum(boxes[:, :2] - boxes[:, 2:] / 2, box[:2] - box[2:] / 2)
    high = np.minimum(boxes[:, :2] + boxes[:, 2:] / 2, box[:2] + box[2:] / 2)
    shared = (high - low).clip(0).prod(1)
    return shared / (boxes[:, 2:].prod(1) + box[2:].prod() - shared).clip(1e-9)
