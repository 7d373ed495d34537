"""Security headers on every answer: what a page may load and run, and who may frame it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from webapp.shared import header, preview
from webapp.shared.below import below

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAMES_OF_A_SPACE = ("https://huggingface.co", "https://*.hf.space")
"""The pages that may frame the app where it runs as a Space."""
_SCRIPT = re.compile(rb"<script\b(?![^>]*\ssrc\s*=)[^>]*>(.*?)</script>", re.S | re.I)
# A script inside the page runs only where its hash is named, and an attribute such as onerror="..." never.
# Gradio's gr.HTML fills its templates with `new Function`, which is eval; Streamlit's components are modules
# that it makes in the page.
_PAGE = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "style-src": "'self' 'unsafe-inline'",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
_NO_PAGE = (b"accept-encoding", b"if-none-match", b"if-modified-since")
_GRADIO = "'unsafe-eval'"
_STREAMLIT = "blob:"
_RESULT = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'"
"""For a visitor's results: the files may be shown, and run nothing."""


def hash_of(script: str | bytes) -> str:
    """Return the source expression that lets one inline script run."""
    data = script.encode() if isinstance(script, str) else script
    return f"'sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}'"


class SecurityHeaders:
    """ASGI middleware that sets the headers, and takes out what would let other sites read answers.

    `frames` are the origins that may frame the pages, beside the app's own; `scripts` are hashes of scripts
    that pages add to themselves.
    """

    def __init__(self, app: ASGIApp, frames: Iterable[str] = (), scripts: Iterable[str] = ()) -> None:
        self.app = app
        self.frames = tuple(frames)
        self.scripts = tuple(scripts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and set the headers of its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        zipped = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if "text/html" in Headers(scope=scope).get("accept", ""):
            # A page's scripts are read below, so it may come neither packed nor as "not modified".
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _NO_PAGE]
        start: Message = {}
        body = bytearray()

        async def with_headers(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._set(headers, scope["path"])
                if _is_page(headers) and not scope["path"].startswith("/result/"):
                    start = message
                    return
            elif start and message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await self._send_page(scope, start, bytes(body), send, zipped=zipped)
                return
            await send(message)

        await self.app(scope, receive, with_headers)

    def _set(self, headers: MutableHeaders, path: str) -> None:
        for name in [n for n in headers if n.startswith("access-control-")]:
            del headers[name]
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
        headers["Content-Security-Policy"] = _RESULT if path.startswith("/result/") else self._policy(path)
        if not self.frames:
            headers["X-Frame-Options"] = "SAMEORIGIN"

    def _policy(self, path: str, scripts: Iterable[str] = ()) -> str:
        special = (_STREAMLIT,) if path.startswith("/dashboard/") else (_GRADIO, *self.scripts)
        rules = {
            **_PAGE,
            "script-src": " ".join(dict.fromkeys(("'self'", *special, *scripts))),
            "frame-ancestors": " ".join(("'self'", *self.frames)),
        }
        return "; ".join(f"{name} {value}" for name, value in rules.items())

    async def _send_page(
        self, scope: Scope, start: Message, body: bytes, send: Send, *, zipped: bool
    ) -> None:
        head = scope["method"] == "HEAD"
        headers = MutableHeaders(scope=start)
        if scope["path"] == "/":
            host = Headers(scope=scope).get("host", "")
            own = f"{scope['scheme']}://{host}{below(scope)}/"
            body = header.put_in(preview.put_in(body, own), "./")
        elif scope["path"].startswith("/dashboard/"):
            body = header.put_in(body, "../")
        headers["Content-Security-Policy"] = self._policy(scope["path"], map(hash_of, _SCRIPT.findall(body)))
        if zipped and len(body) > 1000:
            body = gzip.compress(body, 5)
            headers["Content-Encoding"] = "gzip"
            headers.add_vary_header("Accept-Encoding")
        if not head:
            headers["Content-Length"] = str(len(body))
        await send(start)
        await send({"type": "http.response.body", "body": b"" if head else body})


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
