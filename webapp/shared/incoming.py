"""What a request brings, looked at before a page or the framework sees it: the files it names, and its size.

A request may name only files that its sender has uploaded, in whatever part of whatever body; bodies are of a
bounded size; uploads find room on the visitor's shelf or are refused. How long they take: see `bodies`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse

from webapp.shared.bodies import MOST_JSON, TooLargeError, bounded, refuse_length, replay, whole
from webapp.shared.i18n import Text, choose
from webapp.shared.parked import parked_upload
from webapp.shared.patience import TooSlowError
from webapp.shared.problems import API
from webapp.shared.uploads import Uploads, owner_of
from webapp.shared.visitor import Visitor

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_VALUES = 10_000
"""Values in a body of JSON."""
MOST_MULTIPART_EXTRA = 100_000
"""Bytes around the files of an upload."""
STEP = 8_000_000
"""Bytes of an upload of unknown size for which room is made at a time."""
_UPLOAD = re.compile(r"/gradio_api/upload/?")
_DASHBOARD_UPLOAD = re.compile(r"/dashboard/_stcore/upload_file/[^/]+/[^/]+")


class Incoming:
    """ASGI middleware that confines what a request names, brings and takes; `Bodies` stands outside it."""

    def __init__(self, app: ASGIApp, uploads: Uploads, most_table: int, most_file: int) -> None:
        """Take the bytes of the largest upload of the dashboard, and of a program's."""
        self.app = app
        self.uploads = uploads
        self.most_table = most_table
        self.most_file = most_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, changed to what was checked, or answer it here."""
        if scope["type"] == "http":
            await self._pass(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a body that is cut off gets our answer, not that of whoever was reading it."""
        problem: Exception | None = None

        async def watched() -> Message:
            nonlocal problem
            try:
                return await receive()
            except (TooSlowError, TooLargeError) as cut:
                problem = cut
                raise

        async def unless_cut(message: Message) -> None:
            if problem is None:
                await send(message)

        try:
            await self.app(scope, watched, unless_cut)
        finally:
            if problem is not None:
                raise problem

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        headers = Headers(scope=scope)
        owner = owner_of(Visitor.of_scope(scope), (scope.get("client") or (None,))[0])
        if method in ("GET", "HEAD", "OPTIONS"):
            await self._call(scope, bounded(receive, MOST_JSON), send)
        elif _UPLOAD.fullmatch(path):
            await self._upload(scope, receive, send, owner)
        elif path.startswith(API):  # names no file but those of the library, which its own router checks
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            most = MOST_JSON if kind in _PLAIN else self.most_file + MOST_MULTIPART_EXTRA
            refuse_length(headers, most)
            await self._call(scope, bounded(receive, most), send)
        elif method == "PUT" and _DASHBOARD_UPLOAD.fullmatch(path):
            await self._table(scope, receive, send, owner)
        else:
            refuse_length(headers, MOST_JSON)
            if headers.get("content-type", "").partition(";")[0].strip().lower() in _FORMS:
                await self._call(scope, bounded(receive, MOST_JSON), send)
            else:
                await self._json(scope, receive, send, owner)

    async def _json(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        body = await whole(receive, MOST_JSON)
        if body:
            try:
                content = orjson.loads(body)
            except orjson.JSONDecodeError:
                await JSONResponse({"detail": "The body is no JSON."}, 400)(scope, receive, send)
                return
            foreign = await asyncio.to_thread(self._confine, content, owner)
            if foreign is not None:
                words = Text(choose(Headers(scope=scope).get("accept-language")))
                name = Path(foreign).name[:100]
                answer = JSONResponse({"detail": words("error.gone", name=name)}, 403)
                await answer(scope, receive, send)
                return
            body = orjson.dumps(content)  # what was checked, to the letter, is what is passed on
        await self._call(_with_length(scope, len(body)), replay(body, receive), send)

    def _confine(self, content: Any, owner: str) -> str | None:
        """Replace every file named in `content` by its real path; gives one that is no upload of `owner`."""
        waiting, seen = [content], 0
        while waiting:
            one = waiting.pop()
            seen += 1
            if seen + len(waiting) > MOST_VALUES:
                raise TooLargeError
            if isinstance(one, dict):
                if isinstance(named := one.get("path"), str):
                    own = self.uploads.own(owner, named)
                    if own is None:
                        return named
                    one["path"] = str(own)
                    one.pop("url", None)  # the server may not fetch what an address names
                waiting += one.values()
            elif isinstance(one, list):
                waiting += one
        return None

    async def _upload(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        """Let files in where there is room; whose they are is noted before their sender hears of them."""
        most = int(self.uploads.shelf.room.bytes_each) + MOST_MULTIPART_EXTRA
        refuse_length(Headers(scope=scope), most)
        start: Message | None = None
        body = b""

        async def holding(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and message["status"] == 200:
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    room.close()
                    await asyncio.to_thread(self._arrived, owner, body)
                    await send(start)
                    await send({"type": "http.response.body", "body": body})

        making = await asyncio.to_thread(_Making, self.uploads, owner, Headers(scope=scope))
        with contextlib.closing(making) as room:
            await self._call(scope, room.watch(bounded(receive, most)), holding)

    def _arrived(self, owner: str, answer: bytes) -> None:
        for name in orjson.loads(answer):
            self.uploads.arrived(owner, name)

    async def _table(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        """Put an upload of the dashboard by on disk, and hand it a stand-in: it would keep all in memory."""
        refuse_length(Headers(scope=scope), self.most_table + MOST_MULTIPART_EXTRA)
        making = await asyncio.to_thread(_Making, self.uploads, owner, Headers(scope=scope))
        with contextlib.closing(making) as room:
            limited = bounded(room.watch(receive), self.most_table + MOST_MULTIPART_EXTRA)
            stand_in = await parked_upload(scope, limited, self.uploads, owner)
        if stand_in is None:
            await PlainTextResponse("", 400, {"connection": "close"})(scope, receive, send)
            return
        kind, body = stand_in
        changed = _with_length(scope, len(body))
        MutableHeaders(scope=changed)["content-type"] = kind
        await self._call(changed, replay(body, receive), send)


_PLAIN = ("", "application/json", "application/x-www-form-urlencoded")
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


class _Making:
    """Makes room on the visitor's shelf for an upload, and counts it there until it is closed."""

    def __init__(self, uploads: Uploads, owner: str, headers: Headers) -> None:
        self._shelf, self._owner, self._name = uploads.shelf, owner, uploads.arriving()
        length = headers.get("content-length", "")
        self._size = int(length) if length.isdigit() else 0
        self._got = 0
        if not self._shelf.make_room(owner, self._size, 1):
            raise TooLargeError
        self._shelf.hold([self._name])
        self._shelf.put(owner, self._name, self._size)

    def close(self) -> None:
        """Count it no longer: it is there under its own name, or did not come."""
        if self._shelf.owns(self._owner, self._name):
            self._shelf.forget(self._name)

    def watch(self, receive: Receive) -> Receive:
        """Return `receive`, making more room where more comes than was said."""

        async def counted() -> Message:
            message = await receive()
            self._got += len(message.get("body", b""))
            if self._got > self._size:
                self._size += STEP
                self._shelf.resize(self._name, self._size)
                if not await asyncio.to_thread(self._shelf.make_room, self._owner):
                    raise TooLargeError
            return message

        return counted


def _with_length(scope: Scope, length: int) -> Scope:
    changed = {**scope, "headers": [h for h in scope["headers"] if h[0] != b"transfer-encoding"]}
    MutableHeaders(scope=changed)["content-length"] = str(length)
    return changed
