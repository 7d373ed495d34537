"""Pictures and clips for somebody who has none at hand: what there is, and the routes and buttons to them.

The files were made by `.ci/examples.py` from photographs in the public domain.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fastapi.responses import FileResponse, PlainTextResponse, Response

from webapp.shared import i18n

if TYPE_CHECKING:
    from fastapi import FastAPI

FOLDER = Path(__file__).parent.parent / "assets" / "examples"


class Example(NamedTuple):
    """A file to try the app with: the tab that takes it, and the picture that stands for it."""

    name: str
    tab: str
    picture: str
    key: str  # of the text that says what it shows


EXAMPLES = (
    Example("zoom.mp4", "video", "collins.jpg", "try.zoom"),
    Example("pair.mp4", "video", "together.jpg", "try.pair"),
    Example("dim.mp4", "video", "hopper.jpg", "try.dim"),
    Example("collins.jpg", "picture", "collins.jpg", "try.collins"),
    Example("hopper.jpg", "picture", "hopper.jpg", "try.hopper"),
    Example("together.jpg", "picture", "together.jpg", "try.together"),
)


def buttons(tab: str, text: i18n.Text) -> str:
    """Return the examples of a tab as HTML: each is a button that uploads one and starts the analysis."""
    made = []
    for example in EXAMPLES:
        if example.tab == tab:
            kind = Path(example.name).stem
            made.append(
                f'<button type="button" class="example example-{kind}" data-example="{example.name}" '
                f'data-tab="{tab}"><img src="examples/{example.picture}" alt="" loading="lazy">'
                f"<span>{escape(text(example.key))}</span></button>"
            )
    return (
        f'<div class="examples" role="group" aria-label="{escape(text("try.title"))}">'
        f'<p class="group-name">{escape(text("try.title"))}</p>'
        f'<div class="example-row">{"".join(made)}</div>'
        f'<p class="hint">{escape(text("try.source"))}</p></div>'
    )


def add_routes(app: FastAPI) -> None:
    """Put `/examples/...` on `app`: these files and no others."""
    known = {name for example in EXAMPLES for name in (example.name, example.picture)}

    @app.api_route("/examples/{name}", methods=["GET", "HEAD"], response_model=None)
    def example(name: str) -> Response:
        """Send one example; a player may ask for a part of it."""
        if name not in known:
            return PlainTextResponse("There is no such example.", status_code=404)
        return FileResponse(FOLDER / name, headers={"Cache-Control": "private, max-age=86400"})
