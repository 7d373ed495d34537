"""Charts of a results table as plotly figures: pure functions, shared by the web app, dashboard and report.

Every function takes the checked table of `analytics.loading` and gives a new figure with a transparent
background and no theme of its own, so it suits light and dark pages; `themed` adds one where the page
has none. Colours come from the one palette, and a name always stands beside a colour.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from emotion_core.analytics import figures, measures
from emotion_core.palette import color_of
from webapp.charts.style import (
    PEOPLE,
    base,
    figure_data,
    house_style,
    person_color,
    short_name,
    themed,
    thin,
    thinned,
    unruled,
)
from webapp.charts.timeline import broken_lines, people_shown, ribbon, ribbon_table, timeline
from webapp.shared.speech import label, number, say

__all__ = [
    "figure_data",
    "people_shown",
    "ribbon",
    "ribbon_table",
    "shares_bar",
    "shares_by_file",
    "shares_by_group",
    "small_multiples",
    "themed",
    "thin",
    "thinned",
    "timeline",
]


def shares_bar(frame: pd.DataFrame) -> go.Figure:
    """Draw the share of the time of each category, the largest on top, in per cent."""
    share = measures.shares(frame).sort_values()
    figure = base(max(200, 34 * len(share) + 40), showlegend=False)
    figure.add_bar(
        x=100 * share.to_numpy(),
        y=[label(str(name)) for name in share.index],
        orientation="h",
        marker={"color": [color_of(str(name)) for name in share.index]},
        text=[f"{number(100 * v, '.1f')} %" for v in share],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        name=say("chart.share.name"),
    )
    figure.update_xaxes(title=say("chart.share"), range=[0, max(10.0, 126 * float(share.max()))])
    unruled(figure)
    return figure


def shares_by_group(shares: pd.DataFrame) -> go.Figure:
    """Draw one stacked bar per row of a table of shares (rows: people or files, columns: categories)."""
    figure = base(34 * len(shares) + 190, barmode="stack")
    names = [str(name) for name in shares.index]
    for category in map(str, shares.columns):
        values = 100 * shares[category].to_numpy(dtype=float)
        called = label(category)
        figure.add_bar(
            x=values,
            y=names,
            orientation="h",
            name=called,
            marker={"color": color_of(category), "line": {"width": 0}},
            text=[f"{v:.0f}" if v >= 6 else "" for v in values],
            insidetextanchor="middle",
            textangle=0,
            hovertemplate=f"%{{y}}<br>{called}: %{{x:.1f}} %<extra></extra>",
        )
    figure.update_xaxes(title=say("chart.share"), range=[0, 100])
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def shares_by_file(tables: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Draw one stacked bar per file: the share of the time of each category."""
    shares = pd.DataFrame({short_name(name): measures.shares(frame) for name, frame in tables.items()}).T
    return shares_by_group(shares.fillna(0.0))


def small_multiples(
    tables: Mapping[str, pd.DataFrame], *, signal: str = "valence", points: int = 200
) -> go.Figure:
    """Draw one small chart of `signal` per file, all on the same scale, for at most 24 files."""
    names = list(tables)[:24]
    cols = 1 if len(names) == 1 else 2
    rows = -(-len(names) // cols)
    height = 128 * rows + 84
    figure = make_subplots(
        rows=max(rows, 1),
        cols=cols,
        shared_yaxes=True,
        subplot_titles=[short_name(name) for name in names],
        vertical_spacing=min(0.5, 54 / height),
        horizontal_spacing=0.05,
    )
    house_style(figure, height, showlegend=False)
    for n, name in enumerate(names):
        seen = measures.readings(tables[name])
        row, col = n // cols + 1, n % cols + 1
        for place, (_, one) in enumerate(seen.groupby("face")):
            if place >= len(PEOPLE):
                break
            held = one[["time", "duration"]].to_numpy()
            smooth, _ = figures.moving_mean(held[:, 0], held[:, 1], one[signal].to_numpy(), 1.0)
            x, (y,) = broken_lines(held, [smooth], points)
            line = {"color": person_color(place), "width": 1.4}
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                line=line,
                name=name,
                hovertemplate="%{x:.1f} s: %{y:.2f}",
                row=row,
                col=col,
            )
    span = [-1.05, 1.05] if signal == "valence" else [-0.02, 1.02]
    figure.update_yaxes(range=span, nticks=3)
    figure.update_xaxes(nticks=5)
    figure.update_annotations(font={"size": 12})
    figure.update_layout(margin={"t": 58})  # the names stand below the buttons
    return figure
