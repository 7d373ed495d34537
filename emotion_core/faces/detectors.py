"""The face detectors to choose from: a file in this folder for each, and its name in `_FILES`."""

from importlib import import_module

from emotion_core.faces.detector import Detector, DetectorKind
from emotion_core.types import EmotionError

_FILES = ("yunet", "short_range")

DETECTORS: dict[str, DetectorKind] = {
    name: import_module(f"emotion_core.faces.{name}").DETECTOR for name in _FILES
}
"""Every detector by its name; the first is the usual one."""

USUAL = next(iter(DETECTORS))


def load(name: str) -> Detector:
    """Load a detector; raises EmotionError for a name that is none, and as its `load` does."""
    if name not in DETECTORS:
        raise EmotionError(f"{name!r} is no face detector: choose from {', '.join(DETECTORS)}")
    return DETECTORS[name].load()
