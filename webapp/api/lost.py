"""What no other router of the API has taken: no such address, or not by this method.

It comes last. Without it the pages would answer, in their own form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from webapp.service.callers import Caller
from webapp.service.routing import PREFIX, new_router, service_of
from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

router = new_router("lost")


class Lost:
    """An ASGI application that says, whatever the method, that there is nothing here, or what there is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope)
        try:
            service_of(request).limits.request(Caller.of(request))
            answer = _answer(scope)
        except ProblemError as problem:
            answer = problem.response()
        await answer(scope, receive, send)


def _answer(scope: Scope) -> Response:
    from webapp.api import ROUTERS

    allowed: set[str] = set()
    for route in (route for other in ROUTERS if other is not router for route in other.routes):
        if route.matches(dict(scope))[0] is not Match.NONE:
            allowed |= set(getattr(route, "methods", None) or ())
    if not allowed:
        raise ProblemError(404, "There is no such address: see /api/v1/docs.")
    names = ", ".join(sorted(allowed))
    if scope["method"] == "OPTIONS":
        return Response(status_code=204, headers={"Allow": names})
    raise ProblemError(405, f"This address takes {names}.", {"Allow": names})


router.routes.append(Route(f"{PREFIX.rpartition('/')[0]}/{{rest:path}}", Lost(), include_in_schema=False))
