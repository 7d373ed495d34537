"""Naming the people of a result: the one request by which the Video page changes what it has made."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from emotion_core.types import EmotionError
from webapp.shared import i18n, owners
from webapp.shared.bodies import small_form
from webapp.shared.visitor import Visitor
from webapp.video import kept

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)
_writing = threading.Lock()
"""One after the other: two names at once would each write the files without the other."""


def add_routes(app: FastAPI) -> None:
    """Put `/result/{token}/people` on `app`; it serves only the browser that made the result."""

    @app.post("/result/{token}/people", response_model=None)
    async def people(token: str, request: Request) -> Response:
        """Call the person whose number is `face` by `name`, in every file of the result."""
        form = await small_form(request.receive)
        text = i18n.Text.for_request(request)
        number = form.get("face", "")
        folder = owners.folder_of(token, Visitor.of(request))
        if folder is None or not (number.isascii() and number.isdigit() and len(number) < 10):
            return PlainTextResponse(text("error.notyours"), status_code=404)
        try:
            await run_in_threadpool(rename, folder, int(number), form.get("name", ""), text.language)
        except (EmotionError, OSError) as problem:
            logger.warning("a person was not named: %s", problem)
            return PlainTextResponse(text("clip.name.failed"), status_code=409)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})


def rename(folder: Path, number: int, name: str, language: str = "en") -> None:
    """Name a person in the files of a result's folder, its report among them; an empty name takes it away.

    The report is written in `language`.

    Raises:
        EmotionError: where nobody has that number, or the results are gone.
        OSError: where nothing can be written.
    """
    from emotion_core.results.names import name_of
    from emotion_core.results.people import name_people
    from webapp.shared.report_file import write_report

    with _writing:
        results = kept.results_in(folder)
        if results is None:
            raise EmotionError("there is no result of one recording here: analyse the video again")
        summary = name_people(results, {number: name})
        write_report(results, summary, name_of(results.name), language)
