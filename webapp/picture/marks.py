"""What the picture tab does, without Gradio: check, read upright, find the faces, draw, table, downloads."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.types import EmotionError
from webapp.shared import owners, parts, store
from webapp.shared.checks import PICTURE_FORMATS, check_picture
from webapp.shared.store import SavedFile, link
from webapp.shared.visitor import NOBODY, Visitor
from webapp.shared.zero_gpu import gpu

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from emotion_core.types import Face
    from webapp.settings import Settings
    from webapp.shared.engine import Engine
    from webapp.shared.i18n import Text

MOST_FILES = 30
_WIDEST_SHOWN = 2400  # pixels of the marked picture


@dataclass(frozen=True, slots=True)
class Marked:
    """One picture with its faces; `problem` says why there is none, `hint` what else to know."""

    name: str
    faces: tuple[Face, ...] = ()
    file: SavedFile | None = None
    problem: str | None = None
    hint: str | None = None


def read_upright(path: Path) -> np.ndarray:
    """Read a picture as RGB uint8 (H, W, 3), turned as its camera noted; transparency becomes white.

    Raises OSError or ValueError where the file is damaged.
    """
    import numpy as np
    from PIL import Image, ImageOps

    with Image.open(path, formats=PICTURE_FORMATS) as picture:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            clear = upright.convert("RGBA")
            white = Image.new("RGBA", clear.size, "white")
            upright = Image.alpha_composite(white, clear)
        image = np.asarray(upright.convert("RGB"))
    if min(image.shape[:2]) < 16:
        raise ValueError("smaller than 16 pixels")
    return np.ascontiguousarray(image)


@gpu
def find_faces(image: np.ndarray, engine: Engine, smoothing: int = 1) -> list[Face]:
    """Find the faces of one still picture, RGB uint8 (H, W, 3)."""
    return list(engine.recognizer(image, engine.session(smoothing=smoothing)))


def mark(path: Path, folder: Path, token: str, engine: Engine, settings: Settings, text: Text) -> Marked:
    """Find and mark the faces of one picture; a problem becomes a line, never an exception."""
    from PIL import Image

    from emotion_core.overlay.draw import draw

    try:
        kind = check_picture(path, settings, text)
        image = read_upright(path)
        faces = find_faces(image, engine)
    except EmotionError as problem:
        return Marked(path.name, problem=str(problem))
    except (OSError, ValueError, SyntaxError):  # what Pillow raises for damaged files
        return Marked(path.name, problem=text("error.notpicture", name=path.name))
    marked = Image.fromarray(draw(image, faces))
    marked.thumbnail((_WIDEST_SHOWN, _WIDEST_SHOWN))
    target = folder / f"{path.stem}_marked.jpg"
    number = 2
    while target.exists():  # two uploads of the same name
        target = folder / f"{path.stem}_{number}_marked.jpg"
        number += 1
    marked.save(target, quality=90)
    hint = text("picture.gif") if kind == "GIF" else None
    return Marked(path.name, tuple(faces), link(token, target, "picture"), hint=hint)


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
    good = [m for m in marked if m.file is not None]
    if not good:
        store.discard(token)
        return "".join(parts.note(m.problem or "", bad=True) for m in marked)
    files = _write(folder, token, good, engine)
    store.settle(token)
    gone = store.news(owner.key)
    note = parts.note(text("limit.results", n=gone)) if gone else ""
    cards = "".join(_card(m, text) for m in marked)
    return (
        f'{note}<div class="result" data-pictures>{parts.downloads(files, text)}'
        f'<div class="pictures">{cards}</div>{parts.disclaimer(text)}</div>'
    )


def _write(folder: Path, token: str, marked: Sequence[Marked], engine: Engine) -> list[SavedFile]:
    """Write all pictures' faces as JSON and CSV, and the marked pictures as one zip."""
    import csv

    rows: list[dict[str, Any]] = []
    for one in marked:
        for face in one.faces:
            rows.append(
                {
                    "picture": one.name,
                    "face": face.id,
                    "emotion": face.emotion,
                    "confidence": round(face.confidence, 4),
                    "valence": round(face.valence, 4),
                    "arousal": round(face.arousal, 4),
                    "box": face.box.as_list(),
                    "probabilities": {
                        label: round(float(p), 4)
                        for label, p in zip(face.labels, face.probabilities, strict=True)
                    },
                }
            )
        if not one.faces:
            rows.append({"picture": one.name, "face": None, "emotion": None})
    json_path = folder / "pictures_faces.json"
    json_path.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")
    csv_path = folder / "pictures_faces.csv"
    labels = list(engine.recognizer.labels)
    head = ["picture", "face", "emotion", "confidence", "valence", "arousal", "x", "y", "width", "height"]
    with csv_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head + [f"p_{label}" for label in labels])
        for row in rows:
            box = row.get("box") or [""] * 4
            probabilities = row.get("probabilities") or {}
            plain = [row.get(key, "") for key in head[:6]]
            writer.writerow([*plain, *box, *(probabilities.get(label, "") for label in labels)])
    zip_path = folder / "pictures_marked.zip"
    with zipfile.ZipFile(zip_path, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.glob("*_marked.jpg")):
            archive.write(path, path.name)
    return [link(token, zip_path, "zip"), link(token, json_path, "json"), link(token, csv_path, "csv")]


def _card(one: Marked, text: Text) -> str:
    head = f'<h3 style="overflow-wrap:anywhere">{escape(one.name)}</h3>'
    if one.file is None:
        return f'<section class="part">{head}{parts.note(one.problem or "", bad=True)}</section>'
    said = ", ".join(
        f"{text('picture.face')} {f.id}: {text.label(f.emotion)} {parts.percent(f.confidence)}"
        for f in one.faces
    )
    image = (
        f'<img src="{escape(one.file.url)}" alt="{escape(said or text("picture.noface"))}" loading="lazy">'
    )
    hint = f'<p class="hint">{escape(one.hint)}</p>' if one.hint else ""
    if not one.faces:
        return f'<section class="part">{head}{image}{hint}{parts.note(text("picture.noface"))}</section>'
    names = ("picture.face", "picture.expression", "picture.confidence", "video.valence", "video.arousal")
    top = "".join(f'<th scope="col">{escape(text(name))}</th>' for name in names)
    rows = "".join(
        f"<tr><td>{f.id}</td><td>{parts.swatch(f.emotion)}{escape(text.label(f.emotion))}</td>"
        f"<td>{parts.percent(f.confidence)}</td><td>{parts.signed(f.valence)}</td><td>{f.arousal:.2f}</td></tr>"
        for f in one.faces
    )
    return (
        f'<section class="part">{head}{image}{hint}<div class="table-wrap"><table class="plain-table">'
        f"<thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
