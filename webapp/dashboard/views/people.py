"""People: shares, transitions, expressiveness, similarity and synchrony."""

from typing import Any

import numpy as np
import streamlit as st

from emotion_core.analytics import measures, pairs
from webapp.charts import people
from webapp.charts import shares as charts
from webapp.charts.style import note
from webapp.dashboard import choices, shown, state
from webapp.dashboard.views.overview import signal_name
from webapp.shared.speech import number, person, say


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop(say("page.people"))
    shares = shown.once(view, measures.shares_by_person, view.frame)
    present = [face for face in view.people if face in shares.index]
    chosen = shares.loc[present]
    chosen.index = chosen.index.map(person)
    left, right = st.columns(2, gap="large")
    with left:
        shown.show(charts.shares_by_group(chosen), "people_shares", heading=say("term.shares"))
    with right:
        figure = shown.once(view, people.expressiveness_bar, view.frame)
        shown.show(
            figure,
            "expressiveness",
            heading=say("dash.people.lively"),
            text=say("dash.people.lively.about"),
        )
    _transitions(view, present)
    if len(present) < 2:
        st.caption(say("dash.people.two"))
        return
    table = shown.once(view, pairs.similarity, view.frame)
    left, right = st.columns(2, gap="large")
    with left:
        shown.show(
            people.similarity_map(table),
            "similarity",
            heading=say("dash.people.similar"),
            text=say("dash.people.similar.about"),
        )
    with right:
        _figures(view)
    _synchrony(view, present)


def _figures(view: state.View) -> None:
    st.subheader(say("dash.people.figures"), anchor=False)
    table = shown.once(view, measures.expressiveness, view.frame)
    names = {
        "seconds": say("dash.people.seen"),
        "expressive": say("chart.expressive"),
        "spread": say("chart.spread"),
        "changes": say("core.changes"),
    }
    table = table.rename(columns=names).rename_axis(say("term.person")).round(2).reset_index()
    st.dataframe(shown.numbers(table), hide_index=True, placeholder=shown.EMPTY, key="figures")


@shown.part
def _transitions(view: state.View, present: list[int]) -> None:
    st.subheader(say("term.transitions"), anchor=False)
    one = choices.pick(
        say("dash.people.of"),
        [0, *present],
        format_func=lambda face: person(face) if face else say("dash.people.all"),
        key="moves",
        width=260,
    )
    frame = view.frame if not one else view.frame[view.frame["face"] == one]
    left, right = st.columns(2, gap="large")
    with left:
        shown.show(shown.once(view, people.transitions_map, frame, also=one), "transitions")
    with right:
        shown.show(shown.once(view, people.transitions_flow, frame, also=one), "flow")


@shown.part
def _synchrony(view: state.View, present: list[int]) -> None:
    st.subheader(say("dash.sync"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        look: dict[str, Any] = {"format_func": person, "width": 150}
        first = choices.pick(say("dash.sync.first"), present, key="first", **look)
        second = choices.pick(say("dash.sync.second"), present, key="second", default=present[1], **look)
        signal = choices.segment(
            say("dash.sync.of"), ["valence", "arousal"], format_func=signal_name, key="of"
        )
        window = choices.slide(say("dash.sync.window"), 2.0, 60.0, 10.0, 1.0, key="window", width=180)
        reach = choices.slide(say("dash.sync.reach"), 0.5, 10.0, 5.0, 0.5, key="reach", width=180)
    if first == second:
        st.info(say("dash.sync.different"))
        return
    result = shown.once(
        view,
        pairs.synchrony,
        view.frame,
        first,
        second,
        signal=signal,
        window=window,
        max_lag=reach,
        also=(first, second),
    )
    if result is None:
        shown.show(note(say("dash.sync.short")), "synchrony")
        return
    ahead, behind = (first, second) if result.lag > 0 else (second, first)
    seconds = number(abs(result.lag), ".1f")
    lag = say("dash.sync.follows", n=seconds, a=ahead, b=behind) if result.lag else say("dash.sync.same")
    with st.container(horizontal=True):
        best = f"{number(result.lag, '+.1f')} s"
        st.metric(say("dash.sync.lag"), best, help=lag, border=True, width=172)
        st.metric(say("dash.sync.there"), number(result.strength, ".2f"), border=True, width=200)
        st.metric(
            say("dash.sync.chance"),
            number(result.chance, ".2f") if np.isfinite(result.chance) else "–",
            border=True,
            width=172,
            help=say("dash.sync.chance.about"),
        )
    if np.isfinite(result.chance) and result.strength > result.chance:
        st.write(say(f"dash.sync.{signal}", lag=lag))
    else:
        st.write(say("dash.sync.none"))
    shown.show(
        people.synchrony_map(result, first, second),
        "synchrony",
        text=say("dash.sync.about"),
    )
