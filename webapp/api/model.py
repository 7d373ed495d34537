"""What reads the faces: the weights, their labels, and what this server allows."""

from __future__ import annotations

from fastapi import Request
from pydantic import BaseModel, Field

from emotion_core.limits import MAX_VIDEO_SIDE
from emotion_core.results.formats import available
from emotion_core.version import VERSION
from webapp.service.callers import Caller
from webapp.service.routing import new_router, refusals, service_of

router = new_router("model")

NOTE = "The apparent expression, not what a person feels."


class Allowed(BaseModel):
    """What one token may ask for, and how large a file may be."""

    requests_per_minute: float
    gigabytes_per_day: float
    minutes_of_video_per_day: float
    analyses_at_once: float
    megabytes_of_a_file: float
    minutes_of_a_video: float
    megapixels_of_a_frame: float
    side_of_a_video: int = Field(description="Pixels.")


class Model(BaseModel):
    """The model, and the server around it."""

    name: str
    sha256: str = Field(description="Of the weights.")
    trained: bool
    labels: list[str] = Field(description="In the order of the probabilities.")
    version: str = Field(description="Of the program.", examples=[VERSION])
    formats: list[str] = Field(description="Formats of results that can be had.")
    library: bool = Field(description="Whether files of a library may be named.")
    lasting: bool = Field(description="Whether analyses outlive the server.")
    note: str = Field(examples=[NOTE])
    limits: Allowed


@router.get("/model", response_model=Model, responses=refusals(), summary="Ask about the model")
def model(request: Request) -> Model:
    """Say which weights read the faces, and what the caller may ask for."""
    service = service_of(request)
    settings, most = service.settings, service.limits.of(Caller.of(request))
    recognizer = service.app.engine.recognizer
    facts = recognizer.metadata
    return Model(
        name=str(facts.get("name", "")),
        sha256=str(facts.get("sha256", "")),
        trained=recognizer.trained,
        labels=list(recognizer.labels),
        version=VERSION,
        formats=list(available()),
        library=settings.library is not None,
        lasting=settings.data is not None,
        note=NOTE,
        limits=Allowed(
            requests_per_minute=most["requests"],
            gigabytes_per_day=most["gigabytes"],
            minutes_of_video_per_day=most["minutes"],
            analyses_at_once=most["jobs"],
            megabytes_of_a_file=settings.max_megabytes,
            minutes_of_a_video=settings.max_minutes,
            megapixels_of_a_frame=settings.max_megapixels,
            side_of_a_video=MAX_VIDEO_SIDE,
        ),
    )
