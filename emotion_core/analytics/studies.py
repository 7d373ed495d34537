"""A study that a batch has made: its tables, without opening the results of any file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.analytics import MEASURES
from emotion_core.batch.figures import SHARE
from emotion_core.batch.study import LISTED, MANIFEST
from emotion_core.types import EmotionError


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The manifest of a study as a table: a row per file, with the figures of all its faces together."""

    folder: Path
    files: pd.DataFrame

    @property
    def finished(self) -> pd.DataFrame:
        """The rows of the files that have results, whole or up to where their source ends early."""
        return self.files[self.files["state"].isin(("done", "partial"))]

    @property
    def results(self) -> list[str]:
        """Return the results file of each of `finished`, as seen from the folder of the study."""
        return [str(name) for name in self.finished["results"]]

    def per_file(self) -> pd.DataFrame:
        """Return what `compare.per_file` gives, for the files of `finished` with a face."""
        table = self.finished[self.finished.get("people", pd.Series(0, self.finished.index)) > 0]
        columns = {name: name.removeprefix(SHARE) for name in table.columns if name.startswith(SHARE)}
        columns |= {measure.key: measure.name for measure in MEASURES}
        found = table.reindex(columns=list(columns)).rename(columns=columns).astype(float)
        return found.set_axis(pd.Index(_names(table), name="file"))

    @property
    def groupings(self) -> list[str]:
        """Return the columns by which a list of this study can group its files."""
        names = [
            str(name).removeprefix(LISTED) for name in self.files.columns if str(name).startswith(LISTED)
        ]
        return [name for name in names if self.files[f"{LISTED}{name}"].nunique() > 1]

    def tags(self, grouping: str) -> dict[str, str]:
        """Return what the list says in the column `grouping` of each file, by the names of `per_file`."""
        table = self.finished
        values = table[f"{LISTED}{grouping}"].replace("", np.nan)
        return {n: str(v) for n, v in zip(_names(table), values, strict=True) if pd.notna(v)}


def _names(table: pd.DataFrame) -> list[str]:
    return [Path(name).name for name in table["results"]]


def stamp(folder: Path) -> int | None:
    """Return when the tables of a study were written (ns); None where the folder holds none."""
    try:
        return (folder / f"{MANIFEST}.parquet").stat().st_mtime_ns
    except OSError:
        return None


def read(folder: Path) -> Study:
    """Read the study in a folder.

    Raises:
        EmotionError: where it has no table, or that is none of a study.
    """
    place = folder / f"{MANIFEST}.parquet"
    try:
        table = pd.read_parquet(place)
    except (OSError, ValueError) as error:
        raise EmotionError(
            f"{place} can't be read: call the batch again, it writes its tables anew"
        ) from error
    if not {"file", "results", "state"} <= set(table.columns):
        raise EmotionError(f"{place.name} in {folder.name} is not the table of a study")
    return Study(folder, table)
