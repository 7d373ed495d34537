"""MediaPipe's short-range detector (BlazeFace), out of the bundle that the mesh comes from, run by OpenCV.

It was made for the camera of a phone and is at its best on faces that take up a fifth of the picture or more;
smaller ones are looked for in overlapping tiles, which makes it slower than YuNet.
"""

import threading
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from emotion_core.faces.detector import DetectorKind
from emotion_core.faces.weights import find_landmarker
from emotion_core.faces.yunet import suppress
from emotion_core.types import Box, Candidate, EmotionError

_MODEL = "face_detector.tflite"
_SIDE = 128  # pixels of the network's input
_GRIDS = ((16, 2), (8, 6))  # places a side, and answers a place
_TILE = 256  # pixels of a tile, where the longer side of the picture has as many as the caller asks for
_SHARED = 0.5  # of a tile that its neighbour also shows
_MOUTH = 0.36  # from the middle of the mouth to a corner, in units of the distance of the eyes


class ShortRange:
    """The detector (Bazarevsky et al. 2019, BlazeFace: Sub-millisecond Neural Face Detection).

    Thread-safe, one picture at a time. It gives the middle of the mouth: the corners are laid beside it,
    along the line of the eyes.
    """

    least = 0.5
    least_alone = 0.75

    def __init__(self, bundle: Path | None = None) -> None:
        self._net = _load(bundle or find_landmarker())
        self._lock = threading.Lock()  # OpenCV's networks keep the picture that they are given
        self._places = _places()

    def detect(self, image: np.ndarray, sides: Iterable[int], least: float) -> list[Candidate]:
        """Find the faces of an RGB uint8 picture (H, W, 3), best first; see `Detector`."""
        height, width = image.shape[:2]
        tiles = {tile for side in sides for tile in _tiles(width, height, side)}
        found = [face for x, y, edge in sorted(tiles) for face in self._at(image, x, y, edge, least)]
        return suppress(found)

    def _at(self, image: np.ndarray, x: int, y: int, edge: int, least: float) -> Iterator[Candidate]:
        """Look at a square tile; what of it lies outside the picture is black."""
        part = image[y : y + edge, x : x + edge]
        zoom = _SIDE / edge
        size = max(1, round(part.shape[1] * zoom)), max(1, round(part.shape[0] * zoom))
        square = np.zeros((_SIDE, _SIDE, 3), np.uint8)
        square[: size[1], : size[0]] = cv2.resize(
            part, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        )
        blob = cv2.dnn.blobFromImage(square, 1 / 127.5, mean=(127.5, 127.5, 127.5))  # RGB in [-1, 1]
        with self._lock:
            self._net.setInput(blob)
            logits, answers = (out.copy() for out in self._net.forward(["classificators", "regressors"]))
        scores = 1 / (1 + np.exp(-logits[0, :, 0].clip(-80, 80)))
        likely = np.flatnonzero(scores >= least)
        answer = answers[0, likely] / _SIDE  # (N, 16): middle, width and height, six points; in tiles
        spots = answer[:, [0, 1, *range(4, 16)]].reshape(-1, 7, 2) + self._places[likely, None]
        for score, size_of, (middle, *points) in zip(scores[likely], answer[:, 2:4], spots, strict=True):
            w, h = size_of * edge
            if not (np.isfinite([*middle, w, h, *np.ravel(points)]).all() and min(w, h) >= 1):
                continue
            left, top = middle * edge + (x, y) - (w / 2, h / 2)
            five = _five(np.array(points) * edge + (x, y))
            yield Candidate(Box(float(left), float(top), float(w), float(h)), float(score), five)


def _five(six: np.ndarray) -> np.ndarray:
    """Return the five points of a face from eyes, nose, middle of the mouth and ears, (6, 2) in pixels."""
    right_eye, left_eye, nose, mouth = six[:4]
    along = _MOUTH * (left_eye - right_eye)
    return np.stack([right_eye, left_eye, nose, mouth - along, mouth + along]).astype(np.float32)


def _tiles(width: int, height: int, side: int) -> Iterator[tuple[int, int, int]]:
    """Yield the square tiles (x, y, edge) of a picture for one `side`, and the one that shows all of it.

    >>> list(_tiles(200, 100, 192))
    [(0, 0, 200)]
    """
    longest = max(width, height)
    yield 0, 0, longest
    edge = round(longest * _TILE / side)
    if edge >= longest:
        return
    for x in _starts(width, edge):
        for y in _starts(height, edge):
            yield x, y, edge


def _starts(length: int, edge: int) -> list[int]:
    if length <= edge:
        return [0]
    count = 1 + -(-(length - edge) // round(edge * (1 - _SHARED)))
    return [round(i * (length - edge) / (count - 1)) for i in range(count)]


def _places() -> np.ndarray:
    """Return where each of the 896 answers counts from, (896, 2) x and y in units of the tile."""
    places = [
        ((column + 0.5) / cells, (row + 0.5) / cells)
        for cells, answers in _GRIDS
        for row in range(cells)
        for column in range(cells)
        for _ in range(answers)
    ]
    return np.array(places, np.float32)


def _load(bundle: Path) -> "cv2.dnn.Net":
    try:
        with zipfile.ZipFile(bundle) as parts:
            model = parts.read(_MODEL)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise EmotionError(
            f"{bundle} holds no face detector; give the path of face_landmarker.task"
        ) from error
    try:
        return cv2.dnn.readNetFromTFLite(np.frombuffer(model, np.uint8))
    except cv2.error as error:
        raise EmotionError(f"{bundle} holds a damaged face detector: fetch it again") from error


DETECTOR = DetectorKind(
    "short_range", "MediaPipe's, for faces near the camera; one of the mesh's own models", ShortRange
)
