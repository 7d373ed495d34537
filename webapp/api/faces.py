"""The faces of pictures, at once: no queue, and nothing is kept."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile

from emotion_core.types import EmotionError
from webapp.picture.marks import MOST_FILES, still
from webapp.service.callers import Caller
from webapp.service.folder import plain_name
from webapp.service.routing import Problem, new_router, refusals, service_of
from webapp.shared.checks import check_picture
from webapp.shared.i18n import Text
from webapp.shared.problems import ProblemError, problem
from webapp.shared.zero_gpu import gpu

if TYPE_CHECKING:
    import numpy as np

    from emotion_core.types import Face
    from webapp.service.service import Service
    from webapp.shared.engine import Engine

router = new_router("faces")

_KINDS = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff")


class FaceFound(BaseModel):
    """One face: boxes in pixels (x, y, width, height), valence in [-1, 1], the others in [0, 1]."""

    id: int = Field(examples=[1])
    box: tuple[float, float, float, float] = Field(examples=[(172.5, 68.0, 109.0, 151.5)])
    emotion: str = Field(examples=["Happy"])
    confidence: float = Field(ge=0, le=1, examples=[0.94])
    probabilities: dict[str, float] = Field(examples=[{"Happy": 0.94, "Neutral": 0.06}])
    valence: float = Field(ge=-1, le=1, examples=[0.78])
    arousal: float = Field(ge=0, le=1, examples=[0.44])
    uncertain: bool = Field(description="Whether the confidence lies below the threshold.")


class Picture(BaseModel):
    """One picture and its faces; `error` where it can't be read."""

    name: str = Field(examples=["astronaut.png"])
    width: int | None = Field(examples=[512])
    height: int | None = Field(examples=[512])
    faces: list[FaceFound]
    error: Problem | None = None


class Pictures(BaseModel):
    """The pictures in the order in which they were sent."""

    pictures: list[Picture]


def face_found(face: Face, threshold: float = 0.0) -> FaceFound:
    """Return a face as the API says it, rounded as in results files."""
    x, y, width, height = face.box.as_list()
    return FaceFound(
        id=face.id,
        box=(x, y, width, height),
        emotion=face.emotion,
        confidence=round(float(face.confidence), 6),
        probabilities={n: round(float(p), 6) for n, p in zip(face.labels, face.probabilities, strict=True)},
        valence=round(float(face.valence), 6),
        arousal=round(float(face.arousal), 6),
        uncertain=face.uncertain or face.confidence < threshold,
    )


def _body() -> dict[str, Any]:
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    about = {"type": "array", "items": file, "minItems": 1, "maxItems": MOST_FILES}
    form = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": {**about, "description": "One picture or several, each under this name."}},
    }
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    for kind in _KINDS:
        content[kind] = {"schema": {"type": "string", "format": "binary"}}
    return {"required": True, "content": content}


@router.post(
    "/faces",
    response_model=Pictures,
    responses=refusals(415),
    openapi_extra={"requestBody": _body()},
    summary="Read the faces of pictures",
)
async def create(
    request: Request,
    threshold: Annotated[
        float, Query(ge=0, le=1, description="Answers less sure than this are marked uncertain.")
    ] = 0.0,
) -> Pictures:
    """Read pictures that come as a form (`file`, one or several), or one as the body itself.

    A picture that can't be read has an `error`; where none of them can, the answer is 422.
    """
    service, caller = service_of(request), Caller.of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdigit() else 0
    await asyncio.to_thread(service.limits.use, caller, size=size)
    pictures: list[Picture] = []
    if kind == "multipart/form-data":
        async with request.form(max_files=MOST_FILES, max_fields=1) as form:
            files = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
            if not files or len(files) != len(form.multi_items()) or any(name != "file" for name, _ in files):
                raise ProblemError(422, "file: send one or more pictures under this name, and nothing else.")
            for _, file in files:
                data = await file.read()
                pictures.append(
                    await asyncio.to_thread(read_picture, data, file.filename, threshold, service)
                )
    elif kind in _KINDS:
        data = await request.body()
        pictures.append(await asyncio.to_thread(read_picture, data, "picture", threshold, service))
    else:
        raise ProblemError(415, f"Send multipart/form-data with files, or one of {', '.join(_KINDS)}.")
    wrong = [picture.error for picture in pictures if picture.error is not None]
    if len(wrong) == len(pictures):
        raise ProblemError(422, wrong[0].detail)
    return Pictures(pictures=pictures)


@gpu
def find_faces(image: np.ndarray, engine: Engine) -> list[Face]:
    """Find the faces of one still picture, RGB uint8 (H, W, 3)."""
    return list(engine.recognizer(image, engine.session(smoothing=1)))


def opened(data: bytes, shown: str, service: Service) -> np.ndarray:
    """Return the bytes of a picture's file as RGB uint8 (H, W, 3); raises EmotionError where it is none."""
    from emotion_core.video.reader import frames

    try:
        with tempfile.TemporaryDirectory(dir=service.app.workspace.folder) as folder:
            path = Path(folder) / shown
            path.write_bytes(data)
            kind = check_picture(path, service.settings, Text("en"))
            with still(path, kind, service.settings) as source, frames(source) as reader:
                return next(iter(reader)).image
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
        raise EmotionError(Text("en")("error.notpicture", name=shown)) from error


def read_picture(data: bytes, name: str | None, threshold: float, service: Service) -> Picture:
    """Read one picture; a problem becomes a part of the answer."""
    shown = plain_name(name)
    try:
        image = opened(data, shown, service)
        faces = find_faces(image, service.app.engine)
    except EmotionError as error:
        return _unread(shown, str(error))
    height, width = image.shape[:2]
    return Picture(name=shown, width=width, height=height, faces=[face_found(f, threshold) for f in faces])


def _unread(name: str, line: str) -> Picture:
    return Picture(name=name, width=None, height=None, faces=[], error=Problem(**problem(422, line)))
