"""The two face models that are shipped: YuNet, and MediaPipe's FaceLandmarker bundle."""

from pathlib import Path

from emotion_core.files import sha256_of, weights_dir
from emotion_core.types import EmotionError

LANDMARKER = "face_landmarker.task"
YUNET = "face_detection_yunet_2023mar.onnx"
SHA256 = {
    LANDMARKER: "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    YUNET: "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
}


def find_yunet() -> Path:
    """Give the path of the YuNet detector (MIT), whose content has been verified.

    Raises:
        EmotionError: where the file is missing or is another one.
    """
    return _shipped(YUNET)


def find_landmarker(path: str | Path | None = None) -> Path:
    """Give the path of the FaceLandmarker bundle (Google, Apache-2.0): `path`, or the one that is shipped.

    Raises:
        EmotionError: where `path` is no file, or the shipped bundle is missing or is another one.
    """
    if path is None:
        return _shipped(LANDMARKER)
    if not Path(path).is_file():
        raise EmotionError(f"the face model {path} is no file; give the path of {LANDMARKER}")
    return Path(path)


def _shipped(name: str) -> Path:
    """Give a model file of ours; a user's own is not looked at, one of ours is known by its hash."""
    path = weights_dir() / name
    advice = "install the package again, or in the source: git checkout -- assets"
    if not path.is_file():
        raise EmotionError(f"the face model {path} is missing; {advice}")
    if sha256_of(path) != SHA256[name]:
        raise EmotionError(f"the face model {path} is damaged; {advice}")
    return path
