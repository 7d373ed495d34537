"""Charts of people: transitions, expressiveness, similarity and synchrony."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from emotion_core.analytics import measures
from emotion_core.analytics.pairs import Synchrony
from emotion_core.palette import ACCENT, color_of
from webapp.charts.style import MUTED, base, blend, faded, house_style, note, person_color, unruled
from webapp.shared.speech import label, number, person, say

CELLS = [[0, blend("#FFFFFF", ACCENT, 0.08)], [1, blend("#FFFFFF", ACCENT, 0.72)]]
"""The colours of cells with numbers in them: light and opaque, so that dark ink is readable on any page."""
_ON_CELLS = {"color": "#1B1F2A"}
COLUMNS = 240
"""Most columns of the map of synchrony: means of windows beyond that."""


def transitions_map(frame: pd.DataFrame) -> go.Figure:
    """Draw how often each emotion (rows) was followed by each other (columns)."""
    table = measures.transitions(frame)
    if table.to_numpy().sum() == 0:
        return note(say("chart.changes.none"))
    counts = table.to_numpy(dtype=float, copy=True)
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    counts[counts == 0] = np.nan
    figure = base(420)
    figure.add_heatmap(
        x=[label(name) for name in table.columns],
        y=[label(name) for name in table.index],
        z=counts,
        customdata=share,
        colorscale=CELLS,
        textfont=_ON_CELLS,
        showscale=False,
        xgap=2,
        ygap=2,
        texttemplate="%{z:.0f}",
        hovertemplate=say("chart.changes.hover", a="%{y}", b="%{x}", n="%{z:.0f}", share="%{customdata:.0f}")
        + "<extra></extra>",
        name=say("chart.changes"),
    )
    figure.update_xaxes(title=say("chart.to"), side="bottom", showgrid=False)
    figure.update_yaxes(title=say("chart.from"), autorange="reversed", showgrid=False)
    return figure


def transitions_flow(frame: pd.DataFrame) -> go.Figure:
    """Draw the changes as a Sankey diagram: from the left to the right, as wide as they are frequent."""
    table = measures.transitions(frame)
    labels = list(table.columns)
    source, target = np.nonzero(table.to_numpy())
    if not len(source):
        return note(say("chart.changes.none"))
    colors = [color_of(name) for name in labels]
    names = [label(name) for name in labels]
    figure = base(420)
    figure.add_sankey(
        arrangement="snap",
        textfont={"shadow": "none"},  # plotly's own is light on any page: names can't be read in the dark
        node={
            "label": names * 2,
            "color": colors * 2,
            "pad": 12,
            "thickness": 14,
            "line": {"width": 0},
            "hovertemplate": say("chart.changes.node", a="%{label}", n="%{value:.0f}") + "<extra></extra>",
        },
        link={
            "source": source,
            "target": target + len(labels),
            "value": table.to_numpy()[source, target],
            "color": [faded(colors[s], 0.38) for s in source],
            "hovertemplate": say(
                "chart.changes.link", a="%{source.label}", b="%{target.label}", n="%{value:.0f}"
            )
            + "<extra></extra>",
        },
        name=say("chart.changes"),
    )
    return figure


def expressiveness_bar(frame: pd.DataFrame) -> go.Figure:
    """Draw, side by side for each person, expressiveness, spread on the plane and changes a minute."""
    table = measures.expressiveness(frame)
    if table.empty:
        return note(say("chart.noface"))
    titles = {
        "expressive": say("chart.expressive"),
        "spread": say("chart.spread"),
        "changes": say("core.changes"),
    }
    figure = make_subplots(rows=1, cols=3, shared_yaxes=True, subplot_titles=list(titles.values()))
    house_style(figure, 32 * len(table) + 130, showlegend=False)
    figure.update_layout(margin={"t": 58})
    names = [person(face) for face in table.index]
    for col, column in enumerate(titles, start=1):
        values = table[column].to_numpy()
        figure.add_bar(
            x=values,
            y=names,
            orientation="h",
            marker={"color": [person_color(i) for i in range(len(table))]},
            text=[number(v, ".1f" if column == "changes" else ".2f") for v in values],
            textposition="outside",
            cliponaxis=False,
            name=titles[column],
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
            row=1,
            col=col,
        )
        largest = float(values.max(initial=0.0))  # a number stands beside each bar, so there has to be room
        figure.update_xaxes(range=[0, 1.5 * largest or 1.0], nticks=3, row=1, col=col)
    figure.update_yaxes(autorange="reversed", type="category")
    unruled(figure)
    figure.update_annotations(font={"size": 12})
    return figure


def similarity_map(table: pd.DataFrame) -> go.Figure:
    """Draw the table of `insight_pairs.similarity`: 1 is the same mixture of emotions."""
    if len(table) < 2:
        return note(say("chart.two"))
    names = [person(face) for face in table.index]
    values = table.to_numpy(dtype=float)
    figure = base(min(640, 90 + 44 * len(names)))
    figure.add_heatmap(
        x=names,
        y=names,
        z=values,
        zmin=0,
        zmax=1,
        colorscale=CELLS,
        textfont=_ON_CELLS,
        showscale=False,
        xgap=2,
        ygap=2,
        texttemplate="%{z:.2f}" if len(names) <= 12 else None,
        hovertemplate=say("chart.similarity.hover", a="%{y}", b="%{x}", value="%{z:.2f}") + "<extra></extra>",
        name=say("chart.similarity"),
    )
    figure.update_xaxes(showgrid=False, type="category")
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    return figure


def synchrony_map(result: Synchrony, first: int, second: int) -> go.Figure:
    """Draw windowed correlation: time across, lag upwards, and beside it the mean of each lag."""
    figure = make_subplots(
        rows=2,
        cols=1,
        row_heights=[0.62, 0.38],
        vertical_spacing=0.18,
        subplot_titles=[say("chart.windows"), say("chart.windows.mean")],
    )
    house_style(figure, 560, showlegend=False)
    windows = result.windows
    if len(windows) > COLUMNS:
        group = np.arange(len(windows)) * COLUMNS // len(windows)
        windows = windows.groupby(group).mean().set_axis(windows.index.to_series().groupby(group).mean())
    figure.add_heatmap(
        x=windows.index,
        y=windows.columns,
        z=windows.to_numpy(np.float32).T,
        zmin=-1,
        zmax=1,
        colorscale="RdBu_r",
        colorbar={"title": {"text": "r"}, "thickness": 8, "len": 0.6, "y": 0.72},
        hovertemplate=say("chart.lag.hover", x="%{x:.1f}", y="%{y:.1f}", z="%{z:.2f}") + "<extra></extra>",
        name=say("chart.correlation"),
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=result.profile.index,
        y=result.profile,
        mode="lines",
        line={"color": ACCENT, "width": 2},
        hovertemplate=say("chart.lag.profile", x="%{x:.1f}", y="%{y:.2f}") + "<extra></extra>",
        name=say("chart.correlation.mean"),
        row=2,
        col=1,
    )
    figure.add_vline(x=result.lag, line={"color": ACCENT, "dash": "dot", "width": 1}, row=2, col=1)
    if np.isfinite(result.chance):
        figure.add_hline(
            y=result.chance,
            line={"color": MUTED, "dash": "dash", "width": 1},
            annotation={"text": say("chart.chance"), "font": {"color": MUTED, "size": 11}},
            row=2,
            col=1,
        )
    figure.update_xaxes(title=say("chart.time"), row=1, col=1)
    figure.update_yaxes(title=say("chart.lag"), row=1, col=1)
    figure.update_xaxes(title=say("chart.lag.title", second=second, first=first), row=2, col=1)
    figure.update_yaxes(title="r", row=2, col=1)
    figure.update_annotations(font={"size": 12})
    return figure
