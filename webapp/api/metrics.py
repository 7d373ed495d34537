"""Counts for Prometheus: requests, frames, the queue; closed like everything else."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import PlainTextResponse

from webapp.service.metrics import TEXT
from webapp.service.routing import new_router, refusals, service_of

router = new_router("metrics")


@router.get(
    "/metrics", response_class=PlainTextResponse, responses=refusals(), summary="Get counts for Prometheus"
)
def metrics(request: Request) -> PlainTextResponse:
    """Return what this process has done, and the queue of its data folder, in Prometheus' text format."""
    service = service_of(request)
    counts = service.ledger.counts()
    counts.pop("leaving", None)
    viewers = len(service.app.live.viewers)
    return PlainTextResponse(service.metrics.text(counts, viewers), media_type=TEXT)
