"""Small pieces of HTML that the video and picture tabs share; every word from outside is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from emotion_core.labels import UNSURE
from emotion_core.palette import color_of
from webapp.shared.speech import localized

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from webapp.shared.i18n import Text
    from webapp.shared.store import SavedFile


def clock(seconds: float) -> str:
    """Return seconds as m:ss, or h:mm:ss from an hour on."""
    whole = max(0, int(seconds + 0.5))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def length(seconds: float) -> str:
    """Return a short length, in the spoken language: 0.8 s, 12 s, 3:05."""
    if seconds < 10:
        return f"{localized(f'{seconds:.1f}')} s"
    return f"{seconds:.0f} s" if seconds < 60 else clock(seconds)


def moment(seconds: float) -> str:
    """Return a point in time, to a tenth of a second: 0:04.3."""
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes}:{rest // 10:02}.{rest % 10}"


def percent(share: float) -> str:
    """Return a share in 0..1 as whole per cent; a little is never written as nothing."""
    if 0 < share < 0.01:
        return "<1 %"
    return f"{round(share * 100)} %"


def signed(value: float | None) -> str:
    """Return a valence with its sign and two decimals, in the spoken language."""
    return "–" if value is None else localized(f"{value:+.2f}").replace("-", "−")


def plain(value: float | None) -> str:
    """Return an arousal with two decimals, in the spoken language."""
    return "–" if value is None else localized(f"{value:.2f}")


def swatch(emotion: str | None) -> str:
    """Return the small square in a category's colour."""
    return f'<i class="swatch" style="background:{_fill(emotion)}" aria-hidden="true"></i>'


def _fill(emotion: str | None) -> str:
    """Return a category's colour for CSS, with stripes where it is none but uncertain."""
    color = color_of(emotion)
    if emotion != UNSURE:
        return color
    return f"repeating-linear-gradient(135deg,{color} 0 3px,{color}66 3px 6px)"


def disclaimer(text: Text) -> str:
    """Return the sentences that stand wherever a result is read."""
    return (
        f'<p class="fine"><strong>{escape(text("app.disclaimer"))}</strong> {escape(text("app.source"))}</p>'
    )


def note(message: str, *, bad: bool = False) -> str:
    """Return a message in the page, read aloud by screen readers when it comes."""
    return f'<p class="note{" bad" if bad else ""}" role="alert">{escape(message)}</p>'


def help_mark(name: str, text: Text, about: str) -> str:
    """Return the question mark that opens the word of help `name`; `about` are the words beside it."""
    return (
        f'<button type="button" class="help" data-help="{name}" aria-expanded="false" '
        f'aria-label="{escape(text("help.open", name=about))}">?</button>'
    )


def empty(message: str, title: str = "", more: str = "") -> str:
    """Return what stands where results will be; `more` is HTML below it."""
    drawing = (
        '<svg viewBox="0 0 84 84" fill="none" stroke="currentColor" stroke-width="2.5" '
        'stroke-linecap="round" aria-hidden="true"><path d="M10 26V14a4 4 0 0 1 4-4h12M58 10h12a4 4 0 0 1 '
        '4 4v12M74 58v12a4 4 0 0 1-4 4H58M26 74H14a4 4 0 0 1-4-4V58"/><circle cx="31" cy="35" r="2"/>'
        '<circle cx="53" cy="35" r="2"/><path d="M27 49c6 9 24 9 30 0" stroke="#7B61C4" '
        'stroke-width="3.5"/></svg>'
    )
    head = f"<strong>{escape(title)}</strong>" if title else ""
    return f'<div class="empty">{drawing}{head}<p>{escape(message)}</p>{more}</div>'


def downloads(files: Iterable[SavedFile], text: Text, dashboard: str | None = None) -> str:
    """Return the row of download links, led by the link to the dashboard where there is one."""
    links = []
    if dashboard:
        links.append(
            f'<a class="download strong" href="{escape(dashboard)}" target="_blank" rel="noopener">'
            f"{escape(text('video.dashboard'))}</a>"
        )
    links += [
        f'<a class="download" data-kind="{file.kind}" href="{escape(file.url)}" '
        f'download="{escape(file.name)}">{escape(file.label or text("file." + file.kind))}</a>'
        for file in files
    ]
    return f'<div class="downloads">{"".join(links)}</div>'


def legend(labels: Iterable[str], text: Text) -> str:
    """Return the names of the colours."""
    items = "".join(f"<span>{swatch(name)}{escape(text.label(name))}</span>" for name in labels)
    return f'<div class="legend">{items}</div>'


def share_bar(shares: Mapping[str, float], text: Text) -> str:
    """Return one bar split by the shares of the categories, and the three largest in words.

    What is uncertain is one of them, with stripes, and is named in any case.
    """
    present = {name: share for name, share in shares.items() if share > 0}
    said = ", ".join(f"{text.label(name)} {percent(share)}" for name, share in present.items())
    pieces = "".join(
        f'<span style="width:{share * 100:.2f}%;background:{_fill(name)}"></span>'
        for name, share in present.items()
    )
    first = sorted(present.items(), key=lambda item: -item[1])
    first = [item for place, item in enumerate(first) if place < 3 or item[0] == UNSURE]
    rows = "".join(
        f"<li><span>{swatch(name)}{escape(text.label(name))}</span><span>{percent(share)}</span></li>"
        for name, share in first
    )
    return f'<div class="share" role="img" aria-label="{escape(said)}">{pieces}</div><ul>{rows}</ul>'
