"""Valence and arousal: trajectory, density, dwell time and animation on the circumplex."""

import streamlit as st

from emotion_core.analytics import measures
from webapp.charts import plane
from webapp.charts.style import PEOPLE
from webapp.dashboard import choices, shown, state
from webapp.shared.speech import number, say

KINDS = ["Trajectory", "Density", "Animation"]


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop(say("page.plane"), affect=True)
    _plane(view)
    st.caption(say("app.source"))


@shown.part
def _plane(view: state.View) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = choices.segment(
            say("dash.plane.show"), KINDS, format_func=lambda kind: say(f"dash.plane.{kind}"), key="plane"
        )
        smooth = choices.slide(
            say("dash.mean"),
            0.0,
            10.0,
            1.0,
            0.5,
            key="smooth",
            width=200,
            help=say("dash.plane.mean.about"),
        )
    others = [name for name in state.files() if name != view.results.name]
    overlaid: list[str] = []
    if others:
        overlaid = choices.picks(
            say("dash.plane.others"),
            others,
            key="overlay",
            max_selections=len(PEOPLE),
            help=say("dash.plane.others.about"),
            placeholder=say("dash.option"),
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
        about = say("dash.plane.density")
    elif kind == "Animation":
        figure = shown.once(view, plane.animation, tables, also=also)
        about = say("dash.plane.animation", n=plane.FRAMES)
    else:
        figure = shown.once(view, plane.trajectory, tables, smooth=smooth, also=also)
        points = plane.line_points(len(tables))
        about = say("dash.plane.trajectory", n=number(points))
    left, right = st.columns([3, 2], gap="large")
    with left:
        shown.show(figure, f"plane_{kind}".lower(), text=f"{about} {say('chart.plane.source')}")
    with right:
        centre = choices.slide(
            say("dash.plane.centre"),
            0.0,
            0.5,
            0.15,
            0.05,
            key="centre",
            help=say("dash.plane.centre.about"),
        )
        figure = shown.once(view, plane.dwell_bar, view.by_person, centre=centre)
        shown.show(figure, "dwell", heading=say("term.quadrants"))
