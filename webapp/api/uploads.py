"""Large files in parts: the tus protocol 1.0 (core, creation, termination), for any of its clients."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Annotated, Any

from fastapi import Header, Path, Request, Response

from webapp.service.answers import ID
from webapp.service.callers import Caller
from webapp.service.routing import PREFIX, new_router, refusals, service_of
from webapp.shared.problems import ProblemError

router = new_router("uploads")

VERSION = "1.0.0"
PART = "application/offset+octet-stream"
_SPOKEN = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}

Id = Annotated[str, Path(description="The id of an upload.", examples=[ID], max_length=100)]
Spoken = Annotated[
    str,
    Header(
        alias="Tus-Resumable",
        description=f"{VERSION}, or left out.",
        json_schema_extra={"enum": [VERSION]},  # 412 is what the protocol asks for where it is another
    ),
]
_OFFSET = {"Upload-Offset": {"schema": {"type": "integer"}, "description": "Bytes that have come."}}
_PART = {"required": True, "content": {PART: {"schema": {"type": "string", "format": "binary"}}}}


def _done(status: int, about: str, **headers: Any) -> dict[int | str, dict[str, Any]]:
    return {status: {"description": about, "headers": headers}, **refusals(409, 412, 415, 507)}


def _check(spoken: str) -> None:
    if spoken != VERSION:
        raise ProblemError(412, f"This server speaks tus {VERSION}.", {"Tus-Version": VERSION})


@router.post(
    "/uploads",
    status_code=201,
    response_class=Response,
    responses=_done(
        201, "Begun: send parts to `Location`.", Location={"schema": {"type": "string"}}, **_OFFSET
    ),
    summary="Begin an upload in parts",
)
def begin(
    request: Request,
    length: Annotated[int, Header(alias="Upload-Length", ge=1, le=2**60, description="Bytes of the file.")],
    metadata: Annotated[
        str,
        Header(alias="Upload-Metadata", description="`filename` and the name in base64.", max_length=2000),
    ] = "",
    spoken: Spoken = VERSION,
) -> Response:
    """Announce a file; when all of it has come, `POST /analyses` takes its id, the end of `Location`."""
    _check(spoken)
    service, caller = service_of(request), Caller.of(request)
    service.uploads.check(length)
    service.limits.use(caller, size=length, count=False)
    service.make_room(length)
    id = service.uploads.begin(caller, _name(metadata), length)
    service.limits.use(caller, size=length)
    at = {"Location": f"{PREFIX}/uploads/{id}", "Upload-Offset": "0"}
    return Response(status_code=201, headers={**_SPOKEN, **at})


def _name(metadata: str) -> str:
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return base64.b64decode(value, validate=True).decode("utf-8")
            except (binascii.Error, UnicodeDecodeError):
                raise ProblemError(422, "Upload-Metadata: the filename is no base64 of UTF-8.") from None
    return ""


@router.head(
    "/uploads/{id}",
    response_class=Response,
    responses={
        200: {"description": "How much has come.", "headers": _OFFSET},
        # An answer to HEAD has no body, so its problems have none either.
        **{status: {"description": "As for GET."} for status in refusals(412)},
    },
    summary="Ask how much has come",
)
def state(request: Request, id: Id, spoken: Spoken = VERSION) -> Response:
    """Say where to go on."""
    _check(spoken)
    here, length, _ = service_of(request).uploads.state(Caller.of(request), id)
    at = {"Upload-Offset": str(here), "Upload-Length": str(length)}
    return Response(status_code=200, headers={**_SPOKEN, **at})


@router.patch(
    "/uploads/{id}",
    status_code=204,
    response_class=Response,
    responses=_done(204, "The part has come.", **_OFFSET),
    openapi_extra={"requestBody": _PART},
    summary="Send a part",
)
async def part(
    request: Request,
    id: Id,
    offset: Annotated[int, Header(alias="Upload-Offset", ge=0, le=2**60, description="Where it begins.")],
    spoken: Spoken = VERSION,
) -> Response:
    """Append the body to what has come; where it breaks off, what came of it stays."""
    _check(spoken)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PART:
        raise ProblemError(415, f"Send parts as {PART}.")
    service, caller = service_of(request), Caller.of(request)
    opened = service.uploads.part(caller, id, offset)
    place = await asyncio.to_thread(opened.__enter__)
    try:
        async for data in request.stream():
            if data:
                await asyncio.to_thread(place.write, data)
    finally:
        await asyncio.to_thread(opened.__exit__, None, None, None)
    return Response(status_code=204, headers={**_SPOKEN, "Upload-Offset": str(place.offset)})


@router.delete(
    "/uploads/{id}",
    status_code=204,
    response_class=Response,
    responses=_done(204, "It is gone."),
    summary="Throw an upload away",
)
def delete(request: Request, id: Id, spoken: Spoken = VERSION) -> Response:
    """Delete what has come."""
    _check(spoken)
    service_of(request).uploads.delete(Caller.of(request), id)
    return Response(status_code=204, headers=_SPOKEN)
