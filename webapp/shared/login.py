"""The log-in: one name and password for all, a session for each browser, and its page."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import threading
import time
from collections import OrderedDict
from html import escape
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from webapp.shared import owners
from webapp.shared.bodies import small_form
from webapp.shared.brake import Brake
from webapp.shared.i18n import Text
from webapp.shared.visitor import COOKIE, Visitor, cookie, cookies_of

if TYPE_CHECKING:
    from starlette.types import Scope

LOGIN_COOKIE = "emotion_login"
IDLE_SECONDS = 12 * 3600.0
"""A log-in that is not used for so long ends."""
MOST_SESSIONS = 10_000


class Logins:
    """Who has logged in: random tokens, each in the cookie of one browser, in this process's memory."""

    def __init__(self, auth: tuple[str, str]) -> None:
        self._key = secrets.token_bytes(32)
        self._right = tuple(self._digest(part) for part in auth)
        self._sessions: OrderedDict[str, float] = OrderedDict()  # token -> when it was last used
        self._lock = threading.Lock()

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def is_right(self, user: str, password: str) -> bool:
        """Compare in a time that depends on neither."""
        both = hmac.compare_digest(self._digest(user), self._right[0])
        return hmac.compare_digest(self._digest(password), self._right[1]) & both

    def open(self) -> str:
        """Begin a session; gives its token."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[token] = time.monotonic()
            while len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return token

    def is_open(self, token: str | None) -> bool:
        """Return whether `token` is of a session that goes on; asking counts as use."""
        now = time.monotonic()
        with self._lock:
            if token is None or token not in self._sessions:
                return False
            if now - self._sessions[token] > IDLE_SECONDS:
                del self._sessions[token]
                return False
            self._sessions[token] = now
            self._sessions.move_to_end(token)
            return True

    def close(self, token: str | None) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(token or "", None)

    def knows(self, scope: Scope) -> bool:
        """Return whether a request comes from a browser that has logged in."""
        return self.is_open(cookies_of(scope).get(LOGIN_COOKIE))


def add_routes(app: FastAPI, logins: Logins, *, framed: bool) -> None:
    """Put `/login` and `/logout` on `app`."""
    brake = Brake()

    @app.api_route("/login", methods=["GET", "HEAD"], response_model=None)
    def login_page(request: Request) -> Response:
        return _page(Text.for_request(request))

    @app.post("/login", response_model=None)
    async def log_in(request: Request) -> Response:
        text = Text.for_request(request)
        address = request.client.host if request.client else ""
        form = await small_form(request.receive)
        wait = brake.take(address)
        if wait > 0:
            seconds = math.ceil(wait)
            answer = _answer(request, 429, text("login.wait", seconds=seconds))
            answer.headers["Retry-After"] = str(seconds)
            return answer
        if not logins.is_right(form.get("username", "").strip(), form.get("password", "")):
            return _answer(request, 401, text("login.wrong"))
        brake.right(address)
        done: Response = JSONResponse({"success": True})
        if _is_page(request):
            done = RedirectResponse("/", status_code=303)
        done.headers.append("set-cookie", cookie(request.scope, LOGIN_COOKIE, logins.open(), framed=framed))
        return done

    @app.post("/logout", response_model=None)
    def log_out(request: Request) -> Response:
        logins.close(request.cookies.get(LOGIN_COOKIE))
        owners.forget(Visitor.of(request))
        done = RedirectResponse("/login", status_code=303)
        for name in (LOGIN_COOKIE, COOKIE):
            done.headers.append("set-cookie", cookie(request.scope, name, "", framed=framed))
        return done


def _is_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _answer(request: Request, status: int, line: str) -> Response:
    if _is_page(request):
        return _page(Text.for_request(request), line, status)
    return JSONResponse({"error": line}, status_code=status)


_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; min-height: 100vh; margin: 0; display: grid;
  place-items: center; }
form { width: min(22rem, 88vw); display: grid; gap: .9rem; }
h1 { font-size: 1.3rem; margin: 0; }
label { display: grid; gap: .25rem; }
input, button { font: inherit; padding: .6rem .7rem; border-radius: .6rem; border: 1px solid #8888; }
button { background: #6a50b3; color: #fff; border: 0; cursor: pointer; }
p { margin: 0; padding: .6rem .7rem; border-radius: .6rem; border: 1px solid #c33; }
"""


def _page(text: Text, problem: str = "", status: int = 200) -> HTMLResponse:
    said = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    html = f"""<!doctype html><html lang="{text.language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<title>{escape(text("login.title"))}</title><style>{_STYLE}</style></head><body>
<form method="post" action="login"><h1>{escape(text("login.title"))}</h1>{said}
<label>{escape(text("login.user"))}
<input name="username" autocomplete="username" required autofocus></label>
<label>{escape(text("login.password"))}
<input name="password" type="password" autocomplete="current-password" required></label>
<button>{escape(text("login.go"))}</button></form></body></html>"""
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})
