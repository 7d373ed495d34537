"""The timeline below a video: what each person showed, as small numbers that the page draws at any zoom."""

from __future__ import annotations

import json
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from emotion_core.analytics import figures
from emotion_core.labels import UNSURE
from emotion_core.results.named import cleaned
from emotion_core.results.record import labels_in
from webapp.shared import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from webapp.shared.i18n import Text

COLUMNS = 1200  # of a timeline, at most: 3 s each of an hour, and 12 kB a person
FINEST = 1 / 30  # seconds of a column; more would be made up between two pictures
AWAY = 255
"""Stands in every number of a column in which the person isn't seen; other numbers are 0 to 250."""


def label_names(table: pd.DataFrame) -> list[str]:
    """Return the categories of a table of results, in its own order."""
    return labels_in(table.columns)


def stacked(own: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """Return what a timeline stacks for each record of a face (N, K + 1): probabilities, and uncertainty.

    Where the answer is uncertain its probabilities are 0 and the last column is 1; rows sum to 1 in any case.
    """
    unsure = own["uncertain"].to_numpy(bool)[:, None]
    values = own[[f"p_{label}" for label in labels]].to_numpy(float)
    return np.hstack([np.where(unsure, 0.0, values), unsure])


def columns_of(duration: float) -> int:
    """Return how many columns a timeline of so many seconds has."""
    return int(min(COLUMNS, max(1, round(duration / FINEST))))


def packed(held: np.ndarray, stack: np.ndarray, affect: np.ndarray, duration: float) -> np.ndarray:
    """Average over the columns of a timeline: a row for each, uint8 (columns, K + 2), `AWAY` where nobody is.

    `held` (N, 2) has the time of each record and how long its picture lasts, in seconds; `stack` (N, K) is in
    [0, 1] and becomes 0 to 250, `affect` (N, 2) valence in [-1, 1] and arousal in [0, 1], both 0 to 250.
    """
    edges = np.linspace(0.0, max(duration, 1e-6), columns_of(duration) + 1)
    values = np.hstack([stack, (affect[:, :1] + 1) / 2, affect[:, 1:]])
    means = figures.means_over(held[:, 0], held[:, 1], values, edges[:-1], edges[1:])
    seen = ~np.isnan(means[:, :-2]).any(axis=1)
    numbers = np.rint(250 * np.nan_to_num(means).clip(0, 1)).astype(np.uint8)
    numbers[:, -2:][np.isnan(means[:, -2:])] = AWAY
    numbers[~seen] = AWAY
    return numbers


def person_html(person: Mapping[str, Any], text: Text) -> str:
    """Return what a person is called, in an element that follows when they are named."""
    usual = text("video.person", id=person["face"])
    name = cleaned(person.get("name")) or usual
    return f'<span data-person="{int(person["face"])}" data-usual="{escape(usual)}">{escape(name)}</span>'


def timelines_html(
    table: pd.DataFrame, people: Sequence[Mapping[str, Any]], duration: float, text: Text
) -> str:
    """Return the timelines of people, with an axis of time, buttons to zoom, and what the pointer is on."""
    known = label_names(table)
    labels = [*known, UNSURE]
    rows = []
    for person in people:
        own = (
            table[(table["face"] == person["face"]) & table[f"p_{known[0]}"].notna()] if known else table[:0]
        )
        numbers = packed(
            own[["time", "duration"]].to_numpy(float),
            stacked(own, known),
            own[["valence", "arousal"]].to_numpy(float),
            duration,
        )
        rows.append(
            f'<div class="timeline-name">{person_html(person, text)}</div>'
            f'<div class="timeline" data-timeline="{duration:.3f}" tabindex="0" role="slider" '
            f'aria-valuemin="0" aria-valuemax="{duration:.1f}" aria-valuenow="0" '
            f'aria-label="{escape(text("video.timeline", id=person["face"]))}" '
            f'data-curve="{b64encode(numbers.tobytes()).decode()}">'
            '<canvas class="stack" aria-hidden="true"></canvas>'
            '<canvas class="affect" aria-hidden="true"></canvas>'
            '<span class="hair" data-hair hidden></span><span class="playhead" data-playhead></span></div>'
        )
    unsure = any(UNSURE in person["share"] for person in people)
    legend = parts.legend(labels if unsure else known, text)
    lines = "".join(
        f'<span><i class="line-swatch {name}" aria-hidden="true"></i>'
        f"{escape(text(f'video.{name}'))} {span}</span>"
        for name, span in (("valence", "−1…1"), ("arousal", "0…1"))
    )
    return (
        f'<div class="tracks" data-tracks data-length="{duration:.3f}" data-columns="{columns_of(duration)}" '
        f'data-labels="{escape(json.dumps(labels))}">{_bar(text)}{"".join(rows)}'
        f'<canvas class="axis" data-axis aria-hidden="true"></canvas></div>{legend}'
        f'<div class="legend">{lines}</div>'
    )


def _bar(text: Text) -> str:
    buttons = "".join(
        f'<button type="button" class="zoom" data-zoom="{what}" title="{escape(text(f"clip.zoom.{what}"))}" '
        f'aria-label="{escape(text(f"clip.zoom.{what}"))}">{sign}</button>'
        for what, sign in (("back", "‹"), ("out", "−"), ("all", "⤢"), ("in", "+"), ("on", "›"))
    )
    return (
        f'<div class="tracks-bar"><output class="reading" data-reading></output>'
        f'<span class="zooms" role="group">{buttons}</span></div>'
    )
