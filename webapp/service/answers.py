"""What the API says of an analysis, as it stands in its description."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from webapp.service.options import Options
from webapp.service.routing import PREFIX, Problem
from webapp.shared.problems import problem

if TYPE_CHECKING:
    from webapp.service.ledger import Entry

State = Literal["queued", "running", "done", "partial", "failed"]
ID = "nB7m0cVJq0xQn3S8o5Uj2A"
"""The id of the examples."""


class Progress(BaseModel):
    """How far an analysis is; what nobody knows is null."""

    share: float | None = Field(description="Of the work that is done, 0 to 1.", examples=[0.42])
    frames: int = Field(description="Frames that were read.", examples=[1050])
    frames_per_second: float | None = Field(examples=[96.5])
    seconds_left: float | None = Field(examples=[15.1])


class Links(BaseModel):
    """Addresses of one analysis; those of results answer once it is done or partial."""

    self: str = Field(examples=[f"{PREFIX}/analyses/{ID}"])
    events: str
    results: str
    summary: str
    video: str
    report: str


class Analysis(BaseModel):
    """One video or picture that was sent, and what has become of it."""

    id: str = Field(examples=[ID])
    name: str = Field(description="The file's name.", examples=["talk.mp4"])
    state: State = Field(description="`partial`: the file ends early, and what there was is here.")
    options: Options
    created: datetime
    started: datetime | None
    ended: datetime | None
    expires: datetime | None = Field(description="When it is deleted.")
    tries: int = Field(description="How often it was begun: more than once where the server was killed.")
    progress: Progress
    error: Problem | None = Field(description="Why it has failed, or ended early.")
    links: Links


class Page(BaseModel):
    """Some of the caller's analyses, the newest first."""

    analyses: list[Analysis]
    next: str | None = Field(description="The `cursor` of the next page; null on the last one.")


def analysis(entry: Entry, keep_seconds: float) -> Analysis:
    """Return an entry of the ledger as the API says it."""
    at = f"{PREFIX}/analyses/{entry.id}"
    parts = ("events", "results", "summary", "video", "report")
    done = entry.ended is not None
    return Analysis(
        id=entry.id,
        name=entry.name,
        state=entry.state,  # type: ignore[arg-type]
        options=Options.model_validate_json(entry.options),
        created=_time(entry.created) or datetime.now(UTC),
        started=_time(entry.started),
        ended=_time(entry.ended),
        expires=_time(entry.ended + keep_seconds) if entry.ended is not None else None,
        tries=entry.tries,
        progress=Progress(
            share=_rounded(entry.share, 4),
            frames=entry.frames,
            frames_per_second=_rounded(entry.fps, 1),
            seconds_left=None if done else _rounded(entry.seconds_left, 1),
        ),
        error=Problem(**problem(422, entry.problem)) if entry.problem else None,
        links=Links(self=at, **{part: f"{at}/{part}" for part in parts}),
    )


def event(entry: Entry, keep_seconds: float) -> str:
    """Return an entry as a server-sent event: `progress` until it has ended, then `end`."""
    kind = "progress" if entry.ended is None else "end"
    text = analysis(entry, keep_seconds).model_dump_json()
    return f"event: {kind}\ndata: {json.dumps(json.loads(text), ensure_ascii=False)}\n\n"


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(round(seconds, 3), UTC)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
