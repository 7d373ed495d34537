"""Charts of a results table as plotly figures: pure functions, shared by the web app, dashboard and report.

Every function takes the checked table of `webapp.loading` and gives a new figure with a transparent
background and no theme of its own, so it suits light and dark pages; `themed` adds one where the page
has none. Colours come from the one palette, and a name always stands beside a colour.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from emotion_core.palette import ACCENT, color_of
from webapp import insight
from webapp.charts_base import (
    DASHES,
    MUTED,
    PEOPLE,
    POINTS,
    base,
    faded,
    figure_data,
    house_style,
    note,
    person_color,
    short_name,
    themed,
    thin,
    thinned,
)

__all__ = [
    "figure_data",
    "ribbon",
    "ribbon_table",
    "shares_bar",
    "shares_by_group",
    "small_multiples",
    "themed",
    "thin",
    "thinned",
    "timeline",
]

BINS = 600
"""Time bins of the ribbon of dominant emotions."""


def _lines(rows: pd.DataFrame, columns: list[str], points: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Give thinned times and values of one face, broken (NaN) where the face is away."""
    time = rows["time"].to_numpy()
    values = [rows[c].to_numpy(dtype=float) for c in columns]
    kept = thin(time, values, points)
    stretch = np.concatenate([[0], np.cumsum(np.diff(time) > insight.GAP)])
    breaks = np.flatnonzero(np.diff(stretch[kept]) > 0) + 1
    middle = (time[kept][breaks - 1] + time[kept][breaks]) / 2
    x = np.insert(time[kept], breaks, middle)
    return x, [np.insert(v[kept], breaks, np.nan) for v in values]


def shares_bar(frame: pd.DataFrame) -> go.Figure:
    """Draw the share of readings of each category, the largest on top, in per cent."""
    share = insight.shares(frame).sort_values()
    figure = base(max(200, 34 * len(share) + 40), showlegend=False)
    figure.add_bar(
        x=100 * share.to_numpy(),
        y=share.index.astype(str),
        orientation="h",
        marker={"color": [color_of(str(label)) for label in share.index]},
        text=[f"{100 * v:.1f} %" for v in share],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        name="share",
    )
    figure.update_xaxes(title="Share of readings (%)", range=[0, max(10.0, 118 * float(share.max()))])
    return figure


def shares_by_group(shares: pd.DataFrame) -> go.Figure:
    """Draw one stacked bar per row of a table of shares (rows: people or files, columns: categories)."""
    figure = base(34 * len(shares) + 190, barmode="stack")
    names = [str(name) for name in shares.index]
    for label in shares.columns:
        values = 100 * shares[label].to_numpy(dtype=float)
        figure.add_bar(
            x=values,
            y=names,
            orientation="h",
            name=str(label),
            marker={"color": color_of(str(label)), "line": {"width": 0}},
            text=[f"{v:.0f}" if v >= 6 else "" for v in values],
            insidetextanchor="middle",
            textangle=0,
            hovertemplate=f"%{{y}}<br>{label}: %{{x:.1f}} %<extra></extra>",
        )
    figure.update_xaxes(title="Share of readings (%)", range=[0, 100])
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def ribbon_table(
    frame: pd.DataFrame, people: Sequence[int], bins: int = BINS
) -> tuple[np.ndarray, np.ndarray]:
    """Give the middles of time bins (bins,) and the most frequent category's number in each.

    The numbers are (people, bins) and NaN where the person was not seen.
    """
    times = np.unique(frame["time"].to_numpy())
    if len(times) <= bins:
        # One bin for each frame: bins of equal width would leave some empty where the clock wavers.
        edges, middles = times, times
    else:
        bins = min(bins, len(times) // 2)
        edges = np.linspace(times[0], times[0] + insight.length(frame), bins + 1)[:-1]
        middles = edges + (edges[1] - edges[0]) / 2
    bins = len(middles)
    labels = insight.labels_of(frame)
    out = np.full((len(people), bins), np.nan)
    seen = insight.readings(frame)
    for place, face in enumerate(people):
        rows = seen[seen["face"] == face]
        codes = pd.Categorical(rows["emotion"], categories=labels).codes
        at = np.clip(np.searchsorted(edges, rows["time"].to_numpy() + 1e-9, side="right") - 1, 0, bins - 1)
        good = codes >= 0
        counts = np.bincount(at[good] * len(labels) + codes[good], minlength=bins * len(labels))
        counts = counts.reshape(bins, len(labels))
        out[place] = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), np.nan)
    return middles, out


def _ribbon(frame: pd.DataFrame, people: Sequence[int], bins: int) -> go.Heatmap:
    labels = insight.labels_of(frame)
    middles, codes = ribbon_table(frame, people, bins)
    names = np.array([*labels, "nobody"], object)[np.nan_to_num(codes, nan=len(labels)).astype(int)]
    n = len(labels)
    scale = [[(i + side) / n, color_of(label)] for i, label in enumerate(labels) for side in (0, 1)]
    return go.Heatmap(
        x=middles,
        y=[f"Person {face}" for face in people],
        z=codes,
        text=names,
        zmin=-0.5,
        zmax=n - 0.5,
        colorscale=scale,
        showscale=False,
        hovertemplate="%{y}, %{x:.1f} s<br>%{text}<extra></extra>",
        name="Dominant emotion",
    )


def ribbon(frame: pd.DataFrame, people: Sequence[int] | None = None, *, bins: int = BINS) -> go.Figure:
    """Draw the dominant emotion over time, one band per person."""
    people = people_shown(frame, people)
    if not people:
        return note("No face was found here.")
    figure = base(190 + 26 * len(people))
    figure.add_trace(_ribbon(frame, people, bins))
    _emotion_legend(figure, insight.labels_of(frame))
    figure.update_xaxes(title="Time (s)")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _emotion_legend(figure: go.Figure, labels: Sequence[str], **place: Any) -> None:
    """Add legend entries for the categories' colours; there is no data in them."""
    for label in labels:
        marker = {"color": color_of(label), "symbol": "square", "size": 10}
        figure.add_scatter(
            x=[None], y=[None], mode="markers", marker=marker, name=label, legendgroup=label, **place
        )


def people_shown(frame: pd.DataFrame, people: Sequence[int] | None = None) -> list[int]:
    """Give the people to draw: those asked for that are there, or the eight seen longest."""
    counts = insight.readings(frame)["face"].value_counts()
    present = [int(face) for face in counts.index]
    if people is None:
        return sorted(present[: len(PEOPLE)])
    return [face for face in people if face in present]


def timeline(
    frame: pd.DataFrame,
    people: Sequence[int] | None = None,
    *,
    person: int | None = None,
    probabilities: str = "stacked",
    band: float = 2.0,
    points: int = POINTS,
    moments: pd.DataFrame | None = None,
) -> go.Figure:
    """Draw ribbon, probabilities of one `person`, valence and arousal on one time axis (zoom is shared).

    `probabilities` is "stacked", "lines" or "none". The bold lines are moving means over `band` seconds,
    the bands one standard deviation around them; 0 draws the readings as they are. `moments` (columns
    time, what) are marked. Faint markers without colour carry the clicks.
    """
    people = people_shown(frame, people)
    if not people:
        return note("No face was found in this part of the recording.")
    person = person if person in people else people[0]
    columns = insight.chance_columns(frame) if probabilities != "none" else []
    heights = [26.0 * len(people) + 14, *([210.0] if columns else []), 150.0, 150.0]
    total = sum(heights) + 34 * len(heights) + 70
    figure = make_subplots(
        rows=len(heights), cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=34 / total
    )
    house_style(figure, int(total), hovermode="x unified", dragmode="zoom")
    figure.add_trace(_ribbon(frame, people, BINS), row=1, col=1)
    figure.update_yaxes(autorange="reversed", showgrid=False, row=1, col=1)
    row = 2
    seen = insight.readings(frame)
    if columns:
        _probability_rows(figure, seen[seen["face"] == person], columns, probabilities, points, row)
        figure.update_yaxes(title=f"Person {person}", range=[0, 1], tickformat=".0%", row=row, col=1)
        row += 1
    else:
        _emotion_legend(figure, insight.labels_of(frame))
    for signal, span in (("valence", [-1.05, 1.05]), ("arousal", [-0.02, 1.02])):
        for place, face in enumerate(people):
            _signal(figure, seen[seen["face"] == face], signal, place, band, points, row, len(people) <= 4)
        middle = 0.0 if signal == "valence" else 0.5
        figure.add_hline(y=middle, line={"color": MUTED, "width": 1, "dash": "dot"}, row=row, col=1)
        figure.update_yaxes(title=signal.capitalize(), range=span, row=row, col=1)
        row += 1
    for time in [] if moments is None else moments["time"]:
        figure.add_vline(x=float(time), line={"color": ACCENT, "width": 1, "dash": "dot"}, opacity=0.7)
    figure.update_xaxes(title="Time (s)", row=len(heights), col=1)
    first = frame["time"].iloc[0]
    figure.update_xaxes(range=[first, first + insight.length(frame)])
    return figure


def _probability_rows(
    figure: go.Figure, rows: pd.DataFrame, columns: list[str], kind: str, points: int, row: int
) -> None:
    x, values = _lines(rows, columns, points)
    hover = "<br>".join(f"{c[2:]}: %{{customdata[{i}]:.0%}}" for i, c in enumerate(columns))
    _clicks(figure, x, np.full(len(x), 0.5), row, "", f"{hover}<extra></extra>", np.stack(values, axis=1))
    for column, y in zip(columns, values, strict=True):
        label, color = column[2:], color_of(column[2:])
        look: dict[str, Any] = {"line": {"color": color, "width": 1.6}}
        if kind == "stacked":
            look = {"line": {"width": 0.4, "color": color}, "fillcolor": faded(color, 0.8), "stackgroup": "p"}
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            name=label,
            legendgroup=label,
            hoverinfo="skip",
            row=row,
            col=1,
            **look,
        )


def _signal(
    figure: go.Figure,
    rows: pd.DataFrame,
    signal: str,
    place: int,
    band: float,
    points: int,
    row: int,
    with_band: bool,
) -> None:
    face, color = int(rows["face"].iloc[0]), person_color(place)
    step = insight.frame_step(rows) or 1.0
    count = max(1, round(band / step))
    rolling = rows[signal].rolling(count, center=True, min_periods=1)
    table = pd.DataFrame({"time": rows["time"], "mean": rolling.mean(), "sd": rolling.std(ddof=0).fillna(0)})
    x, (mean, deviation) = _lines(table, ["mean", "sd"], points)
    _clicks(figure, x, mean, row, f"Person {face}", "%{y:.2f}")
    if band > 0 and with_band:
        band_x, band_y = _outlines(x, mean - deviation, mean + deviation)
        figure.add_scatter(
            x=band_x,
            y=band_y,
            fill="toself",
            fillcolor=faded(color, 0.18),
            mode="none",
            hoverinfo="skip",
            showlegend=False,
            legendgroup=f"person {face}",
            name=f"Person {face} {signal} band",
            row=row,
            col=1,
        )
    figure.add_scatter(
        x=x,
        y=mean,
        mode="lines",
        name=f"Person {face}",
        legendgroup=f"person {face}",
        showlegend=signal == "valence",
        line={"color": color, "width": 2, "dash": DASHES[(place // len(PEOPLE)) % len(DASHES)]},
        hoverinfo="skip",
        meta=signal,
        row=row,
        col=1,
    )


def _outlines(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the outlines of the band from `low` to `high`: a closed shape for each stretch without NaN."""
    parts_x, parts_y = [], []
    for part in np.split(np.arange(len(x)), np.flatnonzero(np.isnan(low))):
        part = part[~np.isnan(low[part])]
        if len(part) > 1:
            parts_x += [x[part], x[part][::-1], [np.nan]]
            parts_y += [high[part], low[part][::-1], [np.nan]]
    if not parts_x:
        return np.array([]), np.array([])
    return np.concatenate(parts_x), np.concatenate(parts_y)


def _clicks(
    figure: go.Figure,
    x: np.ndarray,
    y: np.ndarray,
    row: int,
    name: str,
    hover: str,
    values: np.ndarray | None = None,
) -> None:
    """Add markers that can't be seen; they carry the hover text of a row and its clicks.

    A line without markers gives the page no click, and a click counts only on the first trace under the
    pointer, so the lines themselves are left out of hovering. `values` (len(x), n) is for the text.
    """
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 14, "color": "rgba(0,0,0,0)"},
        customdata=values,
        hovertemplate=hover,
        showlegend=False,
        name=name,
        meta="click",
        row=row,
        col=1,
    )


def small_multiples(
    tables: Mapping[str, pd.DataFrame], *, signal: str = "valence", points: int = 200
) -> go.Figure:
    """Draw one small chart of `signal` per file, all on the same scale, for at most 24 files."""
    names = list(tables)[:24]
    cols = 1 if len(names) == 1 else 2
    rows = -(-len(names) // cols)
    height = 128 * rows + 60
    figure = make_subplots(
        rows=max(rows, 1),
        cols=cols,
        shared_yaxes=True,
        subplot_titles=[short_name(name) for name in names],
        vertical_spacing=min(0.5, 54 / height),
        horizontal_spacing=0.05,
    )
    house_style(figure, height, showlegend=False)
    for number, name in enumerate(names):
        seen = insight.readings(tables[name])
        row, col = number // cols + 1, number % cols + 1
        for place, (_, one) in enumerate(seen.groupby("face")):
            if place >= len(PEOPLE):
                break
            count = max(1, round(1.0 / (insight.frame_step(one) or 1.0)))
            smooth = one.assign(y=one[signal].rolling(count, center=True, min_periods=1).mean())
            x, (y,) = _lines(smooth, ["y"], points)
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
    return figure
