"""Small pictures with soft edges (text, plates, bars) that are made once and blended many times.

A sprite holds what it adds to a canvas and what it keeps of it, so that blending is two OpenCV calls in
uint8. Text comes from the font that Pillow carries; where that lacks a character, from a system font.
"""

import math
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

Color = tuple[int, int, int]

# Families that Windows, macOS and the usual Linux desktops carry, widest coverage of a script first.
SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "arial.ttf",
    "Arial Unicode.ttf",
    "Nirmala.ttf",
    "Nirmala.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "Kohinoor.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "Lohit-Devanagari.ttf",
)


class Sprite(NamedTuple):
    """A picture to blend: `add` is its colour times its opacity, `keep` the share of canvas that stays.

    Both are uint8 (h, w, 3).
    """

    add: np.ndarray
    keep: np.ndarray

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.add.shape[1]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.add.shape[0]


def blend(canvas: np.ndarray, sprite: Sprite, x: int, y: int) -> None:
    """Blend `sprite` onto `canvas` (RGB uint8, changed in place), its top-left corner at (x, y).

    What lies outside the canvas is cut off.
    """
    add, keep = sprite
    height, width = canvas.shape[:2]
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(add.shape[1], width - x), min(add.shape[0], height - y)
    if right <= left or bottom <= top:
        return
    if left or top or right < add.shape[1] or bottom < add.shape[0]:
        add, keep = add[top:bottom, left:right], keep[top:bottom, left:right]
    under = canvas[y + top : y + bottom, x + left : x + right]
    cv2.multiply(under, keep, under, 1 / 255)
    cv2.add(under, add, under)


def tint(mask: np.ndarray, color: Color, opacity: float = 1.0) -> Sprite:
    """Make a sprite of one colour from a coverage mask, uint8 (h, w), and an opacity in [0, 1]."""
    alpha = mask.astype(np.float32)[..., None] * opacity
    add = np.rint(alpha * np.asarray(color, np.float32) / 255).astype(np.uint8)
    keep = np.repeat(255 - np.rint(alpha).astype(np.uint8), 3, axis=2)
    return Sprite(add, keep)


def _rounded_mask(width: int, height: int, radius: float) -> np.ndarray:
    """Coverage of a rounded rectangle: the distance to its edge, so that it is smooth at any size."""
    radius = min(radius, width / 2, height / 2)
    x = np.abs(np.arange(width) + 0.5 - width / 2) - (width / 2 - radius)
    y = np.abs(np.arange(height) + 0.5 - height / 2) - (height / 2 - radius)
    outside = np.hypot(np.maximum(x, 0)[None, :], np.maximum(y, 0)[:, None])
    inside = np.minimum(np.maximum(x[None, :], y[:, None]), 0)
    return np.rint(np.clip(0.5 + radius - outside - inside, 0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=768)
def bar(width: int, height: int, color: Color, opacity: float = 1.0, radius: float = -1.0) -> Sprite:
    """A rounded bar; without a `radius` its ends are half circles."""
    return tint(_rounded_mask(width, height, height / 2 if radius < 0 else radius), color, opacity)


@lru_cache(maxsize=128)
def plate(width: int, height: int, radius: int, color: Color, opacity: float, edge: int) -> Sprite:
    """A rounded, see-through plate with a fine light edge of `edge` pixels (0 for none)."""
    mask = _rounded_mask(width, height, radius).astype(np.float32)[..., None] / 255
    fill = np.asarray(color, np.float32)[None, None]
    alpha = mask * opacity
    add = fill * alpha
    if edge and width > 2 * edge and height > 2 * edge:
        inner = np.zeros_like(mask)
        inner[edge:-edge, edge:-edge, 0] = (
            _rounded_mask(width - 2 * edge, height - 2 * edge, max(radius - edge, 0)) / 255.0
        )
        ring = np.clip(mask - inner, 0, 1) * 0.16
        add = add * (1 - ring) + 255 * ring
        alpha = alpha * (1 - ring) + ring
    keep = np.repeat(np.rint(255 * (1 - alpha)).astype(np.uint8), 3, axis=2)
    return Sprite(np.rint(add).astype(np.uint8), keep)


# ---------------------------------------------------------------- text


def _font_files() -> Iterator[str]:
    yield from SYSTEM_FONTS
    spec = find_spec("matplotlib")  # where it is installed anyway, its DejaVu Sans has Greek and Cyrillic
    if spec is not None and spec.origin:
        yield str(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf")


@lru_cache(maxsize=1)
def _fallbacks() -> tuple[str, ...]:
    found = []
    for name in _font_files():
        try:
            ImageFont.truetype(name, 20)
        except OSError:
            continue
        found.append(name)
    return tuple(found)


@lru_cache(maxsize=64)
def _font(name: str | None, size: int) -> Any:
    return ImageFont.load_default(size) if name is None else ImageFont.truetype(name, size)


@lru_cache(maxsize=512)
def _has(name: str | None, character: str) -> bool:
    """Whether a font has its own shape for a character: one that it lacks looks like U+10FFFF."""
    if character.isspace():
        return True
    font = _font(name, 20)
    shape, missing = font.getmask(character), font.getmask("\U0010ffff")
    return (shape.size, bytes(shape)) != (missing.size, bytes(missing))


@lru_cache(maxsize=512)
def _resolve(text: str) -> tuple[str | None, str]:
    """Choose the font that has all of `text`; None is the one that Pillow carries."""
    if text.isascii() or all(_has(None, c) for c in text):
        return None, text
    marks = {c for c in text if not unicodedata.combining(c)}
    for name in _fallbacks():
        if all(_has(name, c) for c in marks):
            return name, text
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    if all(_has(None, c) for c in plain):
        return None, plain  # "Enojó" without its accent reads better than with a box
    best = max((None, *_fallbacks()), key=lambda name: sum(_has(name, c) for c in marks))
    return best, text


def is_whole(line: str) -> bool:
    """Return whether `line` can be drawn without boxes, at worst without its accents."""
    name, shown = _resolve(line)
    return all(_has(name, c) for c in shown if not unicodedata.category(c).startswith("M"))


def joins_letters() -> bool:
    """Return whether letters that depend on their neighbours are put together as their script asks."""
    return bool(features.check_feature("raqm"))


_FIGURES = frozenset("0123456789+-.%# ")


@lru_cache(maxsize=2048)
def text_width(text: str, size: int) -> int:
    """Width in pixels of one line of text whose letters are `size` pixels high."""
    if len(text) > 1 and _FIGURES.issuperset(text):
        return sum(text_width(c, size) for c in text)
    name, shown = _resolve(text)
    return math.ceil(_font(name, size).getlength(shown))


def text_height(size: int) -> int:
    """Height in pixels of a line, ascenders and descenders included."""
    return round(size * 1.24)


@lru_cache(maxsize=1024)
def fit(text: str, size: int, width: int) -> str:
    """Shorten `text` with an ellipsis until it is at most `width` pixels wide."""
    if text_width(text, size) <= width:
        return text
    for end in range(len(text) - 1, 0, -1):
        short = text[:end].rstrip() + "…"
        if text_width(short, size) <= width:
            return short
    return "…"


@lru_cache(maxsize=768)
def text(line: str, size: int, color: Color, weight: float = 0.0) -> Sprite:
    """A line of text; `weight` in pixels thickens the strokes.

    Figures change with every frame, so they are put together from their ten shapes, not rendered anew.
    """
    if len(line) > 1 and not weight and _FIGURES.issuperset(line):
        shapes = [text(c, size, color) for c in line]
        return Sprite(np.hstack([s.add for s in shapes]), np.hstack([s.keep for s in shapes]))
    name, shown = _resolve(line)
    font = _font(name, size)
    width, height = max(1, text_width(line, size) + math.ceil(2 * weight)), text_height(size)
    image = Image.new("L", (width, height), 0)
    at = (weight, size * 0.98)
    ImageDraw.Draw(image).text(at, shown, fill=255, font=font, anchor="ls", stroke_width=weight)
    return tint(np.asarray(image), color)
