"""The overlay in six languages: the words of the app, where there is a font for them, and never boxes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emotion_core.annotated import Annotated
from emotion_core.labels import EMOTIONS, UNSURE
from emotion_core.overlay import panels, sprites, words
from emotion_core.overlay.draw import draw
from emotion_core.overlay.style import DrawStyle
from emotion_core.types import Box, EmotionError, Frame
from emotion_core.video.part import Part
from emotion_core.video.reader import VideoInfo
from tests.test_draw import face
from webapp.shared import i18n

CACHES = (sprites._fallbacks, sprites._has, sprites._resolve, sprites.text_width, sprites.fit, sprites.text)


def forget() -> None:
    for kept in (*CACHES, words.is_drawable, panels._widest):
        kept.cache_clear()


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has no font but Pillow's."""
    monkeypatch.setattr(sprites, "_font_files", lambda: iter(()))
    forget()
    yield
    forget()


@pytest.fixture
def a_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with a font that has a shape of its own for every letter of every language."""
    builder = pytest.importorskip("fontTools.fontBuilder")
    pens = pytest.importorskip("fontTools.pens.ttGlyphPen")
    letters = sorted({c for table in words._TABLES.values() for word in table.values() for c in word})
    names = [".notdef", *(f"u{ord(c):X}" for c in letters)]
    glyphs = {}
    for place, name in enumerate(names):
        pen = pens.TTGlyphPen(None)
        pen.moveTo((40, 0))
        pen.lineTo((40, 300 + 3 * place))
        pen.lineTo((440, 300 + 3 * place))
        pen.lineTo((440, 0))
        pen.closePath()
        glyphs[name] = pen.glyph()
    font = builder.FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(c): f"u{ord(c):X}" for c in letters})
    font.setupGlyf(glyphs)
    font.setupHorizontalMetrics({name: (480, 40) for name in names})
    font.setupHorizontalHeader(ascent=900, descent=-200)
    font.setupNameTable({"familyName": "Made", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "made.ttf")
    monkeypatch.setattr(sprites, "_font_files", lambda: iter([str(tmp_path / "made.ttf")]))
    forget()
    yield
    forget()


def drawn(language: str) -> np.ndarray:
    faces = [face(Box(240, 80, 120, 150), "Sad")]
    return draw(Frame(np.full((360, 640, 3), 90, np.uint8)), faces, style=DrawStyle(language=language))


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_overlay_says_what_the_app_says(language: str) -> None:
    assert words.LANGUAGES == i18n.LANGUAGES
    text, own = i18n.Text(language), words._TABLES[language]
    assert [own[name] for name in (*EMOTIONS, UNSURE)] == [text.label(name) for name in (*EMOTIONS, UNSURE)]
    assert [own["Valence"], own["Arousal"]] == [text("video.valence"), text("video.arousal")]


@pytest.mark.parametrize("language", ["hi", "zh"])
def test_without_a_font_the_names_are_english_and_it_is_said(
    language: str, no_fonts: None, tmp_path: Path
) -> None:
    assert not words.is_drawable(language)
    assert (drawn(language) == drawn("en")).all()
    info = VideoInfo(640, 360, 25.0, None, 1, False, 0, "picture")
    made = Annotated(tmp_path / "a.jpg", info, None, DrawStyle(language=language), 2, Part())
    (said,) = made.notes
    made.discard()
    assert "in English" in said and "\n" not in said


@pytest.mark.parametrize("language", ["es", "fr", "de"])
def test_latin_letters_need_no_font_of_the_system(language: str, no_fonts: None) -> None:
    assert words.is_drawable(language) and words.missing(language) is None
    assert (drawn(language) != drawn("en")).any()


@pytest.mark.parametrize("language", ["hi", "zh"])
def test_with_a_font_the_names_are_drawn(language: str, a_font: None) -> None:
    if language == "hi" and not sprites.joins_letters():
        pytest.skip("Pillow has no library for layout here")
    assert words.missing(language) is None
    assert sprites._resolve(words.called("Sad", language))[0] is not None
    assert (drawn(language) != drawn("en")).any()


def test_letters_that_join_need_their_library(a_font: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sprites, "joins_letters", lambda: False)
    words.is_drawable.cache_clear()
    assert not words.is_drawable("hi") and words.is_drawable("zh")
    assert "Devanagari" in str(words.missing("hi"))


def test_a_category_of_ones_own_keeps_its_name() -> None:
    assert words.called("Bored", "de") == "Bored" and words.called("Happy", "de") == "Freude"


def test_a_language_that_is_none_is_refused() -> None:
    with pytest.raises(EmotionError, match="choose from en, es"):
        DrawStyle(language="tlh")
