"""Markers and exclusions that a person set on a recording's timeline, kept beside its results, with undo.

The file, `NAME_marks.tsv`, has the columns of BIDS events (onset, duration, trial_type) and `kind`; the
markers in it are read as events too.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.files import written_beside
from emotion_core.types import EmotionError

MARKER, EXCLUSION = "marker", "exclusion"
_MOST = 200  # letters of a name


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment or a span (s) with a name, or a span that is left out of responses."""

    onset: float
    duration: float = 0.0
    name: str = ""
    kind: str = MARKER

    def __post_init__(self) -> None:
        if not (np.isfinite(self.onset) and 0 <= self.duration < 1e9):
            raise EmotionError("a mark needs a time, and a duration of 0 s or more")
        if self.kind not in (MARKER, EXCLUSION):
            raise EmotionError(f"a mark is a {MARKER} or an {EXCLUSION}, not {self.kind!r}")
        if self.kind == EXCLUSION and not self.duration:
            raise EmotionError("an exclusion needs a duration: mark a stretch")
        object.__setattr__(self, "name", " ".join(self.name.split())[:_MOST] or self.kind)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a recording in order of time, and how they were before, for `undo` and `redo`."""

    marks: tuple[Mark, ...] = ()
    before: tuple[tuple[Mark, ...], ...] = ()
    after: tuple[tuple[Mark, ...], ...] = ()

    def add(self, mark: Mark) -> "Marks":
        """Return these and another one."""
        return self._now((*self.marks, mark))

    def remove(self, mark: Mark) -> "Marks":
        """Return these without one; as they are where it isn't among them."""
        left = tuple(other for other in self.marks if other != mark)
        return self if left == self.marks else self._now(left)

    def undo(self) -> "Marks":
        """Return them as they were before the last change."""
        if not self.before:
            return self
        return Marks(self.before[-1], self.before[:-1], (self.marks, *self.after))

    def redo(self) -> "Marks":
        """Return them as they were before the last undo."""
        if not self.after:
            return self
        return Marks(self.after[0], (*self.before, self.marks), self.after[1:])

    @property
    def exclusions(self) -> list[tuple[float, float]]:
        """The spans (s) that are left out."""
        return [(m.onset, m.onset + m.duration) for m in self.marks if m.kind == EXCLUSION]

    def text(self) -> str:
        """Return them as they stand in their file."""
        rows = [
            {"onset": m.onset, "duration": m.duration, "trial_type": m.name, "kind": m.kind}
            for m in self.marks
        ]
        columns = ["onset", "duration", "trial_type", "kind"]
        return str(pd.DataFrame(rows, columns=columns).round(3).to_csv(sep="\t", index=False))

    def _now(self, marks: tuple[Mark, ...]) -> "Marks":
        ordered = tuple(sorted(dict.fromkeys(marks), key=lambda m: (m.onset, m.duration, m.kind, m.name)))
        return replace(self, marks=ordered, before=(*self.before, self.marks), after=())


def read_marks(path: Path) -> Marks:
    """Read the marks of a recording; none where there is no file.

    Raises:
        EmotionError: where it can't be read, or holds something else.
    """
    if not path.exists():
        return Marks()
    try:
        table = pd.read_csv(path, sep="\t", keep_default_na=False, dtype={"trial_type": str, "kind": str})
        columns = (table[name] for name in ("onset", "duration", "trial_type", "kind"))
        marks = tuple(Mark(float(a), float(b), str(c), str(d)) for a, b, c, d in zip(*columns, strict=True))
    except OSError as error:
        raise EmotionError(f"{path.name} can't be read: {error.strerror or error}") from error
    except (ValueError, LookupError) as error:
        raise EmotionError(f"{path.name} holds no marks: remove it, or set it right by hand") from error
    return Marks(marks)


def write_marks(marks: Marks, path: Path) -> None:
    """Write the marks of a recording; an empty list leaves a file with its heading alone.

    Raises:
        OSError, EmotionError: where it can't be written.
    """
    with written_beside(path) as part:
        part.write_text(marks.text(), "utf-8")
