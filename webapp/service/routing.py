"""What the API's routers share: errors in one form, requests counted, what an answer may look like."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, cast

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from emotion_core.types import EmotionError
from webapp.service.callers import Caller
from webapp.service.options import first_of
from webapp.service.runner import INSIDE
from webapp.shared.bodies import TooLargeError
from webapp.shared.logs import note
from webapp.shared.patience import TooSlowError
from webapp.shared.problems import MEDIA, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response

    from webapp.service.service import Service

logger = logging.getLogger(__name__)

PREFIX = "/api/v1"
AWAY = "The server's queue can't be reached: try again later."


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field("about:blank", description="An address for the kind of problem.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The status of the answer.", examples=[404])
    detail: str = Field(description="One line that says what to do next.")


class Refusal(Problem):
    """The body of every error."""

    request_id: str = Field(
        description="Of this request: in the header `X-Request-ID` and in the server's log, too.",
        examples=["0f8c2d7b9a4e4f61b3c5d7e9f0a1b2c3"],
    )


_WHY = {
    400: "The request can't be understood.",
    401: "No token that is good, and no log-in.",
    403: "The request comes from another site's page.",
    404: "There is nothing of yours under this address.",
    405: "This address does not take this method.",
    408: "The body came too slowly.",
    409: "Not now: the state does not allow it.",
    412: "Another version of the tus protocol.",
    413: "The body is too large.",
    415: "The body is of a kind that is not taken.",
    416: "The file has no such range.",
    421: "The server does not answer under this name.",
    422: "A value is wrong.",
    429: "Too much for this token: `Retry-After` says when to come back.",
    503: "The server is busy, or can't reach its queue: `Retry-After` may say when to come back.",
    507: "The server's disk is full.",
}
ALWAYS = (400, 401, 403, 404, 405, 408, 413, 421, 422, 429, 503)


def refusals(*more: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route that are problems: those of every route, and `more`."""
    made: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*ALWAYS, *more}):
        schema = {"$ref": "#/components/schemas/Refusal"}
        made[status] = {"description": _WHY[status], "content": {MEDIA: {"schema": schema}}}
        if status == 429:
            said = {"schema": {"type": "integer"}, "description": "Seconds until it is worth trying again."}
            made[status]["headers"] = {"Retry-After": said}
    return made


def service_of(request: HTTPConnection) -> Service:
    """Return the service of the application that a request has come to."""
    return cast("Service", request.app.state.service)


class ProblemRoute(APIRoute):
    """A route that counts its callers' requests, and whose errors are all problems of one line."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the errors caught."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            began = time.monotonic()
            note(route=self.path)
            answer = await answered(request)
            service_of(request).metrics.request(self.path, answer.status_code, time.monotonic() - began)
            return answer

        async def answered(request: Request) -> Response:
            try:
                service_of(request).limits.request(Caller.of(request))
                return await inner(request)
            except ProblemError as problem:
                return problem.response()
            except RequestValidationError as error:
                return ProblemError(422, first_of(error.errors())).response()
            except EmotionError as error:
                return ProblemError(422, str(error)).response()
            except HTTPException as error:
                return ProblemError(error.status_code, str(error.detail), error.headers).response()
            except (TooLargeError, TooSlowError, ClientDisconnect):
                raise  # `Bodies` answers
            except service_of(request).ledger.failures as error:
                logger.error("the queue can't be reached: %s", error)
                return ProblemError(503, AWAY, {"Retry-After": "5"}).response()
            except Exception:  # a bug in here: it is logged, and said in the form of all errors
                logger.exception("a request to the API failed")
                return ProblemError(500, INSIDE).response()

        return handle


def new_router(tag: str) -> APIRouter:
    """Make a router of the API for one noun."""
    return APIRouter(
        prefix=PREFIX,
        tags=[tag],
        route_class=ProblemRoute,
        generate_unique_id_function=lambda route: f"{tag}.{route.name}",
    )
