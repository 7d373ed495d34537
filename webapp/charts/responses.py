"""Average responses around events with their bands, and readings of several files side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from emotion_core.analytics.responses import Response
from emotion_core.analytics.sampling import shown_at
from emotion_core.labels import EMOTIONS
from emotion_core.palette import MUTED, color_of
from webapp.charts.style import DASHES, base, faded, house_style, note, person_color, short_name
from webapp.shared.speech import capital, label, library, measure, say

BINS = 500
"""Moments that a ribbon shows."""


def response_curves(responses: Sequence[Response]) -> go.Figure:
    """Draw the mean response of each name (and group) with its 95 % band, seconds from the onset."""
    figure = base(360)
    names = [one.name if one.group is None else f"{one.name}, {one.group}" for one in responses]
    for place, (one, name) in enumerate(zip(responses, names, strict=True)):
        color = person_color(place)
        known = np.isfinite(one.low)
        if known.any():
            x = np.concatenate([one.times[known], one.times[known][::-1]])
            y = np.concatenate([one.high[known], one.low[known][::-1]])
            figure.add_scatter(
                x=x,
                y=y,
                fill="toself",
                fillcolor=faded(color, 0.18),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                legendgroup=name,
                name=say("chart.response.band", name=name),
            )
    for place, (one, name) in enumerate(zip(responses, names, strict=True)):  # no band lies over a line
        figure.add_scatter(
            x=one.times,
            y=one.mean,
            line={"color": person_color(place), "width": 2.5, "dash": DASHES[place // 8 % len(DASHES)]},
            name=f"{name} ({one.units} {library(one.over)})",
            legendgroup=name,
            hovertemplate="%{x:.2f} s: %{y:+.3f}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.add_hline(y=0, line={"color": MUTED, "width": 1})
    figure.update_xaxes(title=say("chart.response.x"))
    if responses:
        figure.update_yaxes(title=say("chart.response.y", measure=measure(responses[0].measure)))
    return figure


def side_by_side(
    tables: Mapping[str, tuple[pd.DataFrame, int]], start: float, end: float, lines: Sequence[str] = ()
) -> go.Figure:
    """Draw what several files say of a person: a ribbon of labels each, and lines of numbers below.

    Args:
        tables: the table and the person's number in it, by the name that is shown.
        start: of the time that is drawn (s).
        end: of it.
        lines: columns of numbers, such as valence, each drawn for the files that have it.
    """
    if end <= start:
        return note(say("chart.beside.none"))
    step = (end - start) / BINS
    moments = start + step / 2 + step * np.arange(BINS)
    shown = {name: shown_at(table, who, moments) for name, (table, who) in tables.items()}
    found = {str(one) for labels in shown.values() for one in labels if one is not None}
    labels = [*(one for one in EMOTIONS if one in found), *sorted(found - set(EMOTIONS))]
    codes = np.array(
        [[labels.index(str(x)) if x is not None else np.nan for x in row] for row in shown.values()]
    )
    heights = [0.12 * len(tables) + 0.1, *([0.3] * len(lines))]
    figure = make_subplots(len(heights), 1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.06)
    many = max(1, len(labels))
    scale = [[(at + side) / many, color_of(one)] for at, one in enumerate(labels) for side in (0, 1)]
    names = [f"{letter}: {short_name(name)}" for letter, name in zip("ABCDEFGH", tables, strict=False)]
    spoken: dict[str | None, str] = {None: say("chart.nobody"), **{one: label(one) for one in labels}}
    figure.add_heatmap(
        x=moments,
        y=names,
        z=codes,
        text=np.array(
            [[spoken[None if x is None else str(x)] for x in row] for row in shown.values()], object
        ),
        zmin=-0.5,
        zmax=max(0.5, len(labels) - 0.5),
        colorscale=scale or None,
        showscale=False,
        hovertemplate="%{y}, %{x:.1f} s<br>%{text}<extra></extra>",
        name=say("chart.beside.labels"),
        row=1,
        col=1,
    )
    for one in labels:
        marker = {"color": color_of(one), "symbol": "square", "size": 10}
        figure.add_scatter(x=[None], y=[None], mode="markers", name=spoken[one], marker=marker, row=1, col=1)
    for row, column in enumerate(lines, 2):
        for place, (name, (table, who)) in enumerate(tables.items()):
            values = shown_at(table, who, moments, column) if column in table else np.full(BINS, np.nan)
            if np.isfinite(values).any():
                line = {"color": person_color(place), "width": 1.6, "dash": DASHES[place % len(DASHES)]}
                figure.add_scatter(
                    x=moments,
                    y=values,
                    line=line,
                    name=f"{measure(column)}, {short_name(name)}",
                    row=row,
                    col=1,
                )
        figure.update_yaxes(title=capital(measure(column)), row=row, col=1)
    house_style(figure, 150 + 40 * len(tables) + 150 * len(lines))
    figure.update_yaxes(autorange="reversed", showgrid=False, row=1, col=1)
    figure.update_xaxes(title=say("chart.time"), row=len(heights), col=1)
    return figure
