"""Timeline: ribbon, probabilities, valence and arousal on one axis, the video beside it."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emotion_core.analytics import moments as insight_moments
from webapp.charts import shares
from webapp.dashboard import choices, marking, shown, state
from webapp.dashboard.player import has_video, player

KINDS = {"stacked": "Stacked", "lines": "Lines", "none": "None"}


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop("Timeline")
    _rows(view)


@shown.part
def _rows(view: state.View) -> None:
    people = shares.people_shown(view.frame, view.people)
    if not people:
        st.info("None of the chosen people is seen in this stretch of time.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        person = choices.pick(
            "Probabilities of", people, format_func=lambda face: f"Person {face}", key="person", width=170
        )
        kind = choices.segment("Probabilities as", list(KINDS), format_func=KINDS.__getitem__, key="kind")
        band = choices.slide(
            "Mean over (s)",
            0.0,
            10.0,
            1.0,
            0.5,
            key="band",
            width=200,
            help="The bold lines are moving means over so many seconds, the bands one standard deviation. "
            "0 shows the readings as they are.",
        )
        marks = choices.switch("Mark sudden changes", key="marks")
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
        st.caption("The first twelve of the chosen people are drawn.")
    if has_video(view):
        left, right = st.columns([2, 3], gap="medium")
    else:
        left = right = st.container()
    with right:
        figure = marking.drawn(figure, view.results)
        event = shown.show(figure, "timeline", text=shares.thinned(view.frame), select=True, swift=True)
        st.caption(
            "Drag to zoom: all rows move together, a double click zooms out. A click shows that moment"
            + (" in the video." if has_video(view) else ".")
            + " With the box tool of the bar above, mark a stretch to make it the time range of every page."
        )
    with left:
        time = _clicked(event)
        if has_video(view):
            player(view, time, "timeline")
        if time is not None:
            _moment(view, people, time)
        elif has_video(view):
            st.caption("Click in the timeline to jump to that moment.")
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
            rows.append(
                {
                    "Person": face,
                    "Emotion": f"{row['emotion']}{' (uncertain)' if row['uncertain'] else ''}",
                    "Confidence": 100 * row["confidence"],
                    "Valence": row["valence"],
                    "Arousal": row["arousal"],
                }
            )
    st.markdown(f"**At {time:.2f} s**")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="at",
        column_config={
            "Confidence": st.column_config.NumberColumn(format="%.0f %%"),
            "Valence": st.column_config.NumberColumn(format="%.2f"),
            "Arousal": st.column_config.NumberColumn(format="%.2f"),
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
        f"Use {low:.1f} to {high:.1f} s as the time range",
        on_click=use,
        key="use_range",
        icon=":material/fit_width:",
    ):
        st.rerun()
