"""The result of one video as HTML: player, timelines to click on, moments, people, downloads."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from emotion_core.analytics import figures
from emotion_core.labels import UNSURE
from emotion_core.palette import color_of
from webapp.shared import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from webapp.shared.i18n import Text
    from webapp.shared.store import SavedFile

COLUMNS = 240  # of a timeline; more can't be seen
MOST_PEOPLE = 8  # whose timeline and card are shown; the downloads have all


def label_names(table: pd.DataFrame) -> list[str]:
    """Return the categories of a table of results, in its own order."""
    return [column[2:] for column in table.columns if column.startswith("p_")]


def stacked(own: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """Return what a timeline stacks for each record of a face (N, K + 1): probabilities, and uncertainty.

    Where the answer is uncertain its probabilities are 0 and the last column is 1; rows sum to 1 in any case.
    """
    unsure = own["uncertain"].to_numpy(bool)[:, None]
    values = own[[f"p_{label}" for label in labels]].to_numpy(float)
    return np.hstack([np.where(unsure, 0.0, values), unsure])


def timeline_svg(held: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], duration: float) -> str:
    """Draw probabilities (N, K) over time as stacked areas; slices without the face stay empty.

    `held` (N, 2) has the time of each row and how long its picture lasts, both in seconds.
    """
    edges = np.linspace(0.0, max(duration, 1e-6), COLUMNS + 1)
    means = figures.means_over(held[:, 0], held[:, 1], probabilities, edges[:-1], edges[1:])
    seen = ~np.isnan(means).any(axis=1)
    tops = np.cumsum(means, axis=1)
    bottoms = tops - means
    turns = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(int), [0]])))
    shapes = []
    for k, label in enumerate(labels):
        path = []
        for start, stop in zip(turns[::2], turns[1::2], strict=True):
            xs = [*range(start, stop), stop]
            up = [f"{x} {100 - 100 * tops[min(x, stop - 1), k]:.1f}" for x in xs]
            down = [f"{x} {100 - 100 * bottoms[min(x, stop - 1), k]:.1f}" for x in reversed(xs)]
            path.append("M" + "L".join(up + down) + "Z")
        shapes.append(f'<path d="{"".join(path)}" fill="{color_of(label)}"/>')
    return (
        f'<svg viewBox="0 0 {COLUMNS} 100" preserveAspectRatio="none" aria-hidden="true" '
        f'shape-rendering="crispEdges">{"".join(shapes)}</svg>'
    )


def _timelines(table: pd.DataFrame, people: Sequence[Mapping[str, Any]], duration: float, text: Text) -> str:
    known = label_names(table)
    labels = [*known, UNSURE]
    rows = []
    for person in people:
        own = (
            table[(table["face"] == person["face"]) & table[f"p_{known[0]}"].notna()] if known else table[:0]
        )
        held = own[["time", "duration"]].to_numpy(float)
        svg = timeline_svg(held, stacked(own, known), labels, duration)
        name = escape(text("video.person", id=person["face"]))
        rows.append(
            f'<div class="timeline-name"><span>{name}</span></div>'
            f'<div class="timeline" data-timeline="{duration:.3f}" tabindex="0" role="slider" '
            f'aria-valuemin="0" aria-valuemax="{duration:.1f}" aria-valuenow="0" '
            f'aria-label="{escape(text("video.timeline", id=person["face"]))}">{svg}'
            f'<span class="playhead" data-playhead></span></div>'
        )
    unsure = any(UNSURE in person["share"] for person in people)
    return "".join(rows) + parts.legend(labels if unsure else known, text)


def _moments(people: Sequence[Mapping[str, Any]], text: Text) -> str:
    found = [(moment, person["face"]) for person in people for moment in person.get("moments", ())]
    found = sorted(sorted(found, key=lambda f: -f[0]["confidence"])[:10], key=lambda f: f[0]["time"])
    many = len(people) > 1
    buttons = []
    for moment, face in found:
        who = f"{escape(text('video.person', id=face))} · " if many else ""
        buttons.append(
            f'<button type="button" class="moment" data-seek="{moment["time"]}">'
            f"{parts.swatch(moment['emotion'])}<b>{parts.moment(moment['time'])}</b> {who}"
            f"{escape(text.label(moment['emotion']))} {parts.percent(moment['confidence'])}</button>"
        )
    return f'<div class="moments">{"".join(buttons)}</div>'


def _person(person: Mapping[str, Any], text: Text) -> str:
    valence, arousal = person["valence"]["mean"], person["arousal"]["mean"]
    arousal_text = "–" if arousal is None else f"{arousal:.2f}"
    about = parts.help_mark("valence", text, text("live.plane"))
    longest = person.get("longest_run")
    run = ""
    if longest:
        emotion, seconds = text.label(longest["emotion"]), parts.length(longest["seconds"])
        run = f'<p class="plain">{escape(text("video.longest", emotion=emotion, time=seconds))}</p>'
    return (
        f'<section class="part person"><h4>{escape(text("video.person", id=person["face"]))}</h4>'
        f'<span class="quiet">{escape(text("video.seen", time=parts.length(person["seconds"])))}</span>'
        f"{parts.share_bar(person['share'], text)}"
        f'<p class="plain">{escape(text("video.valence"))} {parts.signed(valence)} · '
        f"{escape(text('video.arousal'))} {arousal_text} {about}</p>{run}</section>"
    )


def _facts(summary: Mapping[str, Any], text: Text) -> str:
    seconds, frames = summary["seconds"], summary["frames"] or 1
    # A single picture lasts for no time, so there it is a share of the pictures.
    share = summary["seconds_with_face"] / seconds if seconds else summary["frames_with_face"] / frames
    values = [
        (text("video.length"), parts.length(summary["seconds"]), ""),
        (text("video.faces"), str(summary["people"]), ""),
        (text("video.frames"), parts.percent(share), ""),
    ]
    if (unsure := summary["share"].get(UNSURE)) is not None:
        below = summary.get("settings", {}).get("threshold", 0)
        name = f"{text.label(UNSURE)} (< {parts.percent(below)})" if below else text.label(UNSURE)
        values.append((name, parts.percent(unsure), " " + parts.help_mark("threshold", text, name)))
    return (
        '<dl class="facts">'
        + "".join(
            f'<div><dt class="k">{escape(name)}{about}</dt><dd class="n" style="margin:0">{value}</dd></div>'
            for name, value, about in values
        )
        + "</dl>"
    )


def result_html(
    table: pd.DataFrame,
    summary: Mapping[str, Any],
    files: Sequence[SavedFile],
    text: Text,
    *,
    dashboard: str | None = None,
    problem: str | None = None,
) -> str:
    """Return the whole result of one video.

    `table` and `summary` are those of the results files, so that the page says what they say. `problem`
    is a line about why the result is partial.
    """
    people = sorted(summary["faces"], key=lambda p: -p["seconds"])
    shown = sorted(people[:MOST_PEOPLE], key=lambda p: p["face"])
    video = next((file for file in files if file.kind == "video"), None)
    duration = float(summary["seconds"])
    player = (
        f'<video controls playsinline preload="auto" src="{escape(video.url)}" '
        f'aria-label="{escape(text("video.player"))}"></video>'
        if video
        else ""
    )
    side = f'<section class="part">{_facts(summary, text)}</section>'
    side += (
        f'<section class="part"><h3>{escape(text("video.downloads"))}</h3>'
        f"{parts.downloads(files, text, dashboard)}</section>"
    )
    if any(person.get("moments") for person in shown):
        side += (
            f'<section class="part"><h3>{escape(text("video.moments"))}</h3>{_moments(shown, text)}'
            f'<p class="hint" style="margin-top:10px">{escape(text("video.moments.hint"))}</p></section>'
        )
    body = parts.note(problem) if problem else ""
    body += f'<div class="result-top"><div>{player}</div><div class="result">{side}</div></div>'
    if not people:
        body += parts.note(text("video.noface"))
    else:
        body += (
            f'<section class="part">{_timelines(table, shown, duration, text)}</section>'
            f'<div class="people">{"".join(_person(p, text) for p in shown)}</div>'
        )
        if len(people) > len(shown):
            body += f'<p class="hint">{escape(text("video.more", n=len(people) - len(shown)))}</p>'
        body += parts.disclaimer(text)
    return f'<div class="result" data-result>{body}</div>'
