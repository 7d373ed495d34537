"""A live stream of pictures over a WebSocket: frames in, faces out, each with the sender's own time stamp."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import orjson
from fastapi import WebSocket, WebSocketDisconnect

from emotion_core.streaming import JPEG, PROTOCOL, VERSION, Picture, unpack
from emotion_core.types import EmotionError, Frame
from webapp.api.faces import face_found
from webapp.live.connection import decode_jpeg
from webapp.live.pictures import FULL
from webapp.live.viewer import LiveOptions
from webapp.service.callers import Caller
from webapp.service.routing import PREFIX, new_router, service_of
from webapp.shared.logs import note
from webapp.shared.problems import ProblemError, refused

if TYPE_CHECKING:
    import numpy as np

    from emotion_core.recognizer import Session
    from emotion_core.session import Sighting
    from webapp.service.service import Service

    _Line = asyncio.Queue[tuple[Sighting, float, dict[str, Any]]]

logger = logging.getLogger(__name__)
router = new_router("stream")

CLOSED = {"idle": 1000, "full": 1013, "limit": 1013, "model": 1011, "message": 1003}
"""The code that the socket is closed with, by the reason that a `refused` message names."""


@router.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Serve one stream; how it speaks stands in `description.STREAM` and in `emotion_core.streaming`."""
    service, caller = service_of(socket), Caller.of(socket)
    note(route=f"{PREFIX}/stream")
    spoken = socket.scope.get("subprotocols") or ()
    await socket.accept(subprotocol=PROTOCOL if PROTOCOL in spoken else None)
    try:
        service.limits.request(caller)
    except ProblemError as error:
        await _refuse(socket, "limit", error.detail, error.status)
        return
    viewers, place = service.app.live.viewers, cast("Any", object())
    if len(viewers) >= service.settings.max_viewers:
        await _refuse(socket, "full", FULL, 503)
        return
    viewers.add(place)  # it counts, and nothing else is asked of it
    try:
        await _serve(socket, service)
    except EmotionError as error:
        logger.error("stream: %s", error)
        await _refuse(socket, "model", str(error), 503)
    except (WebSocketDisconnect, RuntimeError, OSError) as gone:
        logger.debug("a stream ended: %s", gone)
    finally:
        viewers.discard(place)


async def _serve(socket: WebSocket, service: Service) -> None:
    recognizer = await asyncio.to_thread(lambda: service.app.engine.recognizer)
    session = service.app.engine.session()
    await _send(
        socket,
        {
            "type": "ready",
            "version": VERSION,
            "labels": list(recognizer.labels),
            "trained": recognizer.trained,
        },
    )
    inbox = _Inbox(all_frames=socket.query_params.get("frames") == "all")
    listening = asyncio.create_task(_listen(socket, service, session, inbox))
    line: _Line = asyncio.Queue(1)
    searching = asyncio.create_task(_search(socket, service, session, inbox, line))
    answering = asyncio.create_task(_answer(socket, service, session, line))
    tasks = {listening, searching, answering}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            raise error


class _Inbox:
    """The picture that waits: the newest only, or each in turn, so that the sender is slowed down."""

    def __init__(self, *, all_frames: bool) -> None:
        self._all = all_frames
        self._waiting: Picture | None = None
        self._there = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self.dropped = 0

    async def put(self, picture: Picture) -> None:
        """Take in a picture; one that was not looked at yet goes, or is waited for."""
        if self._all:
            await self._free.wait()
            self._free.clear()
        elif self._waiting is not None:
            self.dropped += 1
        self._waiting = picture
        self._there.set()

    async def take(self) -> tuple[Picture, int]:
        """Return the next picture, and how many went unread before it."""
        await self._there.wait()
        self._there.clear()
        picture, self._waiting = self._waiting, None
        assert picture is not None  # it was there, and nobody else takes it
        self._free.set()
        dropped, self.dropped = self.dropped, 0
        return picture, dropped


async def _listen(socket: WebSocket, service: Service, session: Session, inbox: _Inbox) -> None:
    """Take in pictures and options until the sender leaves, or says nothing for too long."""
    while True:
        try:
            async with asyncio.timeout(service.settings.idle_seconds):
                message = await socket.receive()
        except TimeoutError:
            await _refuse(socket, "idle", "Nothing came for too long: connect again.", 408)
            return
        if message["type"] == "websocket.disconnect":
            return
        try:
            if (data := message.get("bytes")) is not None:
                await inbox.put(unpack(data))
            else:
                _choose(session, message.get("text") or "")
        except (ValueError, KeyError, TypeError) as error:
            await _refuse(socket, "message", f"A message was not understood: {error}", 422)
            return


def _choose(session: Session, text: str) -> None:
    """Let options take effect from the next picture on; raises ValueError and others for anything else."""
    content = orjson.loads(text)
    if not isinstance(content, dict) or content.get("type") != "config":
        raise ValueError('text is {"type": "config", "smoothing": 5, "threshold": 0}')
    chosen = LiveOptions.from_message({"smoothing": 5, "threshold": 0, **content})
    session.smoothing, session.threshold = chosen.smoothing, chosen.threshold


async def _search(socket: WebSocket, service: Service, session: Session, inbox: _Inbox, line: _Line) -> None:
    """Find the faces of one picture after the other, while those of the one before are read."""
    began, index = time.monotonic(), 0
    while True:
        picture, dropped = await inbox.take()
        frame = (index, time.monotonic() - began)
        try:
            found, seconds = await service.app.live.in_turn(_find, picture, frame, service, session)
        except ValueError as error:
            await line.join()
            await _refuse(socket, "message", f"A picture could not be read: {error}", 422)
            return
        stamp = picture.stamp if math.isfinite(picture.stamp) else None
        await line.join()  # one picture waits for the one before, and none for that
        line.put_nowait((found, seconds, {"stamp": stamp, "frame": index, "dropped": dropped}))
        index += 1


async def _answer(socket: WebSocket, service: Service, session: Session, line: _Line) -> None:
    """Read the faces that were found, in turns with the live views, and answer each picture."""
    lost, work = 0, 0.0
    while True:
        found, seconds, head = await line.get()
        answer = await service.app.live.in_turn(_read, found, seconds, service, session)
        await _send(socket, {"type": "faces", **head, **answer})
        service.metrics.frames("stream", 1)
        count, lost, work = head["frame"] + 1, lost + head["dropped"], work + answer["ms"]
        note(frames=count, dropped=lost, model_ms=round(work / count, 1))
        line.task_done()


def _find(
    picture: Picture, at: tuple[int, float], service: Service, session: Session
) -> tuple[Sighting, float]:
    started = time.perf_counter()
    found = service.app.engine.recognizer.find(Frame(_image(picture), *at), session)
    return found, time.perf_counter() - started


def _read(found: Sighting, seconds: float, service: Service, session: Session) -> dict[str, Any]:
    started = time.perf_counter()
    faces = service.app.engine.recognizer.read(found, session)
    height, width = found.frame.image.shape[:2]
    return {
        "width": width,
        "height": height,
        "ms": round((seconds + time.perf_counter() - started) * 1000, 1),
        "faces": [face_found(face).model_dump() for face in faces],
    }


def _image(picture: Picture) -> np.ndarray:
    """Return RGB uint8 (H, W, 3); raises ValueError for what is no picture."""
    import numpy as np

    if picture.kind == JPEG:
        return decode_jpeg(picture.data)
    return np.frombuffer(picture.data, np.uint8).reshape(picture.height, picture.width, 3)


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    await socket.send_text(orjson.dumps(message).decode())


async def _refuse(socket: WebSocket, reason: str, line: str, status: int) -> None:
    """Say in a last message why it ends, in the form of all errors."""
    note(refused=reason)
    with suppress(RuntimeError, WebSocketDisconnect):
        await _send(socket, {"type": "refused", "reason": reason, "error": refused(status, line)})
        await socket.close(CLOSED[reason])
