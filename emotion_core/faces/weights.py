"""The face models that are shipped: YuNet, MediaPipe's FaceLandmarker bundle, and what tells people apart."""

from pathlib import Path

from emotion_core.files import weights_dir
from emotion_core.hashes import verified
from emotion_core.types import EmotionError

LANDMARKER = "face_landmarker.task"
YUNET = "face_detection_yunet_2023mar.onnx"
EMBEDDING = "face_embedding.onnx"


def find_yunet() -> Path:
    """Find the path of the YuNet detector (MIT), whose content has been verified.

    Raises:
        EmotionError: where the file is missing or is another one.
    """
    return _shipped(YUNET)


def find_embedding() -> Path:
    """Find the path of the embedding network (this project's, after SFace), whose content has been verified.

    Raises:
        EmotionError: where the file is missing or is another one.
    """
    return _shipped(EMBEDDING)


def find_landmarker(path: str | Path | None = None) -> Path:
    """Find the path of the FaceLandmarker bundle (Google, Apache-2.0): `path`, or the one that is shipped.

    Raises:
        EmotionError: where `path` is no file, or the shipped bundle is missing or is another one.
    """
    if path is None:
        return _shipped(LANDMARKER)
    if not Path(path).is_file():
        raise EmotionError(f"the face model {path} is no file; give the path of {LANDMARKER}")
    return Path(path)


def _shipped(name: str) -> Path:
    path = weights_dir() / name
    if not path.is_file():
        advice = "install the package again, or in the source: git checkout -- assets"
        raise EmotionError(f"the face model {path} is missing; {advice}")
    return verified(path)
