"""The app below a path of a longer address, such as https://example.org/emotion/: what a proxy adds to it.

Inside, every address stays as it is without one; here the path comes off a request and onto its answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_IN_SCOPE = "below"
_WHOLE = re.compile(r"(?P<origin>https?://[^/]+)?(?P<path>/(?!/).*)?")
_COOKIES_PATH = re.compile(r"(;\s*path=)/(?=\s*(?:;|$))", re.I)


def below(scope: Scope) -> str:
    """Return the path under which a request has found the app, without a slash at its end; mostly empty."""
    return str(scope.get(_IN_SCOPE, ""))


class Below:
    """ASGI middleware for an app that a proxy shows below `path`, whether it takes the path off or not."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as if there were no path."""
        if not self.path or scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if scope["path"] == self.path and scope["type"] == "http":
            await RedirectResponse(f"{self.path}/", status_code=307)(scope, receive, send)
            return
        inner = {**scope, _IN_SCOPE: self.path}
        if scope["path"].startswith(f"{self.path}/"):
            inner["path"] = scope["path"].removeprefix(self.path)
            inner["raw_path"] = (scope.get("raw_path") or b"").removeprefix(self.path.encode())
        host = Headers(scope=scope).get("host", "")

        async def put_back(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                if (location := headers.get("location")) is not None:
                    headers["location"] = self._put_before(location, host)
                message = {**message, "headers": [self._cookie(*pair) for pair in headers.raw]}
            await send(message)

        await self.app(inner, receive, put_back)

    def _put_before(self, location: str, host: str) -> str:
        """Return where an answer leads, with the path before it; what leads to another server stays."""
        match = _WHOLE.fullmatch(location)
        if match is None or match["path"] is None or match["path"].startswith(f"{self.path}/"):
            return location
        if match["origin"] and match["origin"].partition("//")[2] != host:
            return location
        return f"{match['origin'] or ''}{self.path}{match['path']}"

    def _cookie(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        """Return a header; a cookie for the whole server becomes one for what is below the path."""
        if name.lower() != b"set-cookie":
            return name, value
        text = value.decode("latin-1")
        return name, _COOKIES_PATH.sub(rf"\g<1>{self.path}/", text).encode("latin-1")
