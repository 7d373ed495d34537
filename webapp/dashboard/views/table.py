"""Table: the records behind every chart, as they are, a part of them at a time."""

import streamlit as st

from webapp.dashboard import choices, state
from webapp.dashboard.shown import EMPTY
from webapp.dashboard.views.export import ordered
from webapp.shared.speech import number, say

ROWS = 5000
"""Rows that are sent to the browser at once: more make the page slow, and nobody reads them in one go."""


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop(say("page.table"), faces=False)
    table = ordered(view.frame, view.results.names)
    st.write(say("dash.table.about", n=number(len(table))))
    names = list(table.columns)
    shown = choices.picks(
        say("dash.table.columns"), names, default=names, key="columns", placeholder=say("dash.table.choose")
    )
    starts = range(0, len(table), ROWS)
    start = 0
    if len(starts) > 1:
        start = choices.pick(
            say("term.records"),
            list(starts),
            key="rows",
            format_func=lambda first: say(
                "dash.table.span", first=number(first + 1), last=number(min(first + ROWS, len(table)))
            ),
            width=260,
        )
    part = table.iloc[start : start + ROWS]
    st.dataframe(
        part[[name for name in names if name in shown]],
        hide_index=True,
        height=620,
        placeholder=EMPTY,
        key="table",
        column_config={
            "time": st.column_config.NumberColumn(format="%.3f", help=say("dash.table.time")),
            **{name: st.column_config.NumberColumn(format="%d") for name in ("frame", "face")},
        },
    )
