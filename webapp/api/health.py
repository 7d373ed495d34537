"""Whether the application answers, for whatever watches over it."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from webapp.api.marks import OPEN

router = APIRouter(tags=[OPEN])


@router.api_route("/healthz", methods=["GET", "HEAD"])
def healthz() -> JSONResponse:
    """Say that it does; nothing about anyone stands in the answer."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
