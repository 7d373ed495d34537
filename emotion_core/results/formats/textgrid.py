"""Praat: an interval tier for each person; time without a face is an empty interval."""

from pathlib import Path

import numpy as np

from emotion_core.results.formats.base import exported
from emotion_core.results.spans import Span, milliseconds, seconds, spans
from emotion_core.results.whole import Whole


def write(whole: Whole, path: Path) -> None:
    """Write the long text form in UTF-8; every tier goes from 0 to the end without a hole, as Praat wants."""
    found = spans(whole)
    ends = [line[-1].end for line in found.values() if line]
    end = max([int(milliseconds(np.array(whole.end))), 1, *ends])
    # Praat opens no grid without a tier.
    tiers = {_quoted(whole.called(face)): line for face, line in found.items()} or {"nobody": []}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
            f"xmin = 0\nxmax = {seconds(end)}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
        )
        for number, (name, line) in enumerate(tiers.items(), 1):
            pieces = _without_holes(line, end)
            file.write(
                f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
                f"        xmin = 0\n        xmax = {seconds(end)}\n        intervals: size = {len(pieces)}\n"
            )
            for place, (start, stop, label) in enumerate(pieces, 1):
                word = "" if label < 0 else _quoted(whole.labels[label])
                file.write(
                    f"        intervals [{place}]:\n            xmin = {seconds(start)}\n"
                    f'            xmax = {seconds(stop)}\n            text = "{word}"\n'
                )


def _without_holes(line: list[Span], end: int) -> list[tuple[int, int, int]]:
    """Return the spans, and between them intervals of no label (-1), from 0 to the end."""
    pieces, at = [], 0
    for span in line:
        if span.start > at:
            pieces.append((at, span.start, -1))
        pieces.append((span.start, span.end, span.label))
        at = span.end
    return [*pieces, (at, end, -1)] if at < end else pieces


def _quoted(label: str) -> str:
    return " ".join(label.split()).replace('"', '""')


FORMAT = exported(
    "textgrid",
    "Praat",
    "a TextGrid for Praat: an interval tier of each person's emotions",
    write,
    ".textgrid",
)
