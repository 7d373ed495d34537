"""The object detector of one run of the app, and the download of its model, to which a visitor must agree."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from emotion_core.types import DetectedObject
    from webapp.settings import Settings

logger = logging.getLogger(__name__)


def facts() -> dict[str, str]:
    """Return what a page says of the download before anybody agrees: name, size, licence and host."""
    from emotion_core import objects

    return {
        "name": objects.MODEL,
        "size": f"{objects.MEGABYTES:g} MB",
        "licence": objects.MODEL_LICENCE,
        "host": objects.HOST,
    }


class ObjectModel:
    """Loads the detector once, when first needed, and downloads nothing but by `fetch`. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._detector: Callable[[np.ndarray], list[DetectedObject]] | None = None
        self._fetching: Future[None] | None = None
        self._stop = threading.Event()
        self._worker: threading.Thread | None = None

    def is_missing(self) -> bool:
        """Whether objects are offered and their model would have to be downloaded first."""
        if not self._settings.objects or self._settings.objects_model is not None or self._detector:
            return False
        from emotion_core.objects import cached

        return cached() is None

    def detector(self) -> Callable[[np.ndarray], list[DetectedObject]]:
        """Find the shared detector; raises EmotionError where it is off, not here or can't be loaded."""
        if not self._settings.objects:
            raise EmotionError("Objects are off in this app: start it without --no-objects to have them.")
        with self._lock:
            if self._detector is None:
                from emotion_core.objects import ObjectDetector

                self._detector = ObjectDetector.load(self._settings.objects_model)
            return self._detector

    def fetch(self) -> Future[None]:
        """Begin to download the model, for a visitor who has agreed; gives its end, or EmotionError.

        All who ask while it is on its way wait for the same download.
        """
        with self._lock:
            if self._fetching is None or self._fetching.done():
                self._fetching = Future()
                self._fetching.set_running_or_notify_cancel()  # whoever leaves does not end it for all
                if not self.is_missing():
                    self._fetching.set_result(None)
                elif self._stop.is_set():
                    self._fetching.set_exception(EmotionError("The app stops."))
                else:
                    logger.warning("a visitor agreed to the download of the objects' model")
                    self._worker = threading.Thread(
                        target=self._fetch, args=(self._fetching,), name="fetch-objects", daemon=True
                    )
                    self._worker.start()
            return self._fetching

    def _fetch(self, end: Future[None]) -> None:
        from emotion_core.objects import fetch

        try:
            fetch(self._stop.is_set)
        except EmotionError as problem:
            logger.warning("%s", problem)
            end.set_exception(problem)
        else:
            end.set_result(None)

    def close(self) -> None:
        """Stop a download that is on its way; what it left in the temporary folder goes."""
        self._stop.set()
        if self._worker is not None:
            self._worker.join(2)
