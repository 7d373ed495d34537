"""Report and export: an HTML report of the view, its records as CSV, and the link that restores it."""

from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from emotion_core.results.names import name_of
from webapp.charts import shares
from webapp.dashboard import choices, state
from webapp.shared import report


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop("Report and export", faces=False)
    st.write(
        f"The current view: **{view.results.name}**, "
        f"{len(view.people)} {'person' if len(view.people) == 1 else 'people'}, "
        f"{view.start:.1f} to {view.end:.1f} s, {len(view.frame):,} records."
    )
    name = name_of(view.results.name)
    # Made on a click, outside the session: what it needs of the session is taken now.
    kept = choices.address()
    left, middle, right = st.columns(3, gap="large")
    with left:
        st.subheader("Report", anchor=False)
        st.caption("One HTML file with all charts inside; it opens without a network and can be printed.")
        st.download_button(
            "HTML report",
            data=lambda: _report(view, kept).encode(),
            file_name=f"{name}_report.html",
            mime="text/html",
            on_click="ignore",
            type="primary",
            icon=":material/description:",
            key="report",
        )
    with middle:
        st.subheader("Records", anchor=False)
        st.caption(
            "The records of the chosen people and time. Charts: Data (CSV) below each, PNG by its camera."
        )
        st.download_button(
            "CSV of the selection",
            data=lambda: ordered(view.frame).to_csv(index=False).encode(),
            file_name=f"{name}_selection.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/table:",
            key="selection",
        )
    with right:
        st.subheader("Link", anchor=False)
        st.caption(_about_link(view))
        st.code(_link(), language=None, wrap_lines=True)
    st.subheader("First records", anchor=False)
    st.dataframe(ordered(view.frame.head(200)), hide_index=True, key="head")


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the records with their columns in the order of a results file."""
    first = ["frame", "emotion", "confidence", "valence", "arousal", "time", "face"]
    return frame[[*first, *(column for column in frame.columns if column not in first)]]


def _report(view: state.View, kept: dict[str, list[str]]) -> str:
    notes = list(view.results.notes)
    notes.insert(
        0, f"{len(view.people)} people, {view.start:.1f} to {view.end:.1f} s, {len(view.frame):,} records."
    )
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
        sections = [(h, t, chart if h == "Timeline" else c) for h, t, c in sections]
    return report.report_html(
        view.frame,
        report.summary_of(view.results.path) if view.results.path else None,
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
        return (
            "Restores these choices. The file itself is not on the server: load it again on the page Files."
        )
    if "token" in st.session_state:
        return "Restores this view, in this browser only, as long as the web app keeps the result."
    return "Restores this view: files, people, time and every choice. The address of each page works too."
