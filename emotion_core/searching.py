"""When objects are looked for, in a file as in a live view, and what is known of them in between."""

from collections.abc import Callable
from concurrent.futures import Executor, Future

import numpy as np

from emotion_core.types import DetectedObject

ObjectFinder = Callable[[np.ndarray], list[DetectedObject]]

OBJECTS_EVERY = 0.5
"""Seconds between two searches for objects: they cost as much as ten frames of faces."""

KEPT = 2.0
"""Seconds for which objects are shown after they were found; then a slow search says too little of now."""


class ObjectSearch:
    """The searches of one viewer or file. Hand `step` each of its frames, in order and on one thread.

    Args:
        find: finds objects in an RGB uint8 picture (H, W, 3).
        every: seconds between two searches, by the clock of the times that are handed over.
        beside: runs the searches, one at a time, so that a frame never waits for one; a search that took
            longer than `every` is followed by a pause as long as itself. Without it a search is part of the
            frame's own `step`.
    """

    def __init__(
        self, find: ObjectFinder, *, every: float = OBJECTS_EVERY, beside: Executor | None = None
    ) -> None:
        self._find, self._every, self._beside = find, every, beside
        self._running: Future[list[DetectedObject]] | None = None
        self._due = self._asked = self._came = -float("inf")
        self._last: list[DetectedObject] = []

    def step(self, image: np.ndarray, time: float) -> list[DetectedObject] | None:
        """Begin a search in a frame of that time (s) where one is due; give what was found anew.

        None where nothing is new, which is no empty list: that one says that there is no object. What a
        search raised is raised here.
        """
        new = self.collect(time)
        if self._running is None and time >= self._due:
            # Counted from when it was due, not from this frame, so that the mean rate is the one asked for.
            late = time - self._due
            self._due = (time if late > self._every else self._due) + self._every
            self._asked = time
            if self._beside is None:
                return self._take(self._find(image), time)
            self._running = self._beside.submit(self._find, image)
        return new

    def collect(self, time: float) -> list[DetectedObject] | None:
        """Return what a search beside the frames has found since it was last asked; begins none."""
        running = self._running
        if running is None or not running.done():
            return None
        self._running = None
        if time - self._asked > self._every:
            self._due = max(self._due, time + time - self._asked)
        return self._take(running.result(), time)

    def held(self, time: float) -> list[DetectedObject]:
        """Return what was found last, to be shown at that time (s); empty where it is too old."""
        return self._last if time - self._came <= KEPT else []

    def forget(self) -> None:
        """Drop what was found, and what a running search finds; the next frame begins another."""
        self._running, self._last, self._due = None, [], -float("inf")

    def _take(self, found: list[DetectedObject], time: float) -> list[DetectedObject]:
        self._last, self._came = found, time
        return found
