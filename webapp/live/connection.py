"""One live viewer: the newest picture, what is found in it, the recording."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from emotion_core.searching import ObjectSearch
from emotion_core.types import EmotionError, Frame
from webapp.live.recorder import LiveRecorder
from webapp.live.viewer import LiveOptions, LiveState, face_message
from webapp.shared.object_model import facts
from webapp.shared.visitor import NOBODY, Visitor

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np

    from emotion_core.outlets.sending import Sender
    from emotion_core.session import Sighting
    from emotion_core.types import DetectedObject
    from webapp.settings import Settings
    from webapp.shared.engine import Engine

logger = logging.getLogger(__name__)

LARGEST_PICTURE = 1280  # pixels of the longer side of a live picture


def decode_jpeg(data: bytes) -> np.ndarray:
    """Decode a JPEG to RGB uint8 (H, W, 3); raises ValueError for anything else and for huge pictures."""
    import cv2
    import numpy as np
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=["JPEG"]) as header:  # reads the header only
            size = header.size
    except (OSError, Image.DecompressionBombError) as e:
        raise ValueError("not a JPEG picture") from e
    if max(size) > LARGEST_PICTURE or min(size) < 16:
        raise ValueError(f"a live picture of {size[0]} x {size[1]} pixels")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ValueError("a damaged JPEG picture")
    return image


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture in which faces were found and not yet read, and the objects in it.

    `new` are those that were found anew, `held` those to be shown; `seconds` is the work so far, `came` the
    time.monotonic() at which the picture came.
    """

    sighting: Sighting
    new: list[DetectedObject] | None
    held: list[DetectedObject]
    seconds: float
    came: float


class Viewer:
    """One live viewer: their state, their newest picture, their recording."""

    def __init__(
        self, engine: Engine, settings: Settings, visitor: Visitor = NOBODY, beside: Executor | None = None
    ) -> None:
        """Take who they are, and what searches for objects beside their pictures."""
        self.engine = engine
        self.settings = settings
        self.visitor = visitor
        self.state = LiveState(engine.session())
        self.newest: tuple[int, bytes] | None = None
        self.came = 0.0  # time.monotonic() when the newest picture came
        self.sender: Sender | None = None  # where the operator has readings sent on
        self.number = 0  # of this viewer, from 1 on
        self.arrived = asyncio.Event()
        self.recorder: LiveRecorder | None = None
        self.language = "en"  # of what is written for this viewer: the report of a recording
        self.unheard: set[LiveRecorder] = set()  # recordings whose files the viewer has not been told of
        self.faces: list[Any] = []
        self.search = ObjectSearch(engine.find_objects, beside=beside)
        self._began = time.monotonic()

    def clock(self) -> float:
        """Seconds since this viewer came."""
        return time.monotonic() - self._began

    def change(self, options: LiveOptions) -> None:
        """Let what the viewer chose take effect from the next picture on."""
        self.state.options = options
        self.state.session.smoothing = options.smoothing
        self.state.session.threshold = options.threshold

    def find(self, data: bytes, came: float) -> Seen:
        """Find the faces in one picture; runs on a shared worker. Raises ValueError for no picture.

        `came` is the time.monotonic() at which it came.

        May run while `read` of the picture before does.
        """
        started = time.perf_counter()
        state = self.state
        frame = Frame(decode_jpeg(data), state.index, self.clock())
        state.index += 1
        sighting = self.engine.recognizer.find(frame, state.session)
        new = self._objects(frame)
        return Seen(sighting, new, self.search.held(frame.time), time.perf_counter() - started, came)

    def read(self, seen: Seen) -> dict[str, Any]:
        """Read the faces of a picture; gives the message to the browser. Runs on a shared worker."""
        started = time.perf_counter()
        state, frame = self.state, seen.sighting.frame
        faces = self.engine.recognizer.read(seen.sighting, state.session)
        self.faces = faces = state.against_baseline(faces, frame.time)
        if self.sender is not None:
            self.sender.send(frame, seen.came, faces, seen.new, viewer=self.number)
        if self.recorder is not None and not self.recorder.append(frame, faces, seen.new):
            state.news.append({"type": "limit"})
        message: dict[str, Any] = {
            "type": "faces",
            "faces": [face_message(face, landmarks=state.options.landmarks) for face in faces],
        }
        if seen.held:
            message["objects"] = [
                {"label": o.label, "score": round(o.score, 2), "box": o.box.as_list()} for o in seen.held
            ]
        message["ms"] = round((seen.seconds + time.perf_counter() - started) * 1000, 1)
        return message

    def _objects(self, frame: Frame) -> list[DetectedObject] | None:
        """Return the objects that were found anew; where there can be none, say so and look no more."""
        state = self.state
        if not state.options.objects:
            self.search.forget()
            return None
        try:
            return self.search.step(frame.image, frame.time)
        except EmotionError as problem:
            state.options = replace(state.options, objects=False)
            if self.engine.objects.is_missing():
                state.news.append({"type": "objects", "state": "ask", "facts": facts()})
            else:
                logger.warning("%s", problem)
                state.news.append({"type": "notice", "key": "noobjects"})
            return None

    def leave(self) -> None:
        """Delete what was recorded and never handed over; waits for nothing but the writing of a record."""
        self.recorder = None
        while self.unheard:
            self.unheard.pop().discard()

    def about(self) -> dict[str, object]:
        """Say how a recording was made, for its summary."""
        from emotion_core.analysis import model_facts

        options, baseline = self.state.options, self.state.baseline
        return {
            "source": "live",
            "model": model_facts(self.engine.recognizer),
            "settings": {
                "smoothing": options.smoothing,
                "threshold": options.threshold,
                "objects": options.objects,
                "relative_to_own_neutral_of_face": baseline.face if baseline else None,
            },
        }
