"""A report that is one HTML file: numbers, charts and cautions, with plotly.js inside and nothing fetched."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from emotion_core.analytics import MEASURES, measures
from emotion_core.analytics.loading import check
from emotion_core.analytics.moments import FLASH_CAUTION, moments
from emotion_core.results.names import read_summary, summary_path
from webapp.charts import people as charts_people
from webapp.charts import plane
from webapp.charts import shares as charts
from webapp.shared.speech import calling, language, library, localized, number, person, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_SECURITY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f2a; --paper: #ffffff; --soft: #f4f3f9; --line: #dfddea;
  --muted: #5d6474; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #edeff5; --paper: #12151c; --soft: #1c212c; --line: #323947; --muted: #a3abbb; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 40px 0 8px; }
p { margin: 6px 0; } .quiet { color: var(--muted); font-size: .92rem; }
.banner { background: var(--soft); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px;
  margin: 16px 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px;
  margin: 18px 0; }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; }
.card b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.card span { color: var(--muted); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
.chart { width: 100%; }
@media print { .chart { break-inside: avoid; } }
"""
_SCRIPT = """
const dark = matchMedia('(prefers-color-scheme: dark)');
function paint() {
  const ink = dark.matches ? '#edeff5' : '#1b1f2a';
  for (const node of document.querySelectorAll('.chart')) {
    const figure = JSON.parse(document.getElementById(node.dataset.from).textContent);
    figure.layout.font = Object.assign({}, figure.layout.font, {color: ink, family: 'system-ui, sans-serif'});
    const named = {responsive: true, displaylogo: false,
      toImageButtonOptions: {format: 'png', scale: 2, filename: node.dataset.name}};
    Plotly.react(node, figure.data, figure.layout, named).then(function () {
      if (figure.frames && figure.frames.length) { Plotly.addFrames(node, figure.frames); } });
  }
}
dark.addEventListener('change', paint);
paint();
"""


def report_html(
    frame: pd.DataFrame,
    summary: Mapping[str, Any] | None = None,
    *,
    title: str | None = None,
    sections: Sequence[tuple[str, str, go.Figure | pd.DataFrame]] | None = None,
    notes: Sequence[str] = (),
    made: bool = False,
) -> str:
    """Return a self-contained HTML page about a results table.

    `frame` is a table of `read_results` or of `analytics.loading`; `summary` is that of `NAME_summary.json`
    (its source, model and settings are listed). `sections` (heading, text, figure or table) replace the
    usual ones. Everything a file says is escaped. plotly.js is inside once and nothing is fetched, so the
    page opens without a network. It speaks the language of `speech`, as the charts do. Raises EmotionError
    where the table holds no usable record.
    """
    title = title or say("report.title")
    checked = check(frame, name=title)
    frame = checked.frame
    if sections is None:
        with calling(checked.names):
            sections = standard_sections(frame)
    body = [f"<h1>{html.escape(title)}</h1>"]
    written = say("report.written", date=datetime.now(UTC).strftime(say("form.date")))
    body.append(f'<p class="quiet">{html.escape(written)}</p>')
    if made:
        said = html.escape(say("report.made.more"))
        body.append(f'<p class="banner"><b>{html.escape(say("report.made"))}</b> {said}</p>')
    body.append(
        f'<div class="banner"><p><b>{html.escape(say("app.disclaimer"))}</b></p>'
        f'<p class="quiet">{html.escape(say("app.source"))}</p>'
        f'<p class="quiet">{html.escape(say("report.duties"))}</p></div>'
    )
    body.append(_cards(frame))
    body += [f'<p class="quiet">{html.escape(library(note))}</p>' for note in notes]
    for place, (heading, text, content) in enumerate(sections):
        body.append(f"<h2>{html.escape(heading)}</h2>")
        if text:
            body.append(f'<p class="quiet">{html.escape(text)}</p>')
        body.append(_table(content) if isinstance(content, pd.DataFrame) else _chart(content, place, heading))
    body.append(_facts(summary))
    return _page(title, "\n".join(part for part in body if part))


def standard_sections(frame: pd.DataFrame) -> list[tuple[str, str, go.Figure | pd.DataFrame]]:
    """Draw the sections of a whole recording: shares, timeline, plane, people, moments."""
    faces = measures.readings(frame)
    if faces.empty:
        return []
    people = charts.people_shown(frame)
    tables = {person(face): faces[faces["face"] == face] for face in people}
    down = charts.thinned(frame)
    sections: list[tuple[str, str, go.Figure | pd.DataFrame]] = [
        (say("term.shares"), say("term.shares.about"), charts.shares_bar(frame)),
        (say("page.timeline"), down or "", charts.timeline(frame, people)),
        (say("page.plane"), say("chart.plane.source"), plane.trajectory(tables)),
        (say("term.quadrants"), "", plane.dwell_bar(tables)),
    ]
    if len(people) > 1:
        shares = measures.shares_by_person(frame).loc[people]
        shares.index = pd.Index([person(face) for face in people])
        sections.append((say("term.people"), say("term.shares.short"), charts.shares_by_group(shares)))
    sections.append((say("term.transitions"), "", charts_people.transitions_map(frame)))
    found = moments(frame)
    if len(found):
        text = library(FLASH_CAUTION) if (found["kind"] == "Flash").any() else ""
        sections.append((say("page.moments"), text, moments_table(found)))
    return sections


def moments_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `analytics.moments.moments` as a person reads it, with its headings."""
    return pd.DataFrame(
        {
            say("term.kind"): [say(f"kind.{kind}") for kind in found["kind"]],
            say("term.person"): list(found["face"]),
            say("chart.time"): [number(time, ".2f") for time in found["time"]],
            say("term.strength"): [number(strength, ".2f") for strength in found["strength"]],
            say("term.what"): [library(what) for what in found["what"]],
        }
    )


def _cards(frame: pd.DataFrame) -> str:
    figures = measures.overview(frame)
    cards = [
        (say("term.length"), clock(figures["length"])),
        (say("term.people"), f"{figures['people']:.0f}"),
        (say("term.withface"), f"{number(100 * figures['found'], '.1f')} %"),
        *((library(m.label), localized(m.text(figures[m.key]))) for m in MEASURES),
    ]
    parts = [
        f'<div class="card"><span>{html.escape(name)}</span><b>{value}</b></div>' for name, value in cards
    ]
    return f'<div class="cards">{"".join(parts)}</div>'


def clock(seconds: float) -> str:
    """Write a length: 4.2 s, 3:05 min or 1:02:03 h."""
    if seconds < 60:
        return f"{number(seconds, '.1f')} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"


def _chart(figure: go.Figure, place: int, heading: str) -> str:
    # "</" would end the script element early; JSON allows the escaped form.
    data = figure.to_json().replace("</", "<\\/").replace("<!--", "<\\!--")
    name = "".join(c if c.isalnum() else "_" for c in heading.lower())
    height = int(figure.layout.height or 400)
    return (
        f'<script type="application/json" id="figure{place}">{data}</script>'
        f'<div class="chart" style="height:{height}px" data-from="figure{place}" data-name="{name}"></div>'
    )


def _table(table: pd.DataFrame) -> str:
    return f'<div class="scroll">{table.to_html(index=False, border=0, na_rep="–", escape=True)}</div>'


_COUNTED = ("share", "measures")
"""What the cards and charts of the report say already, of the part of the recording that it is about."""


def _said(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _facts(summary: Mapping[str, Any] | None) -> str:
    """List what the summary says about the source, the model and the settings."""
    if not summary:
        return ""
    rows = []
    for key, value in summary.items():
        if isinstance(value, str | int | float | bool) or value is None:
            rows.append((key, value))
        elif isinstance(value, Mapping) and key not in _COUNTED:
            inside = ((f"{key}: {name}", inner) for name, inner in value.items())
            rows += [(name, _said(inner)) for name, inner in inside if not isinstance(inner, Mapping)]
    if not rows:
        return ""
    table = pd.DataFrame(rows, columns=[say("report.what"), say("report.value")]).astype(str)
    return f"<h2>{html.escape(say('report.how'))}</h2>{_table(table)}"


def _page(title: str, body: str) -> str:
    from plotly.offline import get_plotlyjs

    return (
        f'<!doctype html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_SECURITY}">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head>"
        f"<body><main>\n{body}\n</main><script>{_SCRIPT}</script></body></html>\n"
    )


def summary_of(path: Any) -> dict[str, Any] | None:
    """Read the `NAME_summary.json` beside a results file; None where there is none that can be read."""
    return read_summary(summary_path(Path(path)))
