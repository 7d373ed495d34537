"""The responses of many recordings to the events of a study, with tables for other programs."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from emotion_core.analytics.contrasts import Contrast, contrasts
from emotion_core.analytics.responses import (
    Response,
    Span,
    Trials,
    Window,
    average,
    of_participants,
    trials_of,
)
from emotion_core.types import EmotionError

MEASURES = ("valence", "arousal")


@dataclass(frozen=True, slots=True, eq=False)
class StudyResponses:
    """What a study's events brought about: trials of each measure, responses, contrasts, and notes."""

    window: Window
    trials: tuple[Trials, ...]
    responses: tuple[Response, ...]
    contrasts: tuple[Contrast, ...]
    notes: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """What was found, in words."""
        return [one.sentence for one in self.responses] + [one.sentence for one in self.contrasts]

    def figures(self) -> pd.DataFrame:
        """Return a row for each response: its peak, latency and area with their intervals."""
        rows = []
        for one in self.responses:
            row: dict[str, Any] = {"measure": one.measure, "name": one.name, "group": one.group}
            row |= {"units": one.units, "over": one.over, "trials": one.trials}
            for key in ("peak", "latency", "area"):
                figure = getattr(one, key)
                row |= {key: figure.value, f"{key}_low": figure.low, f"{key}_high": figure.high}
            rows.append({**row, "sentence": one.sentence})
        return pd.DataFrame(rows)

    def curves(self) -> pd.DataFrame:
        """Return a row for each response and bin: time (s from the onset), mean, low, high, units."""
        parts = []
        for one in self.responses:
            part = pd.DataFrame(
                {
                    "time": one.times.round(6),
                    "mean": one.mean,
                    "low": one.low,
                    "high": one.high,
                    "units": one.seen,
                }
            )
            part.insert(0, "group", one.group)
            part.insert(0, "name", one.name)
            part.insert(0, "measure", one.measure)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def trial_table(self) -> pd.DataFrame:
        """Return a row for each trial and measure, with its mean response, for programs of statistics."""
        parts = []
        for one in self.trials:
            part = one.table.assign(response=one.area() / one.window.after)
            part.insert(0, "measure", one.measure)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def contrast_table(self) -> pd.DataFrame:
        """Return a row for each contrast; empty where none was made."""
        names = [field.name for field in fields(Contrast)]
        return pd.DataFrame(
            [{name: getattr(one, name) for name in names} for one in self.contrasts], columns=names
        )

    def facts(self) -> dict[str, Any]:
        """Return all but curves and trials as JSON holds it; None where a figure can't be given."""
        window = {"before": self.window.before, "after": self.window.after, "step": self.window.step}
        return {
            "window": window,
            "responses": _plain(self.figures()),
            "contrasts": _plain(self.contrast_table()),
            "notes": list(self.notes),
        }

    def write(self, folder: Path, *, overwrite: bool = False) -> list[Path]:
        """Write responses.csv and .json, response_curves.csv, response_trials.csv and contrasts.csv.

        Raises:
            EmotionError: where the folder can't be had, or a file is there already.
            OSError: where nothing can be written.
        """
        tables = {
            "responses.csv": self.figures(),
            "response_curves.csv": self.curves(),
            "response_trials.csv": self.trial_table(),
        }
        if self.contrasts:
            tables["contrasts.csv"] = self.contrast_table()
        texts = {name: str(table.to_csv(index=False)) for name, table in tables.items()}
        texts["responses.json"] = json.dumps(self.facts(), indent=1, ensure_ascii=False) + "\n"
        return write_texts(folder, texts, overwrite=overwrite)


def study_responses(
    tables: Mapping[str, pd.DataFrame],
    events: pd.DataFrame,
    measures: Sequence[str] | None = None,
    window: Window | None = None,
    *,
    groups: Mapping[str, str] | None = None,
    whose: Mapping[str, str] | None = None,
    exclude: Mapping[str, Sequence[Span]] | None = None,
    method: str = "permutation",
) -> StudyResponses:
    """Average what faces show around events, and compare names of events, and groups where there are any.

    Args:
        tables: of `read_any`, by the names of their recordings.
        events: of `read_events`.
        measures: of `trials_of`; valence and arousal where None, or what of them the tables hold.
        window: see `Window`.
        groups: of each recording.
        whose: the participant of each recording: several of one count as one person.
        exclude: spans (s) of each recording that are left out.
        method: of `contrasts`.

    Raises:
        EmotionError: where nothing can be averaged.
    """
    window = window or Window()
    found: list[Trials] = []
    notes: list[str] = list(events.attrs.get("notes", ()))
    wanted = list(dict.fromkeys(measures or MEASURES))
    for measure in wanted:
        try:
            cut = trials_of(tables, events, measure, window, groups=groups, exclude=exclude)
            found.append(of_participants(cut, whose) if whose else cut)
        except EmotionError as error:
            if measures or error.settings != ("measure",):
                raise
            notes.append(str(error))
    if not found:
        raise EmotionError(
            "the results hold neither valence nor arousal: choose another measure", ("measure",)
        )
    by_group = any(trials.table["group"].notna().any() for trials in found)
    responses = [one for trials in found for one in average(trials)]
    if by_group:
        responses += [one for trials in found for one in average(trials, by_group=True) if one.group]
    notes += [note if len(found) == 1 else f"{t.measure}: {note}" for t in found for note in t.notes]
    made: list[Contrast] = []
    for by in ("name", "group") if by_group else ("name",):
        if any(t.table.loc[t.table["used"], by].nunique() > 1 for t in found):
            made += contrasts(found, by, method)
    return StudyResponses(window, tuple(found), tuple(responses), tuple(made), tuple(dict.fromkeys(notes)))


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    def value(cell: Any) -> Any:
        cell = cell.item() if hasattr(cell, "item") else cell
        return None if cell is None or (isinstance(cell, float) and not math.isfinite(cell)) else cell

    return [{str(name): value(cell) for name, cell in row.items()} for row in table.to_dict("records")]


def write_texts(folder: Path, texts: Mapping[str, str], *, overwrite: bool = False) -> list[Path]:
    """Write small files into a folder, which is made where its parent is there.

    Raises:
        EmotionError: where the folder can't be had, or a file is there already and may not be replaced.
        OSError: where nothing can be written.
    """
    from emotion_core.files import written_beside

    if not folder.is_dir():
        if folder.exists() or not folder.parent.is_dir():
            raise EmotionError(
                f"{folder} is no folder, and none can be made there: name another one", ("output",)
            )
        folder.mkdir()
    there = next((folder / name for name in texts if (folder / name).exists()), None)
    if there is not None and not overwrite:
        raise EmotionError(
            f"{there} is there already: choose another folder, or agree to replace it",
            ("output", "overwrite"),
        )
    for name, text in texts.items():
        with written_beside(folder / name) as part:
            part.write_text(text, "utf-8")
    return [folder / name for name in texts]
