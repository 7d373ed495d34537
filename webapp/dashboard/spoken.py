"""The language of the dashboard: that of the header, as the browser tells it, or of the address."""

from html import escape

import streamlit as st

from webapp.dashboard import choices
from webapp.shared import i18n, speech

_UPLOADER = '[data-testid="stFileUploaderDropzone"]'
_INSTRUCTIONS = '[data-testid="stFileUploaderDropzoneInstructions"]'


def begin() -> None:
    """Speak this visitor's language for the rest of the run."""
    speech.speak(language())


def language() -> str:
    """Return `language=` of the address; else the header's choice, which stands in for the browser's own.

    The choice is kept in the browser, which says it with every run; no cookie is needed, so it holds in a
    frame on another site too. Where that is none of ours, the next of the browser's list is.
    """
    asked = choices.given("language")
    if asked in i18n.LANGUAGES:
        return asked
    wishes = (st.context.locale, st.context.headers.get("Accept-Language"))
    return i18n.choose(",".join(wish for wish in wishes if wish))


def style() -> str:
    """Return a style sheet that puts our words in the place of those that Streamlit knows in English only."""
    if speech.language() == "en":
        return ""
    drop, browse = (escape(speech.say(f"dash.files.{key}")) for key in ("drop", "browse"))
    return f"""<style>
{_INSTRUCTIONS} * {{ display: none; }}
{_INSTRUCTIONS}::after {{ content: "{drop}"; }}
{_UPLOADER} button p {{ font-size: 0; }}
{_UPLOADER} button p::after {{ content: "{browse}"; font-size: 1rem; }}
</style>"""
