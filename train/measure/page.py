"""The figures of `evaluate` as one HTML page that needs nothing else: plots, tables and their origin."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from emotion_core.files import written_beside
from emotion_core.labels import DISCLAIMER, VALENCE_AROUSAL_SOURCE
from emotion_core.palette import ACCENT, INK, MUTED, SURFACE, color_of
from train.measure.fairness import NO_GAPS, SMALLEST_GROUP, percent

_FAINT = "rgba(138,147,163,0.25)"  # lines that read on light and on dark
_STYLE = f"""
:root {{ color-scheme: light dark; --ink: {INK["light"]}; --surface: {SURFACE["light"]}; --line: #8884 }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: {INK["dark"]}; --surface: {SURFACE["dark"]} }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--surface);
       max-width: 68rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 1.5rem }}
th, td {{ padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right }}
th:first-child, td:first-child {{ text-align: left }}
td {{ white-space: nowrap }}
.wide {{ overflow-x: auto }}
.tiles {{ display: flex; flex-wrap: wrap; gap: 1rem }}
.tile {{ border: 1px solid var(--line); border-radius: .75rem; padding: .75rem 1rem; min-width: 9rem }}
.tile b {{ display: block; font-size: 1.6rem }}
.tile small, .note {{ opacity: .75 }}
.plots {{ display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem }}
@media (max-width: 50rem) {{ .plots {{ grid-template-columns: minmax(0, 1fr) }} }}
"""


def write_page(outcome: dict, path: Path) -> None:
    """Write the page of an `evaluate` outcome; the plotting library is inside, so it opens offline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path) as part:
        part.write_text(page(outcome), encoding="utf-8")


def page(outcome: dict) -> str:
    """Return the HTML text."""
    facts = outcome["provenance"]
    body = [f"<h1>Evaluation</h1><p class='note'>{escape(DISCLAIMER)} {escape(VALENCE_AROUSAL_SOURCE)}</p>"]
    for name, figures in outcome["sets"].items():
        body.append(f"<h2>{escape(name)}, {escape(str(figures['split']))}</h2>")
        body += _scored(figures, outcome["labels"]) if figures["kind"] == "scored" else _fairness(figures)
    rows = [(k, v) for k, v in facts.items() if not isinstance(v, dict)]
    rows += [(f"{k}: {a}", b) for k, v in facts.items() if isinstance(v, dict) for a, b in v.items()]
    rows += [(f"data: {n}", f"{f['split']}, key {f['data_key']}") for n, f in outcome["sets"].items()]
    body.append("<h2>Where these figures come from</h2>" + _table(("", ""), rows))
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Evaluation</title>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>{''.join(body)}</body></html>"
    )


def _scored(figures: dict, labels: Sequence[str]) -> list[str]:
    tiles = []
    for key, title in (
        ("accuracy", "accuracy"),
        ("balanced_accuracy", "balanced accuracy"),
        ("macro_f1", "macro F1"),
        ("ece", "calibration error"),
        ("nll", "NLL"),
    ):
        low_high = figures.get("interval", {}).get(key)
        span = f"<small>{_number(low_high[0])} to {_number(low_high[1])}</small>" if low_high else ""
        tiles.append(f"<div class='tile'>{title}<b>{_number(figures[key])}</b>{span}</div>")
    tiles.append(
        f"<div class='tile'>pictures<b>{figures['pictures']}</b>"
        f"<small>{figures['not_scored']} without a clear label left out</small></div>"
    )
    plots = [confusion_plot(figures["confusion"], labels), recall_plot(figures["recall"]),
             reliability_plot(figures["reliability"])]  # fmt: skip
    parts = [f"<div class='tiles'>{''.join(tiles)}</div>", _plots(plots)]
    affect = figures["affect"]
    parts.append(
        _table(
            ("", "CCC", "RMSE"),
            [(n, affect[f"{n}_ccc"], affect[f"{n}_rmse"]) for n in ("valence", "arousal")],
        )
        + f"<p class='note'>{escape(affect['truth'])}</p>"
    )
    sliced = figures.get("slices", {})
    if sliced:
        parts.append("<h3>Slices</h3>" + _plots([slice_plot(n, rows) for n, rows in sliced.items()]))
    for name, rows in sliced.items():
        keys = ("group", "pictures", "accuracy", "balanced_accuracy", "mean_confidence")
        parts.append(
            _table((name, *(k.replace("_", " ") for k in keys[1:])), [[r[k] for k in keys] for r in rows])
        )
    return parts


def _fairness(figures: dict) -> list[str]:
    parts = [
        f"<p>{figures['pictures']} pictures without emotion labels: {figures['smiling']} smile, "
        f"{figures['resting']} are at rest.</p><p class='note'>{escape(figures['construction'])}</p>"
    ]
    gaps = [(n, g["gap"], g["low"], g["high"]) for n, g in figures["largest_gap"].items()]
    table = _table(("", "gap", "lowest", "highest"), gaps) if gaps else f"<p>{escape(NO_GAPS)}</p>"
    parts.append(f"<h3>Largest gaps between groups of {SMALLEST_GROUP} pictures or more</h3>{table}")
    parts.append(
        "<p class='note'>share: of the smiling (resting) faces, those called happy (neutral); mean: the mean "
        "probability of it. Below, 95 % intervals in brackets: a gap within them may be chance.</p>"
    )
    for name, rows in figures["tables"].items():
        parts.append(f"<h3>By {escape(name)}</h3>" + _plots([fairness_plot(name, rows)]))
        parts.append(
            _table(
                (
                    name,
                    "smiling",
                    "called happy",
                    "mean P(happy)",
                    "at rest",
                    "called neutral",
                    "mean P(neutral)",
                    "rest called negative",
                ),  # fmt: skip
                [
                    [r["group"]]
                    + [
                        cell
                        for s in ("smiling", "resting")
                        for cell in (r[f"{s}_pictures"], percent(r, s), r.get(f"{s}_mean"))
                    ]
                    + [percent(r, "resting", "negative")]
                    for r in rows
                ],
            )
        )
    return parts


def confusion_plot(matrix: list[list[int]], labels: Sequence[str]) -> go.Figure:
    """Draw the confusion matrix: share of each true category, with the counts."""
    counts = np.asarray(matrix)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    heat = go.Heatmap(
        z=share, x=labels, y=labels, zmin=0, zmax=1, showscale=False, hoverinfo="skip",
        colorscale=[[0, "rgba(123,97,196,0)"], [1, ACCENT]],
    )  # fmt: skip
    cells = [(i, j) for i in range(len(labels)) for j in range(len(labels))]
    text = go.Scatter(
        x=[labels[j] for _, j in cells],
        y=[labels[i] for i, _ in cells],
        mode="text",
        text=[f"{share[c]:.0%}<br>{counts[c]}" for c in cells],
        textfont={"color": ["white" if share[c] > 0.4 else MUTED for c in cells]},
    )
    figure = _base(go.Figure([heat, text]), "Confusion: rows are the truth")
    return figure.update_yaxes(autorange="reversed").update_xaxes(side="bottom")


def recall_plot(recall: dict[str, float]) -> go.Figure:
    """Draw the recall of each category."""
    names, values = list(recall), [v if v is not None else float("nan") for v in recall.values()]
    bars = go.Bar(
        x=names, y=values, marker_color=[color_of(n) for n in names], text=[_number(v) for v in values]
    )
    return _base(go.Figure(bars), "Recall of each category").update_yaxes(range=[0, 1])


def reliability_plot(bins: dict[str, list]) -> go.Figure:
    """Draw accuracy against confidence: on the diagonal, confidence means what it says."""
    figure = go.Figure(
        [
            go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": MUTED, "dash": "dash"}),
            go.Scatter(
                x=bins["confidence"], y=bins["accuracy"], mode="lines+markers", line={"color": ACCENT},
                marker={"size": [4 + 20 * (c / max(max(bins["count"]), 1)) ** 0.5 for c in bins["count"]]},
                text=[f"{c} pictures" for c in bins["count"]],
            ),
        ]
    )  # fmt: skip
    _base(figure, "Reliability: accuracy at each confidence")
    return figure.update_xaxes(range=[0, 1], title="confidence").update_yaxes(range=[0, 1])


def slice_plot(name: str, rows: list[dict]) -> go.Figure:
    """Draw the accuracy of each group with its 95 % interval."""
    value = [r["accuracy"] for r in rows]
    error = {
        "type": "data",
        "color": MUTED,
        "array": [max(r["interval"][1] - r["accuracy"], 0) for r in rows],
        "arrayminus": [max(r["accuracy"] - r["interval"][0], 0) for r in rows],
    }
    bars = go.Bar(
        y=[r["group"] for r in rows], x=value, error_x=error, orientation="h", marker_color=ACCENT,
        text=[f"{v:.1%} of {r['pictures']}" for v, r in zip(value, rows, strict=True)], textposition="inside",
        insidetextanchor="start",
    )  # fmt: skip
    return _base(go.Figure(bars), f"Accuracy by {name}").update_xaxes(range=[0, 1])


def fairness_plot(name: str, rows: list[dict]) -> go.Figure:
    """Draw, group by group, how often a smile is called happy and rest neutral."""
    figure = go.Figure()
    for state, label in (("smiling", "Happy"), ("resting", "Neutral")):
        there = [r for r in rows if r[f"{state}_pictures"]]
        share = np.array([r[f"{state}_share"] for r in there])
        span = np.array([r[f"{state}_interval"] for r in there]).reshape(-1, 2)
        figure.add_bar(
            x=[r["group"] for r in there], y=share, name=f"{state}, called {label.lower()}",
            marker_color=color_of(label),
            error_y={"type": "data", "color": MUTED, "array": span[:, 1] - share,
                     "arrayminus": share - span[:, 0]},
        )  # fmt: skip
    figure = _base(figure, f"Read as expected, by {name}").update_yaxes(range=[0, 1])
    return figure.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.25})


def _base(figure: go.Figure, title: str) -> go.Figure:
    axis = {"automargin": True, "gridcolor": _FAINT, "zerolinecolor": _FAINT, "tickfont": {"size": 11}}
    return figure.update_layout(
        title=title, showlegend=False, height=400, margin={"l": 10, "r": 10, "t": 50, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", font={"color": MUTED},
        xaxis=axis, yaxis=axis, uniformtext={"minsize": 8, "mode": "show"},
    )  # fmt: skip


def _plots(figures: Sequence[go.Figure]) -> str:
    drawn = [
        f.to_html(
            full_html=False,
            include_plotlyjs=False,
            default_width="100%",
            config={"responsive": True, "displayModeBar": False},
        )
        for f in figures
    ]
    kind = "plots" if len(drawn) > 1 else "plot"
    return f"<div class='{kind}'>{''.join(f'<div>{d}</div>' for d in drawn)}</div>"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(_number(c))}</td>" for c in row) + "</tr>" for row in rows)
    return f"<div class='wide'><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
