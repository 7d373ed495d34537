"""Table: the records behind every chart, as they are, a part of them at a time."""

import streamlit as st

from webapp.dashboard import choices, state
from webapp.dashboard.views.export import ordered

ROWS = 5000
"""Rows that are sent to the browser at once: more make the page slow, and nobody reads them in one go."""


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop("Table", faces=False)
    table = ordered(view.frame)
    st.write(
        f"{len(table):,} records of the chosen people and time, one a frame and face; a frame without "
        "anybody has one without a face. Click a heading to sort."
    )
    names = list(table.columns)
    shown = choices.picks("Columns", names, default=names, key="columns", placeholder="Choose columns")
    starts = range(0, len(table), ROWS)
    start = 0
    if len(starts) > 1:
        start = choices.pick(
            "Records",
            list(starts),
            key="rows",
            format_func=lambda first: f"{first + 1:,} to {min(first + ROWS, len(table)):,}",
            width=260,
        )
    part = table.iloc[start : start + ROWS]
    st.dataframe(
        part[[name for name in names if name in shown]],
        hide_index=True,
        height=620,
        key="table",
        column_config={
            "time": st.column_config.NumberColumn(format="%.3f", help="Seconds on the source's own clock"),
            **{name: st.column_config.NumberColumn(format="%d") for name in ("frame", "face")},
        },
    )
