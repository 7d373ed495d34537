"""Analyses of videos and pictures: put into the queue, watched, listed, deleted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile

from webapp.service.answers import ID, Analysis, Page, State, analysis, event
from webapp.service.callers import Caller
from webapp.service.options import Options
from webapp.service.routing import new_router, refusals, service_of
from webapp.service.service import Wanted
from webapp.shared.logs import note
from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

router = new_router("analyses")

LOOK_SECONDS = 0.3  # between two looks at an analysis that is watched
_SILENCE = 15.0  # seconds after which a comment tells a proxy that the connection lives
_SOURCES = ("library", "upload")

Id = Annotated[str, Path(description="The id of an analysis.", examples=[ID], max_length=100)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same request gives the same analysis, however often it is sent.",
    ),
]


def _body() -> dict[str, Any]:
    """Describe the two forms of what may be sent."""
    options = Options.model_json_schema()["properties"]
    as_text = {
        name: {**schema, "type": "string", "default": ",".join(schema.get("default", ()))}
        if schema.get("type") == "array"
        else schema
        for name, schema in options.items()
    }
    for schema in as_text.values():
        schema.pop("items", None)
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": {**file, "description": "A video or a picture."}, **as_text},
    }
    named = {
        "library": {"type": "string", "minLength": 1, "description": "A path inside the server's library."},
        "upload": {"type": "string", "minLength": 1, "description": "The id of a finished upload."},
    }
    by_name = {
        "type": "object",
        "additionalProperties": False,
        "properties": {**named, **options},
        "oneOf": [{"required": [name]} for name in _SOURCES],
    }
    example = {"library": "2026/talk.mp4", "smoothing": 5, "format": ["json", "parquet"]}
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form},
            "application/json": {"schema": by_name, "example": example},
        },
    }


def _link(operation: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": {"id": "$response.body#/id"}}


_LINKS = {
    name: _link(name)
    for name in (
        *("analyses.one", "analyses.events", "results.results", "results.summary", "results.video"),
        *("results.report", "analyses.delete"),
    )
}


@router.post(
    "/analyses",
    status_code=202,
    response_model=Analysis,
    responses={202: {"description": "It waits.", "links": _LINKS}, **refusals(409, 415, 507)},
    openapi_extra={"requestBody": _body()},
    summary="Analyse a video or a picture",
)
async def create(request: Request, response: Response, key: Key = None) -> Analysis:
    """Put a file into the queue: sent as a form, or as JSON that names a finished upload or a library's file.

    The other fields are the options of the command line. The answer comes at once; `links` say where to look.
    """
    service, caller = service_of(request), Caller.of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        length = request.headers.get("content-length", "")
        size = int(length) if length.isdigit() else 0
        await asyncio.to_thread(service.limits.use, caller, size=size, count=False)
        async with request.form(max_files=1, max_fields=20) as form:
            files = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
            if len(files) != 1 or files[0][0] != "file":
                raise ProblemError(422, "file: send one video or picture under this name.")
            file = files[0][1]
            fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
            options = Options.read(fields)
            await asyncio.to_thread(service.limits.use, caller, size=file.size or 0)
            wanted = Wanted(options, file.filename or "", file.file, file.size or 0)
            entry = await asyncio.to_thread(service.submit, caller, wanted, key)
    elif kind == "application/json":
        wanted = _named(orjson_of(await request.body()))
        entry = await asyncio.to_thread(service.submit, caller, wanted, key)
    else:
        raise ProblemError(415, "Send multipart/form-data with a file, or application/json.")
    note(job=entry.number)
    made = analysis(entry, service.keep_seconds)
    response.headers["Location"] = made.links.self
    return made


def orjson_of(body: bytes) -> Mapping[str, Any]:
    """Read a body of JSON; raises ProblemError 422 for anything but an object."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ProblemError(422, "The body is no JSON.") from None
    if not isinstance(content, dict):
        raise ProblemError(422, "The body is no JSON object.")
    return content


def _named(content: Mapping[str, Any]) -> Wanted:
    given = [name for name in _SOURCES if name in content]
    if len(given) != 1:
        raise ProblemError(422, "Give `library`, a path inside the server's library, or `upload`, an id.")
    place = content[given[0]]
    if not isinstance(place, str):
        raise ProblemError(422, f"{given[0]}: this is no text.")
    options = Options.read({name: value for name, value in content.items() if name not in _SOURCES})
    return Wanted(options, library=place) if given[0] == "library" else Wanted(options, upload=place)


@router.get("/analyses", response_model=Page, responses=refusals(), summary="List analyses")
def pages(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200, description="How many on one page.")] = 20,
    cursor: Annotated[
        str | None, Query(pattern="^[0-9]{1,15}$", description="`next` of the page before.")
    ] = None,
    state: Annotated[State | None, Query(description="Only those of this state.")] = None,
) -> Page:
    """Return the caller's analyses, the newest first."""
    service, caller = service_of(request), Caller.of(request)
    if not caller.owner:  # nobody can be told apart: whoever knows an id may ask for it, and no list tells
        return Page(analyses=[], next=None)
    found = service.ledger.page(caller.owner, limit + 1, int(cursor) if cursor else None, state)
    more = str(found[limit - 1].number) if len(found) > limit else None
    return Page(analyses=[analysis(entry, service.keep_seconds) for entry in found[:limit]], next=more)


@router.get("/analyses/{id}", response_model=Analysis, responses=refusals(), summary="Look at an analysis")
def one(request: Request, id: Id) -> Analysis:
    """Say how far an analysis is, and what was wrong where it failed."""
    service = service_of(request)
    return analysis(service.find(Caller.of(request), id), service.keep_seconds)


@router.delete("/analyses/{id}", status_code=204, responses=refusals(), summary="Delete an analysis")
def delete(request: Request, id: Id) -> Response:
    """End an analysis, where it still waits or runs, and delete all that belongs to it."""
    service_of(request).delete(Caller.of(request), id)
    return Response(status_code=204)


_TEXT = {"type": "string"}
_STREAM = {
    "description": "`progress` whenever something has changed, at last `end`; each holds the analysis.",
    "content": {
        "text/event-stream": {
            "schema": {"type": "object", "properties": {"event": _TEXT, "data": _TEXT}},
            "example": {"event": "progress", "data": f'{{"id": "{ID}", "state": "running"}}'},
        }
    },
}


@router.get(
    "/analyses/{id}/events",
    response_class=StreamingResponse,
    responses={200: _STREAM, **refusals()},
    summary="Watch an analysis",
)
async def events(request: Request, id: Id) -> StreamingResponse:
    """Send an event (server-sent) whenever an analysis gets further, until it has ended."""
    service, caller = service_of(request), Caller.of(request)
    await asyncio.to_thread(service.find, caller, id)

    async def told() -> AsyncIterator[str]:
        said, silent = "", 0.0
        while service.may_go_on(caller):
            try:
                entry = await asyncio.to_thread(service.find, caller, id)
            except ProblemError:  # deleted meanwhile
                yield "event: gone\ndata: {}\n\n"
                return
            now = event(entry, service.keep_seconds)
            if now != said:
                said, silent = now, 0.0
                yield now
            if entry.ended is not None:
                return
            await asyncio.sleep(LOOK_SECONDS)
            silent += LOOK_SECONDS
            if silent >= _SILENCE:
                silent = 0.0
                yield ": still here\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told(), media_type="text/event-stream", headers=headers)
