"""The picture tab: one or several pictures, their faces marked, a table, downloads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from webapp.picture import marks
from webapp.shared import examples, parts
from webapp.shared.i18n import Text
from webapp.shared.upload_box import upload_box
from webapp.shared.uploads import owner_of_request
from webapp.shared.visitor import Visitor

if TYPE_CHECKING:
    from webapp.app import App

logger = logging.getLogger(__name__)


def build(app: App, blocks: gr.Blocks, say: Callable[[str], Any]) -> None:
    """Put the picture tab's parts into the Blocks that are being built."""
    uploads = app.workspace.incoming
    raw: dict[str, Any] = {"padding": False, "apply_default_css": False, "js_on_load": None}
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            files = upload_box(label=say("picture.upload"), elem_id="picture-files")
            hint = gr.HTML("", **raw)
            start = gr.Button(say("picture.start"), variant="primary", elem_id="picture-start")
        with gr.Column(scale=3, min_width=320):
            result = gr.HTML("", elem_id="picture-result", **raw)

    def uploaded(paths: list[str] | None, request: gr.Request) -> None:
        owner = owner_of_request(request)
        uploads.claim(owner, request.session_hash or "", uploads.all_own(owner, paths))

    def find(paths: list[str] | None, request: gr.Request) -> tuple[Any, str]:
        text = Text.for_request(request)
        owner = owner_of_request(request)
        paths = uploads.all_own(owner, paths)
        uploads.hold(paths)
        try:
            shown = marks.mark_all(paths, app.engine, app.settings, text, Visitor.of(request))
            if gone := uploads.shelf.news(owner):
                shown = parts.note(text("limit.uploads", n=gone)) + shown
            return None, shown
        except Exception:  # a bug in here may not leave the visitor without an answer: it is logged, and said
            logger.exception("reading pictures failed")
            return None, parts.note(text("error.inside"), bad=True)
        finally:
            uploads.free(paths)
            uploads.done(owner, request.session_hash or "", paths)

    def first(request: gr.Request) -> tuple[str, str]:
        text = Text.for_request(request)
        words = text("picture.upload.hint", megapixels=f"{app.settings.max_megapixels:g}")
        more = examples.buttons("picture", text)
        empty = parts.empty(text("picture.empty"), text("video.empty.title"), more)
        return f'<p class="hint">{words}</p>', empty

    quiet: dict[str, Any] = {"api_visibility": "private"}
    files.upload(uploaded, files, queue=False, show_progress="hidden", **quiet)
    start.click(find, files, [files, result], concurrency_limit=1, show_progress_on=[result], **quiet)
    blocks.load(first, outputs=[hint, result], queue=False, show_progress="hidden", **quiet)
