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

_KEPT_SIZES = 12  # networks laid out for one input size each; laying one out takes longer than a run
_OVERLAP = 0.3
_LEAST_SIDE = 32


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
        pixels; a face of 10 to about 400 pixels at one of them is found. `least` is the lowest score.
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
        with self._lock:
            net = self._net(size)
            net.setScoreThreshold(least)
            rows = net.detect(bgr)[1]
        if rows is None:
            return []
        scale = np.array([width / size[0], height / size[1]])
        found = []
        for row in rows:
            (x, y), (w, h) = row[:2] * scale, row[2:4] * scale
            if w > 0 and h > 0 and np.isfinite(row).all():
                points = (row[4:14].reshape(5, 2) * scale).astype(np.float32)
                found.append(Candidate(Box(float(x), float(y), float(w), float(h)), float(row[14]), points))
        return found

    def _net(self, size: tuple[int, int]) -> cv2.FaceDetectorYN:
        net = self._nets.pop(size, None)
        if net is None:
            net = cv2.FaceDetectorYN.create(self._path, "", size, 0.5, _OVERLAP, 1000)
        self._nets[size] = net  # the last used stands last
        if len(self._nets) > _KEPT_SIZES:
            self._nets.popitem(last=False)
        return net


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
