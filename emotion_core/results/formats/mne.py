"""MNE: annotations as text, onset and duration in seconds, in plain ASCII.

MNE's CSV is not written: it takes dates there. Its reader of the text form fails on letters beyond ASCII, a
comma begins another column and # a remark.
"""

import re
import unicodedata
from pathlib import Path

from emotion_core.results.formats.base import exported
from emotion_core.results.spans import seconds, spans
from emotion_core.results.whole import Whole, person

_APART = re.compile(r"[,#\s]+")


def write(whole: Whole, path: Path) -> None:
    """Write a line for each span, in order of time, called "Person 1/Happy"."""
    lines = sorted(
        (span.start, face, span.end - span.start, span.label)
        for face, line in spans(whole).items()
        for span in line
    )
    words = _words(whole.labels)
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("# MNE-Annotations\n# onset, duration, description\n")
        for start, face, lasting, label in lines:
            file.write(f"{seconds(start)},{seconds(lasting)},{person(face)}/{words[label]}\n")


def _words(labels: tuple[str, ...]) -> list[str]:
    """Return labels without accents; one of other letters is known by its number."""
    words: list[str] = []
    for at, label in enumerate(labels, 1):
        plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
        word = _APART.sub(" ", plain).strip() or f"category {at}"
        words.append(word if word not in words else f"{word} {at}")
    return words


FORMAT = exported(
    "mne",
    "MNE annotations",
    "annotations for MNE-Python, as text: one for each span of a person's emotion",
    write,
    ".annot.txt",
)
