"""What a live view reads, kept as results: never a picture."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.files import disk_problem
from emotion_core.types import DetectedObject, EmotionError, Face, Frame
from emotion_core.video.reader import VideoInfo

if TYPE_CHECKING:
    from emotion_core.recognizer import Recognizer
    from emotion_core.results.recording import Recording

Make = Callable[["Recognizer", VideoInfo], "Recording"]
"""Begins the recording once the model is loaded, which knows the labels."""


class Kept:
    """Records from one thread what it reads; `paths` are those of the files once it is finished."""

    def __init__(self, make: Make) -> None:
        self.paths: dict[str, Path] = {}
        self._make = make
        self._recording: Recording | None = None

    def begin(self, recognizer: "Recognizer", info: VideoInfo) -> None:
        """Take the name of the results; raises EmotionError where that can't be."""
        self._recording = self._make(recognizer, info)
        try:
            self._recording.reserve()
        except OSError as error:
            raise EmotionError(disk_problem(self._recording.paths["json"], error)) from error

    def append(self, frame: Frame, faces: Sequence[Face], objects: Sequence[DetectedObject] | None) -> None:
        """Take what was found in a frame; `objects` None where nobody looked. EmotionError on a full disk."""
        assert self._recording is not None
        try:
            self._recording.append(frame, faces, objects)
        except OSError as error:
            raise EmotionError(disk_problem(self._recording.paths["json"], error)) from error

    def finish(self, end: float | None = None) -> None:
        """Close the files, once; the last picture lasts until `end` (s), or as long as the mean of others."""
        recording, self._recording = self._recording, None
        if recording is None:
            return
        try:
            recording.close(end=end)
        except OSError as error:
            raise EmotionError(disk_problem(recording.paths["json"], error)) from error
        if recording.summary:  # else not one picture came
            self.paths = dict(recording.paths)
