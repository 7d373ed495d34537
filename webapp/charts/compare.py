"""Charts that compare groups of files, and the chart of moments."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from emotion_core.analytics import MEASURES
from emotion_core.palette import ACCENT
from webapp.charts.style import MUTED, base, faded, house_style, note, person_color, wrapped
from webapp.shared.speech import label, library, say

KINDS = {"Peak": ("circle", "#D1495B"), "Change": ("diamond", ACCENT), "Flash": ("star", "#0F8B8D")}


def distributions(values: pd.DataFrame, tags: Mapping[str, str], groups: Sequence[str]) -> go.Figure:
    """Draw each file as a point, and each group as a box, in every column of `values` (shares in 0..1)."""
    measures = list(values.columns)
    if not measures or not len(values):
        return note(say("chart.groups.none"))
    group = pd.Series(dict(tags)).reindex(values.index)
    figure = base(max(300, 58 * len(measures) + 90), boxmode="group")
    for place, name in enumerate(groups):
        rows = values[group == name]
        long = rows.melt(var_name="measure", value_name="value", ignore_index=False)
        figure.add_box(
            x=long["value"],
            y=long["measure"].map(label),
            orientation="h",
            name=str(name),
            text=long.index,
            boxpoints="all",
            jitter=0.5,
            pointpos=0,
            marker={"color": person_color(place), "size": 6, "opacity": 0.75},
            line={"color": person_color(place), "width": 1.4},
            fillcolor=faded(person_color(place), 0.14),
            hovertemplate="%{text}: %{x:.3f}",
        )
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(title=say("chart.groups.value"))
    return figure


def forest(effects: pd.DataFrame, first: str, second: str) -> go.Figure:
    """Draw Hedges' g of every measure with its 95 % interval; right of 0 the second group has more."""
    table = effects[effects["g"].notna()]
    if table.empty:
        return note(say("chart.effect.few"))
    figure = base(max(220, 36 * len(table) + 110), showlegend=False)
    for low, high, alpha in ((-0.8, 0.8, 0.05), (-0.5, 0.5, 0.06), (-0.2, 0.2, 0.09)):
        figure.add_vrect(x0=low, x1=high, fillcolor=MUTED, opacity=alpha, line={"width": 0}, layer="below")
    figure.add_vline(x=0, line={"color": MUTED, "width": 1})
    clear = (table["g_low"] > 0) | (table["g_high"] < 0)
    figure.add_scatter(
        x=table["g"],
        y=[label(name) for name in table.index],
        mode="markers",
        marker={
            "size": 11,
            "color": np.where(clear, ACCENT, MUTED),
            "symbol": np.where(clear, "diamond", "diamond-open"),
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": table["g_high"] - table["g"],
            "arrayminus": table["g"] - table["g_low"],
            "color": MUTED,
            "thickness": 1.6,
            "width": 5,
        },
        customdata=table[["g_low", "g_high"]].to_numpy(),
        hovertemplate="%{y}: g = %{x:.2f} [%{customdata[0]:.2f}, %{customdata[1]:.2f}]<extra></extra>",
        name=say("dash.compare.g"),
    )
    figure.update_xaxes(title=wrapped(say("chart.effect", group=second)))
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def differences(effects: pd.DataFrame, first: str, second: str) -> go.Figure:
    """Draw the difference of the means of each share, in percentage points, with Welch's 95 % interval."""
    shares = effects[~effects.index.isin([measure.name for measure in MEASURES])]
    shares = shares[shares["difference"].notna()]
    if shares.empty:
        return note(say("chart.difference.few"))
    figure = base(max(220, 36 * len(shares) + 100), showlegend=False)
    figure.add_vline(x=0, line={"color": MUTED, "width": 1})
    figure.add_bar(
        x=100 * shares["difference"],
        y=[label(name) for name in shares.index],
        orientation="h",
        marker={
            "color": np.where(shares["difference"] > 0, person_color(1), person_color(0)),
            "opacity": 0.85,
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": 100 * (shares["high"] - shares["difference"]),
            "arrayminus": 100 * (shares["difference"] - shares["low"]),
            "color": MUTED,
            "thickness": 1.4,
        },
        hovertemplate=say("chart.difference.hover", measure="%{y}", value="%{x:+.1f}") + "<extra></extra>",
        name=say("chart.difference.name"),
    )
    figure.update_xaxes(title=wrapped(say("chart.difference", second=second, first=first)))
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def moments_chart(moments: pd.DataFrame, start: float, end: float) -> go.Figure:
    """Draw the table of `insight_moments.moments` over time: a row and a sign for each kind."""
    if moments.empty:
        return note(say("chart.moments.none"))
    figure = house_style(go.Figure(), 250, hovermode="closest")
    for kind, (symbol, color) in KINDS.items():
        rows = moments[moments["kind"] == kind]
        if rows.empty:
            continue
        figure.add_scatter(
            x=rows["time"],
            y=[say(f"kind.{kind}")] * len(rows),
            mode="markers",
            name=say(f"kind.{kind}"),
            marker={
                "symbol": symbol,
                "color": color,
                "size": 9 + 9 * np.clip(rows["strength"].to_numpy(dtype=float), 0, 1),
                "opacity": 0.85,
            },
            customdata=np.stack([rows["face"], rows["what"].map(library)], axis=1),
            hovertemplate=say("chart.moments.hover", x="%{x:.1f}", face="%{customdata[0]}")
            + "<br>%{customdata[1]}<extra></extra>",
        )
    kinds = [say(f"kind.{kind}") for kind in KINDS]
    figure.update_xaxes(title=say("chart.time"), range=[start, end])
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=kinds[::-1])
    figure.update_layout(showlegend=False)
    return figure
