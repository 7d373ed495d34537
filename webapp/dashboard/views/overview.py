"""Overview: the figures of the view, shares, strongest moments, and small multiples of several files."""

import pandas as pd
import streamlit as st

from emotion_core.analytics import MEASURES, measures, moments
from webapp.charts import shares
from webapp.dashboard import choices, shown, state
from webapp.shared.report import clock


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop("Overview", faces=False)
    figures = shown.once(view, measures.overview, view.frame)
    cards = [
        ("Length", clock(figures["length"]), "From the first frame to the end of the last."),
        ("People", f"{figures['people']:.0f}", "Face ids with at least one reading."),
        ("Faces found", f"{100 * figures['found']:.1f} %", "Share of the time in which somebody is found."),
        *((m.label, m.text(figures[m.key]), m.about) for m in MEASURES),
    ]
    for first in range(0, len(cards), 4):
        with st.container(horizontal=True):
            for label, value, about in cards[first : first + 4]:
                st.metric(label, value, help=about, border=True, width="stretch")
    if figures["readings"] == 0:
        st.info("No face was found in this part of the file: there is nothing more to show.")
    else:
        _shares(view)
        _strongest(view)
    _several(view)


def _shares(view: state.View) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        figure = shown.once(view, shares.shares_bar, view.frame)
        shown.show(
            figure, "shares", heading="Share of each emotion", text="Of the time in which faces are seen."
        )
    with right:
        people = view.people[:12]
        figure = shown.once(view, shares.ribbon, view.frame, people)
        shown.show(
            figure,
            "ribbon",
            heading="Dominant emotion over time",
            text="The one seen longest in each bin.",
        )


def _strongest(view: state.View) -> None:
    st.subheader("Strongest moments", anchor=False)
    found = shown.once(view, moments.peaks, view.frame, count=8)
    if found.empty:
        st.caption("No emotion but Neutral reaches a probability of 50 % here.")
        return
    table = pd.DataFrame(
        {
            "Time (s)": found["time"].round(2),
            "Person": found["face"],
            "Emotion": found["emotion"],
            "Probability": 100 * found["strength"].astype(float),
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        key="strongest",
        column_config={
            "Probability": st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.0f %%")
        },
    )


def _several(view: state.View) -> None:
    tables = {name: results.frame for name, results in state.files().items()}
    if len(tables) < 2:
        return
    st.subheader(f"All {len(tables)} files", anchor=False)
    ids = tuple(id(results) for results in state.files().values())
    signal = choices.segment("Signal", ["valence", "arousal"], key="several")
    figure = shown.once(view, shares.small_multiples, tables, signal=signal, also=ids)
    shown.show(
        figure, "files", text="Means over a second, on one scale; at most 24 files, one colour a person."
    )
    figure = shares.shares_by_file(tables)
    shown.show(figure, "files_shares", heading="Share of each emotion in each file")
