"""What an analysis may be told: the options of the command line, by the same names and in the same ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from emotion_core.overlay.elements import ELEMENTS
from emotion_core.overlay.words import LANGUAGES
from emotion_core.results.formats import FORMATS, available
from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.settings import Settings

MOST_SMOOTHING = 300


class Options(BaseModel):
    """The choices for one analysis; lists may be given as text with commas, as on the command line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smoothing: int = Field(5, ge=1, le=MOST_SMOOTHING, description="Frames to average over; 1: none.")
    threshold: float = Field(0.0, ge=0, le=1, description="Answers less sure than this are marked uncertain.")
    objects: bool = Field(False, description="Mark objects too, where the server has their model.")
    video: bool = Field(True, description="Write the annotated video, or picture.")
    hide_faces: bool = Field(False, description="Cover the faces in the annotated video.")
    overlay: tuple[str, ...] = Field((), description=f"What is drawn: any of {', '.join(ELEMENTS)}.")
    language: str = Field("en", description=f"Of names in video and report: {', '.join(LANGUAGES)}.")
    format: tuple[str, ...] = Field(
        ("json", "csv", "parquet", "ndjson"), description=f"Files of results: any of {', '.join(FORMATS)}."
    )
    max_megapixels: float | None = Field(None, gt=0, le=10_000, description="Largest frame that is read.")

    @field_validator("overlay", "format", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("overlay")
    @classmethod
    def _elements(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _some_of(tuple(ELEMENTS), value)

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        return _some_of(LANGUAGES, (value,))[0]

    @field_validator("format")
    @classmethod
    def _formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _some_of(tuple(FORMATS), value)

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Options:
        """Read what a request gives; raises ProblemError 422, which names the first that is wrong."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ProblemError(422, first_of(error.errors())) from error

    def formats(self) -> tuple[str, ...]:
        """Return the formats that are written: those asked for whose packages are installed, and JSON."""
        return tuple(name for name in available() if name == "json" or name in self.format)

    def pixels(self, settings: Settings) -> int:
        """Return the most pixels of a frame: what is asked for, where the server allows it."""
        own = self.max_megapixels
        return settings.max_pixels if own is None else min(settings.max_pixels, max(1, int(own * 1e6)))


def first_of(errors: Sequence[Any]) -> str:
    """Return the first of pydantic's complaints as one line."""
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path", "header"))
    what = str(first["msg"]).removeprefix("Value error, ")  # before what our own checks say
    return f"{place}: {what}." if place else f"{what}."


def _some_of(known: Sequence[str], value: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [name for name in value if name not in known]:
        raise ValueError(f"{wrong[0]!r} is none of {', '.join(known)}")
    return value
