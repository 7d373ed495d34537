"""The ribbon of dominant emotions and the timeline; pure functions `records -> plotly Figure`.

The timeline is drawn anew after every control, so its cost is watched: the browser's share grows with the
number of drawn marks and with every second pass over the layout, ours with the rows that are copied.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from emotion_core.analytics import figures, measures
from emotion_core.labels import UNSURE
from emotion_core.palette import ACCENT, color_of
from webapp.charts.style import (
    DASHES,
    GRID,
    MUTED,
    PEOPLE,
    POINTS,
    base,
    faded,
    house_style,
    note,
    person_color,
    thin,
)
from webapp.shared.speech import label as called
from webapp.shared.speech import person as person_name
from webapp.shared.speech import say

BINS = 600
"""Time bins of the ribbon of dominant emotions."""
SPACE = 34
"""Pixels between two rows of the timeline."""
CLEAR = "rgba(0,0,0,0)"


def broken_lines(
    held: np.ndarray, values: Sequence[np.ndarray], points: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return thinned times (s) and values of one face, broken (NaN) where the face is away.

    `held` (N, 2) has the time of each value and how long its picture lasts, in seconds. Away is longer than
    `figures.GAP` and than the time between two of `points`: every piece of a line costs the browser as much
    as a line.
    """
    time = held[:, 0]
    kept = thin(time, values, points)
    gaps = time[1:] - held[:-1].sum(axis=1)
    away = np.flatnonzero(gaps > max(figures.GAP, (time[-1] - time[0]) / points))
    if len(kept) < len(time) and len(away):
        kept = np.union1d(kept, np.concatenate([away, away + 1]))  # a gap looks as long as it is
    breaks = np.searchsorted(kept, away) + 1
    middle = (time[away] + time[away + 1]) / 2
    # Single precision is more than a pixel shows, and half as much to send.
    x = np.insert(time[kept].astype(np.float32), breaks, middle)
    return x, [np.insert(v[kept].astype(np.float32), breaks, np.nan) for v in values]


def people_shown(frame: pd.DataFrame, people: Sequence[int] | None = None) -> list[int]:
    """Return the people to draw: those asked for that are there, or the eight seen longest."""
    present = measures.longest_seen(frame)
    if people is None:
        return sorted(present[: len(PEOPLE)])
    return [face for face in people if face in present]


def ribbon_table(
    frame: pd.DataFrame, people: Sequence[int], bins: int = BINS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of time bins (bins,) and the number of each one's state of the longest time.

    The numbers are (people, bins) and NaN where the person was not seen.
    """
    times = measures.distinct(frame["time"].to_numpy())
    if len(times) <= bins:
        # One bin for each frame: bins of equal width would leave some empty where the clock wavers.
        edges, middles = times, times
    else:
        bins = min(bins, len(times) // 2)
        edges = np.linspace(times[0], times[0] + measures.length(frame), bins + 1)[:-1]
        middles = edges + (edges[1] - edges[0]) / 2
    bins = len(middles)
    labels, emotions = measures.states_of(frame), measures.states(frame)
    out = np.full((len(people), bins), np.nan)
    for place, rows in enumerate(measures.places(frame, people).values()):
        codes, time, duration = emotions[rows], *(frame[c].to_numpy()[rows] for c in ("time", "duration"))
        at = np.clip(np.searchsorted(edges, time + 1e-9, side="right") - 1, 0, bins - 1)
        cells = np.where(codes >= 0, at * len(labels) + codes, -1)
        seconds = figures.weight_of_labels(cells, duration, bins * len(labels)).reshape(bins, len(labels))
        out[place] = np.where(seconds.sum(axis=1) > 0, seconds.argmax(axis=1), np.nan)
    return middles, out


def _ribbon(frame: pd.DataFrame, people: Sequence[int], bins: int) -> dict[str, Any]:
    labels = measures.states_of(frame)
    middles, codes = ribbon_table(frame, people, bins)
    n = len(labels)
    names = np.array([*map(called, labels), say("chart.nobody")], object)
    names = names[np.nan_to_num(codes, nan=n).astype(int)]
    scale = [[(i + side) / n, color_of(label)] for i, label in enumerate(labels) for side in (0, 1)]
    return {
        "type": "heatmap",
        "x": middles,
        "y": [person_name(face) for face in people],
        "z": codes.astype(np.float32),
        "text": names,
        "zmin": -0.5,
        "zmax": n - 0.5,
        "colorscale": scale,
        "showscale": False,
        "hovertemplate": "%{y}, %{x:.1f} s<br>%{text}<extra></extra>",
        "name": say("chart.dominant"),
    }


def ribbon(frame: pd.DataFrame, people: Sequence[int] | None = None, *, bins: int = BINS) -> go.Figure:
    """Draw the dominant emotion over time, one band per person."""
    people = people_shown(frame) if people is None else list(people)  # who isn't seen here keeps an empty row
    if not people or frame["face"].isna().all():
        return note(say("chart.noface"))
    figure = base(190 + 26 * len(people))
    figure.add_traces([_ribbon(frame, people, bins), *_emotion_legend(measures.states_of(frame))])
    figure.update_xaxes(title=say("chart.time"))
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _emotion_legend(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return legend entries for the categories' colours; there is no data in them."""
    look = {"type": "scatter", "x": [None], "y": [None], "mode": "markers"}
    return [
        {
            **look,
            "name": called(label),
            "legendgroup": label,
            "marker": {"color": color_of(label), "symbol": "square", "size": 10},
        }
        for label in labels
    ]


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
    time, what) are marked.
    """
    people = people_shown(frame, people)
    if not people:
        return note(say("chart.noface.part"))
    person = person if person in people else people[0]
    columns = measures.chance_columns(frame) if probabilities != "none" else []
    heights = [26.0 * len(people) + 14, *([210.0] if columns else []), 150.0, 150.0]
    traces = [_ribbon(frame, people, BINS)]
    places = measures.places(frame, people)
    if columns:
        rows = frame[["time", "duration", *columns]].to_numpy()[places[person]]
        traces += _probabilities(rows, columns, probabilities, points)
    else:
        traces += _emotion_legend(measures.labels_of(frame))
    if measures.uncertain(frame).any():
        traces += _emotion_legend([UNSURE])
    with_band = band > 0 and len(people) <= 4
    for row, signal in ((len(heights) - 1, "valence"), (len(heights), "arousal")):
        for place, face in enumerate(people):
            held, values = (frame[name].to_numpy()[places[face]] for name in (["time", "duration"], signal))
            look = {"name": person_name(face), "meta": signal, **_axes(row)}
            traces += _signal(held, values, place, band, points, with_band, look)
    first = float(frame["time"].iloc[0])
    layout = _layout(heights, people, [first, first + measures.length(frame)])
    if columns:
        layout["yaxis2"] |= {"title": {"text": person_name(person)}, "range": [0, 1], "tickformat": ".0%"}
    for time in [] if moments is None else moments["time"].astype(float):
        line = {"color": ACCENT, "width": 1, "dash": "dot"}
        layout["shapes"].append(
            {"x0": time, "x1": time, "y0": 0, "y1": 1, "yref": "paper", "line": line, "opacity": 0.7}
        )
    # Streamlit would draw the chart a second time to set the way of clicking, were it not given.
    look = {"hovermode": "x unified", "dragmode": "zoom", "clickmode": "event+select"}
    return house_style(go.Figure(traces), layout.pop("height"), **look).update_layout(layout)


def _axes(row: int) -> dict[str, str]:
    """Return the axes of a trace in the row of that number, from 1."""
    return {} if row == 1 else {"xaxis": f"x{row}", "yaxis": f"y{row}"}


def _layout(heights: Sequence[float], people: Sequence[int], span: Sequence[float]) -> dict[str, Any]:
    """Return the layout of the timeline's rows, one above the other; the last two are valence and arousal.

    The margins are given: where plotly has to find them, it draws everything a second time.
    """
    rows, names = len(heights), [person_name(face) for face in people]
    left, top, bottom = max(64, 12 + round(7.6 * max(map(len, names)))), 34, 118
    inner = sum(heights) + SPACE * (rows - 1)
    margin = {"l": left, "r": 12, "t": top, "b": bottom}
    layout: dict[str, Any] = {"height": round(inner + top + bottom), "margin": margin, "shapes": []}
    below = inner
    for row, height in enumerate(heights, start=1):
        number = "" if row == 1 else str(row)
        axis = {"gridcolor": GRID, "zeroline": False, "automargin": False}
        layout[f"xaxis{number}"] = {**axis, "anchor": f"y{number}", "range": list(span)}
        if row < rows:
            layout[f"xaxis{number}"] |= {"matches": f"x{rows}", "showticklabels": False}
        layout[f"yaxis{number}"] = {
            **axis,
            "anchor": f"x{number}",
            "domain": [max(0.0, (below - height) / inner), below / inner],
        }
        below -= height + SPACE
    # The legend of a narrow page needs more rows than there is room for.
    layout[f"xaxis{rows}"] |= {"title": {"text": say("chart.time")}, "automargin": True}
    layout["yaxis"] |= {"range": [len(people) - 0.5, -0.5], "showgrid": False}
    for row, name, ends, middle in (
        (rows - 1, say("video.valence"), [-1.05, 1.05], 0.0),
        (rows, say("video.arousal"), [-0.02, 1.02], 0.5),
    ):
        layout[f"yaxis{row}"] |= {"title": {"text": name}, "range": ends}
        line = {"color": MUTED, "width": 1, "dash": "dot"}
        place = {"xref": f"x{row} domain", "yref": f"y{row}", "x0": 0, "x1": 1, "y0": middle, "y1": middle}
        layout["shapes"].append({**place, "line": line})
    return layout


def _probabilities(rows: np.ndarray, columns: Sequence[str], kind: str, points: int) -> list[dict[str, Any]]:
    """Return the traces of one person's probabilities; `rows` has time, duration and the `columns`."""
    x, values = broken_lines(rows[:, :2], list(rows[:, 2:].T), points)
    traces: list[dict[str, Any]] = []
    for column, y in zip(columns, values, strict=True):
        label, color = column[2:], color_of(column[2:])
        look: dict[str, Any] = {"line": {"color": color, "width": 1.6}}
        if kind == "stacked":
            look = {"line": {"width": 0.4, "color": color}, "fillcolor": faded(color, 0.8), "stackgroup": "p"}
        look |= {"mode": "lines+markers", "marker": _UNSEEN, "hovertemplate": "%{y:.0%}"}
        name = {"type": "scatter", "name": called(label), "legendgroup": label}
        traces.append({**name, **_axes(2), "x": x, "y": y, **look})
    return traces


_UNSEEN = {"size": 14, "color": CLEAR, "maxdisplayed": 1}
"""Markers that can't be seen. A line without markers gives the page no click, but a marker for every point
takes the browser longer than all the rest; text and clicks work without their being drawn."""


def _signal(
    held: np.ndarray,
    values: np.ndarray,
    place: int,
    band: float,
    points: int,
    with_band: bool,
    look: dict[str, Any],
) -> list[dict[str, Any]]:
    """Return the traces of one person's valence or arousal: the moving mean and the band around it.

    `held` (N, 2) has the time of each value and how long it holds, in seconds.
    """
    mean, deviation = figures.moving_mean(held[:, 0], held[:, 1], values, band)
    x, (line,) = broken_lines(held, [mean], points)
    color = person_color(place)
    look = {**look, "type": "scatter", "legendgroup": look["name"]}
    traces: list[dict[str, Any]] = []
    if with_band:
        edges, (low, high) = broken_lines(held, [mean - deviation, mean + deviation], points // 2)
        band_x, band_y = _outlines(edges, low, high)
        traces.append(
            {
                **look,
                "x": band_x,
                "y": band_y,
                "fill": "toself",
                "fillcolor": faded(color, 0.18),
                "mode": "none",
                "hoverinfo": "skip",
                "showlegend": False,
                "name": f"{look['name']} {look['meta']} band",
                "meta": None,
            }
        )
    dash = DASHES[(place // len(PEOPLE)) % len(DASHES)]
    traces.append(
        {
            **look,
            "x": x,
            "y": line,
            "mode": "lines+markers",
            "marker": _UNSEEN,
            "line": {"color": color, "width": 2, "dash": dash},
            "showlegend": look["meta"] == "valence",
            "hovertemplate": "%{y:.2f}",
        }
    )
    return traces


def _outlines(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the outlines of the band from `low` to `high`: a closed shape for each stretch without NaN."""
    parts_x, parts_y, gap = [], [], np.array([np.nan], np.float32)
    for part in np.split(np.arange(len(x)), np.flatnonzero(np.isnan(low))):
        part = part[~np.isnan(low[part])]
        if len(part) > 1:
            parts_x += [x[part], x[part][::-1], gap]
            parts_y += [high[part], low[part][::-1], gap]
    if not parts_x:
        return np.array([]), np.array([])
    return np.concatenate(parts_x), np.concatenate(parts_y)
