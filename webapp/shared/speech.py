"""The language that is spoken right now: charts, report and dashboard ask here and need not hand it on.

`speak` sets it for the running thread or task, `speaking` for a block; without either it is English.

A module that has its English texts in one dict, `TEXTS = {"title": "Overview"}`, is translated by moving
them into the six files of `assets/i18n/dashboard` under a head of their own, `"HEAD.title": "Overview"`, and
by making the dict `TEXTS = Texts("HEAD")`: `TEXTS["title"].format(...)` stays as it is.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import MappingProxyType

import numpy as np

from webapp.shared.i18n import Text, words

_language: ContextVar[str] = ContextVar("language", default="en")
_names: ContextVar[Mapping[int, str]] = ContextVar("names", default=MappingProxyType({}))

_MARKS = {"en": ".,", "es": ",.", "fr": ",\u202f", "de": ",.", "hi": ".,", "zh": ".,"}
"""Before the decimals, and between thousands, of each language."""


@cache
def _text(language: str) -> Text:
    return Text(language)


def language() -> str:
    """Return the language that is spoken now."""
    return _language.get()


def speak(language: str) -> None:
    """Speak one of `i18n.LANGUAGES` from here on; raises KeyError for another."""
    _text(language)
    _language.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak one of `i18n.LANGUAGES` inside a block; raises KeyError for another."""
    _text(language)
    before = _language.set(language)
    try:
        yield
    finally:
        _language.reset(before)


def say(key: str, **values: object) -> str:
    """Return the text of `key` with its {names} filled in; raises KeyError for a key that does not exist."""
    return _text(language())(key, **values)


def label(name: str | None) -> str:
    """Return what a category, the uncertain state or a measure is called; a name of one's own stays."""
    shown = _text(language()).label(name)
    return library(shown) if shown == name else shown


def measure(column: str) -> str:
    """Return what a column of numbers is called inside a text: valence, a category, or by its own name."""
    name = capital(column)
    shown = say("term.emotion") if column == "emotion" and language() != "en" else label(name)
    if shown == name:
        return column
    # Only German writes nouns inside a sentence with a capital letter.
    return shown if column == name or language() == "de" else shown[:1].lower() + shown[1:]


def capital(text: str) -> str:
    """Return a text that begins with a capital letter, the others as they are."""
    return text[:1].upper() + text[1:]


def call(names: Mapping[int, str]) -> None:
    """Call people by these names from here on, by their numbers; others are called "Person 3"."""
    _names.set(MappingProxyType(dict(names)))


@contextmanager
def calling(names: Mapping[int, str]) -> Iterator[None]:
    """Call people by these names inside a block."""
    before = _names.set(MappingProxyType(dict(names)))
    try:
        yield
    finally:
        _names.reset(before)


def person(face: object) -> str:
    """Return what the face of that id is called: by its name, else "Person 3"."""
    return named(face) or say("video.person", id=face)


def named(face: object) -> str | None:
    """Return the name of the face of that id, and the number where another bears it, too; None for none."""
    names = _names.get()
    if not names or not isinstance(face, int | float | np.number) or face != face:
        return None
    name = names.get(int(face))
    again = name is not None and list(names.values()).count(name) > 1
    return f"{name} ({int(face)})" if again else name


class Texts(Mapping[str, str]):
    """The texts below one head, in the language that is spoken when one is asked for."""

    def __init__(self, head: str) -> None:
        self._head = f"{head}."

    def __getitem__(self, key: str) -> str:
        return say(self._head + key)

    def __iter__(self) -> Iterator[str]:
        return (key.removeprefix(self._head) for key in words("en") if key.startswith(self._head))

    def __len__(self) -> int:
        return sum(1 for _ in self)


# ---------------------------------------------------------------- what the library says


@cache
def _exact() -> dict[str, str]:
    return {text: key for key, text in words("en").items() if key.startswith("core.") and "{" not in text}


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for key, text in words("en").items():
        if key.startswith("core.") and "{" in text:
            found.append((re.compile(_form(text), re.DOTALL), key))
    return found


def _form(text: str) -> str:
    """Return what matches `text` with its {names} filled in; a name that comes again is the same again."""
    parts = re.split(r"\{(\w+)\}", text)
    out = re.escape(parts[0])
    for i in range(1, len(parts), 2):
        name = parts[i]
        out += f"(?P={name})" if name in parts[1:i:2] else f"(?P<{name}>.+?)"
        out += re.escape(parts[i + 1])
    return out


def library(text: str) -> str:
    """Return in the spoken language what the library says in English: a name, a caution, a message.

    Texts are known by their English, those with numbers and names in them by what stands around these. One
    that nobody has translated stays as it is.
    """
    if language() == "en":
        return text
    if (key := _exact().get(text)) is not None:
        return say(key)
    for form, key in _patterns():
        if (found := form.fullmatch(text)) is not None:
            return say(key, **{name: _inside(name, value) for name, value in found.groupdict().items()})
    return text


_WORDS = frozenset(("how", "many", "said", "why", "whose"))
"""What stands in a text of the library and is itself one."""


def _inside(name: str, value: str) -> str:
    """Return what stands in a text of the library: a name, a text or a number as it is written here."""
    if name == "emotion":
        return label(value)
    if name == "measure":
        return measure(value)
    if name in _WORDS:
        return library(value)
    return localized(value) if re.fullmatch(r"(< )?[+-]?\d[\d,]*(\.\d+)?", value) else value


# ---------------------------------------------------------------- numbers


def decimal() -> str:
    """Return the sign before decimals."""
    return _MARKS[language()][0]


def thousands() -> str:
    """Return the sign between thousands."""
    return _MARKS[language()][1]


def separators() -> str:
    """Return both, as plotly takes them."""
    return _MARKS[language()]


def number(value: float, form: str = ",") -> str:
    """Write a number by a format of Python's and the signs of the spoken language.

    >>> with speaking("de"):
    ...     number(1234.5, ",.1f")
    '1.234,5'
    """
    return localized(format(value, form))


def localized(written: str) -> str:
    """Return a number that is written in the English way in that of the spoken language.

    >>> with speaking("hi"):
    ...     localized("1,234,567")
    '12,34,567'
    """
    if language() == "hi":
        return re.sub(r"\d{1,3}(?:,\d{3})+", _indian, written)
    return written.translate({ord("."): decimal(), ord(","): thousands()})


def _indian(found: re.Match[str]) -> str:
    """Group as India does: the last three figures, and pairs before them."""
    digits = found[0].replace(",", "")
    rest, last = digits[:-3], digits[-3:]
    pairs = re.sub(r"(?<=\d)(?=(?:\d\d)+$)", ",", rest)
    return f"{pairs},{last}"
