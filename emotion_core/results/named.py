"""What the people of a recording are called: names that somebody gave them, as the summary keeps them."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from emotion_core.results.extras import NAME

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 60
"""Letters of a name; what is longer is cut."""


def names_of(summary: Mapping[str, Any]) -> dict[int, str]:
    """Return the names in a summary by the numbers of the people; none for whom nobody has named."""
    names: dict[int, str] = {}
    faces = summary.get("faces")
    for face in faces if isinstance(faces, Iterable) else ():
        if isinstance(face, Mapping) and isinstance(face.get("face"), int):
            names[face["face"]] = cleaned(face.get("name"))
    return {face: name for face, name in names.items() if name}


def names_in(table: "pd.DataFrame") -> dict[int, str]:
    """Return the names in a table of `read_results` by the numbers of the people, the first of each."""
    if NAME not in table.columns:
        return {}
    rows = table.loc[table[NAME].notna() & table["face"].notna(), ["face", NAME]].drop_duplicates("face")
    found = {int(face): cleaned(name) for face, name in zip(rows["face"], rows[NAME], strict=True)}
    return {face: name for face, name in found.items() if name}


def cleaned(name: object) -> str:
    """Return a name on one line, without what can't be seen, and not too long; empty for what is no text."""
    if not isinstance(name, str):
        return ""
    seen = (" " if letter.isspace() else letter for letter in name)
    # Joiners belong to the writing of some languages; other marks of format turn the line around.
    plain = "".join(c for c in seen if unicodedata.category(c)[0] != "C" or c in "\u200c\u200d")
    return " ".join(plain.split())[:LONGEST].strip()
