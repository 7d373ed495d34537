"""Valence and arousal: trajectory, density, dwell time and animation on the circumplex."""

import streamlit as st

from emotion_core.analytics import measures
from emotion_core.labels import VALENCE_AROUSAL_SOURCE
from webapp.charts import plane
from webapp.charts.style import PEOPLE
from webapp.dashboard import choices, shown, state

KINDS = ["Trajectory", "Density", "Animation"]


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop("Valence and arousal", affect=True)
    _plane(view)
    st.caption(VALENCE_AROUSAL_SOURCE)


@shown.part
def _plane(view: state.View) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = choices.segment("Show", KINDS, key="plane")
        smooth = choices.slide(
            "Mean over (s)",
            0.0,
            10.0,
            1.0,
            0.5,
            key="smooth",
            width=200,
            help="Positions are moving means over so many seconds.",
        )
    others = [name for name in state.files() if name != view.results.name]
    overlaid: list[str] = []
    if others:
        overlaid = choices.picks(
            "Overlay other files",
            others,
            key="overlay",
            max_selections=len(PEOPLE),
            help="All people of a file are taken together as one.",
        )
    tables = {name: rows for name, rows in view.by_person.items() if len(rows)}
    tables = dict(list(tables.items())[: len(PEOPLE)])
    for name in overlaid:
        seen = measures.readings(state.files()[name].frame)
        tables[name] = (
            seen.groupby("time", as_index=False)[["valence", "arousal", "duration"]].mean().assign(face=0.0)
        )
    also = (tuple(overlaid), tuple(id(results) for results in state.files().values()))
    if kind == "Density":
        figure = shown.once(view, plane.density, view.frame)
        about = "Seconds spent in each cell, by all chosen people together."
    elif kind == "Animation":
        figure = shown.once(view, plane.animation, tables, also=also)
        about = f"The time range in {plane.FRAMES} steps; 1× takes 18 seconds."
    else:
        figure = shown.once(view, plane.trajectory, tables, smooth=smooth, also=also)
        points = plane.line_points(len(tables))
        about = f"Colour is time. About {points} points a line are drawn, chosen so that the extremes stay."
    left, right = st.columns([3, 2], gap="large")
    with left:
        shown.show(figure, f"plane_{kind}".lower(), text=f"{about} {plane.SOURCE}")
    with right:
        centre = choices.slide(
            "Near neutral: within",
            0.0,
            0.5,
            0.15,
            0.05,
            key="centre",
            help="Distance from neutral, arousal stretched to -1..1, that counts as near neutral.",
        )
        figure = shown.once(view, plane.dwell_bar, view.by_person, centre=centre)
        shown.show(figure, "dwell", heading="Time in each quadrant")
