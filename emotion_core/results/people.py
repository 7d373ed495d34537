"""Names for the people of a recording that is there already: into its summary, and every file beside it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from emotion_core.results.converting import write_records
from emotion_core.results.extras import NAME, NAMES
from emotion_core.results.formats import FORMATS
from emotion_core.results.named import cleaned, names_of
from emotion_core.results.names import summary_path
from emotion_core.results.recording import read_results, write_summary
from emotion_core.types import EmotionError


def name_people(results: str | os.PathLike[str], names: Mapping[int, str]) -> dict[str, Any]:
    """Give people names, which join those that they have; an empty one takes a name away.

    Each record of a person then has a `name`, in every format of records that lies beside `results`, and
    the person an own `name` in the summary, from which other formats take it when they are converted.

    Args:
        results: a results file in a format of records; its summary lies beside it.
        names: by the numbers of the people. A number that nobody has is refused.

    Returns:
        The summary as it now is.

    Raises:
        EmotionError: where there is no summary, a number is nobody's, or the results can't be read.
        OSError: where nothing can be written; every file is then whole, with or without the names.
    """
    path = Path(results)
    place = summary_path(path)
    try:
        summary = json.loads(place.read_text("utf-8"))
        faces = {int(face["face"]): face for face in summary["faces"]}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise EmotionError(f"{path.name} has no summary beside it: analyse the video again") from error
    if strange := sorted(set(names) - set(faces)):
        raise EmotionError(f"nobody in {path.name} has the number {strange[0]}")
    for number, name in names.items():
        faces[number].pop("name", None)
        if shown := cleaned(name):
            faces[number]["name"] = shown
    beside = {fmt: path.with_suffix(kind.endings[0]) for fmt, kind in FORMATS.items() if kind.reader}
    there = {fmt: file for fmt, file in beside.items() if file.is_file() and not FORMATS[fmt].missing}
    write_records(_named(read_results(path), names_of(summary)), there)
    write_summary(summary, place)
    return dict(summary)


def _named(table: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    """Return records with these names alone, and with their numbers as they stood in the file."""
    columns = {str(name): table[name] for name in table.columns if name != NAME}
    # In the table these are of 32 bits, which write 0.1 as 0.10000000149; the file had so many decimals.
    exact = {
        name: values.astype("float64").round(_decimals(name))
        for name, values in columns.items()
        if values.dtype == "float32" or name == "duration"
    }
    called = [names.get(face) for face in table["face"].fillna(-1).tolist()]
    return pd.DataFrame({**columns, **exact, **({NAME: called} if names else {})})


def _decimals(column: str) -> int:
    if column.startswith("box_"):
        return 1
    if column in NAMES:
        return 4 if column.startswith("blend_") else 2
    return 6
