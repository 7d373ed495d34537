"""Agreement: readings of one recording side by side, and how well they agree, in figures and words."""

import pandas as pd
import streamlit as st

from emotion_core.analytics.agreeing import Agreed, agree, as_table, crossed, is_sample
from emotion_core.analytics.loading import Results
from emotion_core.types import EmotionError
from webapp.charts.responses import side_by_side
from webapp.dashboard import choices, shown, state
from webapp.shared.speech import Texts, capital, label, library, measure, number, say

TEXTS = Texts("dash.agreement")


def page() -> None:
    """Draw the page."""
    st.title(say("page.agreement"))
    st.write(TEXTS["about"])
    have = state.files()
    if len(have) < 2:
        st.info(TEXTS["few"])
        return
    names = list(have)
    view = st.session_state.get("view")
    start = view.results.name if view is not None else names[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = choices.pick(TEXTS["first"], names, key="rater_a", default=start, width=260)
        others = [name for name in names if name != first]
        second = choices.pick(TEXTS["second"], names, key="rater_b", default=_likely(have, others), width=260)
    if first == second:
        st.info(TEXTS["same"])
        return
    both = {name: have[name] for name in (first, second)}
    for name, results in both.items():
        st.caption(_origin(name, results))
    people = _people(both)
    if people is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step = choices.slide(TEXTS["step"], 0.1, 5.0, 0.5, 0.1, key="step", width=200)
        tolerance = choices.slide(TEXTS["tolerance"], 0.0, 5.0, 0.5, 0.1, key="tolerance", width=200)
    _drawn(both, people)
    _figures(both, people, step, tolerance)


def _likely(have: dict[str, Results], others: list[str]) -> str:
    """Return the file that is probably meant: one that does not come from us, else the next."""
    return next((name for name in others if have[name].origin is not None), others[0])


def _origin(name: str, results: Results) -> str:
    said = f"**{name}**: {library(results.origin) if results.origin else TEXTS['ours']}"
    if results.foreign is not None:
        kinds = results.foreign.attrs["measures"]
        shown_kinds = [f"{key} ({unit})" for key, unit in list(kinds.items())[:6]]
        said += (
            f"; {TEXTS['measures'].format(measures=', '.join(shown_kinds))}{' …' if len(kinds) > 6 else ''}"
        )
    if results.rate is not None:
        said += f"; {say('dash.notimes', n=number(results.rate, 'g'))}"
    return said.replace("$", "\\$")


def _people(both: dict[str, Results]) -> tuple[int, int] | None:
    """Draw the choice of the person in each file; None where one of them shows nobody."""
    chosen: list[int] = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for key, (name, results) in zip(("a", "b"), both.items(), strict=True):
            people = sorted(int(face) for face in results.table["face"].dropna().unique())
            if not people:
                st.info(TEXTS["nobody"].format(name=name, page=say("page.events")))
                return None
            default = chosen[0] if chosen and chosen[0] in people else people[0]
            chosen.append(
                choices.pick(
                    TEXTS["person"].format(name=name), people, key=f"person_{key}", default=default, width=260
                )
            )
    return chosen[0], chosen[1]


def _drawn(both: dict[str, Results], people: tuple[int, int]) -> None:
    tables = {name: (results.table, who) for (name, results), who in zip(both.items(), people, strict=True)}
    ends = [(t["time"].min(), (t["time"] + t["duration"].fillna(0)).max()) for t, _ in tables.values()]
    start, end = max(low for low, _ in ends), min(high for _, high in ends)
    view = st.session_state.get("view")
    if view is not None and view.end > start and view.start < end:
        start, end = max(start, view.start), min(end, view.end)
    lines = [c for c in ("valence", "arousal") if any(t[c].notna().any() for t, _ in tables.values())]
    shown.show(side_by_side(tables, float(start), float(end), lines), "side_by_side", heading=TEXTS["side"])


def _figures(both: dict[str, Results], people: tuple[int, int], step: float, tolerance: float) -> None:
    tables = {name: results.table for name, results in both.items()}
    for name, table in tables.items():
        if is_sample(table):
            st.caption(TEXTS["sampled"].format(name=name).replace("$", "\\$"))
    try:
        found = agree(tables, [people], step=step, tolerance=tolerance)
    except EmotionError as error:
        st.info(library(str(error)))
        return
    _said(found)
    cells = crossed(list(tables.values()), people, step)
    if cells.size:
        st.subheader(TEXTS["crossed"], anchor=False)
        cells = cells.rename(index=label, columns=label).rename_axis(index="A", columns="B")
        st.dataframe(cells, placeholder=shown.EMPTY, key="crossed")


def _said(found: list[Agreed]) -> None:
    st.subheader(TEXTS["sentences"], anchor=False)
    st.markdown(
        "\n".join(f"- {capital(measure(one.measure))}: {library(one.figure.sentence)}" for one in found)
    )
    st.subheader(TEXTS["figures"], anchor=False)
    table: pd.DataFrame = as_table(found)
    st.dataframe(shown.headed(table.round(3), 3), hide_index=True, placeholder=shown.EMPTY, key="agreement")
    st.caption(TEXTS["caption"])
    st.download_button(
        TEXTS["download"],
        table.to_csv(index=False).encode(),
        file_name="agreement.csv",
        mime="text/csv",
        key="get_agreement",
        on_click="ignore",
        icon=":material/download:",
    )
