"""What an analysis has found: records in any format, summary, annotated video, report."""

from __future__ import annotations

import os
import tempfile
from enum import StrEnum
from pathlib import Path as File
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import Query, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from emotion_core.results.formats import FORMATS, available
from emotion_core.results.names import name_of
from webapp.api.analyses import Id
from webapp.service import ranges
from webapp.service.callers import Caller
from webapp.service.routing import new_router, refusals, service_of
from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emotion_core.results.record import Record

router = new_router("results")

_MEDIA = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "ndjson": "application/x-ndjson",
    "eaf": "application/xml",
    "emotionml": "application/emotionml+xml",
    "bids": "application/zip",
}
_BINARY = "application/octet-stream"
Format = StrEnum("Format", {name: name for name in FORMATS})  # type: ignore[misc]
_JSON = Format("json")
_RECORD = {
    "frame": 12, "emotion": "Happy", "confidence": 0.91, "valence": 0.72, "arousal": 0.41, "time": 0.48,
    "face": 1, "probabilities": {"Happy": 0.91, "Neutral": 0.09}, "box": [412.0, 96.5, 88.0, 117.0],
    "duration": 0.04,
}  # fmt: skip


def _content() -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name in FORMATS:
        media = _MEDIA.get(name, _BINARY)
        content[media] = {"schema": {"type": "string", "contentMediaType": media}}
    content["application/json"] = {
        "schema": {"type": "array", "items": {"type": "object"}},
        "example": [_RECORD],
    }
    return {"description": "The records, one for each frame and face.", "content": content}


@router.get(
    "/analyses/{id}/results",
    response_class=FileResponse,
    responses={200: _content(), **refusals(409, 416)},
    summary="Get the records",
)
def results(
    request: Request,
    id: Id,
    format: Annotated[Format, Query(description="The format of the answer.")] = _JSON,
    face: Annotated[int | None, Query(ge=0, le=2**53, description="Only this face.")] = None,
    start: Annotated[
        float | None, Query(alias="from", allow_inf_nan=False, description="From this second on.")
    ] = None,
    end: Annotated[
        float | None, Query(alias="to", allow_inf_nan=False, description="Before this second.")
    ] = None,
) -> FileResponse:
    """Return one record for each frame and face; without a filter the file as it was written."""
    service = service_of(request)
    entry = service.find(Caller.of(request), id)
    written = service.output(entry, "json")
    if format.value not in available():
        raise ProblemError(422, f"format: {format.value} needs a package that this server lacks.")
    if start is not None and end is not None and not start <= end:
        raise ProblemError(422, "from: it lies behind `to`.")
    made = FORMATS[format.value]
    media = _MEDIA.get(format.value, _BINARY)
    name = f"{written.stem}{made.endings[0]}"
    if face is None and start is None and end is None and format.value in entry.paths:
        return _sent(request, service.output(entry, format.value), media, name)
    ranges.whole(request)  # what is made now has no other part somewhere
    handle, path = tempfile.mkstemp(dir=service.folder.root, prefix="part-", suffix=made.endings[0])
    os.close(handle)
    try:
        labels = service.app.engine.recognizer.labels
        writer = made.writer(File(path), tuple(labels))
        writer.about = {"name": name_of(written.name), "source": {"name": entry.name}}
        for record in _chosen(written, face, start, end):
            writer.write(record)
        writer.close()
    except BaseException:
        os.unlink(path)
        raise
    return FileResponse(path, media_type=media, filename=name, background=BackgroundTask(os.unlink, path))


def _chosen(path: File, face: int | None, start: float | None, end: float | None) -> Iterator[Record]:
    """Yield the records of a file as `JsonWriter` leaves it, a line each; its numbers stay as they are."""
    from emotion_core.results.record import Record

    with path.open("rb") as lines:
        for line in lines:
            if not line.startswith(b"{"):
                continue
            record = Record(**orjson.loads(line.rstrip(b",\n")))
            if face is not None and record.face != face:
                continue
            if (start is not None and record.time < start) or (end is not None and record.time >= end):
                continue
            yield record


def _file(media: str, about: str, **more: Any) -> dict[int | str, dict[str, Any]]:
    content = {"schema": {"type": "string", "contentMediaType": media}, **more}
    return {200: {"description": about, "content": {media: content}}, **refusals(409, 416)}


@router.get(
    "/analyses/{id}/summary",
    response_class=FileResponse,
    responses=_file("application/json", "Of the whole file and of each face.", schema={"type": "object"}),
    summary="Get the summary",
)
def summary(request: Request, id: Id) -> FileResponse:
    """Return shares, means, longest runs and strongest moments of each face."""
    return _answer(request, id, "application/json", "summary")


_PICTURED = _file("video/mp4", "The annotated video; of a picture, a JPEG.")
_PICTURED[200]["content"]["image/jpeg"] = {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}
_PICTURED[206] = {"description": "The range that was asked for.", "content": _PICTURED[200]["content"]}


@router.get("/analyses/{id}/video", response_class=FileResponse, responses=_PICTURED, summary="Get the video")
def video(request: Request, id: Id) -> FileResponse:
    """Return the video with faces, emotions and scores drawn in; ranges are honoured, so players can seek."""
    return _answer(request, id, None, "video", "picture")


@router.get(
    "/analyses/{id}/report",
    response_class=FileResponse,
    responses=_file("text/html", "One page with all charts; it fetches nothing."),
    summary="Get the report",
)
def report(request: Request, id: Id) -> FileResponse:
    """Write the HTML report, to be saved and opened without a network."""
    return _answer(request, id, "text/html", "report")


def _answer(request: Request, id: str, media: str | None, *kinds: str) -> FileResponse:
    service = service_of(request)
    path = service.output(service.find(Caller.of(request), id), *kinds)
    return _sent(request, path, media, path.name)


def _sent(request: Request, path: File, media: str | None, name: str) -> FileResponse:
    """Send a file, or the part of it that is asked for."""
    ranges.settle(request, path.stat().st_size)
    return FileResponse(path, media_type=media, filename=name)
