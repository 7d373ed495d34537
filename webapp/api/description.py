"""The API about itself: OpenAPI 3.1 with examples, and a page that needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from emotion_core.version import VERSION
from webapp.service.page import page
from webapp.service.routing import Refusal, new_router, refusals, service_of

if TYPE_CHECKING:
    from fastapi.routing import BaseRoute

router = new_router("description")

ABOUT = """\
Faces in, apparent expressions out: identity, seven probabilities, valence and arousal for every face of a \
video or a picture. It is the apparent expression, not what a person feels.

Programs send `Authorization: Bearer TOKEN` where the server asks for tokens. A token sees what it has made, \
and nothing else. Every error is a problem of RFC 9457 with one line in `detail`.

Emotion recognition at work and in education is prohibited in the EU (AI Act, Art. 5(1)(f)); people whose \
faces are analysed must be told (Art. 50(3)).
"""
STREAM = """\
WS /api/v1/stream                the newest picture is read, those that it overtakes are dropped
WS /api/v1/stream?frames=all     every picture is read, and a fast sender is slowed down

The token comes in the header `Authorization: Bearer TOKEN`; where a WebSocket can send no header, as in a
page, in the subprotocols: new WebSocket(url, ["expressions.v1", "token." + TOKEN]).

The server begins    {"type": "ready", "version": 1, "labels": ["Angry", ...], "trained": true}
Then it takes        binary: 16 bytes, big-endian, and the picture behind them (up to 1.5 MB in all)
                       byte 0      version, 1
                       byte 1      0 for JPEG (sides of 16 to 1280 pixels), 1 for raw RGB
                       bytes 2-3   0
                       bytes 4-5   width of a raw picture, else 0
                       bytes 6-7   height of a raw picture, else 0
                       bytes 8-15  a time stamp of yours, a 64-bit float
                     text: {"type": "config", "smoothing": 5, "threshold": 0}
and answers each     {"type": "faces", "stamp": 1.5, "frame": 12, "dropped": 0, "width": 640, "height": 480,
  picture              "ms": 14.2, "faces": [{"id": 1, "box": [x, y, width, height], "emotion": "Happy",
                       "confidence": 0.9, "probabilities": {...}, "valence": 0.7, "arousal": 0.4,
                       "uncertain": false}]}
                     `stamp` is yours; `dropped` counts pictures that were overtaken since the last answer
Before it closes     {"type": "refused", "reason": "full", "error": {...}}; the reasons: full, limit, idle,
                       message, model
"""


def describe(*, closed: bool) -> dict[str, Any]:
    """Return the description; `closed` says that a token or a log-in is asked for."""
    from webapp.api import ROUTERS

    routes: list[BaseRoute] = [
        route for other in ROUTERS for route in other.routes if "/api/" in _path(route)
    ]
    made = get_openapi(
        title="Facial expressions: the API",
        version=VERSION,
        openapi_version="3.1.0",
        description=f"{ABOUT}\n\n## Stream\n\n```text\n{STREAM}```\n",
        routes=routes,
    )
    schemas = made["components"]["schemas"]
    schemas["Refusal"] = Refusal.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    if closed:
        made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        made["security"] = [{"token": []}]
    return made


def _path(route: BaseRoute) -> str:
    return str(getattr(route, "path", ""))


_DESCRIPTION: dict[int | str, dict[str, Any]] = {
    200: {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {}}}}
}


@router.get("/openapi.json", responses={**_DESCRIPTION, **refusals()}, summary="Get this description")
def openapi(request: Request) -> JSONResponse:
    """Return the description of the API in OpenAPI 3.1."""
    return JSONResponse(describe(closed=service_of(request).closed))


@router.get(
    "/docs", response_class=HTMLResponse, responses=refusals(), summary="Read about the API in a browser"
)
def docs(request: Request) -> HTMLResponse:
    """Return a page with all of it, and snippets in curl, Python and JavaScript."""
    return HTMLResponse(page(describe(closed=service_of(request).closed), STREAM))
