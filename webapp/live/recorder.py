"""Recording a live session: its results, never its pictures."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from emotion_core.results.formats import FORMATS, usual
from emotion_core.results.names import results_path
from webapp.shared import owners, store
from webapp.shared.report_file import write_report
from webapp.shared.store import SavedFile, link
from webapp.shared.visitor import NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emotion_core.types import DetectedObject, Face, Frame
    from webapp.shared.visitor import Visitor


class LiveRecorder:
    """Writes the results of a live session to a folder of its own while it runs.

    Stop it with `finish()`, which leaves every format and an HTML report in `language`, or with `discard()`.
    """

    def __init__(
        self,
        limit_seconds: float,
        labels: Sequence[str],
        visitor: Visitor = NOBODY,
        language: str = "en",
    ) -> None:
        from emotion_core.results.recording import Recording

        self.token, folder = owners.new_folder(visitor)
        self.limit = limit_seconds
        self.language = language
        self._stem = f"live_{time.strftime('%Y-%m-%d_%H-%M-%S')}"
        self._lock = threading.Lock()  # pictures come from one thread, finish() from another
        self._closed = False
        self._discarded = False
        self._first: float | None = None
        self._index = 0
        self._recording = Recording.create(results_path(folder, self._stem), formats=usual(), labels=labels)

    def append(
        self, frame: Frame, faces: Sequence[Face], objects: Sequence[DetectedObject] | None = None
    ) -> bool:
        """Write what was found in one frame; False says that the time limit is reached."""
        from emotion_core.types import Frame

        with self._lock:
            if self._closed:
                return True
            if self._first is None:
                self._first = frame.time
                self._index = frame.index
            seconds = frame.time - self._first
            if seconds > self.limit:
                return False
            self._recording.append(Frame(frame.image, frame.index - self._index, seconds), faces, objects)
            return True

    def discard(self) -> None:
        """Delete what was recorded, even while another thread is in the middle of `finish()`."""
        with self._lock:
            self._closed = self._discarded = True
            self._recording.discard()
        store.discard(self.token)

    def finish(self, about: dict[str, object]) -> list[SavedFile]:
        """Close the recording and give its files; an empty list where nothing was recorded.

        `about` goes into the summary: the model, the settings, whether a baseline was in use.
        """
        with self._lock:
            if self._discarded:
                return []
            self._closed = True
            self._recording.about.update(about)
            self._recording.close()
        if self._first is None:
            store.discard(self.token)
            return []
        paths = dict(self._recording.paths)
        try:
            paths["report"] = write_report(paths["json"], self._recording.summary, self._stem, self.language)
        finally:
            if self._discarded:  # meanwhile, so the report may just have been put into a folder that goes
                store.discard(self.token)
        store.settle(self.token)
        order = (*FORMATS, "summary", "report")
        return [link(self.token, paths[kind], kind) for kind in order if kind in paths]
