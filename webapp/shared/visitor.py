"""Whose browser it is: a cookie that the server gives, and a secret that an open page holds.

The secret is for browsers that keep no cookies (a frame on another site): the page makes it, sends it in a
header and forgets it when it closes. It stands in no address.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "emotion_browser"
"""The cookie that the server gives each browser."""
PAGE_HEADER = "x-emotion-page"
"""The header in which a page sends its secret."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,64}")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, by the names under which it can be known again; one that gave none is nobody's."""

    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, request: Any) -> Visitor:
        """Return who sent a request or opened a WebSocket; Starlette's, FastAPI's or Gradio's."""
        return cls.from_values(request.cookies.get(COOKIE), request.headers.get(PAGE_HEADER))

    @classmethod
    def of_scope(cls, scope: Scope) -> Visitor:
        """Return who sent the request of an ASGI scope."""
        return cls.from_values(cookies_of(scope).get(COOKIE), Headers(scope=scope).get(PAGE_HEADER))

    @classmethod
    def from_values(cls, cookie: object = None, page: object = None) -> Visitor:
        """Return the visitor with this cookie and this page's secret; what is no such value is left out."""
        given = (("cookie", cookie), ("page", page))
        return cls(
            frozenset(
                f"{kind} {text}" for kind, text in given if isinstance(text, str) and _SECRET.fullmatch(text)
            )
        )

    @property
    def key(self) -> str:
        """One name to count by: the cookie's before the page's; empty for nobody."""
        return min(self.names, default="")

    def is_one_of(self, names: frozenset[str]) -> bool:
        """Return whether this visitor is known under one of `names`."""
        return not self.names.isdisjoint(names)


NOBODY = Visitor()
"""Who gave no name: what is made for them can be fetched by nobody."""


def cookies_of(scope: Scope) -> Mapping[str, str]:
    """Return the cookies of a request."""
    jar: SimpleCookie = SimpleCookie()
    with contextlib.suppress(CookieError):
        jar.load(Headers(scope=scope).get("cookie", ""))
    return {name: morsel.value for name, morsel in jar.items()}


def cookie(scope: Scope, name: str, value: str, *, framed: bool) -> str:
    """Return the text that sets a cookie for this session of the browser, or deletes it (an empty `value`).

    `framed` says that the page may stand in another site's frame, where only cookies over HTTPS are kept.
    """
    secure = scope.get("scheme") in ("https", "wss")
    rules = "SameSite=Lax"
    if secure:
        rules = "SameSite=None; Secure; Partitioned" if framed else "SameSite=Lax; Secure"
    end = "" if value else "; Max-Age=0"
    return f"{name}={value}; Path=/; HttpOnly; {rules}{end}"


def new_cookie(scope: Scope, *, framed: bool) -> str:
    """Return the text that sets a new browser's cookie."""
    return cookie(scope, COOKIE, secrets.token_urlsafe(24), framed=framed)


class BrowserCookie:
    """ASGI middleware that gives each browser a cookie of its own, so that a result can belong to it."""

    def __init__(self, app: ASGIApp, *, framed: bool = False) -> None:
        self.app = app
        self.framed = framed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the first answer of a new browser sets the cookie."""
        known = _SECRET.fullmatch(cookies_of(scope).get(COOKIE, "")) if scope["type"] == "http" else True
        if known:
            await self.app(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not any(c.startswith(f"{COOKIE}=") for c in headers.getlist("set-cookie")):
                    headers.append("set-cookie", new_cookie(scope, framed=self.framed))
            await send(message)

        await self.app(scope, receive, with_cookie)
