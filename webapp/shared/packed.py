"""Scripts and styles of the dashboard go over the wire packed: Streamlit leaves its own files as they are."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = "/dashboard/static/"
"""Below it lie files whose names change with what is in them."""
_KINDS = ("text/javascript", "application/javascript", "text/css", "application/json", "image/svg+xml")
_LEAST = 1000  # bytes; less gains nothing
_KEPT = 12 * 1024 * 1024  # bytes of packed files that are kept in memory


class Packed:
    """ASGI middleware that packs the dashboard's files, each of them once: Brotli, where a browser takes it.

    Other answers, parts of files and sockets pass through it untouched.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._files: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; where its answer is such a file, send that packed."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        asked = scope.get("method") == "GET" and scope.get("path", "").startswith(FOLDER)
        coding = _coding(headers.get("accept-encoding", ""))
        if not asked or "range" in headers or coding is None:
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def packing(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_for_packing(message):
                start = message
            elif start and message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await self._send(scope["path"], coding, start, bytes(body), send)
            else:
                await send(message)

        await self.app(scope, receive, packing)

    async def _send(self, path: str, coding: str, start: Message, body: bytes, send: Send) -> None:
        headers = MutableHeaders(scope=start)
        packed = await self._packed((path, headers.get("etag", ""), coding), body)
        headers["Content-Encoding"] = coding
        headers["Content-Length"] = str(len(packed))
        headers.add_vary_header("Accept-Encoding")
        await send(start)
        await send({"type": "http.response.body", "body": packed})

    async def _packed(self, key: tuple[str, str, str], body: bytes) -> bytes:
        packed = self._files.get(key)
        if packed is None:
            packed = await asyncio.to_thread(_pack, key[2], body)
            self._files[key] = packed
            self._size += len(packed)
            while self._size > _KEPT:
                self._size -= len(self._files.popitem(last=False)[1])
        return packed


def _coding(accepted: str) -> str | None:
    """Return how an answer is packed for a browser; None for one that takes neither way."""
    ways = {way.partition(";")[0].strip() for way in accepted.split(",") if not way.strip().endswith(";q=0")}
    if "br" in ways and find_spec("brotli") is not None:  # it comes with Gradio
        return "br"
    return "gzip" if "gzip" in ways else None


def _pack(coding: str, body: bytes) -> bytes:
    if coding == "gzip":
        return gzip.compress(body, 9)
    packed: bytes = import_module("brotli").compress(body, quality=9)  # a sixth less than gzip
    return packed


def _is_for_packing(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    kind = headers.get("content-type", "").partition(";")[0]
    length = headers.get("content-length", "")
    large = not length.isdigit() or int(length) >= _LEAST
    return start["status"] == 200 and kind in _KINDS and large and "content-encoding" not in headers
