"""What all viewers share: the weights and the object detector, loaded once and when first needed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from emotion_core.types import EmotionError
from webapp.settings import Settings
from webapp.shared.object_model import ObjectModel

if TYPE_CHECKING:
    import numpy as np

    from emotion_core.recognizer import Recognizer, Session
    from emotion_core.types import DetectedObject

logger = logging.getLogger(__name__)


class Engine:
    """The recognizer and the object detector of one run of the app; safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._recognizer: Recognizer | None = None
        self._detailed: Recognizer | None = None  # reads blendshapes too
        self.objects = ObjectModel(settings)
        self._warming: threading.Thread | None = None

    @property
    def recognizer(self) -> Recognizer:
        """The shared recognizer; loaded on the first call, which may take two seconds.

        Raises EmotionError where its files can't be had.
        """
        with self._lock:
            if self._recognizer is None:
                from emotion_core.recognizer import Recognizer

                # one thread: several viewers and jobs share the cores
                self._recognizer = Recognizer.from_pretrained(
                    self.settings.weights, threads=1, reidentify=self.settings.reidentify
                )
            return self._recognizer

    @property
    def detailed(self) -> Recognizer:
        """The shared recognizer of those who want the 52 blendshapes too; the weights are the same ones."""
        recognizer = self.recognizer
        with self._lock:
            if self._detailed is None:
                self._detailed = recognizer.with_blendshapes()
            return self._detailed

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known of the weights: name, sha256, whether they are trained, and so on."""
        return dict(self.recognizer.metadata)

    @property
    def trained(self) -> bool:
        """Whether the weights have been trained; the page warns for as long as they have not."""
        return bool(self.recognizer.metadata.get("trained", False))

    def warm_up(self) -> None:
        """Load the weights now, on another thread, so that the first viewer does not wait."""

        def load() -> None:
            import numpy as np

            from emotion_core.shortage import give_back

            try:
                # The first answer of a network takes longer than the others: nobody should wait for it.
                self.recognizer(np.zeros((240, 320, 3), np.uint8), self.session())
                self.recognizer.classify([np.zeros((96, 96, 3), np.uint8)])
            except EmotionError as problem:
                logger.error("%s", problem)
            give_back()

        self._warming = threading.Thread(target=load, name="warm-up", daemon=True)
        self._warming.start()

    def close(self) -> None:
        """Wait for a loading that still goes on: a process that ends in its middle is aborted by it."""
        self.objects.close()
        if self._warming is not None:
            self._warming.join(30)

    def session(self, *, smoothing: int = 5, threshold: float = 0.0) -> Session:
        """Make the state of one more viewer, file or picture."""
        from emotion_core.recognizer import Session

        return Session(smoothing=smoothing, threshold=threshold)

    def find_objects(self, image: np.ndarray) -> list[DetectedObject]:
        """Mark the objects in an RGB picture; raises EmotionError where the detector can't be had."""
        return self.objects.detector()(image)
