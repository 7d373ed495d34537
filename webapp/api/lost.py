"""What no other router of the API has taken: no such address, or not by this method.

It comes last. Without it the pages would answer, in their own form.
"""

from __future__ import annotations

from fastapi import Request, Response
from starlette.routing import Match

from webapp.service.routing import new_router
from webapp.shared.problems import ProblemError

router = new_router("lost")

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@router.api_route("/{rest:path}", methods=list(_METHODS), include_in_schema=False)
def lost(request: Request, rest: str) -> Response:
    """Say that there is nothing here, or which methods there are."""
    from webapp.api import ROUTERS

    others = [route for other in ROUTERS if other is not router for route in other.routes]
    allowed: set[str] = set()
    for route in others:
        if route.matches(dict(request.scope))[0] is not Match.NONE:
            allowed |= set(getattr(route, "methods", None) or ())
    if not allowed:
        raise ProblemError(404, "There is no such address: see /api/v1/docs.")
    names = ", ".join(sorted(allowed))
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": names})
    raise ProblemError(405, f"This address takes {names}.", {"Allow": names})
