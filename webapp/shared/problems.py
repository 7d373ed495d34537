"""Errors as RFC 9457 asks: every error of the API has one form of body, whoever refuses the request."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from webapp.shared.logs import request_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

API = "/api/"
"""How the addresses begin whose errors are for programs."""
MEDIA = "application/problem+json"


class ProblemError(Exception):
    """A request that is refused: its status, one line that says what to do next, and more members."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def response(self) -> Response:
        """Return the answer that says so."""
        body = refused(self.status, self.detail, **self.more)
        return JSONResponse(body, self.status, self.headers, media_type=MEDIA)


def problem(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """Return the members of a problem; `detail` becomes one line."""
    title = HTTPStatus(status).phrase
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": " ".join(detail.split()),
        **more,
    }


def refused(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """Return the members of the problem that answers a request: `problem`, and the request's id."""
    given = request_id()
    return problem(status, detail, **more, **({"request_id": given} if given else {}))


def refusal(scope: Scope, status: int, line: str, headers: Mapping[str, str] | None = None) -> Response:
    """Give a refusal in the form that the address speaks: a problem for the API, a line of text elsewhere."""
    if scope["path"].startswith(API):
        return ProblemError(status, line or HTTPStatus(status).description, headers).response()
    return PlainTextResponse(line, status, dict(headers or {}))
