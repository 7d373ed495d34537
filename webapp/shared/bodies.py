"""The body of a request: bounded in size and in the time that its sender takes, whoever reads it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from webapp.shared.i18n import Text, choose
from webapp.shared.patience import TooSlowError, patient
from webapp.shared.problems import API, refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_JSON = 300_000
"""Bytes of a request's body that is no upload."""
MOST_FORM = 4096
"""Bytes of a form of a page: a log-in, a result to be opened elsewhere."""
MOST_DRAINED = 50_000_000
"""Bytes of a refused body that are still taken in, and thrown away, before it is cut off."""
DRAIN_SECONDS = 5.0


class TooLargeError(Exception):
    """A body beyond its limit."""


class Bodies:
    """ASGI middleware that cuts off who hardly sends anything, and answers for whoever met a body too large.

    Put it outside all that reads bodies.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with an end to its patience."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        receive = patient(receive)
        sent = False

        async def noting(message: Message) -> None:
            nonlocal sent
            sent = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except (TooSlowError, TooLargeError, ClientDisconnect) as problem:
            if not sent and not isinstance(problem, ClientDisconnect):
                slow = isinstance(problem, TooSlowError)
                if not slow:
                    await _drain(receive)
                words = Text(choose(Headers(scope=scope).get("accept-language")))
                is_upload = "upload" in scope["path"] and not scope["path"].startswith(API)
                said = words("error.full") if is_upload else ""
                status = 408 if slow else 413
                await refusal(scope, status, said, {"connection": "close"})(scope, receive, send)


def refuse_length(headers: Headers, most: int) -> None:
    """Refuse a body that says itself that it is longer than `most` bytes; raises TooLargeError."""
    length = headers.get("content-length", "")
    if length.isdigit() and (len(length) > 18 or int(length) > most):
        raise TooLargeError


async def _drain(receive: Receive) -> None:
    """Let a little more of a refused body come and go: a sender in its middle would not see the answer."""
    left = MOST_DRAINED
    with contextlib.suppress(TooSlowError, TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def bounded(receive: Receive, most: int) -> Receive:
    """Return `receive` that raises TooLargeError after `most` bytes."""
    got = 0

    async def counted() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > most:
            raise TooLargeError
        return message

    return counted


async def whole(receive: Receive, most: int) -> bytes:
    """Give the whole body; raises TooLargeError beyond `most` bytes, ClientDisconnect where it never ends."""
    parts: list[bytes] = []
    limited = bounded(receive, most)
    while True:
        message = await limited()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def small_form(receive: Receive) -> dict[str, str]:
    """Read a form of a few fields by name; one of more reads as empty. Raises as `whole` does."""
    data = await whole(receive, MOST_FORM)
    try:
        fields = parse_qs(data.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives `body` once more, and then what comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
