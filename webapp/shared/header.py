"""The head that every page has: on the start page as HTML, elsewhere by a script.

The script runs on the start page, too, before Gradio's own: what a visitor chose has to be known by then.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.responses import Response

from webapp.shared import i18n

if TYPE_CHECKING:
    from fastapi import FastAPI

    from webapp.settings import Settings

SCRIPT = "header.js"
"""The script's address below the app's own."""
MARK = """<svg class="mark" viewBox="0 0 40 40" aria-hidden="true"><rect width="40" height="40" rx="11"
fill="#6A50B3"/><circle cx="14" cy="16" r="2.6" fill="#fff"/><circle cx="26" cy="16" r="2.6" fill="#fff"/>
<path d="M10 24c3.2 6.6 16.800 6.600 20 0" fill="none" stroke="#F0B400" stroke-width="3.200"
stroke-linecap="round"/></svg>"""
_JS = Path(__file__).parent.parent / "assets" / "js"
_NEEDED = ("app.pages", "app.language", "app.theme", *(f"tab.{name}" for name in (
    "live", "video", "picture", "dashboard", "api", "model",
)))  # fmt: skip


def masthead(settings: Settings) -> str:
    """Return the head of the start page, whose tabs are Gradio's; a script puts the other pages beside them.

    Its words are filled in by the page's script. It says where pictures go, and whether readings go further.
    """
    where = "sent" if settings.send else settings.place
    options = "".join(
        f'<option value="{tag}" lang="{tag}">{escape(name)}</option>' for tag, name in i18n.NAMES.items()
    )
    switch = f'<select class="language" data-i18n-label="app.language">{options}</select>'
    switch += '<button type="button" class="theme-switch" data-i18n-label="app.theme">◐</button>'
    if settings.auth is not None:
        leave = '<button class="act quiet-act" data-i18n="app.logout"></button>'
        switch = f'<form method="post" action="logout">{leave}</form>{switch}'
    return f"""<header class="masthead">{MARK}
<div class="words"><h1 data-i18n="app.title"></h1><p><span data-i18n="app.tagline"></span> <span
data-i18n="app.where.{where}"></span></p></div>{switch}</header>"""


def script() -> str:
    """Return the script: a visitor's choices, and the head of the pages that Gradio doesn't draw."""
    data = {
        "translations": {tag: {key: i18n.words(tag)[key] for key in _NEEDED} for tag in i18n.LANGUAGES},
        "languages": i18n.NAMES,
        "mark": MARK,
    }
    parts = [f"window.EMOTION = {json.dumps(data, ensure_ascii=False)};"]
    parts += [(_JS / name).read_text(encoding="utf-8") for name in ("prefs.js", SCRIPT)]
    return "\n".join(parts)


def add_routes(app: FastAPI) -> None:
    """Put the script on `app`."""
    written = script()

    @app.api_route(f"/{SCRIPT}", methods=["GET", "HEAD"], response_model=None)
    def header() -> Response:
        """Send the script."""
        return Response(written, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def put_in(page: bytes, up: str) -> bytes:
    """Return a page that loads the script before its own; `up` leads from the page's folder to the app's."""
    return page.replace(b"<head>", f'<head><script src="{up}{SCRIPT}"></script>'.encode(), 1)
