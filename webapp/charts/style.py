"""The house style of the charts, down-sampling, and a figure's data as a table."""

import base64
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from emotion_core.palette import ACCENT, INK, MUTED, SURFACE, rgb
from emotion_core.results.names import bare
from webapp.shared.speech import number, say, separators

POINTS = 800
"""About how many points a line keeps, one a pixel of a usual page; the page says so where there are more."""
GRID = "rgba(128,134,150,0.22)"
PEOPLE = (ACCENT, "#0F8B8D", "#D1495B", "#3D6FB6", "#8F6B1E", "#5E8C31", "#B0569F", "#596275")
DASHES = ("solid", "dash", "dot", "dashdot")


def person_color(place: int) -> str:
    """Return the colour of the person at `place` (from 0) in the list of those shown."""
    return PEOPLE[place % len(PEOPLE)]


def faded(color: str, alpha: float) -> str:
    """Turn "#RRGGBB" into an rgba() colour of opacity `alpha`."""
    return f"rgba({','.join(map(str, rgb(color)))},{alpha:g})"


def blend(paper: str, color: str, share: float) -> str:
    """Return the opaque "#RRGGBB" of `color` laid over `paper` with an opacity of `share` in [0, 1]."""
    mixed = (round(p + (c - p) * share) for p, c in zip(rgb(paper), rgb(color), strict=True))
    return "#" + "".join(f"{value:02X}" for value in mixed)


def unruled(figure: go.Figure) -> go.Figure:
    """Take the grid away where every bar has its number beside it: a line through it can't be read."""
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False)
    return figure


def base(height: int, **layout: Any) -> go.Figure:
    """Draw an empty figure in the house style, `height` pixels high."""
    return house_style(go.Figure(), height, **layout)


def house_style(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    """Set margins, legend, fonts and grid of `figure`; gives it back."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 34, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 13},
        separators=separators(),
        # At the bottom, where neither the camera button nor a narrow screen gets in its way.
        legend={
            "orientation": "h",
            "x": 0,
            "xref": "container",  # beside long names on the left there would be room for one entry a line
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "title": {"text": ""},
        },
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": ACCENT},
        hoverlabel={"namelength": -1},
        **layout,
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def themed(figure: go.Figure, mode: str = "light") -> go.Figure:
    """Draw a copy of `figure` with the ink and paper of a "light" or "dark" page."""
    copy = go.Figure(figure)
    copy.update_layout(
        template="plotly_dark" if mode == "dark" else "plotly_white",
        paper_bgcolor=SURFACE[mode],
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK[mode], "family": "system-ui, sans-serif"},
    )
    return copy


def drawn_once(figure: go.Figure, mode: str = "light") -> go.Figure:
    """Draw `figure` as plotly draws it once, with the ink of a "light" or "dark" page.

    Streamlit hands every chart to plotly a second time, as a copy. Where it themes none, arrays are lists and
    there is a revision, plotly takes the copy for what it has drawn; otherwise it draws all of it again.
    Another figure is always another chart in the page, so the revision need not change.
    """
    parts = figure.to_dict()
    layout = {name: value for name, value in parts["layout"].items() if name != "template"}
    layout["datarevision"] = 1
    layout["font"] = {"size": 12, "color": INK[mode], "family": '"Source Sans", sans-serif'}
    layout["hoverlabel"] = {**layout.get("hoverlabel", {}), "bgcolor": SURFACE[mode], "font": {"size": 12}}
    for name in layout:
        if name[1:].startswith("axis"):
            title = {**layout[name].get("title", {}), "font": {"size": 14}, "standoff": 22}
            layout[name] = {**layout[name], "title": title, "ticks": ""}
            if name[0] == "x":
                layout[name]["showgrid"] = False
    for trace in parts["data"]:
        for name, values in trace.items():
            if isinstance(values, dict) and "bdata" in values:
                trace[name] = np.round(_decoded(values).astype(np.float64), 4).tolist()
    # It was valid, and to look at every number again takes long.
    drawn = go.Figure(parts["data"], layout, _validate=False)
    drawn.layout.template = None
    return drawn


def wrapped(text: str) -> str:
    """Return a text for a figure in lines that a phone has room for; plotly breaks none itself."""
    wide = any(ord(letter) > 0x2E80 for letter in text)  # Chinese: twice as wide, and without spaces
    return "<br>".join(textwrap.wrap(text, 20 if wide else 40, break_long_words=wide))


def note(text: str, height: int = 220) -> go.Figure:
    """Draw a figure that says in words why there is nothing to draw."""
    figure = base(height)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=wrapped(text), showarrow=False, font={"size": 14, "color": MUTED})
    return figure


def thin(x: np.ndarray, series: Sequence[np.ndarray], points: int = POINTS) -> np.ndarray:
    """Return the sorted indices that keep the shape and the peaks of all `series` (each as long as `x`).

    MinMaxLTTB (Van Der Donckt et al. 2023, library tsdownsample) on each series, taken together: at most
    about `points` indices, all of them where there are no more.
    """
    if len(x) <= points or not series:
        return np.arange(len(x))
    from tsdownsample import MinMaxLTTBDownsampler

    share = max(8, points // len(series))
    sampler = MinMaxLTTBDownsampler()
    # By number and not by time: of bins of equal length, an absence of hours would leave all but a few empty.
    kept = [
        sampler.downsample(np.ascontiguousarray(np.nan_to_num(values), np.float64), n_out=share)
        for values in series
    ]
    return np.unique(np.concatenate(kept).astype(np.int64))


def thinned(frame: pd.DataFrame, points: int = POINTS) -> str | None:
    """Return the sentence about down-sampling of the lines of `frame`, or None where all points are drawn."""
    most = int(frame["face"].value_counts().max()) if frame["face"].notna().any() else 0
    if most <= points:
        return None
    return say("chart.thinned", points=number(points), most=number(most))


def short_name(name: str, most: int = 26) -> str:
    """Shorten a file name in the middle, and keep what plotly would read as markup as it is."""
    name = bare(name.rsplit("/", 1)[-1].removesuffix(".json"))
    short = name if len(name) <= most else f"{name[: most - 11]}…{name[-10:]}"
    return short.replace("&", "&amp;").replace("<", "&lt;")


def figure_data(figure: go.Figure) -> pd.DataFrame:
    """Return what `figure` draws as a table: one row per point, with the trace's name."""
    parts = []
    for trace in figure.data:
        if trace.type == "heatmap":
            z = _array(trace.z)
            x = np.arange(z.shape[1]) if trace.x is None else _array(trace.x)
            y = np.arange(z.shape[0]) if trace.y is None else _array(trace.y)
            part = pd.DataFrame({"x": np.tile(x, len(y)), "y": np.repeat(y, len(x)), "value": z.ravel()})
        elif trace.type == "sankey":
            label = _array(trace.node.label)
            source, target = (_array(ends).astype(int) for ends in (trace.link.source, trace.link.target))
            part = pd.DataFrame({"x": label[source], "y": label[target], "value": _array(trace.link.value)})
        else:
            x, y = _array(trace.x), _array(trace.y)
            if list(x) == [None]:  # an entry of the legend
                continue
            part = pd.DataFrame({"x": x, "y": y})
        name = f"{trace.name or trace.type} {trace.meta or ''}".strip()
        part.insert(0, "trace", name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["trace", "x", "y"])


def _array(values: Any) -> np.ndarray:
    """Return a trace's values; a figure that was pickled holds them as base64 of a typed array."""
    if values is None:
        return np.array([], object)
    if isinstance(values, dict):
        return _decoded(values).astype(object)
    return np.asarray(values, object)


def _decoded(values: dict[str, Any]) -> np.ndarray:
    """Return the array that plotly wrote as base64."""
    flat = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
    shape = str(values.get("shape", len(flat)))
    return flat.reshape([int(n) for n in shape.split(",")])
