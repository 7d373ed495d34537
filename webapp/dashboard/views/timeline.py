"""Timeline: ribbon, probabilities, valence and arousal on one axis, the video beside it."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emotion_core.analytics import moments as insight_moments
from webapp.charts import shares
from webapp.dashboard import choices, marking, shown, state
from webapp.dashboard.player import has_video, player
from webapp.shared.speech import label, named, number, say
from webapp.shared.speech import person as person_name

KINDS = {"stacked": "dash.timeline.stacked", "lines": "dash.timeline.lines", "none": "dash.timeline.nothing"}


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop(say("page.timeline"))
    _rows(view)


@shown.part
def _rows(view: state.View) -> None:
    people = shares.people_shown(view.frame, view.people)
    if not people:
        st.info(say("dash.timeline.none"))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        person = choices.pick(
            say("dash.timeline.who"), people, format_func=person_name, key="person", width=170
        )
        kind = choices.segment(
            say("dash.timeline.as"), list(KINDS), format_func=lambda kind: say(KINDS[kind]), key="kind"
        )
        band = choices.slide(
            say("dash.mean"),
            0.0,
            10.0,
            1.0,
            0.5,
            key="band",
            width=200,
            help=say("dash.timeline.mean.about"),
        )
        marks = choices.switch(say("dash.timeline.marks"), key="marks")
    moments = shown.once(view, insight_moments.changes, view.frame).head(12) if marks else None
    figure = shown.once(
        view,
        shares.timeline,
        view.frame,
        people[:12],
        person=person,
        probabilities=kind,
        band=band,
        moments=moments,
        also=marks,
    )
    if len(people) > 12:
        st.caption(say("dash.timeline.twelve"))
    if has_video(view):
        left, right = st.columns([2, 3], gap="medium")
    else:
        left = right = st.container()
    with right:
        figure = marking.drawn(figure, view.results)
        event = shown.show(figure, "timeline", text=shares.thinned(view.frame), select=True, swift=True)
        st.caption(say("dash.timeline.drag.video" if has_video(view) else "dash.timeline.drag"))
    with left:
        time = _clicked(event)
        if has_video(view):
            player(view, time, "timeline")
        if time is not None:
            _moment(view, people, time)
        elif has_video(view):
            st.caption(say("dash.timeline.click"))
        _boxed(event, view)
    marking.controls(view, time, _box(event))


def _clicked(event: Any) -> float | None:
    """Return the time of the last click in the chart."""
    points = (event or {}).get("selection", {}).get("points", [])
    times = [float(p["x"]) for p in points if isinstance(p.get("x"), int | float)]
    return times[0] if times else None


def _moment(view: state.View, people: list[int], time: float) -> None:
    """Show what is read from each face at `time`."""
    rows = []
    for face in people:
        seen = view.frame[view.frame["face"] == face]
        at = int(np.abs(seen["time"].to_numpy() - time).argmin())
        row = seen.iloc[at]
        if abs(row["time"] - time) <= max(row["duration"], 0.2):
            name = label(row["emotion"])
            rows.append(
                {
                    say("term.person"): named(face) or face,
                    say("term.emotion"): say("term.uncertain", emotion=name) if row["uncertain"] else name,
                    say("term.confidence"): 100 * row["confidence"],
                    say("video.valence"): row["valence"],
                    say("video.arousal"): row["arousal"],
                }
            )
    st.markdown(f"**{say('dash.at', time=number(time, '.2f'))}**")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder=shown.EMPTY,
        key="at",
        column_config={
            say("term.confidence"): st.column_config.NumberColumn(format="%.0f %%"),
            say("video.valence"): st.column_config.NumberColumn(format="%.2f"),
            say("video.arousal"): st.column_config.NumberColumn(format="%.2f"),
        },
    )


def _box(event: Any) -> tuple[float, float] | None:
    """Return the time (s) that a drawn box covers."""
    boxes = (event or {}).get("selection", {}).get("box", [])
    if not boxes or not boxes[0].get("x"):
        return None
    low, high = sorted(float(x) for x in boxes[0]["x"])
    return low, high


def _boxed(event: Any, view: state.View) -> None:
    """Offer a drawn box as the time range of every page."""
    box = _box(event)
    if box is None:
        return
    low, high = box
    low, high = max(view.start, round(low, 1)), min(view.end, round(high, 1))
    if high - low < 0.2:
        return

    def use() -> None:
        choices.put("t", [low, high])

    if st.button(
        say("dash.timeline.use", start=number(low, ".1f"), end=number(high, ".1f")),
        on_click=use,
        key="use_range",
        icon=":material/fit_width:",
    ):
        st.rerun()
