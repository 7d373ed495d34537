"""YuNet through OpenCV: boxes and five points of every face in a picture, at the scales one asks for."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emotion_core.facemodels import find_yunet
from emotion_core.types import Box

_KEPT_SIZES = 6  # networks laid out for one input size each; laying one out takes longer than a run
_OVERLAP = 0.3
_LEAST_SIDE = 32
_LARGEST = 768  # pixels of the longest part that is looked at in one go
_SHARED = 96  # pixels that neighbouring parts share


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """What the detector says: a box, a score in [0, 1] and five points (5, 2), all in pixels."""

    box: Box
    score: float
    points: np.ndarray


class YuNet:
    """The detector (Wu et al. 2023, YuNet: A Tiny Millisecond-level Face Detector); thread-safe."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = str(path or find_yunet())
        self._lock = threading.Lock()
        self._nets: OrderedDict[tuple[int, int], cv2.FaceDetectorYN] = OrderedDict()

    def detect(self, image: np.ndarray, sides: Iterable[int], least: float) -> list[Candidate]:
        """Find the faces of an RGB uint8 picture (H, W, 3), best first.

        The picture is looked at once per entry of `sides`, scaled so that its longer side has so many
        pixels; a face of 12 to about 400 pixels at one of them is found. `least` is the lowest score.
        """
        found = [face for side in sides for face in self._at(image, side, least)]
        return suppress(found)

    def _at(self, image: np.ndarray, side: int, least: float) -> list[Candidate]:
        height, width = image.shape[:2]
        zoom = side / max(height, width)
        size = (max(_LEAST_SIDE, round(width * zoom)), max(_LEAST_SIDE, round(height * zoom)))
        if size != (width, height):
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)  # what this network was trained on; it goes no further
        scale = np.array([width / size[0], height / size[1]])
        found = []
        for x0, x1 in _parts(size[0]):
            for y0, y1 in _parts(size[1]):
                for row in self._run(bgr[y0:y1, x0:x1], least):
                    box = row[:4].reshape(2, 2)
                    near = np.concatenate([box[0] < 2, box.sum(0) > (x1 - x0 - 2, y1 - y0 - 2)])
                    inner = np.array([x0 > 0, y0 > 0, x1 < size[0], y1 < size[1]])
                    if (near & inner).any():  # cut off by the edge of a part: the next one has it whole
                        continue
                    (x, y), (w, h) = (box[0] + (x0, y0)) * scale, box[1] * scale
                    points = ((row[4:14].reshape(5, 2) + (x0, y0)) * scale).astype(np.float32)
                    place = Box(float(x), float(y), float(w), float(h))
                    found.append(Candidate(place, float(row[14]), points))
        return found

    def _run(self, bgr: np.ndarray, least: float) -> np.ndarray:
        with self._lock:
            net = self._net((bgr.shape[1], bgr.shape[0]))
            net.setScoreThreshold(least)
            rows = net.detect(bgr)[1]
        if rows is None:
            return np.zeros((0, 15), np.float32)
        return rows[np.isfinite(rows).all(1) & (rows[:, 2:4] > 0).all(1)]

    def _net(self, size: tuple[int, int]) -> cv2.FaceDetectorYN:
        net = self._nets.pop(size, None)
        if net is None:
            net = cv2.FaceDetectorYN.create(self._path, "", size, 0.5, _OVERLAP, 1000)
        self._nets[size] = net  # the last used stands last
        if len(self._nets) > _KEPT_SIZES:
            self._nets.popitem(last=False)
        return net


def _parts(length: int) -> list[tuple[int, int]]:
    """Cut a length into overlapping parts of one size, so that a large picture takes no large network.

    A face that is longer than the overlap is found at a smaller scale.

    >>> _parts(640), _parts(1280)
    ([(0, 640)], [(0, 688), (592, 1280)])
    """
    count = max(1, -(-(length - _SHARED) // (_LARGEST - _SHARED)))
    part = -(-(length + (count - 1) * _SHARED) // count)
    step = (length - part) / (count - 1) if count > 1 else 0
    return [(round(i * step), round(i * step) + part) for i in range(count)]


def suppress(found: Sequence[Candidate]) -> list[Candidate]:
    """Keep the best of those that mark the same face, best first."""
    kept: list[Candidate] = []
    for face in sorted(found, key=lambda f: -f.score):
        if not any(same_place(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def same_place(a: Box, b: Box) -> bool:
    """Tell whether two boxes mark one face: they overlap much or have nearly the same centre."""
    if a.iou(b) > _OVERLAP:
        return True
    reach = 0.3 * min(a.width, b.width), 0.3 * min(a.height, b.height)
    return (
        abs(a.x + a.width / 2 - b.x - b.width / 2) < reach[0]
        and abs(a.y + a.height / 2 - b.y - b.height / 2) < reach[1]
    )
