"""Live reading by single calls: the next picture of a session in, its faces out.

It is for programs that can make calls but keep no socket open. A session takes the place of a live viewer; it
ends with its page, or when nothing has come for as long as a viewer may be silent.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from emotion_core.types import EmotionError, Frame
from webapp.live.viewer import LiveOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from emotion_core.types import Face
    from webapp.live.socket import LiveServer

FULL = "The server has as many live viewers as it takes: try again later."


class _Session:
    """What is known of one caller's faces; `turn` keeps its pictures apart, as there are two workers."""

    def __init__(self, live: LiveServer) -> None:
        self.state = live.engine.session()
        self.began = time.monotonic()
        self.index = 0
        self.turn = asyncio.Lock()
        self.end: asyncio.TimerHandle | None = None


class PictureSessions:
    """The sessions of all callers, each known by the caller and the page that it has named."""

    def __init__(self, live: LiveServer) -> None:
        self._live = live
        self._open: dict[tuple[str, str], _Session] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def read(
        self, caller: str, page: str, image: np.ndarray, options: LiveOptions
    ) -> tuple[dict[str, Any], Sequence[Face]]:
        """Read the next picture, RGB uint8 (H, W, 3), of `caller`'s session `page`, in turn with live views.

        Gives frame (from 0), time (seconds since the first picture), width, height and ms, and the faces.
        Raises EmotionError where the server has as many viewers as it takes.
        """
        self._loop = asyncio.get_running_loop()
        session = self._session((caller, page))
        async with session.turn:
            return await self._live.in_turn(_look, self._live.engine.recognizer, session, image, options)

    def _session(self, key: tuple[str, str]) -> _Session:
        """Return the session, a new one where there is none, and put off its end."""
        assert self._loop is not None
        session = self._open.get(key)
        if session is None:
            if len(self._live.viewers) >= self._live.settings.max_viewers:
                raise EmotionError(FULL)
            session = self._open[key] = _Session(self._live)
            self._live.viewers.add(cast("Any", session))  # it counts, and nothing else is asked of it
        if session.end is not None:
            session.end.cancel()
        session.end = self._loop.call_later(self._live.settings.idle_seconds, self._drop, key)
        return session

    def _drop(self, key: tuple[str, str]) -> None:
        session = self._open.pop(key, None)
        if session is not None:
            self._live.viewers.discard(cast("Any", session))
            if session.end is not None:
                session.end.cancel()

    def leave(self, page: str) -> None:
        """End the sessions of a page that was closed; may be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._drop_page, page)

    def _drop_page(self, page: str) -> None:
        for key in [key for key in self._open if key[1] == page]:
            self._drop(key)


def _look(
    recognizer: Any, session: _Session, image: np.ndarray, options: LiveOptions
) -> tuple[dict[str, Any], Sequence[Face]]:
    started = time.perf_counter()
    frame = Frame(image, session.index, time.monotonic() - session.began)
    session.index += 1
    session.state.smoothing, session.state.threshold = options.smoothing, options.threshold
    faces = recognizer(frame, session.state)
    height, width = image.shape[:2]
    took = round((time.perf_counter() - started) * 1000, 1)
    about = {"frame": frame.index, "time": round(frame.time, 3), "width": width, "height": height, "ms": took}
    return about, faces
