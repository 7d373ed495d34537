"""Every check that a request passes, in the order in which it passes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotion_core.limits import MAX_RESULTS_BYTES
from webapp.settings import is_space
from webapp.shared.below import Below
from webapp.shared.bodies import Bodies
from webapp.shared.gate import Gate
from webapp.shared.headers import FRAMES_OF_A_SPACE, SecurityHeaders
from webapp.shared.hosts import Forwarded, KnownHosts, SameOrigin
from webapp.shared.incoming import Incoming
from webapp.shared.login import Logins, add_routes
from webapp.shared.packed import Packed
from webapp.shared.request_log import Requests
from webapp.shared.visitor import BrowserCookie

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import FastAPI

    from webapp.app import App
    from webapp.service.tokens import Tokens
    from webapp.settings import Settings


def add_login(app: FastAPI, settings: Settings) -> Logins | None:
    """Put the log-in on `app` where there is a password; gives who has logged in."""
    logins = Logins(settings.auth) if settings.auth else None
    if logins is not None:
        add_routes(app, logins, framed=is_space())
    return logins


def put_on(
    app: FastAPI, run: App, logins: Logins | None, tokens: Tokens | None, scripts: Iterable[str]
) -> None:
    """Put the checks on `app`, outside all that is on it already: call it last.

    `scripts` are the hashes of the scripts that the page adds to itself.
    """
    framed = is_space()
    # What is added last sees a request first.
    most_file = int(run.settings.max_megabytes * 1024**2)
    incoming = run.workspace.incoming
    app.add_middleware(Incoming, uploads=incoming, most_table=MAX_RESULTS_BYTES, most_file=most_file)
    app.add_middleware(Gate, logins=logins, tokens=tokens)
    app.add_middleware(Packed)
    app.add_middleware(Bodies)
    app.add_middleware(BrowserCookie, framed=framed)
    app.add_middleware(SameOrigin)
    app.add_middleware(KnownHosts, names=run.settings.names())
    app.add_middleware(SecurityHeaders, frames=FRAMES_OF_A_SPACE if framed else (), scripts=scripts)
    app.add_middleware(Requests)
    app.add_middleware(Below, path=run.settings.root_path)
    app.add_middleware(Forwarded, proxies=run.settings.proxies)
