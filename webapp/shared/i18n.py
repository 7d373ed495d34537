"""The interface's six languages, chosen by the browser's own setting.

Each language is a flat file of `assets/i18n`, and one of `assets/i18n/dashboard` for what charts, report and
dashboard say, which the start page has no use for. Gradio's components and our scripts pick the language in
the browser; the parts that the server writes pick it from the visitor's choice, or from Accept-Language,
which says the same.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from emotion_core.labels import UNSURE

LANGUAGES = ("en", "es", "fr", "de", "hi", "zh")
NAMES = dict(zip(LANGUAGES, ("English", "Español", "Français", "Deutsch", "हिन्दी", "中文"), strict=True))
"""What each language calls itself."""
CHOSEN = "x-emotion-language"
"""The header in which a page says which language its visitor chose, if they did."""
FOLDER = Path(__file__).parent.parent / "assets" / "i18n"


@cache
def page_words(language: str) -> dict[str, str]:
    """Return the texts of the start page by their keys; raises KeyError for a language not spoken here."""
    return _read(FOLDER, language)


@cache
def words(language: str) -> dict[str, str]:
    """Return every text of a language by its key; raises KeyError for a language that we don't speak."""
    return page_words(language) | _read(FOLDER / "dashboard", language)


def _read(folder: Path, language: str) -> dict[str, str]:
    if language not in LANGUAGES:
        raise KeyError(language)
    table: dict[str, str] = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
    return table


def choose(accept_language: str | None) -> str:
    """Return the first language of an Accept-Language header that we speak, by its weights; else English."""
    wishes = []
    for place, part in enumerate((accept_language or "").split(",")):
        tag, _, weight = part.partition(";q=")
        try:
            q = float(weight) if weight else 1.0
        except ValueError:
            q = 0.0
        wishes.append((-q, place, tag.strip().lower().split("-")[0]))
    return next((tag for _, _, tag in sorted(wishes) if tag in LANGUAGES), "en")


class Text:
    """The texts of one language: `text("video.start")`, `text("error.empty", name="a.mp4")`."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._words = words(language)

    @classmethod
    def for_request(cls, request: object) -> "Text":
        """Return the texts in the language of the browser that sent `request` (None gives English)."""
        headers = getattr(request, "headers", None)
        if headers is not None and headers.get(CHOSEN) in LANGUAGES:
            return cls(headers.get(CHOSEN))
        return cls(choose(headers.get("accept-language") if headers is not None else None))

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of `key` with {names} filled in; raises KeyError for a key that does not exist."""
        text = self._words[key]
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def label(self, emotion: str | None) -> str:
        """Return the name of a category or of what is uncertain; a custom category keeps its own."""
        if emotion is None:
            return "–"
        if emotion == UNSURE:
            return self._words["live.uncertain"]
        return self._words.get(f"emotion.{emotion}", emotion)


def gradio_key(key: str) -> str:
    """Return the name under which Gradio knows `key`: apart from Gradio's own keys, and without dots."""
    return "app_" + key.replace(".", "_")


def gradio_tables(keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the texts of `keys` that there are, by language and `gradio_key`, for `gradio.I18n`."""
    asked = tuple(keys)
    return {
        lang: {gradio_key(key): text for key in asked if (text := page_words(lang).get(key)) is not None}
        for lang in LANGUAGES
    }
