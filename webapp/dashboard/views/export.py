"""Report and export: an HTML report of the view, its records as CSV, and the link that restores it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from emotion_core.results.names import name_of
from webapp.charts import shares
from webapp.dashboard import choices, state
from webapp.dashboard.shown import EMPTY
from webapp.shared import report, speech
from webapp.shared.speech import number, say


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop(say("page.export"), faces=False)
    st.write(say("dash.export.view", name=view.results.name, **_extent(view)))
    name = name_of(view.results.name)
    # Made on a click, outside the session: what it needs of the session is taken now.
    kept, language, summary = choices.address(), speech.language(), state.summary_of(view.results)
    left, middle, right = st.columns(3, gap="large")
    with left:
        st.subheader(say("dash.export.report"), anchor=False)
        st.caption(say("dash.export.report.about"))
        st.download_button(
            say("dash.export.html"),
            data=lambda: _report(view, kept, language, summary).encode(),
            file_name=f"{name}_report.html",
            mime="text/html",
            on_click="ignore",
            type="primary",
            icon=":material/description:",
            key="report",
        )
    with middle:
        st.subheader(say("term.records"), anchor=False)
        st.caption(say("dash.export.records.about"))
        st.download_button(
            say("dash.export.csv"),
            data=lambda: ordered(view.frame, view.results.names).to_csv(index=False).encode(),
            file_name=f"{name}_selection.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/table:",
            key="selection",
        )
    with right:
        st.subheader(say("dash.export.link"), anchor=False)
        st.caption(_about_link(view))
        # A text field, as the element for code brings half a megabyte of highlighting along.
        st.text_area(say("dash.export.link"), _link(), height=110, label_visibility="collapsed")
    st.subheader(say("dash.export.first"), anchor=False)
    st.dataframe(
        ordered(view.frame.head(200), view.results.names),
        hide_index=True,
        placeholder=EMPTY,
        key="head",
    )


def ordered(frame: pd.DataFrame, names: Mapping[int, str] | None = None) -> pd.DataFrame:
    """Return the records with their columns in the order of a results file, the `names` of people last."""
    first = ["frame", "emotion", "confidence", "valence", "arousal", "time", "face"]
    names = {} if names is None else names
    shown = frame.assign(name=frame["face"].map(names)) if names else frame
    return shown[[*first, *(column for column in shown.columns if column not in first)]]


def _extent(view: state.View) -> dict[str, str]:
    """Return how much the view is about, in words."""
    n = len(view.people)
    return {
        "people": say("dash.export.one") if n == 1 else say("dash.export.many", n=n),
        "start": number(view.start, ".1f"),
        "end": number(view.end, ".1f"),
        "n": number(len(view.frame)),
    }


def _report(
    view: state.View, kept: dict[str, list[str]], language: str, summary: dict[str, Any] | None = None
) -> str:
    with speech.speaking(language), speech.calling(view.results.names):
        return _written(view, kept, summary)


def _written(view: state.View, kept: dict[str, list[str]], summary: dict[str, Any] | None) -> str:
    notes = [say("dash.export.note", **_extent(view)), *view.results.notes]
    sections = report.standard_sections(view.frame)
    people = shares.people_shown(view.frame, view.people)
    if people:
        person = kept.get("person", [""])[0]
        chart: go.Figure = shares.timeline(
            view.frame,
            people[:12],
            person=int(person) if person.isdigit() else None,
            probabilities=kept.get("kind", ["stacked"])[0],
            band=float(kept.get("band", ["1"])[0]),
        )
        sections = [(h, t, chart if h == say("page.timeline") else c) for h, t, c in sections]
    return report.report_html(
        view.frame,
        summary,
        title=view.results.name,
        sections=sections,
        notes=notes,
        made=view.results.made,
    )


def _link() -> str:
    """Return the address of this view; it opens on the timeline."""
    address = (st.context.url or "").split("?")[0].rstrip("/").removesuffix("/export")
    pairs = [("page", "timeline")]
    pairs += [(name, value) for name, values in choices.address(**state.loaded()).items() for value in values]
    return f"{address}/?{urlencode(pairs)}"


def _about_link(view: state.View) -> str:
    if view.results.source == "upload":
        return say("dash.export.link.upload", page=say("page.files"))
    if state.tokens_opened():
        return say("dash.export.link.app")
    return say("dash.export.link.folder")
