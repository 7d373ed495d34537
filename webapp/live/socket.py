"""The live view's server side: one WebSocket a viewer, newest frame first, fair to everyone.

A viewer sends JPEG pictures and gets back numbers. Of the pictures that arrive while one is being looked
at only the newest is kept; the others are dropped, never queued. All viewers share a worker for each of two
cores, which take them in turn. Each viewer has at most one picture that is searched and one that is read at
a time, so a fast browser can't starve a slow one, and no answer is more than one picture late.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Body, FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from emotion_core.overlay.hiding import HIDING
from emotion_core.palette import color_of
from emotion_core.shortage import give_back
from emotion_core.types import EmotionError
from webapp.live.connection import Seen, Viewer
from webapp.live.recorder import LiveRecorder
from webapp.live.sending import Sending
from webapp.live.tickets import Tickets
from webapp.live.viewer import LiveOptions
from webapp.shared import store
from webapp.shared.i18n import choose
from webapp.shared.logs import note
from webapp.shared.object_model import facts
from webapp.shared.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from webapp.settings import Settings
    from webapp.shared.engine import Engine

logger = logging.getLogger(__name__)
T = TypeVar("T")
_Line = asyncio.Queue[tuple[int, Seen]]  # a picture's number, and what was found in it

LARGEST_MESSAGE = 1_500_000  # bytes
WORKERS = min(2, os.cpu_count() or 1)


class LiveServer:
    """Lets viewers in, up to a number, and serves each of them."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.settings = settings
        self.tickets = Tickets()
        self.sending = Sending(settings.send)
        self._count = 0  # of viewers so far
        self.viewers: set[Viewer] = set()
        self._sockets: set[WebSocket] = set()
        self._worker = ThreadPoolExecutor(WORKERS, thread_name_prefix="live")
        self._side = ThreadPoolExecutor(1, thread_name_prefix="live-side")
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Tell every viewer that the app stops, and let the workers go."""
        for socket in list(self._sockets):
            with suppress(RuntimeError, WebSocketDisconnect):
                await socket.close(1012)
        await asyncio.to_thread(self.sending.close)
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._side.shutdown(wait=False, cancel_futures=True)

    async def in_turn(self, work: Callable[..., T], *given: Any) -> T:
        """Do something with a picture on a worker that all live viewers share, in turn with them."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, *given)

    def add_routes(self, app: FastAPI) -> None:
        """Put `/live` on `app`, and `/live/ticket`, which gives the permission to open it."""

        @app.post("/live/ticket")
        def ticket(request: Request, consent: Annotated[Any, Body(embed=True)] = None) -> JSONResponse:
            given = self.tickets.give(Visitor.of(request), consent=consent)
            if given is None:
                return JSONResponse({"error": "The live view starts after consent only."}, status_code=403)
            return JSONResponse({"ticket": given}, headers={"Cache-Control": "no-store"})

        @app.websocket("/live")
        async def live(socket: WebSocket) -> None:
            await self.serve(socket)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one WebSocket from its first byte to its last."""
        visitor = self.tickets.take(socket.query_params.get("ticket", ""), Visitor.of(socket))
        if visitor is None:
            await socket.accept()
            await self._refuse(socket, "ticket")
            return
        await socket.accept()
        if len(self.viewers) >= self.settings.max_viewers:
            await self._refuse(socket, "full")
            return
        loop = asyncio.get_running_loop()
        placeholder: Any = object()
        self.viewers.add(placeholder)  # the place is taken while the weights load
        try:
            recognizer = await loop.run_in_executor(self._side, lambda: self.engine.recognizer)
            viewer = Viewer(self.engine, self.settings, visitor, self._side)
            viewer.language = choose(socket.query_params.get("language"))
            self._count += 1
            viewer.number, viewer.sender = self._count, self.sending.of(recognizer)
        except EmotionError as problem:
            logger.error("live view: %s", problem)
            await self._refuse(socket, "model")
            return
        finally:
            self.viewers.discard(placeholder)
        self.viewers.add(viewer)
        self._sockets.add(socket)
        try:
            await socket.send_json(
                {
                    "type": "ready",
                    "labels": list(recognizer.labels),
                    "colors": {label: color_of(label) for label in recognizer.labels},
                    "hiding": HIDING,
                }
            )
            await self._run(socket, viewer)
        except (WebSocketDisconnect, RuntimeError, OSError) as gone:
            logger.debug("a live viewer left: %s", gone)
        finally:
            # No await in here: this task may be being cancelled, and what is then still waited for, or waits
            # in a thread's queue, never happens.
            self._sockets.discard(socket)
            self.viewers.discard(viewer)
            note(frames=viewer.state.index)
            viewer.leave()
            if not self.viewers:
                self._side.submit(give_back)

    async def _refuse(self, socket: WebSocket, reason: str) -> None:
        note(refused=reason)
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.send_json({"type": "refused", "reason": reason})
            await socket.close(1013)

    async def _run(self, socket: WebSocket, viewer: Viewer) -> None:
        seen: _Line = asyncio.Queue(1)
        tasks = {
            asyncio.create_task(self._listen(socket, viewer)),
            asyncio.create_task(self._search(socket, viewer, seen)),
            asyncio.create_task(self._answer(socket, viewer, seen)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)  # gather() would lose who cancelled this task meanwhile
        problems = [p for task in tasks if not task.cancelled() and (p := task.exception())]
        if problems:
            raise problems[0]

    async def _listen(self, socket: WebSocket, viewer: Viewer) -> None:
        """Take in pictures and commands until the viewer leaves or says nothing for too long."""
        while True:
            try:
                # wait_for() of Python 3.11 would lose a cancellation that comes together with a message.
                async with asyncio.timeout(self.settings.idle_seconds):
                    message = await socket.receive()
            except TimeoutError:
                await self._refuse(socket, "idle")
                return
            if message["type"] == "websocket.disconnect":
                return
            data, text = message.get("bytes"), message.get("text")
            if data is not None and 4 < len(data) <= LARGEST_MESSAGE:
                viewer.newest = (struct.unpack(">I", data[:4])[0], data[4:])
                viewer.came = time.monotonic()
                viewer.arrived.set()
            elif text is not None and len(text) < 2000:
                await self._obey(socket, viewer, text)
            else:
                await self._refuse(socket, "picture")
                return

    async def _obey(self, socket: WebSocket, viewer: Viewer, text: str) -> None:
        import json

        try:
            message = json.loads(text)
            kind = message["type"]
            if kind == "config":
                viewer.change(LiveOptions.from_message(message))
            elif kind == "calibrate":
                viewer.state.calibrate(viewer.faces, message.get("face"), viewer.clock())
            elif kind == "forget":
                viewer.state.forget_baseline()
            elif kind == "record":
                await self._record(socket, viewer, on=bool(message["on"]))
            elif kind == "fetch-objects" and message["agreed"] is True:
                self._beside(self._fetch_objects(socket))
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            logger.info("a live message was not understood: %s", problem)
        await self._tell_news(socket, viewer)

    async def _tell_news(self, socket: WebSocket, viewer: Viewer) -> None:
        while viewer.state.news:
            news = viewer.state.news.pop(0)
            if news["type"] == "limit":
                await self._record(socket, viewer, on=False, state="limit")
            else:
                await socket.send_json(news)

    async def _record(self, socket: WebSocket, viewer: Viewer, *, on: bool, state: str = "saved") -> None:
        if on == (viewer.recorder is not None):
            return
        if on:
            viewer.recorder = LiveRecorder(
                self.settings.max_minutes * 60,
                self.engine.recognizer.labels,
                viewer.visitor,
                viewer.language,
            )
            viewer.unheard.add(viewer.recorder)
            await socket.send_json({"type": "recording", "state": "started"})
            return
        recorder, viewer.recorder = viewer.recorder, None
        assert recorder is not None  # `on` is False, so there is one
        self._beside(self._finish(socket, viewer, recorder, state))

    async def _finish(self, socket: WebSocket, viewer: Viewer, recorder: LiveRecorder, state: str) -> None:
        """Write a recording's files and tell the viewer of them, while their pictures go on.

        A viewer who has left meanwhile is told nothing, and has had the recording deleted by that.
        """
        loop = asyncio.get_running_loop()
        message: dict[str, Any] = {"type": "recording", "state": state}
        try:
            files = await loop.run_in_executor(self._side, recorder.finish, viewer.about())
        except (EmotionError, OSError) as problem:
            logger.error("a live recording could not be saved: %s", problem)
            message["state"] = "failed"
        else:
            message["files"] = [asdict(file) for file in files]
            message["gone"] = store.news(viewer.visitor.key)
            if files:
                message["dashboard"] = f"dashboard/?result={recorder.token}"
            else:
                message["state"] = "empty"
        if viewer not in self.viewers:
            return
        with suppress(RuntimeError, WebSocketDisconnect, OSError):
            await socket.send_json(message)
            if message["state"] != "failed":
                viewer.unheard.discard(recorder)

    async def _search(self, socket: WebSocket, viewer: Viewer, seen: _Line) -> None:
        """Find the faces in the newest picture, while those of the one before are read, and again."""
        while True:
            await viewer.arrived.wait()
            viewer.arrived.clear()
            if viewer.newest is None:
                continue
            (seq, data), viewer.newest = viewer.newest, None
            try:
                found = await self.in_turn(viewer.find, data, viewer.came)
            except ValueError as problem:
                await seen.join()
                logger.info("a live picture could not be read: %s", problem)
                await self._refuse(socket, "picture")
                return
            await seen.join()  # one picture waits for the one before, and none for that
            seen.put_nowait((seq, found))

    async def _answer(self, socket: WebSocket, viewer: Viewer, seen: _Line) -> None:
        """Read the faces that were found, answer, and again."""
        while True:
            seq, found = await seen.get()
            message = await self.in_turn(viewer.read, found)
            message["seq"] = seq
            await socket.send_json(message)
            await self._tell_news(socket, viewer)
            seen.task_done()

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch_objects(self, socket: WebSocket) -> None:
        """Download the objects' model: this viewer has read what it is, and agreed."""
        await self._tell_objects(socket, "fetching")
        try:
            await asyncio.wrap_future(self.engine.objects.fetch())
        except EmotionError:
            await self._tell_objects(socket, "failed")
        else:
            await self._tell_objects(socket, "ready")

    async def _tell_objects(self, socket: WebSocket, state: str) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.send_json({"type": "objects", "state": state, "facts": facts()})
