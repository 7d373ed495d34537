"""Which way a face points in a space where one person's faces lie together: 128 numbers a face.

They are biometric data. They are computed to tell whose face is followed, live in a `Session`'s tracker, are
written nowhere and end with it. `Recognizer.from_pretrained(reidentify=False)` computes none.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from emotion_core.faces.crop import crop_face, standardized
from emotion_core.faces.weights import find_embedding
from emotion_core.onnx_session import open_session
from emotion_core.types import DetectedFace

SIDE = 64
"""Side in pixels of the grey crop that the network reads; its view is that of the emotion network."""

Embed = Callable[[np.ndarray, Sequence[DetectedFace]], np.ndarray]
"""Gives unit vectors (N, 128) of N faces of an RGB uint8 picture (H, W, 3)."""


class Embedder:
    """The embedding network; weights only, so one serves every session and every thread.

    Args:
        path: an ONNX file; the one that is shipped where None.

    Raises:
        EmotionError: where the file is missing or is another one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._net = open_session(path or find_embedding())
        self._input = self._net.get_inputs()[0].name

    def __call__(self, image: np.ndarray, faces: Sequence[DetectedFace]) -> np.ndarray:
        """Return unit vectors (N, 128), float32, of N faces of an RGB uint8 picture (H, W, 3)."""
        return self.of_crops([crop_face(image, face.points, SIDE) for face in faces])

    def of_crops(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Give unit vectors (N, 128) of upright crops as `crop.crop_face` cuts, (H, W, 3) or grey (H, W)."""
        if not len(crops):
            return np.zeros((0, 128), np.float32)
        return self.of_batch(standardized(crops, SIDE)[:, None])

    def of_batch(self, faces: np.ndarray) -> np.ndarray:
        """Return unit vectors (N, 128) of standardised grey crops (N, 1, 64, 64), float32."""
        vectors: np.ndarray = self._net.run(None, {self._input: faces})[0]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-6)
