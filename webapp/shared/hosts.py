"""Who may speak to the server: under which names, from whose pages, and which proxies are believed."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from webapp.shared.names import is_address
from webapp.shared.problems import refusal
from webapp.shared.request_log import GIVEN, HEADER

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?")
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@\s]+)", re.I)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{16,64}")
_PORTS = {"http": ":80", "https": ":443"}
_BELIEVED = ("forwarded", "x-gradio-server")
"""Headers that name another host or client; together with those that begin with `x-forwarded-`."""
FREE = "/healthz"
"""The address that answers whatever page asks; it says nothing about anybody."""


def is_known(host: str, names: Iterable[str]) -> bool:
    """Return whether a Host header names this server: an IP address, a local name or one of `names`.

    An address can't be rebound by a foreign page, a name can: so names count only where they are listed.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["name"].lower().rstrip(".")
    if is_address(name) or name == "localhost" or name.endswith(".localhost"):
        return True
    for wanted in (text.lower().rstrip(".") for text in names):
        if name == wanted or (wanted.startswith("*.") and name.endswith(wanted[1:])):
            return True
    return False


def is_same_origin(origin: str, host: str, *, secure: bool) -> bool:
    """Return whether a page of `origin` is one of the server that was asked as `host`.

    `null` and `file://` never are. A page that came by plain HTTP may not speak to a server on HTTPS.
    """
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return False
    scheme = match["scheme"].lower()
    if secure and scheme != "https":
        return False
    usual = _PORTS[scheme]
    return match["host"].lower().removesuffix(usual) == host.lower().removesuffix(usual)


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    line: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer a request with a status and one line; a WebSocket is closed before it opens, which reads as 403.

    Uvicorn could send status and line there too, but would log each as an error: a way to fill the log.
    """
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await refusal(scope, status, line + "\n", headers)(scope, receive, send)


class Forwarded(ProxyHeadersMiddleware):
    """ASGI middleware that believes `X-Forwarded-Proto`, `-For` and `-Host` from the named proxies only.

    A request's id is theirs to give, too (`X-Request-ID`). What they say is written into the request itself,
    and the headers are taken out, so that nothing further in can believe them by itself.
    """

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        super().__init__(_Bare(app), list(proxies))  # type: ignore[arg-type]
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Pass the request on as the named proxy describes it, or as it came."""
        client = scope.get("client")
        if client and client[0] in self.trusted_hosts:
            host = Headers(scope=scope).get("x-forwarded-host", "").split(",")[-1].strip()
            if _REQUEST_ID.fullmatch(given := Headers(scope=scope).get(HEADER, "")):
                scope[GIVEN] = given
            if host:
                kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
                scope["headers"] = [*kept, (b"host", host.encode("latin-1"))]
        elif client and not self._warned and any(_is_forwarded(name) for name, _ in scope["headers"]):
            self._warned = True
            logger.warning(
                "Forwarded headers from %s are not believed: if that is your proxy, start with --proxies %s.",
                client[0],
                client[0],
            )
        await super().__call__(scope, receive, send)  # type: ignore[arg-type]


class _Bare:
    """ASGI middleware that takes out the headers which `Forwarded` has read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on without them."""
        if "headers" in scope:
            scope["headers"] = [pair for pair in scope["headers"] if not _is_forwarded(pair[0])]
        await self.app(scope, receive, send)


def _is_forwarded(header: bytes) -> bool:
    name = header.decode("latin-1").lower()
    return name.startswith("x-forwarded-") or name in _BELIEVED


class KnownHosts:
    """ASGI middleware that answers only requests which name this server, WebSockets included."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self.app = app
        self.names = tuple(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 421."""
        if scope["type"] in ("http", "websocket"):
            hosts = Headers(scope=scope).getlist("host")
            if len(hosts) != 1 or not is_known(hosts[0], self.names):
                line = "This server does not answer under that name: its operator can list it."
                await refuse(scope, receive, send, 421, line)
                return
        await self.app(scope, receive, send)


class SameOrigin:
    """ASGI middleware that refuses what another site's page sends through a visitor's browser.

    A request that names its origin must name this server's own. Without an `Origin`, a browser's
    `Sec-Fetch-Site` is asked: another site may lead a visitor here (a link, a frame), nothing else. A program
    that is no browser sends neither, and is let through to the log-in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 403."""
        if scope["type"] in ("http", "websocket") and scope["path"] != FREE and self._is_foreign(scope):
            line = "This request comes from another site's page: open the app by its own address."
            await refuse(scope, receive, send, 403, line)
            return
        await self.app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origins = headers.getlist("origin")
        if origins:
            secure = scope.get("scheme") in ("https", "wss")
            return len(origins) > 1 or not is_same_origin(origins[0], headers["host"], secure=secure)
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin") or scope["type"] == "websocket":
            return False
        leads = headers.get("sec-fetch-mode") == "navigate" and scope["method"] in ("GET", "HEAD")
        return not leads
