"""What the picture tab does, without Gradio: check, analyse as a video is, show, pack for the download.

What it leaves is what `main.py --video PICTURE` writes.
"""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.results.formats import FORMATS, usual
from emotion_core.results.names import OVERLAY, results_path
from emotion_core.types import EmotionError
from webapp.shared import owners, parts, store
from webapp.shared.checks import check_picture
from webapp.shared.speech import speaking
from webapp.shared.store import SavedFile, link
from webapp.shared.visitor import NOBODY, Visitor
from webapp.shared.zero_gpu import gpu

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emotion_core.analysis import AnalysisResult
    from emotion_core.results.record import Record
    from emotion_core.video.reader import Frames
    from emotion_core.video.source import Source
    from webapp.settings import Settings
    from webapp.shared.engine import Engine
    from webapp.shared.i18n import Text

MOST_FILES = 30
_WIDEST_SHOWN = 2400  # pixels of the marked picture on the page; the download has all


@dataclass(frozen=True, slots=True)
class Marked:
    """One picture, its faces, what to show of it and its files; `problem` says why there is none of it.

    `hint` is what else to know.
    """

    name: str
    faces: tuple[Record, ...] = ()
    shown: SavedFile | None = None
    files: tuple[SavedFile, ...] = ()
    problem: str | None = None
    hint: str | None = None


@gpu
def find_faces(reader: Frames, output: Path, engine: Engine, language: str = "en") -> AnalysisResult:
    """Analyse one still picture; `output` is where the marked one goes, and the results beside it.

    `language` is that of the names in it.
    """
    from emotion_core.analysis import analyze
    from emotion_core.overlay.style import DrawStyle

    style = DrawStyle(language=language)
    return analyze(reader, recognizer=engine.recognizer, output=output, formats=usual(), style=style)


@contextlib.contextmanager
def still(path: Path, kind: str, settings: Settings) -> Iterator[Source]:
    """Yield the picture as a source of the library; of one that moves, its first frame."""
    from PIL import Image

    from emotion_core.video.source import Source, identify

    if kind != "GIF":
        source = identify(path, max_pixels=settings.max_pixels)
        yield replace(source, kind="picture", moving=False, uploaded=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first.png"
        with Image.open(path, formats=("GIF",)) as picture:
            picture.convert("RGBA").save(first)
        yield Source("picture", str(first), path.name, settings.max_pixels, uploaded=True)


def mark(path: Path, folder: Path, token: str, engine: Engine, settings: Settings, text: Text) -> Marked:
    """Find and mark the faces of one picture; a problem becomes a line, never an exception."""
    from emotion_core.results.recording import read
    from emotion_core.video.pages import moves
    from emotion_core.video.reader import frames

    name, number = path.stem, 2
    while results_path(folder, name).exists():  # two uploads of the same name
        name, number = f"{path.stem}_{number}", number + 1
    broken = Marked(path.name, problem=text("error.notpicture", name=path.name))
    try:
        kind = check_picture(path, settings, text)
        with path.open("rb") as file:
            moving = kind == "GIF" or moves(file)
        with contextlib.ExitStack() as stack:
            try:
                reader = stack.enter_context(frames(stack.enter_context(still(path, kind, settings))))
            except (EmotionError, OSError, ValueError, SyntaxError):  # what Pillow raises for damaged files
                return broken
            result = find_faces(reader, folder / f"{name}{OVERLAY}.jpg", engine, text.language)
    except EmotionError as problem:
        return Marked(path.name, problem=str(problem))
    files = tuple(
        link(token, result.paths[kind], kind)
        for kind in ("picture", *FORMATS, "summary")
        if kind in result.paths
    )
    faces = tuple(record for record in read(result.paths["json"]) if record.face is not None)
    shown = link(token, _shown(result.paths["picture"]), "picture")
    return Marked(path.name, faces, shown, files, hint=text("picture.gif") if moving else None)


def _shown(path: Path) -> Path:
    """Return the picture to show for a marked one: a smaller copy, where it is larger than any screen."""
    from PIL import Image

    with Image.open(path) as picture:
        if max(picture.size) <= _WIDEST_SHOWN:
            return path
        picture.thumbnail((_WIDEST_SHOWN, _WIDEST_SHOWN))
        target = path.with_name(f"{path.stem}_small.jpg")
        picture.save(target, quality=90)
    return target


def mark_all(
    paths: Sequence[str | Path] | None,
    engine: Engine,
    settings: Settings,
    text: Text,
    owner: Visitor = NOBODY,
) -> str:
    """Find the faces of all pictures; gives HTML, and leaves the files to `owner` under a new token."""
    if not paths:
        return parts.note(text("picture.none"), bad=True)
    if len(paths) > MOST_FILES:
        return parts.note(text("error.many", n=len(paths), limit=MOST_FILES), bad=True)
    token, folder = owners.new_folder(owner)
    marked = [mark(Path(path), folder, token, engine, settings, text) for path in paths]
    good = [m for m in marked if m.shown is not None]
    if not good:
        store.discard(token)
        return "".join(parts.note(m.problem or "", bad=True) for m in marked)
    packed = [_pack(folder, token, good)] if len(good) > 1 else []
    store.settle(token)
    gone = store.news(owner.key)
    note = parts.note(text("limit.results", n=gone)) if gone else ""
    with speaking(text.language):
        cards = "".join(_card(m, text) for m in marked)
    return (
        f'{note}<div class="result" data-pictures>'
        f"{parts.downloads(packed, text, f'dashboard/?result={token}')}"
        f'<div class="pictures">{cards}</div>{parts.disclaimer(text)}</div>'
    )


def _pack(folder: Path, token: str, marked: Sequence[Marked]) -> SavedFile:
    """Put the files of all pictures into one archive."""
    target = folder / "pictures.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in (file for one in marked for file in one.files):
            archive.write(folder / file.name, file.name)
    return link(token, target, "zip")


def _card(one: Marked, text: Text) -> str:
    head = f'<h3 style="overflow-wrap:anywhere">{escape(one.name)}</h3>'
    if one.shown is None:
        return f'<section class="part">{head}{parts.note(one.problem or "", bad=True)}</section>'
    said = ", ".join(
        f"{text('picture.face')} {f.face}: {text.label(f.emotion)} {parts.percent(f.confidence or 0.0)}"
        for f in one.faces
    )
    image = (
        f'<img src="{escape(one.shown.url)}" alt="{escape(said or text("picture.noface"))}" loading="lazy">'
    )
    hint = f'<p class="hint">{escape(one.hint)}</p>' if one.hint else ""
    files = parts.downloads(one.files, text)
    if not one.faces:
        note = parts.note(text("picture.noface"))
        return f'<section class="part">{head}{image}{hint}{note}{files}</section>'
    names = ("picture.face", "picture.expression", "picture.confidence", "video.valence", "video.arousal")
    top = "".join(f'<th scope="col">{escape(text(name))}</th>' for name in names)
    words = text("live.plane")
    about = f'<p class="hint about">{escape(words)} {parts.help_mark("valence", text, words)}</p>'
    rows = "".join(
        f"<tr><td>{f.face}</td><td>{parts.swatch(f.emotion)}{escape(text.label(f.emotion))}</td>"
        f"<td>{parts.percent(f.confidence or 0.0)}</td><td>{parts.signed(f.valence)}</td>"
        f"<td>{parts.plain(f.arousal)}</td></tr>"
        for f in one.faces
    )
    return (
        f'<section class="part">{head}{image}{hint}<div class="table-wrap"><table class="plain-table">'
        f"<thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>{about}{files}</section>"
    )
