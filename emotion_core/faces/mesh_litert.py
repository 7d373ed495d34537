"""The mesh model of MediaPipe's bundle, run alone on a crop that is known to hold a face.

MediaPipe's FaceLandmarker runs the same models, but detects a face again in each crop, in twice the time, and
needs libEGL and libGLES. Here the model's own score tells whether the crop holds a face.
"""

import math
import zipfile
from pathlib import Path

import cv2
import numpy as np

from emotion_core.faces.blaze import BlazeFace
from emotion_core.faces.crop import crop_matrix, warp
from emotion_core.faces.geometry import HeadGeometry
from emotion_core.faces.litert import Model
from emotion_core.faces.mesh import PRESENCE_CONFIDENCE, MeshReading, not_a_bundle
from emotion_core.labels import BLENDSHAPES

_SIDE = 256
_MARGIN = 1.3  # of the crop, in units of the network's own: there it answers most like MediaPipe's landmarker
_VIEW = 1.25  # what the camera is taken to see, in units of the crop: it tells how near the head is


class LiteMesh:
    """The models of a `face_landmarker.task` bundle on LiteRT; see `mesh.Mesh`.

    Args:
        path: the bundle.
        blendshapes: whether to read the 52 blendshapes too.
        copies: how many faces may be read at once.

    Raises:
        ImportError: where LiteRT can't be imported.
        EmotionError: where the file is no such bundle.
    """

    side = _SIDE

    def __init__(self, path: Path, *, blendshapes: bool = False, copies: int = 1) -> None:
        try:
            with zipfile.ZipFile(path) as bundle:
                self._net = Model(bundle.read("face_landmarks_detector.tflite"), copies, scale=1 / 255)
                self._detector = BlazeFace(bundle.read("face_detector.tflite"), copies)
                self._head = HeadGeometry(bundle.read("geometry_pipeline_metadata_landmarks.binarypb"))
                self._shapes = Model(bundle.read("face_blendshapes.tflite"), copies) if blendshapes else None
        except (zipfile.BadZipFile, KeyError, ValueError) as e:
            raise not_a_bundle(path) from e

    def region(self, points: np.ndarray) -> np.ndarray:
        """See `Mesh.region`."""
        return crop_matrix(points, _SIDE, _MARGIN)

    def read(self, crop: np.ndarray) -> MeshReading | None:
        """See `Mesh.read`."""
        mesh, fit = self._mesh(crop)
        if mesh is None:
            return None
        points = mesh[:, :2] - 0.5
        seen = (mesh - (_SIDE / 2, _SIDE / 2, 0)) / (_VIEW * _SIDE) + (0.5, 0.5, 0)
        return MeshReading(points, self._head.rotation(seen), self._blendshapes(points), fit)

    def find(self, picture: np.ndarray) -> MeshReading | None:
        """See `Mesh.find`."""
        region = self._detector.region(picture, _SIDE)
        if region is None:
            return None
        mesh, fit = self._mesh(warp(picture, region, _SIDE))
        if mesh is None:
            return None
        back = cv2.invertAffineTransform(region)
        points = mesh[:, :2] @ back[:, :2].T + back[:, 2] - 0.5
        height, width = picture.shape[:2]
        depth = mesh[:, 2] * np.hypot(*back[:, 0])
        seen = np.column_stack([(points[:, 0] + 0.5) / width, (points[:, 1] + 0.5) / height, depth / width])
        rotation = self._head.rotation(seen, width, height)
        return MeshReading(points, rotation, self._blendshapes(points), fit)

    def _mesh(self, crop: np.ndarray) -> tuple[np.ndarray | None, float]:
        """Return the points (478, 3), x and y in pixels from the crop's corner, or None, and how they fit."""
        mesh, presence, _ = self._net(crop)
        fit = float(presence[0])
        if fit < math.log(PRESENCE_CONFIDENCE / (1 - PRESENCE_CONFIDENCE)):
            return None, fit
        return mesh.reshape(-1, 3), fit

    def _blendshapes(self, points: np.ndarray) -> dict[str, float] | None:
        if self._shapes is None:
            return None
        (scores,) = self._shapes(points[_SHAPED] + 0.5)
        return dict(zip(BLENDSHAPES, scores.tolist(), strict=True))


# The points that the blendshape model was trained to read.
# fmt: off
_SHAPED = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70,
    78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149,
    150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195,
    197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300,
    308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375,
    377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454,
    466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
])
# fmt: on
