"""Charts of the valence-arousal plane: trajectory, density, dwell time, animation."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from emotion_core.analytics import figures, measures
from emotion_core.labels import EMOTIONS, coordinates
from emotion_core.palette import ACCENT, color_of
from webapp.charts.style import MUTED, base, faded, note, person_color, thin, unruled
from webapp.shared.speech import label as called
from webapp.shared.speech import library, number, say

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "pentagon", "hexagon")
FRAMES = 120
"""Steps of the animation."""


def plane(height: int = 600) -> go.Figure:
    """Draw the empty circumplex: circle, axes and the names of the quadrants."""
    figure = base(height)
    line = {"color": MUTED, "width": 1}
    figure.add_shape(type="circle", x0=-1, x1=1, y0=0, y1=1, line=line, layer="below")
    figure.add_shape(type="line", x0=-1, x1=1, y0=0.5, y1=0.5, line={**line, "dash": "dot"}, layer="below")
    figure.add_shape(type="line", x0=0, x1=0, y0=0, y1=1, line={**line, "dash": "dot"}, layer="below")
    for name, x, y in zip(figures.QUADRANTS, (1, -1, -1, 1), (1.0, 1.0, 0.0, 0.0), strict=True):
        figure.add_annotation(
            x=x,
            y=y,
            text=re.sub(r"([,、]) *", r"\1<br>", library(name)),
            showarrow=False,
            font={"color": MUTED, "size": 11},
            xanchor="right" if x > 0 else "left",
            align="right" if x > 0 else "left",
            yanchor="top" if y else "bottom",
        )
    figure.update_xaxes(title=say("chart.plane.x"), range=[-1.08, 1.08], dtick=0.5, constrain="domain")
    figure.update_yaxes(
        title=say("chart.plane.y"),
        range=[-0.04, 1.04],
        dtick=0.25,
        scaleanchor="x",
        scaleratio=2,
        constrain="domain",
    )
    figure.update_layout(margin={"t": 40})
    return figure


def _hover() -> str:
    """Return what is said of a point of the plane."""
    return say("chart.hover.plane", x="%{x:.2f}", y="%{y:.2f}")


def _words(figure: go.Figure) -> None:
    """Mark the seven words at their places; drawn last so that they stay readable."""
    places = coordinates()
    beside = {"Angry": "top right", "Fear": "top left", "Disgust": "middle left", "Sad": "bottom left"}
    figure.add_scatter(
        x=places[:, 0],
        y=places[:, 1],
        mode="markers+text",
        text=[f"<b>{called(label)}</b>" for label in EMOTIONS],
        textposition=[beside.get(label, "bottom center") for label in EMOTIONS],
        textfont={"size": 12},
        marker={
            "symbol": "x",
            "size": 9,
            "color": [color_of(label) for label in EMOTIONS],
            "line": {"width": 1, "color": "#FFFFFF"},
        },
        hovertemplate=f"%{{text}}: {_hover()}<extra></extra>",
        name=say("chart.plane.words"),
        showlegend=False,
        cliponaxis=False,
    )


def line_points(lines: int) -> int:
    """Return about how many points each of some trajectories keeps; every one is a mark of its own colour."""
    return max(100, 1200 // max(2, lines))


def trajectory(
    tables: Mapping[str, pd.DataFrame], *, points: int | None = None, smooth: float = 1.0, height: int = 600
) -> go.Figure:
    """Draw the way of each of `tables` (name -> rows of one person) over the plane, time as colour.

    Positions are moving means over `smooth` seconds, thinned so that the extremes of both signals stay.
    """
    figure = plane(height)
    points = points or line_points(len(tables))
    drawn = 0
    for place, (name, rows) in enumerate(tables.items()):
        seen = measures.readings(rows)
        if seen.empty:
            continue
        x, y, time = path(seen, points=points, smooth=smooth)
        drawn += 1
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            name=name,
            line={"color": faded(person_color(place), 0.45), "width": 1.2},
            marker={
                "color": time,
                "coloraxis": "coloraxis",
                "size": 6,
                "symbol": SYMBOLS[place % len(SYMBOLS)],
                "line": {"width": 0.6, "color": person_color(place)},
            },
            customdata=time,
            hovertemplate=f"%{{customdata:.1f}} s<br>{_hover()}",
        )
    if not drawn:
        return note(say("chart.noface"))
    figure.update_layout(
        coloraxis={
            "colorscale": "Cividis",
            "colorbar": {
                "title": {"text": say("chart.time"), "side": "top"},
                "orientation": "h",
                "thickness": 8,
                "len": 0.6,
                "y": -0.16,
                "yanchor": "top",
                "x": 0.5,
            },
        },
        showlegend=drawn > 1,
    )
    _words(figure)
    return figure


def path(
    rows: pd.DataFrame, *, points: int = 700, smooth: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return smoothed valence, arousal and time of one person's rows, thinned to about `points`."""
    time, duration = rows["time"].to_numpy(), rows["duration"].to_numpy()
    x, y = (
        figures.moving_mean(time, duration, rows[name].to_numpy(), smooth)[0]
        for name in ("valence", "arousal")
    )
    kept = thin(time, [x, y], points)
    return x[kept], y[kept], time[kept]


def density(frame: pd.DataFrame, *, bins: int = 44, height: int = 600) -> go.Figure:
    """Draw where on the plane the time was spent, in seconds per cell."""
    seen = measures.readings(frame)
    if seen.empty:
        return note(say("chart.noface"))
    figure = plane(height)
    seconds, edges_x, edges_y = np.histogram2d(
        seen["valence"],
        seen["arousal"],
        bins=[bins, bins // 2],
        range=[[-1, 1], [0, 1]],
        weights=figures.weights(seen["duration"].to_numpy()),
    )
    seconds[seconds == 0] = np.nan
    figure.add_heatmap(
        x=(edges_x[1:] + edges_x[:-1]) / 2,
        y=(edges_y[1:] + edges_y[:-1]) / 2,
        z=seconds.T,
        colorscale="Cividis",
        hovertemplate=f"{_hover()}<br>%{{z:.2f}} s<extra></extra>",
        name=say("chart.seconds"),
        colorbar={
            "title": {"text": say("chart.plane.cell"), "side": "top"},
            "orientation": "h",
            "thickness": 8,
            "len": 0.6,
            "y": -0.16,
            "yanchor": "top",
        },
    )
    _words(figure)
    return figure


def dwell_bar(tables: Mapping[str, pd.DataFrame], *, centre: float = 0.0) -> go.Figure:
    """Draw the share of time in each quadrant for each of `tables`; hovering shows seconds."""
    names = [*figures.QUADRANTS, *([figures.CENTRE] if centre > 0 else [])]
    figure = base(max(210, 30 * len(tables) * len(names) // 2 + 140), barmode="group")
    for place, (name, rows) in enumerate(tables.items()):
        seconds = measures.quadrants(rows, centre=centre)
        share = 100 * seconds / (seconds.sum() or 1)
        figure.add_bar(
            x=share.to_numpy(),
            y=[library(quadrant) for quadrant in names],
            orientation="h",
            name=name,
            marker={"color": person_color(place)},
            customdata=seconds.to_numpy(),
            text=[f"{v:.0f} %" for v in share],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1f} % (%{customdata:.1f} s)",
        )
    figure.update_xaxes(title=say("chart.share"), rangemode="tozero", range=[0, 122], tickvals=[0, 50, 100])
    figure.update_yaxes(autorange="reversed")
    unruled(figure)
    figure.update_layout(showlegend=len(tables) > 1)
    return figure


def animation(tables: Mapping[str, pd.DataFrame], *, trail: int = 16, height: int = 620) -> go.Figure:
    """Animate the positions over the plane: play, pause, four speeds and a time slider.

    The time is cut into `FRAMES` steps; each shows the mean position of the step and a trail of `trail`
    steps before it.
    """
    seen = {name: measures.readings(rows) for name, rows in tables.items()}
    seen = {name: rows for name, rows in seen.items() if len(rows)}
    if not seen:
        return note(say("chart.noface"))
    start = min(rows["time"].iloc[0] for rows in seen.values())
    end = max(rows["time"].iloc[-1] + rows["duration"].iloc[-1] for rows in seen.values())
    edges = np.linspace(start, max(end, start + 1e-6), FRAMES + 1)
    means = {}
    for name, rows in seen.items():
        held, level = (rows[columns].to_numpy() for columns in (["time", "duration"], ["valence", "arousal"]))
        means[name] = figures.means_over(held[:, 0], held[:, 1], level, edges[:-1], edges[1:])
    figure = plane(height)
    figure.add_traces(_positions(means, 0, trail))
    times = [f"{number(time, '.1f')} s" for time in edges[:-1]]
    figure.frames = [
        go.Frame(data=_positions(means, k, trail), name=times[k], traces=list(range(2 * len(means))))
        for k in range(FRAMES)
    ]
    figure.update_layout(
        showlegend=len(means) > 1,
        updatemenus=[_buttons()],
        sliders=[_slider(times)],
        margin={"t": 40, "b": 110},
    )
    _words(figure)
    return figure


def _positions(means: Mapping[str, np.ndarray], k: int, trail: int) -> list[go.Scatter]:
    """Return a trail and a head for each person at step `k`."""
    traces = []
    for place, (name, step) in enumerate(means.items()):
        color = person_color(place)
        tail = step[max(0, k - trail) : k + 1]
        traces.append(
            go.Scatter(
                x=tail[:, 0],
                y=tail[:, 1],
                mode="lines",
                line={"color": faded(color, 0.5), "width": 3},
                hoverinfo="skip",
                showlegend=False,
                name=f"{name} trail",
            )
        )
        traces.append(
            go.Scatter(
                x=step[k : k + 1, 0],
                y=step[k : k + 1, 1],
                mode="markers",
                marker={"color": color, "size": 15, "symbol": SYMBOLS[place % len(SYMBOLS)]},
                name=name,
                hovertemplate=_hover(),
            )
        )
    return traces


def _buttons() -> dict[str, Any]:
    """Return the play and pause buttons; the speeds are those of the steps."""
    buttons: list[dict[str, Any]] = []
    for name, milliseconds in (("▶ ½×", 300), ("▶ 1×", 150), ("▶ 2×", 75), ("▶ 4×", 37)):
        play = {
            "frame": {"duration": milliseconds, "redraw": False},
            "transition": {"duration": 0},
            "fromcurrent": True,
        }
        buttons.append({"label": name, "method": "animate", "args": [None, play]})
    stop = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    buttons.append({"label": "❚❚", "method": "animate", "args": [[None], stop]})
    return {
        "type": "buttons",
        "direction": "left",
        "buttons": buttons,
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": -0.13,
        "yanchor": "top",
        "pad": {"t": 4},
        "bgcolor": "rgba(127,127,127,0.10)",
        "bordercolor": faded(MUTED, 0.5),
        "font": {"color": MUTED},
    }


def _slider(times: Sequence[str]) -> dict[str, Any]:
    go_to = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
    return {
        "steps": [{"label": t, "method": "animate", "args": [[t], go_to]} for t in times],
        "currentvalue": {"prefix": "", "xanchor": "right", "font": {"size": 13, "color": MUTED}},
        "bgcolor": faded(MUTED, 0.3),
        "activebgcolor": ACCENT,
        "bordercolor": faded(MUTED, 0.6),
        "ticklen": 0,
        "minorticklen": 0,
        "font": {"color": "rgba(0,0,0,0)"},
        "x": 0,
        "len": 1,
        "y": -0.2,
        "pad": {"t": 20},
    }
