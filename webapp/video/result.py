"""The result of one video as HTML: player, timelines, moments, people who can be named, downloads."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from emotion_core.labels import UNSURE
from emotion_core.results.named import LONGEST, cleaned
from webapp.shared import parts
from webapp.shared.speech import speaking
from webapp.video import timeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from webapp.shared.i18n import Text
    from webapp.shared.store import SavedFile

MOST_PEOPLE = 8  # whose timeline and card are shown; the downloads have all


def _moments(people: Sequence[Mapping[str, Any]], text: Text) -> str:
    found = [(moment, person) for person in people for moment in person.get("moments", ())]
    found = sorted(sorted(found, key=lambda f: -f[0]["confidence"])[:10], key=lambda f: f[0]["time"])
    many = len(people) > 1
    buttons = []
    for moment, face in found:
        who = f"{timeline.person_html(face, text)} · " if many else ""
        buttons.append(
            f'<button type="button" class="moment" data-seek="{moment["time"]}">'
            f"{parts.swatch(moment['emotion'])}<b>{parts.moment(moment['time'])}</b> {who}"
            f"{escape(text.label(moment['emotion']))} {parts.percent(moment['confidence'])}</button>"
        )
    return f'<div class="moments">{"".join(buttons)}</div>'


def _name_field(person: Mapping[str, Any], text: Text, token: str | None) -> str:
    if token is None:
        return ""
    said = escape(text("clip.name", id=person["face"]))
    return (
        f'<p class="naming"><input class="person-name" data-name-of="{int(person["face"])}" '
        f'maxlength="{LONGEST}" value="{escape(cleaned(person.get("name")))}" placeholder="{said}" '
        f'aria-label="{said}" '
        'autocomplete="off" spellcheck="false"><span class="quiet" role="status" data-name-said></span></p>'
    )


def _person(person: Mapping[str, Any], text: Text, token: str | None) -> str:
    field = _name_field(person, text, token)
    valence, arousal = person["valence"]["mean"], person["arousal"]["mean"]
    about = parts.help_mark("valence", text, text("live.plane"))
    longest = person.get("longest_run")
    run = ""
    if longest:
        emotion, seconds = text.label(longest["emotion"]), parts.length(longest["seconds"])
        run = f'<p class="plain">{escape(text("video.longest", emotion=emotion, time=seconds))}</p>'
    return (
        f'<section class="part person"><h4>{timeline.person_html(person, text)}</h4>{field}'
        f'<span class="quiet">{escape(text("video.seen", time=parts.length(person["seconds"])))}</span>'
        f"{parts.share_bar(person['share'], text)}"
        f'<p class="plain">{escape(text("video.valence"))} {parts.signed(valence)} · '
        f"{escape(text('video.arousal'))} {parts.plain(arousal)} {about}</p>{run}</section>"
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
    token: str | None = None,
) -> str:
    """Return the whole result of one video.

    `table` and `summary` are those of the results files, so that the page says what they say. `problem`
    is a line about why the result is partial. With the `token` of a result that lies here its people can
    be named.
    """
    with speaking(text.language):
        return _page(table, summary, files, text, dashboard=dashboard, problem=problem, token=token)


def _page(
    table: pd.DataFrame,
    summary: Mapping[str, Any],
    files: Sequence[SavedFile],
    text: Text,
    *,
    dashboard: str | None,
    problem: str | None,
    token: str | None,
) -> str:
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
            f'<section class="part">{timeline.timelines_html(table, shown, duration, text)}</section>'
            f'<div class="people">{"".join(_person(p, text, token) for p in shown)}</div>'
        )
        if len(people) > len(shown):
            body += f'<p class="hint">{escape(text("video.more", n=len(people) - len(shown)))}</p>'
        body += parts.disclaimer(text)
    return f'<div class="result" data-result="{escape(token or "")}">{body}</div>'
