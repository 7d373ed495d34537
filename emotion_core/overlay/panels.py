"""The overlay's panels in three sizes, measured before they are placed and painted after.

Richest first: all bars with figures and the valence and arousal rows; the same without the figures; one line.
Words are whole in each. A panel is a list of sprites and where in it they lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from emotion_core.labels import UNSURE
from emotion_core.overlay import sprites
from emotion_core.overlay.placement import Rect, Size
from emotion_core.overlay.sprites import Color, Sprite
from emotion_core.overlay.words import AROUSAL, VALENCE, called
from emotion_core.palette import INK, SURFACE, UNCERTAIN, color_of, rgb
from emotion_core.types import Face

PAPER: Color = rgb(INK["dark"])
DIM: Color = (200, 206, 218)
WHITE: Color = (255, 255, 255)
GROUND: Color = rgb(SURFACE["dark"])
OPACITY = 0.78


@dataclass(frozen=True, slots=True)
class Metrics:
    """Sizes in pixels that follow the frame: letters of a title and of a row, gaps, lines."""

    title: int
    row: int
    pad: int
    gap: int
    line: int
    hair: int

    @classmethod
    def of(cls, width: int, height: int, scale: float = 1.0) -> "Metrics":
        """Return the sizes for a frame; letters grow a little slower than the frame does."""
        return cls.at(_letter(width, height) * scale)

    @classmethod
    def at(cls, letter: float) -> "Metrics":
        """Return the sizes that belong to letters of so many pixels."""
        return cls(
            title=max(11, round(letter * 1.12)),
            row=max(10, round(letter * 0.92)),
            pad=max(4, round(letter * 0.6)),
            gap=max(4, round(letter * 0.5)),
            line=max(2, round(letter / 6.5)),
            hair=max(1, round(letter / 14)),
        )

    @property
    def pitch(self) -> int:
        """From one row to the next."""
        return round(self.row * 1.34)

    @property
    def bar(self) -> int:
        """Thickness of a bar."""
        return max(3, round(self.row * 0.42))


def _letter(width: int, height: int) -> float:
    return min(14.0 * (max(1, min(width, height)) / 480) ** 0.85, 96.0)


STEPS = (1.0, 0.85, 0.72, 0.6)
"""Sizes of a face's letters, as shares of the frame's: steps, or panels would breathe with their faces."""
_BESIDE = 0.095  # of a face's height: letters with which all the bars are about a third taller than the face


def sizes_beside(
    boxes: Sequence[Rect], ids: Sequence[int], size: Size, scale: float, kept: dict[int, float] | None
) -> list[Metrics]:
    """Return the sizes of each face's panel: smaller letters beside smaller faces.

    `size` is that of the frame (w, h). `kept` holds the step of each face in the frame before, and is brought
    up to date: a step is left only where another one fits clearly better.
    """
    letter = _letter(*size)
    steps = {}
    for box, identity in zip(boxes, ids, strict=True):
        fits = _BESIDE * (box[3] - box[1]) / letter
        step = next((step for step in STEPS if step <= fits), STEPS[-1])
        before = None if kept is None else kept.get(identity)
        if before is not None and fits / before >= 0.88 and fits < 1.1 * _larger(before):
            step = before
        steps[identity] = step
    if kept is not None:
        kept.clear()
        kept.update(steps)
    return [Metrics.at(letter * steps[identity] * scale) for identity in ids]


def _larger(step: float) -> float:
    return STEPS[max(0, STEPS.index(step) - 1)] if step < STEPS[0] else float("inf")


@dataclass(slots=True)
class Panel:
    """A panel that knows its size (w, h) and what it consists of; `color` ties it to its face."""

    size: Size
    color: Color
    metrics: Metrics
    parts: list[tuple[Sprite, int, int]] = field(default_factory=list)

    def text(self, line: str, x: int, y: int, size: int, color: Color = PAPER, *, bold: bool = False) -> int:
        """Add a line of text whose box starts at (x, y); return where it ends."""
        sprite = sprites.text(line, size, color, size / 60 if bold else 0.0)
        self.parts.append((sprite, x, y))
        return x + sprite.width

    def right(self, line: str, x: int, y: int, size: int, color: Color = PAPER) -> None:
        """Add a line of text that ends at `x`."""
        sprite = sprites.text(line, size, color)
        self.parts.append((sprite, x - sprite.width, y))

    def bar(self, x: int, y: int, width: int, share: float, color: Color) -> None:
        """Add a bar of `width` pixels with a track; `share` in [0, 1] of it is filled."""
        thick = self.metrics.bar
        self.parts.append((sprites.bar(width, thick, WHITE, 0.17), x, y))
        filled = round(width * share)
        if filled > 0:
            self.parts.append((sprites.bar(max(filled, min(thick, width)), thick, color), x, y))

    def scale(self, x: int, y: int, width: int, share: float) -> None:
        """Add a slim scale of `width` pixels with a knob at `share` in [0, 1]."""
        thick, knob = max(2, self.metrics.bar // 2), self.metrics.bar + 2
        self.parts.append((sprites.bar(width, thick, WHITE, 0.3), x, y + (self.metrics.bar - thick) // 2))
        at = x + round((width - knob) * share)
        self.parts.append((sprites.bar(knob, knob, PAPER), at, y - 1))

    def tick(self, x: int, y: int) -> None:
        """Add the mark of a scale's middle."""
        high = self.metrics.bar + 2
        self.parts.append((sprites.bar(max(1, self.metrics.hair), high, WHITE, 0.45, 0), x, y - 1))

    def paint(self, canvas: np.ndarray, x: int, y: int) -> None:
        """Blend the panel onto `canvas` (RGB uint8, changed in place) with its corner at (x, y)."""
        m = self.metrics
        ground = sprites.plate(*self.size, max(3, round(m.pad * 0.9)), GROUND, OPACITY, m.hair)
        sprites.blend(canvas, ground, x, y)
        for sprite, dx, dy in self.parts:
            sprites.blend(canvas, sprite, x + dx, y + dy)


def status_line(fps: float | None, latency_ms: float | None, note: str) -> str:
    """Return the words of the corner chip in live mode: "31 fps · 24 ms"; empty where there are none."""
    words = [] if fps is None else [f"{fps:.0f} fps"]
    words += [] if latency_ms is None else [f"{latency_ms:.0f} ms"]
    return " · ".join([*words, *([note] if note else [])])


def tag(line: str, metrics: Metrics, dot: Color | None, ink: Color = PAPER) -> Panel:
    """Make a one-line chip, with a dot before the text where a colour is given."""
    size, side = metrics.row, max(3, metrics.pad * 2 // 3)
    height = sprites.text_height(size) + side
    start = side + (_dot_size(size) + side if dot else 0)
    panel = Panel((start + sprites.text_width(line, size) + side, height), dot or ink, metrics)
    if dot:
        _dot(panel, side, side // 2, size, dot)
    panel.text(line, start, side // 2, size, ink)
    return panel


def _dot_size(letter: int) -> int:
    return max(4, round(letter * 0.62))


def _dot(panel: Panel, x: int, y: int, letter: int, color: Color) -> None:
    size = _dot_size(letter)
    # Centred on the middle of the capitals, which end 0.98 letters below the top of a text box.
    panel.parts.append((sprites.bar(size, size, color), x, y + round(letter * 0.62) - size // 2))


# ---------------------------------------------------------------- a face's panels


@dataclass(frozen=True, slots=True)
class _Words:
    """What the panels of one face say."""

    name: str
    percent: str
    id: str
    valence: str
    arousal: str
    color: Color
    ink: Color
    language: str
    widest: int  # of all names this face could have, so that a panel keeps its width when the label changes


def _name(label: str, title: int, language: str) -> str:
    return sprites.fit(called(label, language), title, title * 9)


@lru_cache(maxsize=64)
def _widest(labels: tuple[str, ...], title: int, language: str) -> int:
    return round(title / 18) + max(
        sprites.text_width(_name(label, title, language), title) for label in (*labels, UNSURE)
    )


def _words(face: Face, metrics: Metrics, language: str) -> _Words:
    return _Words(
        name=_name(UNSURE if face.uncertain else face.emotion, metrics.title, language),
        percent=f"{face.confidence:.0%}",
        id=f"#{face.id}",
        valence=f"{face.valence:+.2f}",
        arousal=f"{face.arousal:.2f}",
        color=rgb(UNCERTAIN if face.uncertain else color_of(face.emotion)),
        ink=rgb("#AEB5C2") if face.uncertain else PAPER,
        language=language,
        widest=_widest(face.labels, metrics.title, language),
    )


LEVELS = 3
"""How many sizes of panel there are; 0 is the richest."""

_MOST_BARS = 24  # more than that a panel can't hold: it says the essential


class Chooser:
    """The panels of a frame's faces, each made when it is first asked for.

    A level means the same for every face: 0 all bars with figures, 1 the same but narrow, 2 one line, and 3,
    which is for a face without room for more, its number alone. `metrics` are each face's own sizes.
    """

    def __init__(
        self,
        faces: Sequence[Face],
        metrics: Sequence[Metrics],
        panel: bool,
        bars: bool,
        va: bool,
        language: str = "en",
    ) -> None:
        self.faces, self.metrics, self.shown, self.bars, self.va = faces, metrics, panel, bars, va
        self.language = language
        self._made: dict[tuple[int, int], Panel | None] = {}

    def size(self, i: int, level: int) -> Size | None:
        """Return the (w, h) of face i's panel at a level, or None where style or labels rule it out."""
        panel = self.panel(i, level)
        return None if panel is None else panel.size

    def panel(self, i: int, level: int) -> Panel | None:
        """Return face i's panel at a level, or None where style or labels rule it out."""
        if (i, level) not in self._made:
            self._made[i, level] = self._make(self.faces[i], self.metrics[i], level)
        return self._made[i, level]

    def _make(self, face: Face, m: Metrics, level: int) -> Panel | None:
        words = _words(face, m, self.language)
        if level == LEVELS:
            return tag(words.id, m, words.color)
        if level == LEVELS - 1:
            return _label(words, m)
        labels = face.labels if self.bars and len(face.labels) <= _MOST_BARS else ()
        if not self.shown or not (labels or self.va):
            return None
        if level == 0:
            return _full(face, words, m, labels, self.va)
        return _narrow(face, words, m, labels, self.va)


def _label(words: _Words, m: Metrics) -> Panel:
    size, side = m.row, max(3, m.pad * 2 // 3)
    dot = _dot_size(size)
    text = f"{words.name} {words.percent}"
    widths = [sprites.text_width(w, size) for w in (words.id, text)]
    panel = Panel(
        (side + dot + side // 2 + 1 + widths[1] + side + widths[0] + side, sprites.text_height(size) + side),
        words.color,
        m,
    )
    _dot(panel, side, side // 2, size, words.color)
    end = panel.text(text, side + dot + side // 2 + 1, side // 2, size, words.ink)
    panel.text(words.id, end + side, side // 2, size, DIM)
    return panel


def _header(panel: Panel, words: _Words, m: Metrics, width: int) -> int:
    """The first line: dot, emotion, confidence and, at the right, the id; return the y of the next row."""
    x = m.pad + _dot_size(m.title) + m.pad // 2
    _dot(panel, m.pad, m.pad // 2 + 1, m.title, words.color)
    end = panel.text(words.name, x, m.pad // 2 + 1, m.title, words.ink, bold=True)
    lower = m.pad // 2 + 1 + round((m.title - m.row) * 0.98)
    panel.text(words.percent, end + round(m.pad * 0.7), lower, m.row, DIM)
    panel.right(words.id, width - m.pad, lower, m.row, DIM)
    return m.pad // 2 + 1 + sprites.text_height(m.title) + m.pad // 3


def _header_width(words: _Words, m: Metrics) -> int:
    rest = sprites.text_width("100%", m.row) + sprites.text_width(words.id, m.row)
    return round(4.2 * m.pad) + _dot_size(m.title) + words.widest + rest


def _full(face: Face, words: _Words, m: Metrics, labels: Sequence[str], va: bool) -> Panel:
    named = [_name(label, m.row, words.language) for label in labels]
    signals = called(VALENCE, words.language), called(AROUSAL, words.language)
    both = [*named, *signals] if va else named
    column = max(sprites.text_width(line, m.row) for line in both)
    figures = sprites.text_width("+0.00" if va else "100%", m.row)
    length = round(m.row * 4.2)
    width = max(4 * m.pad + column + length + figures, _header_width(words, m))
    length = width - 4 * m.pad - column - figures
    panel = Panel((width, 0), words.color, m)
    y = _header(panel, words, m, width)
    bar_x, down = m.pad * 2 + column, round(m.row * 0.64) - m.bar // 2
    for label, line, share in zip(labels, named, face.probabilities, strict=False):
        first = label == face.emotion
        panel.text(line, m.pad, y, m.row, PAPER if first else DIM)
        panel.bar(bar_x, y + down, length, share, rgb(color_of(label)))
        panel.right(f"{share:.0%}", width - m.pad, y, m.row, PAPER if first else DIM)
        y += m.pitch
    if va:
        y += m.pad // 2 if labels else 0
        for name, figure, share in (
            (signals[0], words.valence, (face.valence + 1) / 2),
            (signals[1], words.arousal, face.arousal),
        ):
            panel.text(name, m.pad, y, m.row, DIM)
            if name == signals[0]:
                panel.tick(bar_x + length // 2, y + down)
            panel.scale(bar_x, y + down, length, share)
            panel.right(figure, width - m.pad, y, m.row)
            y += m.pitch
    panel.size = width, y + m.pad // 2
    return panel


def _narrow(face: Face, words: _Words, m: Metrics, labels: Sequence[str], va: bool) -> Panel:
    named = [_name(label, m.row, words.language) for label in labels]
    signals = called(VALENCE, words.language), called(AROUSAL, words.language)
    column = max(sprites.text_width(line, m.row) for line in (*named, *signals))
    indent = m.pad + _dot_size(m.title) + m.pad // 2
    title = indent + words.widest + m.pad
    width = max(3 * m.pad + column + round(m.row * 2.6), title)
    panel = Panel((width, 0), words.color, m)
    _dot(panel, m.pad, m.pad // 2 + 1, m.title, words.color)
    panel.text(words.name, indent, m.pad // 2 + 1, m.title, words.ink, bold=True)
    y = m.pad // 2 + 1 + sprites.text_height(m.title)
    panel.text(words.percent, m.pad, y, m.row)
    panel.right(words.id, width - m.pad, y, m.row, DIM)
    y += m.pitch + m.pad // 3
    bar_x, down = 2 * m.pad + column, round(m.row * 0.64) - m.bar // 2
    for label, line, share in zip(labels, named, face.probabilities, strict=False):
        panel.text(line, m.pad, y, m.row, PAPER if label == face.emotion else DIM)
        panel.bar(bar_x, y + down, width - m.pad - bar_x, share, rgb(color_of(label)))
        y += m.pitch
    if va:
        y += m.pad // 2 if labels else 0
        for name, figure in zip(signals, (words.valence, words.arousal), strict=True):
            panel.text(name, m.pad, y, m.row, DIM)
            panel.right(figure, width - m.pad, y, m.row)
            y += m.pitch
    panel.size = width, y + m.pad // 2
    return panel
