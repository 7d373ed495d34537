"""Overview: the figures of the view, shares, strongest moments, and small multiples of several files."""

import pandas as pd
import streamlit as st

from emotion_core.analytics import MEASURES, measures, moments
from webapp.charts import shares
from webapp.dashboard import choices, shown, state
from webapp.shared.report import clock
from webapp.shared.speech import label, library, localized, named, number, say


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop(say("page.overview"), faces=False)
    figures = shown.once(view, measures.overview, view.frame)
    cards = [
        (say("term.length"), clock(figures["length"]), say("dash.overview.length")),
        (say("term.people"), f"{figures['people']:.0f}", say("dash.overview.people")),
        (
            say("term.found"),
            f"{number(100 * figures['found'], '.1f')} %",
            say("dash.overview.found"),
        ),
        *((library(m.label), localized(m.text(figures[m.key])), library(m.about)) for m in MEASURES),
    ]
    for first in range(0, len(cards), 4):
        with st.container(horizontal=True):
            for name, value, about in cards[first : first + 4]:
                st.metric(name, value, help=about, border=True, width="stretch")
    if figures["readings"] == 0:
        st.info(say("dash.overview.noface"))
    else:
        _shares(view)
        _strongest(view)
    _several(view)


def _shares(view: state.View) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        figure = shown.once(view, shares.shares_bar, view.frame)
        shown.show(figure, "shares", heading=say("term.shares"), text=say("term.shares.about"))
    with right:
        people = view.people[:12]
        figure = shown.once(view, shares.ribbon, view.frame, people)
        shown.show(
            figure,
            "ribbon",
            heading=say("dash.overview.ribbon"),
            text=say("dash.overview.ribbon.about"),
        )


def _strongest(view: state.View) -> None:
    st.subheader(say("video.moments"), anchor=False)
    found = shown.once(view, moments.peaks, view.frame, count=8)
    if found.empty:
        st.caption(say("dash.overview.none"))
        return
    table = pd.DataFrame(
        {
            say("chart.time"): found["time"].round(2),
            say("term.person"): [named(face) or face for face in found["face"]],
            say("term.emotion"): found["emotion"].map(label),
            say("term.probability"): 100 * found["strength"].astype(float),
        }
    )
    st.dataframe(
        shown.numbers(table),
        hide_index=True,
        placeholder=shown.EMPTY,
        key="strongest",
        column_config={
            say("term.probability"): st.column_config.ProgressColumn(
                min_value=0, max_value=100, format="%.0f %%"
            )
        },
    )


def signal_name(signal: str) -> str:
    """Return what "valence" or "arousal" is called."""
    return say(f"video.{signal}")


def _several(view: state.View) -> None:
    tables = {name: results.frame for name, results in state.files().items()}
    if len(tables) < 2:
        return
    st.subheader(say("dash.overview.all", n=len(tables)), anchor=False)
    ids = tuple(id(results) for results in state.files().values())
    signal = choices.segment(
        say("dash.overview.signal"), ["valence", "arousal"], format_func=signal_name, key="several"
    )
    figure = shown.once(view, shares.small_multiples, tables, signal=signal, also=ids)
    shown.show(figure, "files", text=say("dash.overview.means"))
    figure = shares.shares_by_file(tables)
    shown.show(figure, "files_shares", heading=say("dash.overview.shares"))
