"""Signals: head, eyes, lids, smiles and approximate action units, where the file holds what they come of."""

import numpy as np
import pandas as pd
import streamlit as st

from emotion_core.analytics import measures
from emotion_core.analytics.signal_tables import blinks_of, of_people
from emotion_core.analytics.signals import UNITS
from webapp.charts.signals import signal_lines, units_map
from webapp.dashboard import choices, shown, state
from webapp.shared.speech import Texts, library, number, person, say

TEXTS = Texts("dash.signals")
DEGREES, SHARE = "degrees", "share"
_HEAD = ("pose_yaw", "pose_pitch", "pose_roll")
_LOOK = ("look_right", "look_up")
_SMILE = ("smile_left", "smile_right")


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop(say("page.signals"), faces=False)
    whole = view.results.signals
    if whole is None:
        st.info(TEXTS["none"])
        return
    st.write(TEXTS["about"])
    part = measures.select(whole, start=view.start, end=view.end)
    part = part[part["face"].isin(view.people)]
    if part.empty:
        st.info(say("dash.nobody"))
        return
    _people(view, part)
    _one(view, part)
    st.caption(TEXTS["others"].format(people=say("page.people")))


def _people(view: state.View, part: pd.DataFrame) -> None:
    st.subheader(TEXTS["figures"], anchor=False)
    table = shown.once(view, of_people, part)
    names = {name: TEXTS[name] for name in table.columns}
    table = table.rename(columns=names).rename_axis(say("term.person")).round(2).reset_index()
    table[say("term.person")] = table[say("term.person")].map(person)
    st.dataframe(shown.numbers(table), hide_index=True, placeholder=shown.EMPTY, key="signal_figures")


@shown.part
def _one(view: state.View, part: pd.DataFrame) -> None:
    """Draw what one person's face does."""
    present = measures.longest_seen(part)
    one = choices.pick(TEXTS["of"], present, format_func=person, key="signals_of", width=260)
    mine = part[part["face"] == one]
    have = set(mine.columns[mine.notna().any()])
    if set(_HEAD) <= have:
        _lines(view, mine, one, "head", _HEAD, DEGREES)
    if "gaze_yaw" in have:
        _lines(view, mine, one, "gaze", ("gaze_yaw",), DEGREES)
    if set(_LOOK) <= have:
        _lines(view, mine, one, "look", _LOOK, "both", (-1.0, 1.0))
    if "closure" in have:
        _lids(view, mine, one)
    if set(_SMILE) <= have:
        _smile(view, mine, one)
    if UNITS[0].column in have:
        figure = shown.once(view, units_map, mine, also=one)
        shown.show(figure, "units", heading=TEXTS["units"], text=TEXTS["units.about"])
        with st.expander(TEXTS["units.table"]):
            st.dataframe(_units(), hide_index=True, key="unit_table")


def _lines(
    view: state.View,
    mine: pd.DataFrame,
    one: int,
    key: str,
    columns: tuple[str, ...],
    unit: str,
    ends: tuple[float, float] | None = None,
) -> None:
    names = {name: TEXTS[f"line.{name}"] for name in columns}
    figure = shown.once(view, signal_lines, mine, names, TEXTS[unit], ends=ends, also=(one, key))
    shown.show(figure, key, heading=TEXTS[key], text=TEXTS[f"{key}.about"])


def _lids(view: state.View, mine: pd.DataFrame, one: int) -> None:
    found = blinks_of(mine, one)
    names = {"closure": TEXTS["line.closure"]}
    figure = signal_lines(mine, names, TEXTS[SHARE], ends=(0.0, 1.0), blinks=found)
    shown.show(figure, "lids", heading=TEXTS["lids"], text=TEXTS["lids.about"])
    lasting = 1000 * found.duration.mean() if len(found.onset) else np.nan
    with st.container(horizontal=True):
        st.metric(TEXTS["blinks"], len(found.onset), border=True, width=140)
        st.metric(TEXTS["per_minute"], _number(found.per_minute, ".1f"), border=True, width=172)
        st.metric(TEXTS["lasting.ms"], _number(lasting, ".0f"), border=True, width=172)
        st.metric(TEXTS["closures"], found.closures, border=True, width=172, help=TEXTS["closures.about"])
    if found.caution:
        st.warning(library(found.caution), icon=":material/warning:")


def _smile(view: state.View, mine: pd.DataFrame, one: int) -> None:
    _lines(view, mine, one, "smile", _SMILE, SHARE, (0.0, 1.0))
    tilt = measures.weighted_means(mine, ["smile_asymmetry"])["smile_asymmetry"].get(one, np.nan)
    st.metric(
        TEXTS["smile_asymmetry"],
        _number(tilt, "+.2f"),
        border=True,
        width=200,
        help=TEXTS["smile_asymmetry.about"],
    )


def _number(value: float, form: str) -> str:
    return number(value, form) if np.isfinite(value) else shown.EMPTY


def _units() -> pd.DataFrame:
    """Return which blendshapes stand for which unit."""
    rows = [[unit.number, library(unit.name), ", ".join(unit.shapes)] for unit in UNITS]
    return pd.DataFrame(rows, columns=[TEXTS["unit.number"], TEXTS["unit.name"], TEXTS["unit.shapes"]])
