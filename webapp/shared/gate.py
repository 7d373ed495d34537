"""The gate: every request passes it, and `access.who` says whom it lets through."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import orjson
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

from webapp.service.tokens import IN_SCOPE
from webapp.shared.access import Who, who
from webapp.shared.bodies import MOST_JSON, replay, whole
from webapp.shared.hosts import refuse
from webapp.shared.visitor import Visitor

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from webapp.service.tokens import Tokens
    from webapp.shared.login import Logins

MOST_PAGES = 10_000
NOT_YOURS = "This belongs to another browser: open the page again."


class Pages:
    """Which browser each open page belongs to, by the session hash that the page has given itself."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._lock = threading.Lock()

    def is_own(self, session: str, visitor: Visitor) -> bool:
        """Return whether a page is `visitor`'s; the first who gives a name with it owns it.

        A page's very first request may come before its script that adds its secret, and a program may never
        give a name.
        """
        with self._lock:
            names = self._pages.get(session, frozenset())
            if names and not visitor.is_one_of(names):
                return False
            self._pages[session] = names | visitor.names
            self._pages.move_to_end(session)
            while len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)
            return True


class Gate:
    """ASGI middleware that lets through whom `access.who` names.

    `logins` is None without a password, `tokens` where no program has one; without both, all are let in.
    """

    def __init__(self, app: ASGIApp, logins: Logins | None, tokens: Tokens | None = None) -> None:
        self.app = app
        self.logins = logins
        self.tokens = tokens
        self.pages = Pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, send a browser to the log-in page, or refuse."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        allowed = who(scope["path"])
        if allowed is Who.NOBODY:
            await refuse(scope, receive, send, 404, "There is nothing here.")
        elif allowed is Who.ANYONE:
            await self.app(scope, receive, send)
        elif not self._is_in(scope):
            await self._ask(scope, receive, send)
        elif allowed is Who.OWN and scope["path"].startswith("/gradio_api/"):
            await self._own_page(scope, receive, send)
        else:
            await self.app(scope, self._while_in(scope, receive, send), send)

    def _is_in(self, scope: Scope) -> bool:
        """Return whether a browser has logged in or a program bears a token, which is noted in `scope`."""
        if self.tokens is not None and (token := self.tokens.of_scope(scope)) is not None:
            scope[IN_SCOPE] = token
            return True
        if self.logins is not None:
            return self.logins.knows(scope)
        return self.tokens is None

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a browser to the log-in page; refuse everything else."""
        leads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if self.logins is not None and leads and "text/html" in Headers(scope=scope).get("accept", ""):
            await RedirectResponse("/login", status_code=303)(scope, receive, send)
            return
        ways = ("Log in at /login first.",) if self.logins is not None else ()
        if self.tokens is None:
            await refuse(scope, receive, send, 401, *ways)
            return
        ways = (*ways, "Programs send a token that is good: `Authorization: Bearer TOKEN`.")
        await refuse(scope, receive, send, 401, " ".join(ways), {"WWW-Authenticate": "Bearer"})

    def _while_in(self, scope: Scope, receive: Receive, send: Send) -> Receive:
        """Return a `receive` that ends a WebSocket when its log-in has ended."""
        if scope["type"] != "websocket":
            return receive

        async def checked() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not self._is_in(scope):
                await send({"type": "websocket.close", "code": 4401})
                return {"type": "websocket.disconnect", "code": 4401}
            return message

        return checked

    async def _own_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what an open page asks for about itself, where it names no page of somebody else."""
        session: object = None
        if scope["path"].startswith("/gradio_api/heartbeat/"):
            session = scope["path"].rpartition("/")[2]
        elif scope["method"] in ("GET", "HEAD"):
            session = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[-1]
        else:
            body = await whole(receive, MOST_JSON)
            receive = replay(body, receive)
            session = _session_in(body)
        if not isinstance(session, str) or not 0 < len(session) <= 64:
            await refuse(scope, receive, send, 400, "This request names no page.")
        elif not self.pages.is_own(session, Visitor.of_scope(scope)):
            await refuse(scope, receive, send, 403, NOT_YOURS)
        else:
            await self.app(scope, receive, send)


def _session_in(body: bytes) -> object:
    try:
        data = orjson.loads(body)  # as `incoming` reads it, so that both see the same
    except orjson.JSONDecodeError:
        return None
    return data.get("session_hash") if isinstance(data, dict) else None
