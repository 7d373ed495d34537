"""A frame goes in, the faces in it come out: identity, seven probabilities, valence and arousal.

Names load when they are first used, so importing this package costs next to nothing and a program that
only reads results never loads a network.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from emotion_core.draw import draw
    from emotion_core.labels import EMOTIONS
    from emotion_core.recognizer import Recognizer, Session
    from emotion_core.recording import Recording
    from emotion_core.types import Box, DetectedObject, EmotionError, Face, Frame
    from emotion_core.video import VideoWriter, frames

_HOME = {
    "Box": "types",
    "DetectedObject": "types",
    "EMOTIONS": "labels",
    "EmotionError": "types",
    "Face": "types",
    "Frame": "types",
    "Recognizer": "recognizer",
    "Recording": "recording",
    "Session": "recognizer",
    "VideoWriter": "video",
    "draw": "draw",
    "frames": "video",
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
