"""Markers and exclusions on the timeline: set by a click or a box, undone, and kept beside the results."""

from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from emotion_core.analytics.loading import Results
from emotion_core.analytics.marks import EXCLUSION, MARKER, Mark, Marks, read_marks, write_marks
from emotion_core.palette import ACCENT, MUTED
from emotion_core.results.names import MARKS, marks_path, name_of
from emotion_core.types import EmotionError
from webapp.charts.style import faded
from webapp.dashboard import state
from webapp.shared.speech import Texts, library, say

TEXTS = Texts("dash.marks")


def place_of(results: Results) -> Path | None:
    """Return the file that keeps the marks of a results file; None where it has no place of its own."""
    if results.source != "folder" or results.path is None:
        return None
    return marks_path(results.path)


def marks_of(results: Results) -> Marks:
    """Return the marks of a loaded file: those of this session, at first those beside it."""
    kept: dict[str, Marks] = st.session_state.setdefault("timeline_marks", {})
    if results.name not in kept:
        path = place_of(results)
        try:
            kept[results.name] = Marks() if path is None else read_marks(path)
        except EmotionError as error:
            st.warning(library(str(error)))
            return Marks()
    return kept[results.name]


def drawn(figure: go.Figure, results: Results) -> go.Figure:
    """Return a copy of the timeline with the marks of a file in it; the same one where there are none."""
    marks = marks_of(results).marks
    if not marks:
        return figure
    copy = go.Figure(figure)
    for mark in marks:
        color = MUTED if mark.kind == EXCLUSION else ACCENT
        end = mark.onset + mark.duration
        look: dict[str, Any] = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1, "x0": mark.onset, "x1": end}
        line = {"color": color, "width": 1.5 if mark.kind == MARKER else 0}
        shape = "rect" if mark.duration else "line"
        fill = {"fillcolor": faded(color, 0.3 if mark.kind == EXCLUSION else 0.12)} if mark.duration else {}
        copy.add_shape(type=shape, line=line, layer="above", **fill, **look)
    return copy


def controls(view: state.View, clicked: float | None, box: tuple[float, float] | None) -> None:
    """Draw what sets, lists, removes and undoes marks; a click or a box fills in the time."""
    with st.expander(
        TEXTS["heading"], icon=":material/bookmark:", expanded=bool(marks_of(view.results).marks)
    ):
        _controls(view, clicked, box)


def _controls(view: state.View, clicked: float | None, box: tuple[float, float] | None) -> None:
    st.caption(TEXTS["about"].format(page=say("page.events")))
    if (problem := st.session_state.pop("marks_problem", None)) is not None:
        st.error(problem)
    low, high = box if box is not None else (clicked if clicked is not None else view.start,) * 2
    turn = f"{view.results.name}:{low:.3f}:{high:.3f}"  # another click begins another row of inputs
    with st.container(horizontal=True, vertical_alignment="bottom"):
        onset = st.number_input(
            TEXTS["from"],
            value=round(float(low), 3),
            step=0.1,
            format="%.2f",
            key=f"mark_from:{turn}",
            width=130,
        )
        lasting = st.number_input(
            TEXTS["lasting"], 0.0, value=round(float(high - low), 3), step=0.1, format="%.2f",
            key=f"mark_long:{turn}", width=130,
        )  # fmt: skip
        name = st.text_input(TEXTS["name"], key="mark_name", max_chars=200, width=200)
        for kind, icon in ((MARKER, ":material/bookmark_add:"), (EXCLUSION, ":material/block:")):
            label = TEXTS["marker" if kind == MARKER else "exclude"]
            if st.button(label, icon=icon, key=f"mark_{kind}"):
                _add(view.results, onset, lasting, name, kind)
    marks = marks_of(view.results)
    with st.container(horizontal=True):
        if st.button(TEXTS["undo"], icon=":material/undo:", key="mark_undo", disabled=not marks.before):
            _keep(view.results, marks.undo())
        if st.button(TEXTS["redo"], icon=":material/redo:", key="mark_redo", disabled=not marks.after):
            _keep(view.results, marks.redo())
    _list(view.results, marks)


def _add(results: Results, onset: float, lasting: float, name: str, kind: str) -> None:
    try:
        mark = Mark(float(onset), float(lasting), name, kind)
    except EmotionError:
        st.warning(TEXTS["long"])
        return
    _keep(results, marks_of(results).add(mark))


def _list(results: Results, marks: Marks) -> None:
    if not marks.marks:
        return
    rows = [(TEXTS[f"kind.{m.kind}"], m.onset, m.duration, m.name) for m in marks.marks]
    columns = [say("term.kind"), TEXTS["from"], TEXTS["lasting"], TEXTS["name"]]
    event = st.dataframe(
        pd.DataFrame(rows, columns=columns),
        hide_index=True,
        placeholder="",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"marks:{len(marks.before)}:{len(marks.after)}",
    )
    chosen = [marks.marks[row] for row in event["selection"]["rows"] if row < len(rows)]
    with st.container(horizontal=True):
        if st.button(
            say("dash.loaded.remove"), icon=":material/delete:", key="mark_remove", disabled=not chosen
        ):
            for mark in chosen:
                marks = marks.remove(mark)
            _keep(results, marks)
        st.download_button(
            say("dash.notes.download"),
            marks.text().encode(),
            file_name=f"{name_of(results.name)}{MARKS}.tsv",
            mime="text/tab-separated-values",
            on_click="ignore",
            icon=":material/download:",
            key="marks_get",
        )
    if place_of(results) is None:
        st.caption(TEXTS["session"])


def _keep(results: Results, marks: Marks) -> None:
    """Take marks as those of a file, write them beside it where it has a place, and draw the page anew."""
    if results.name not in st.session_state["timeline_marks"]:
        return  # what lies there can't be read, as `marks_of` said: it is not ours to replace
    st.session_state["timeline_marks"][results.name] = marks
    path = place_of(results)
    if path is not None:
        try:
            write_marks(marks, path)
            st.toast(TEXTS["kept"].format(file=path.name), icon=":material/check:")
        except (OSError, EmotionError) as error:
            why = getattr(error, "strerror", None) or library(str(error))
            st.session_state["marks_problem"] = say("dash.notes.failed", name=path.name, why=why)
    st.rerun()
