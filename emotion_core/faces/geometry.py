"""How a head is turned: its mesh laid over a face of known shape, seen through a pinhole camera.

MediaPipe's face geometry does the same, with the same reference face and weights, which the model bundle
carries; the fit is that of the weighted orthogonal Procrustes problem (Akca 2003).
"""

import math
import struct

import numpy as np

from emotion_core.faces.wire import fields

_VIEW = math.radians(63.0)  # the camera's vertical field of view, as MediaPipe assumes it
_NEAR = 1.0  # and the distance of its picture plane, in the reference face's centimetres


class HeadGeometry:
    """The reference face: `geometry_pipeline_metadata_landmarks.binarypb` of a FaceLandmarker bundle.

    Args:
        metadata: the content of that file, a Protocol Buffers message.

    Raises:
        ValueError: where it is another file.
    """

    def __init__(self, metadata: bytes) -> None:
        try:
            self._vertices, self._weights, self._used = _reference(metadata)
        except (IndexError, KeyError, StopIteration, TypeError, ValueError, struct.error) as e:
            raise ValueError("no reference face") from e
        middle = self._weights @ self._vertices / self._weights.sum()
        # centred, so the middle of what it is laid over drops out
        self._weighed = (self._vertices - middle) * self._weights[:, None]  # (N, 3)

    def rotation(self, mesh: np.ndarray, width: float = 1.0, height: float = 1.0) -> np.ndarray:
        """Compute the rotation (3, 3) of a head from its mesh (468 or more, 3).

        The mesh is in units of the picture's width and height; its z is in units of the width and grows away
        from the camera. The answer's axes are x to the right, y up and z towards the camera.
        """
        tall = 2 * _NEAR * math.tan(_VIEW / 2)
        wide = tall * width / height
        depth = float(mesh[:468, 2].mean()) * wide
        points = mesh[self._used]
        away = points[:, 2] * wide - depth + _NEAR  # how much larger things are than in the picture plane
        seen = np.empty((3, len(points)))
        seen[0] = (points[:, 0] * wide - wide / 2) * away
        seen[1] = (tall / 2 - points[:, 1] * tall) * away
        seen[2] = -away
        # how near the head is stretches all points alike, which turns nothing
        crossed = seen @ self._weighed
        left, _, right = np.linalg.svd(crossed)
        if np.linalg.det(crossed) < 0:
            left[:, 2] *= -1
        return left @ right


def _reference(metadata: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the vertices (N, 3) that count, their weights (N,) and their places in the mesh (N,)."""
    mesh = next(value for field, value in fields(metadata) if field == 1)
    weighed = [dict(fields(value)) for field, value in fields(metadata) if field == 2]
    # a vertex has five numbers, two of them for textures
    numbers = np.array([value for field, value in fields(mesh) if field == 3], np.float64).reshape(-1, 5)
    used = np.array([int(point.get(1, 0)) for point in weighed])
    return numbers[used, :3], np.array([float(point[2]) for point in weighed]), used
