"""The face detectors to choose from: a file in this folder for each, and its name in `_FILES`."""

from typing import TYPE_CHECKING

from emotion_core.registry import Registry

if TYPE_CHECKING:
    from emotion_core.faces.detector import Detector, DetectorKind

_FILES = ("yunet", "short_range")

DETECTORS: "Registry[DetectorKind]" = Registry("emotion_core.faces", "DETECTOR", *_FILES)
"""Every detector by its name; the first is the usual one."""

USUAL = next(iter(DETECTORS))


def load(name: str) -> "Detector":
    """Load a detector; raises EmotionError for a name that is none, and as its `load` does."""
    from emotion_core.types import EmotionError

    if name not in DETECTORS:
        raise EmotionError(f"{name!r} is no face detector: choose from {', '.join(DETECTORS)}")
    return DETECTORS[name].load()
