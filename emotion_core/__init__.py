"""A frame goes in, the faces in it come out: identity, seven probabilities, valence and arousal.

Names load when they are first used, so importing this package costs next to nothing and a program that
only reads results never loads a network.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from emotion_core.moved import Finder
from emotion_core.version import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from emotion_core.labels import EMOTIONS
    from emotion_core.overlay.draw import draw
    from emotion_core.recognizer import Recognizer, Session
    from emotion_core.results.recording import Recording
    from emotion_core.types import Box, DetectedObject, EmotionError, Face, Frame
    from emotion_core.video.reader import VideoWriter, frames

_HOME = {
    "Box": "types",
    "DetectedObject": "types",
    "EMOTIONS": "labels",
    "EmotionError": "types",
    "Face": "types",
    "Frame": "types",
    "Recognizer": "recognizer",
    "Recording": "results.recording",
    "Session": "recognizer",
    "VideoWriter": "video.reader",
    "draw": "overlay.draw",
    "frames": "video.reader",
}

__all__ = [
    "EMOTIONS",
    "Box",
    "DetectedObject",
    "EmotionError",
    "Face",
    "Frame",
    "Recognizer",
    "Recording",
    "Session",
    "VideoWriter",
    "draw",
    "frames",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


class _Package(ModuleType):
    """Keeps `draw` the function: importing the module that had its name would otherwise bind the module."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOME and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
sys.meta_path.append(Finder())
