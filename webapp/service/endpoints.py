"""Named endpoints of the page for `gradio_client`: a video, a picture, live; they do what the API does.

No `from __future__ import annotations` here: Gradio reads the types of arguments to describe them.
"""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from emotion_core.types import EmotionError
from webapp.api.faces import face_found, opened, read_picture
from webapp.live.pictures import PictureSessions
from webapp.live.viewer import LiveOptions
from webapp.service.callers import Caller
from webapp.service.folder import plain_name
from webapp.service.options import Options
from webapp.service.service import Service, Wanted
from webapp.shared.problems import ProblemError
from webapp.shared.uploads import owner_of_request

if TYPE_CHECKING:
    from webapp.app import App

POLL_SECONDS = 0.2
VIDEO = (
    "Read the apparent expressions in a video or a picture and wait for it: gives `summary`, what"
    " NAME_summary.json holds, and `results`, the records of NAME_results.json, one for each frame and face."
    " Frames are smoothed over `smoothing` of them; answers less sure than `threshold` (0 to 1) are marked."
)
PICTURE = (
    "Read the faces of one picture: gives its width and height and `faces`, each with id, box (x, y, width,"
    " height in pixels), emotion, confidence, probabilities, valence, arousal."
)
LIVE = (
    "Read the next picture of a live source: the calls of one client are one session, in which a face keeps"
    " its id and answers are smoothed over `smoothing` pictures (1 to 30). Gives frame (from 0), time (in"
    " seconds since the first picture), width, height, ms, and `faces` as /read_faces does. The session ends"
    " with the client, or when nothing comes for a minute; no picture is kept. For many a second there is"
    " WS /api/v1/stream."
)


def add(app: "App", blocks: gr.Blocks, service: Callable[[], Service]) -> None:
    """Put the endpoints on the Blocks that are being built; `service` is asked for when they are called."""
    sessions = PictureSessions(app.live)

    def upload(file: Any, request: gr.Request) -> tuple[Path, str]:
        given = file if isinstance(file, dict) else {}
        path = app.workspace.incoming.own(owner_of_request(request), str(given.get("path", "")))
        if path is None:
            line = "Send a file first: handle_file(...) of gradio_client does."
            raise gr.Error(line, print_exception=False)
        return path, str(given.get("orig_name") or path.name)

    def analyze_video(
        video: gr.FileData,
        request: gr.Request,
        smoothing: int = 5,
        threshold: float = 0.0,
        objects: bool = False,
    ) -> dict[str, Any]:
        path, name = upload(video, request)
        given = {"smoothing": smoothing, "threshold": threshold, "objects": objects, "video": False}
        try:
            return _analyze(service(), _caller(request), path, name, given)
        except (ProblemError, EmotionError) as problem:
            raise gr.Error(str(problem), print_exception=False) from problem

    def read_faces(picture: gr.FileData, request: gr.Request, threshold: float = 0.0) -> dict[str, Any]:
        path, name = upload(picture, request)
        found = read_picture(path.read_bytes(), name, float(threshold), service())
        if found.error is not None:
            raise gr.Error(found.error.detail, print_exception=False)
        return found.model_dump(exclude={"error"})

    async def read_live(
        picture: gr.FileData, request: gr.Request, smoothing: int = 5, threshold: float = 0.0
    ) -> dict[str, Any]:
        path, name = upload(picture, request)
        uploads, owner, page = app.workspace.incoming, owner_of_request(request), request.session_hash or ""
        caller = _caller(request)
        uploads.hold([path])
        try:
            service().limits.request(caller)
            options = LiveOptions(smoothing, float(threshold))
            image = await asyncio.to_thread(_open, path, name, service())
            about, faces = await sessions.read(caller.counted, page, image, options)
        except (ProblemError, EmotionError, ValueError) as problem:
            raise gr.Error(str(problem), print_exception=False) from problem
        finally:
            uploads.free([path])
            uploads.done(owner, page, [path])
        return about | {"faces": [face_found(face).model_dump() for face in faces]}

    def left(request: gr.Request) -> None:
        sessions.leave(request.session_hash or "")

    blocks.unload(left)
    gr.api(read_live, api_name="read_live", api_description=LIVE, concurrency_limit=None)
    gr.api(analyze_video, api_name="analyze_video", api_description=VIDEO, concurrency_limit=None)
    gr.api(read_faces, api_name="read_faces", api_description=PICTURE, concurrency_limit=4)


def _caller(request: gr.Request) -> Caller:
    assert request.request is not None  # there is one behind every call from outside
    return Caller.of(request.request)


def _open(path: Path, name: str, service: Service) -> Any:
    return opened(path.read_bytes(), plain_name(name), service)


def _analyze(service: Service, caller: Caller, path: Path, name: str, given: dict[str, Any]) -> Any:
    """Put a file into the queue, wait for it, and leave nothing behind."""
    size = path.stat().st_size
    service.limits.use(caller, size=size)
    with path.open("rb") as file:
        entry = service.submit(caller, Wanted(Options.read(given), name, file, size))
    try:
        while entry.ended is None:
            if not service.may_go_on(caller):
                raise ProblemError(503, "The server stops: try again later.")
            time.sleep(POLL_SECONDS)
            entry = service.find(caller, entry.id)
        results = json.loads(service.output(entry, "json").read_text("utf-8"))
        summary = json.loads(service.output(entry, "summary").read_text("utf-8"))
    finally:
        if service.ledger.delete(entry.id):
            service.folder.remove(entry.id)
    return {"summary": summary, "results": results}
