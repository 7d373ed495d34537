"""What the overlay says in six languages, where the machine has the letters to draw it."""

from functools import cache

from emotion_core.labels import EMOTIONS, UNSURE

VALENCE, AROUSAL = "Valence", "Arousal"
_ORDER = (*EMOTIONS, UNSURE, VALENCE, AROUSAL)
_WORDS = {
    "en": _ORDER,
    "es": (
        *("Enfado", "Asco", "Miedo", "Alegría", "Neutral", "Tristeza", "Sorpresa"),
        *("Incierto", "Valencia", "Activación"),
    ),
    "fr": (
        *("Colère", "Dégoût", "Peur", "Joie", "Neutre", "Tristesse", "Surprise"),
        *("Incertain", "Valence", "Activation"),
    ),
    "de": (
        *("Wut", "Ekel", "Angst", "Freude", "Neutral", "Trauer", "Überraschung"),
        *("Unsicher", "Valenz", "Erregung"),
    ),
    "hi": ("क्रोध", "घृणा", "भय", "खुशी", "तटस्थ", "उदासी", "आश्चर्य", "अनिश्चित", "वैलेंस", "उत्तेजना"),
    "zh": ("愤怒", "厌恶", "恐惧", "高兴", "中性", "悲伤", "惊讶", "不确定", "效价", "唤醒度"),
}
_TABLES = {language: dict(zip(_ORDER, words, strict=True)) for language, words in _WORDS.items()}
_LETTERS = {"hi": "Devanagari", "zh": "Chinese"}
"""Scripts that the font which comes with Pillow lacks."""
_JOINED = frozenset({"hi"})
"""Languages whose letters change places and shapes beside others, which a library for layout has to do."""

LANGUAGES = tuple(_WORDS)
"""The languages of the overlay, as BCP 47 has them."""


def called(name: str, language: str) -> str:
    """Return what a category, the uncertain state or a signal is called in the overlay.

    It is the name itself for a category of one's own, and where `language` can't be drawn here.
    """
    if language == "en" or not is_drawable(language):
        return name
    return _TABLES[language].get(name, name)


@cache
def is_drawable(language: str) -> bool:
    """Return whether every word of a language can be drawn with the fonts that are here.

    Fonts are looked for once; nothing is downloaded. Raises KeyError for a language that is none of ours.
    """
    from emotion_core.overlay import sprites

    words = _TABLES[language].values()
    if language in _JOINED and not sprites.joins_letters():
        return False
    return all(map(sprites.is_whole, words))


def missing(language: str) -> str | None:
    """Return, in a line, why the overlay is in English instead; None where it is not."""
    if is_drawable(language):
        return None
    return f"the overlay's names are in English: no font here has {_LETTERS.get(language, 'all')} letters"
