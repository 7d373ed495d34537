"""Charts of the signals of one face over time: lines, and approximate action units as a map."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from emotion_core.analytics.figures import means_over
from emotion_core.analytics.signals import UNITS, Blinks
from emotion_core.palette import ACCENT, MUTED
from webapp.charts.style import POINTS, base, faded, note, person_color
from webapp.charts.timeline import broken_lines
from webapp.shared.speech import library, say

BINS = 240
"""Most columns of the map of action units: means over time beyond that."""


def signal_lines(
    mine: pd.DataFrame,
    columns: Mapping[str, str],
    title: str,
    *,
    ends: Sequence[float] | None = None,
    blinks: Blinks | None = None,
) -> go.Figure:
    """Draw signals of one face over time, a line each; `columns` gives what each is called.

    `ends` are those of the axis that is called `title`. `blinks` are marked at the top.
    """
    seen = mine[mine[list(columns)].notna().any(axis=1)]
    if seen.empty:
        return note(say("chart.noface.part"))
    figure = base(320)
    held = seen[["time", "duration"]].to_numpy(float)
    x, lines = broken_lines(held, [seen[name].to_numpy(float) for name in columns], POINTS)
    for place, (called, line) in enumerate(zip(columns.values(), lines, strict=True)):
        look = {"color": person_color(place), "width": 1.8}
        figure.add_scatter(x=x, y=line, mode="lines", line=look, name=called, hovertemplate="%{y:.2f}")
    if blinks is not None and len(blinks.onset):
        marks: dict[str, Any] = {"symbol": "triangle-down", "size": 10, "color": person_color(2)}
        figure.add_scatter(
            x=blinks.onset,
            y=np.full(len(blinks.onset), 1.0 if ends is None else ends[1]),
            mode="markers",
            marker=marks,
            name=say("dash.signals.blinks"),
            customdata=1000 * blinks.duration,
            hovertemplate="%{x:.2f} s: %{customdata:.0f} ms<extra></extra>",
            cliponaxis=False,
        )
    figure.add_hline(y=0, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title=say("chart.time"))
    figure.update_yaxes(title=title, range=None if ends is None else [ends[0], ends[1]])
    return figure


def units_map(mine: pd.DataFrame) -> go.Figure:
    """Draw the approximate action units of one face over time, a row each, stronger where they are darker."""
    names = [unit.column for unit in UNITS if unit.column in mine.columns]
    seen = mine[mine[names].notna().all(axis=1)] if names else mine[:0]
    if seen.empty:
        return note(say("chart.noface.part"))
    time, lasting = seen["time"].to_numpy(float), seen["duration"].to_numpy(float)
    edges = np.linspace(time[0], max(time[-1] + lasting[-1], time[0] + 1e-3), min(BINS, len(time)) + 1)
    values = means_over(time, lasting, seen[names].to_numpy(float), edges[:-1], edges[1:])
    figure = base(64 + 22 * len(names))
    called = [f"{unit.number} {library(unit.name)}" for unit in UNITS]
    figure.add_heatmap(
        x=(edges[:-1] + edges[1:]) / 2,
        y=[f"AU {unit.number}" for unit in UNITS],
        z=values.T.astype(np.float32),
        zmin=0,
        zmax=1,
        text=np.repeat(np.array(called, object)[:, None], len(edges) - 1, axis=1),
        colorscale=[[0, faded(ACCENT, 0.04)], [1, faded(ACCENT, 1.0)]],
        colorbar={"thickness": 10, "outlinewidth": 0, "tickvals": [0, 0.5, 1]},
        hovertemplate="%{text}<br>%{x:.1f} s: %{z:.2f}<extra></extra>",
        name=say("dash.signals.units"),
    )
    figure.update_xaxes(title=say("chart.time"), showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", dtick=1)
    return figure
