"""People: shares, transitions, expressiveness, similarity and synchrony."""

from typing import Any

import numpy as np
import streamlit as st

from emotion_core.analytics import measures, pairs
from webapp.charts import people
from webapp.charts import shares as charts
from webapp.charts.style import note
from webapp.dashboard import choices, shown, state


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop("People")
    shares = shown.once(view, measures.shares_by_person, view.frame)
    present = [face for face in view.people if face in shares.index]
    chosen = shares.loc[present]
    chosen.index = chosen.index.map(lambda face: f"Person {face}")
    left, right = st.columns(2, gap="large")
    with left:
        shown.show(charts.shares_by_group(chosen), "people_shares", heading="Share of each emotion")
    with right:
        figure = shown.once(view, people.expressiveness_bar, view.frame)
        shown.show(
            figure,
            "expressiveness",
            heading="How much and how lively",
            text="Expressive: mean of 1 - p(Neutral). Spread: distance from the person's own mean.",
        )
    _transitions(view, present)
    if len(present) < 2:
        st.caption("Similarity and synchrony need two people.")
        return
    table = shown.once(view, pairs.similarity, view.frame)
    left, right = st.columns(2, gap="large")
    with left:
        shown.show(
            people.similarity_map(table),
            "similarity",
            heading="Similarity of two people",
            text="One minus the Jensen-Shannon distance of their mean probabilities: 1 is the same mixture.",
        )
    with right:
        _figures(view)
    _synchrony(view, present)


def _figures(view: state.View) -> None:
    st.subheader("In figures", anchor=False)
    table = shown.once(view, measures.expressiveness, view.frame)
    names = {
        "seconds": "Seen (s)",
        "expressive": "Expressive",
        "spread": "Spread",
        "changes": "Changes a minute",
    }
    table = table.rename(columns=names).rename_axis("Person").round(2).reset_index()
    st.dataframe(table, hide_index=True, key="figures")


@shown.part
def _transitions(view: state.View, present: list[int]) -> None:
    st.subheader("From one emotion to the next", anchor=False)
    one = choices.pick(
        "Transitions of",
        [0, *present],
        format_func=lambda face: f"Person {face}" if face else "All chosen people",
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
    st.subheader("Synchrony", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        look: dict[str, Any] = {"format_func": lambda face: f"Person {face}", "width": 150}
        first = choices.pick("First", present, key="first", **look)
        second = choices.pick("Second", present, key="second", default=present[1], **look)
        signal = choices.segment("Of", ["valence", "arousal"], key="of")
        window = choices.slide("Window (s)", 2.0, 60.0, 10.0, 1.0, key="window", width=180)
        reach = choices.slide("Largest lag (s)", 0.5, 10.0, 5.0, 0.5, key="reach", width=180)
    if first == second:
        st.info("Choose two different people.")
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
        shown.show(note("They are not seen together for long enough: choose a shorter window."), "synchrony")
        return
    who = (
        f"person {second} follows person {first}"
        if result.lag > 0
        else f"person {first} follows person {second}"
    )
    lag = f"{abs(result.lag):.1f} s: {who}" if result.lag else "0 s: at the same time"
    with st.container(horizontal=True):
        st.metric("Best lag", f"{result.lag:+.1f} s", help=lag, border=True, width=172)
        st.metric("Mean correlation there", f"{result.strength:.2f}", border=True, width=200)
        st.metric(
            "By chance",
            f"{result.chance:.2f}" if np.isfinite(result.chance) else "–",
            border=True,
            width=172,
            help="What 95 of 100 random shifts in time stay below.",
        )
    if np.isfinite(result.chance) and result.strength > result.chance:
        st.write(f"Their {signal} moves together, most of all at a lag of {lag}.")
    else:
        st.write("No more synchrony than chance gives.")
    shown.show(
        people.synchrony_map(result, first, second),
        "synchrony",
        text="Windowed cross-correlation at ten samples a second. It shows movement together, not its cause.",
    )
