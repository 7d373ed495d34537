"""The model tab: what the model is and is not, its figures and terms, and how to run it elsewhere."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from emotion_core.files import card_path
from emotion_core.types import EmotionError
from webapp.shared.i18n import Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from webapp.app import App
    from webapp.shared.engine import Engine

_ELSEWHERE = """from emotion_core import Recognizer, Session, draw, frames

recognizer = Recognizer.from_pretrained()
session = Session(smoothing=5)
for frame in frames("talk.mp4"):
    faces = recognizer(frame, session)
    picture = draw(frame, faces)"""
_COMMAND = "python main.py --video talk.mp4 --format json,csv,parquet"


def model_card(path: Path | None = None) -> str:
    """Return the model card as Markdown without front matter, pictures and links to files, or ""."""
    try:
        card = (path or card_path()).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    card = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    card = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", card)  # a picture may lie elsewhere
    return re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", card)  # and so may another page


def facts_html(engine: Engine, text: Text) -> str:
    """Return the table of the weights in use; what is not known of them is left out."""
    try:
        metadata, labels = engine.metadata, engine.recognizer.labels
    except EmotionError as problem:
        return f'<p class="banner">{escape(str(problem))}</p>'
    licence = None if engine.settings.weights else text("model.licence.text")  # of the shipped ones
    trained = text("yes" if engine.trained else "no")
    known = (
        ("name", metadata.get("name")),
        ("trained", trained),
        ("labels", ", ".join(text.label(label) for label in labels)),
        ("window", metadata.get("window")),
        ("backend", metadata.get("backend")),
        ("sha256", metadata.get("sha256")),
        ("licence", metadata.get("licence") or licence),
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(text("model.fact." + key))}</th>'
        f'<td class="{"mono" if key == "sha256" else ""}">{escape(str(value))}</td></tr>'
        for key, value in known
        if value not in (None, "")
    )
    return f'<div class="table-wrap"><table class="plain-table">{rows}</table></div>'


def page_html(engine: Engine, text: Text) -> str:
    """Return the tab's own text, above the model card."""

    def card(title: str, body: str) -> str:
        return f'<section class="part card-text"><h3>{escape(text(title))}</h3>{body}</section>'

    def words(key: str) -> str:
        return f"<p>{escape(text(key))}</p>"

    code = f"<pre><code>{escape(_COMMAND)}\n\n{escape(_ELSEWHERE)}</code></pre>"
    return (
        '<div class="cards">'
        + card("model.what", words("model.what.text"))
        + card("model.not", words("model.not.text") + f'<p class="fine">{escape(text("app.source"))}</p>')
        + card("model.forbidden", words("model.forbidden.text"))
        + card("model.facts", facts_html(engine, text))
        + card("model.elsewhere", code)
        + "</div>"
    )


def build(app: App, blocks: gr.Blocks, say: Callable[[str], Any]) -> None:
    """Put the model tab's parts into the Blocks that are being built."""
    raw: dict[str, Any] = {"padding": False, "apply_default_css": False, "js_on_load": None}
    page = gr.HTML("", elem_id="model-page", **raw)
    card = model_card()
    if card:
        with gr.Accordion(say("model.card"), open=False, elem_id="model-card-long"):
            gr.Markdown(card, elem_id="model-card")

    def first(request: gr.Request) -> str:
        return page_html(app.engine, Text.for_request(request))

    blocks.load(first, outputs=page, queue=False, show_progress="hidden", api_visibility="private")
