"""YuNet on ONNX Runtime: boxes and five points of every face in a picture, at the scales one asks for.

OpenCV runs this very file too, but takes two and a half times as long.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from emotion_core.faces.detector import DetectorKind
from emotion_core.faces.weights import find_yunet
from emotion_core.faces.wire import embedded, fields, rewritten
from emotion_core.onnx_session import open_session
from emotion_core.types import _OVERLAP, Box, Candidate, same_place

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_STRIDES = (8, 16, 32)  # pixels from one place where a face may be to the next, at the network's three scales
_MOST = 1000  # faces that are told apart in one part of a picture
_LEAST_SIDE = 32
_LARGEST = 768  # pixels of the longest part that is looked at in one go
_SHARED = 96  # pixels that neighbouring parts share


class YuNet:
    """The detector (Wu et al. 2023, YuNet: A Tiny Millisecond-level Face Detector); thread-safe."""

    least = 0.6
    least_alone = 0.84

    def __init__(self, path: Path | None = None) -> None:
        self._net = _load(path or find_yunet())

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
        scale = np.array([width / size[0], height / size[1]])
        found = []
        for x0, x1 in _parts(size[0]):
            for y0, y1 in _parts(size[1]):
                for row in self._run(image[y0:y1, x0:x1], least):
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

    def _run(self, image: np.ndarray, least: float) -> np.ndarray:
        """Return rows (N, 15), best first: left, top, width and height, five points (x, y), and the score."""
        height, width = image.shape[:2]
        low, right = -height % _STRIDES[-1], -width % _STRIDES[-1]
        padded = cv2.copyMakeBorder(image, 0, low, 0, right, cv2.BORDER_CONSTANT)
        # It was trained on BGR; that goes no further than here.
        outputs = self._net.run(None, {"input": cv2.dnn.blobFromImage(padded, swapRB=True)})
        rows = np.concatenate(
            [
                _decoded([out[0] for out in outputs[scale :: len(_STRIDES)]], padded.shape[1], stride, least)
                for scale, stride in enumerate(_STRIDES)
            ]
        )
        rows = rows[np.isfinite(rows).all(1) & (rows[:, 2:4] > 0).all(1)]
        kept = cv2.dnn.NMSBoxes(
            rows[:, :4].astype(int).tolist(), rows[:, 14].tolist(), least, _OVERLAP, 1.0, _MOST
        )
        return rows[np.asarray(kept, int)]


def _load(path: Path) -> "InferenceSession":
    """Load the network for pictures of any size: the file is laid out for 640x640."""
    graph: dict[int, Callable[[bytes], bytes | None]] = {
        _INPUT: lambda value: _typed(value, _any_size),
        _OUTPUT: lambda value: _typed(value, _none),
        _BETWEEN: _none,  # shapes of all that is between, at that one size
    }
    return open_session(rewritten(path.read_bytes(), {_GRAPH: lambda message: rewritten(message, graph)}))


# Numbers of the fields in ONNX's messages: of a model, of its graph, and of a value with its type.
_GRAPH, _INPUT, _OUTPUT, _BETWEEN, _TYPE, _TENSOR, _SHAPE, _DIM, _NAME = 7, 11, 12, 13, 2, 1, 2, 1, 2


def _typed(value: bytes, shape: Callable[[bytes], bytes | None]) -> bytes:
    """Change the shape of a graph's input or output."""
    return rewritten(
        value, {_TYPE: lambda kind: rewritten(kind, {_TENSOR: lambda t: rewritten(t, {_SHAPE: shape})})}
    )


def _any_size(shape: bytes) -> bytes:
    batch, channels, *_ = (value for _, value in fields(shape))
    sides = (embedded(_NAME, name) for name in (b"height", b"width"))
    return b"".join(embedded(_DIM, dimension) for dimension in (batch, channels, *sides))


def _none(_: bytes) -> None:
    return None


def _decoded(outputs: Sequence[np.ndarray], width: int, stride: int, least: float) -> np.ndarray:
    """Turn one scale's class and object scores (P, 1), boxes (P, 4) and points (P, 10) into rows (N, 15)."""
    kind, thing, box, points = outputs
    score = np.sqrt(kind.clip(0, 1) * thing.clip(0, 1))[:, 0]
    at = np.flatnonzero(score >= least)
    place = np.stack([at % (width // stride), at // (width // stride)], 1).astype(np.float32)  # (N, 2) x, y
    size = np.exp(box[at, 2:]) * stride
    corner = (place + box[at, :2]) * stride - size / 2
    spots = (points[at].reshape(-1, 5, 2) + place[:, None]) * stride
    return np.column_stack([corner, size, spots.reshape(-1, 10), score[at]])


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


DETECTOR = DetectorKind("yunet", "faces from about 20 pixels in a picture 640 wide", YuNet)
