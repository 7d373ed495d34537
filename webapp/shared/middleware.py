"""What every request passes: the cookie of a browser, and the log-in of the dashboard."""

import contextlib
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Any

from fastapi.responses import JSONResponse, RedirectResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.dashboard import links


class BrowserCookie:
    """ASGI middleware that gives each browser a cookie of its own, so that a result can belong to it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the first answer of a new browser sets the cookie."""
        if scope["type"] != "http" or links.COOKIE in cookies_of(scope):
            await self.app(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", _cookie(scope))
            await send(message)

        await self.app(scope, receive, with_cookie)


def _cookie(scope: Scope) -> str:
    """Give a new cookie for this session of the browser; inside a frame on another site it needs https."""
    secure = Headers(scope=scope).get("x-forwarded-proto", scope.get("scheme", "http")) == "https"
    rules = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
    return f"{links.COOKIE}={secrets.token_urlsafe(24)}; Path=/; HttpOnly; {rules}"


def cookies_of(scope: Scope) -> dict[str, str]:
    """Give the cookies of a request."""
    jar: SimpleCookie = SimpleCookie()
    with contextlib.suppress(CookieError):
        jar.load(Headers(scope=scope).get("cookie", ""))
    return {name: morsel.value for name, morsel in jar.items()}


class DashboardLogin:
    """ASGI middleware that lets only those into the dashboard who have logged in to the web app."""

    def __init__(self, app: ASGIApp, page: Any) -> None:
        self.app = app
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or send a browser to the login page and refuse everything else."""
        if scope["type"] not in ("http", "websocket") or self._known(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401})
        elif "text/html" in Headers(scope=scope).get("accept", ""):
            await RedirectResponse("/", status_code=303)(scope, receive, send)
        else:
            await JSONResponse({"error": "log in at / first"}, status_code=401)(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        cookies = cookies_of(scope)
        names = (f"access-token-{self.page.cookie_id}", f"access-token-unsecure-{self.page.cookie_id}")
        return any(cookies.get(name) in self.page.tokens for name in names)
