"""The routes by which a visitor fetches results and takes one along to the dashboard."""

from __future__ import annotations

import secrets
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from webapp.shared import i18n, owners, preview, store
from webapp.shared.bodies import small_form
from webapp.shared.visitor import COOKIE, Visitor, cookie

_ASSETS = Path(__file__).parent.parent / "assets"
_SHOWN = frozenset({".mp4", ".jpg", ".png"})


def add_routes(app: FastAPI, *, framed: bool) -> None:
    """Put `/result/...` and `/open` on `app`; both serve only the browser that made the result."""

    @app.api_route("/result/{token}/{name}", methods=["GET", "HEAD"], response_model=None)
    def result(token: str, name: str, request: Request) -> Response:
        path = store.file_of(token, name) if owners.is_own(token, Visitor.of(request)) else None
        if path is None:
            # The same answer for what is gone and for another's: nobody learns what there is.
            text = i18n.Text.for_request(request)
            return PlainTextResponse(text("error.gone", name=name), status_code=404)
        return _file(path)

    @app.api_route(f"/{preview.PICTURE}", methods=["GET", "HEAD"], response_model=None)
    def picture() -> Response:
        """Send the picture that other programs show beside a link to the app."""
        return FileResponse(_ASSETS / preview.PICTURE, headers={"Cache-Control": "max-age=86400"})

    @app.get("/cookie")
    def kept(request: Request) -> JSONResponse:
        """Say whether the browser keeps our cookie; its page can't see that."""
        kept = any(name.startswith("cookie ") for name in Visitor.of(request).names)
        return JSONResponse({"kept": kept}, headers={"Cache-Control": "no-store"})

    @app.post("/open", response_model=None)
    async def take_along(request: Request) -> Response:
        """Open results in the dashboard, in a new window, which may keep other cookies than a frame.

        Several have commas between them. The page sends its secret in the form's body, so that it stands in
        no address.
        """
        form = await small_form(request.receive)
        tokens = form.get("result", "").split(",")
        mine = request.cookies.get(COOKIE)
        owner = Visitor.from_values(mine, form.get("page"))
        there = Visitor.from_values(mine)
        answer = RedirectResponse("/dashboard/", status_code=303)
        if not there.names:
            fresh = secrets.token_urlsafe(24)
            there = Visitor.from_values(fresh)
            answer.headers.append("set-cookie", cookie(request.scope, COOKIE, fresh, framed=framed))
        if not all([owners.share(token, owner=owner, to=there) for token in tokens]):
            text = i18n.Text.for_request(request)
            return PlainTextResponse(text("error.notyours"), status_code=404)
        answer.headers["location"] = f"/{store.dashboard_link(tokens)}"
        return answer


def _file(path: Path) -> Response:
    disposition = "inline" if path.suffix in _SHOWN else "attachment"
    headers = {"Cache-Control": "private, no-store"}
    return FileResponse(path, filename=path.name, content_disposition_type=disposition, headers=headers)
