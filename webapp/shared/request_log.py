"""An id for every request, in its answer and in the log, and the line about it there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

from webapp.shared import logs
from webapp.shared.access import rule_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
GIVEN = "request_id"
"""Where a request's scope has the id that a believed proxy has given it."""
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Requests:
    """ASGI middleware that names every request and WebSocket, and tells the log how it was answered.

    The line has the route, not the address: addresses hold the ids of analyses and the names of files.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        began, status, size = time.monotonic(), None, 0
        with logs.answering(scope.get(GIVEN)) as now:

            async def noting(message: Message) -> None:
                nonlocal status, size
                kind = message["type"]
                if kind in ("http.response.start", "websocket.accept"):
                    status = message.get("status", 101)
                    MutableHeaders(scope=message)[HEADER] = now.id
                elif kind == "http.response.body":
                    size += len(message.get("body", b""))
                elif kind == "websocket.close":
                    now.facts.setdefault("code", message.get("code", 1000))
                await send(message)

            try:
                await self.app(scope, receive, noting)
            except BaseException as error:
                now.facts["error"] = type(error).__name__
                status = status or 500
                raise
            finally:
                facts = {"route": rule_of(scope["path"]), "status": status, **now.facts}
                took = round(time.monotonic() - began, 6)
                if scope["type"] == "http":
                    method = scope["method"] if scope["method"] in _METHODS else "other"
                    logs.tell("request", request=now.id, method=method, **facts, seconds=took, bytes=size)
                else:
                    facts["status"] = status or 403  # one that was closed before it opened
                    logs.tell("socket", request=now.id, **facts, seconds=took)
