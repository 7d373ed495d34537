"""Events: what faces show around stimuli, on average, with bands, figures and comparisons."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from emotion_core.analytics.compare import tags_by_pattern
from emotion_core.analytics.events import events_of, read_events
from emotion_core.analytics.loading import Results
from emotion_core.analytics.marks import MARKER
from emotion_core.analytics.responses import Window
from emotion_core.analytics.study_responses import StudyResponses, study_responses
from emotion_core.labels import EMOTIONS
from emotion_core.results.record import chances
from emotion_core.types import EmotionError
from webapp.charts.responses import response_curves
from webapp.dashboard import choices, marking, shown, state
from webapp.shared import uploads
from webapp.shared.speech import Texts, capital, library, measure, number, say

TEXTS = Texts("dash.events")
_BESIDES = 20  # columns of other tools that are offered


def page() -> None:
    """Draw the page."""
    st.title(say("page.events"))
    st.write(TEXTS["about"])
    have = state.files()
    if not have:
        st.info(say("dash.none", page=say("page.files")))
        return
    if any(results.made for results in have.values()):
        st.badge(say("dash.compare.made"), icon=":material/science:", color="violet")
    for name, results in have.items():
        if results.rate is not None:
            guess = say("dash.notimes", n=number(results.rate, "g"))
            st.caption(f"**{name}**: {guess}".replace("$", "\\$"))
    events = _events(have)
    if events is None:
        st.info(TEXTS["ask"].format(page=say("page.timeline")))
        return
    _found(have, events)


def _events(have: Mapping[str, Results]) -> pd.DataFrame | None:
    """Draw the choice of events; gives them, or None where there are none yet."""
    given = st.file_uploader(
        TEXTS["file"],
        type=["csv", "tsv", "txt", "eaf", "textgrid", "boris"],
        key="events_file",
        help=TEXTS["help"],
    )
    if given is not None:
        return _kept(given)
    markers = [
        {"onset": mark.onset, "duration": mark.duration, "name": mark.name, "source": name}
        for name, results in have.items()
        for mark in marking.marks_of(results).marks
        if mark.kind == MARKER
    ]
    marked = TEXTS["marks"].format(page=say("page.timeline"))
    if markers and choices.switch(f"{marked} ({len(markers)})", key="by_marks"):
        return events_of(pd.DataFrame(markers))
    kept: pd.DataFrame | None = st.session_state.get("events")
    return kept


def _kept(given: Any) -> pd.DataFrame | None:
    """Read an uploaded file of events, and keep what it holds for this session."""
    place = uploads.fetch(bytes(given.getbuffer()[:100]))
    if place is None:
        suffix = Path(given.name).suffix.lower()
        place = state.folder() / f"{uuid.uuid4().hex}{suffix}"
        place.write_bytes(given.getbuffer())
    try:
        st.session_state["events"] = read_events(place)
    except EmotionError as error:
        said = str(error).replace(str(place), given.name).replace(place.name, given.name)
        st.warning(library(said))
        st.session_state.pop("events", None)
    finally:
        place.unlink(missing_ok=True)
    events: pd.DataFrame | None = st.session_state.get("events")
    return events


def _found(have: Mapping[str, Results], events: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        offered = _offered(have)
        measures = choices.picks(
            TEXTS["measures"],
            offered,
            default=offered[:2],
            format_func=measure,
            key="measures",
            width=330,
            placeholder=say("dash.option"),
        )
        before = choices.slide(TEXTS["before"], 0.0, 10.0, 1.0, 0.5, key="before", width=170)
        after = choices.slide(TEXTS["after"], 1.0, 30.0, 4.0, 0.5, key="after", width=170)
        method = choices.segment(
            TEXTS["method"], ["permutation", "mixed"], format_func=TEXTS.__getitem__, key="by_test"
        )
        pattern = choices.text(
            TEXTS["pattern"],
            "",
            key="event_groups",
            width=230,
            help=TEXTS["pattern_help"],
            placeholder="*_{tag}_*",
        )
    excluded = {name: marking.marks_of(results).exclusions for name, results in have.items()}
    if count := sum(map(len, excluded.values())):
        st.caption(TEXTS["left_out"].format(count=count))
    if not measures:
        return
    try:
        found = study_responses(
            {name: results.table for name, results in have.items()},
            events,
            measures,
            Window(before, after),
            groups=tags_by_pattern(list(have), pattern) if pattern else None,
            exclude=excluded,
            method=method,
        )
    except EmotionError as error:
        st.warning(library(str(error)))
        return
    _show(found, events, len(have))


def _offered(have: Mapping[str, Results]) -> list[str]:
    """Return the measures that the loaded files may hold."""
    named = {"emotion", "objects", "frame", "time", "duration", "face", "uncertain", "confidence"}
    named |= {"valence", "arousal", *(f"box_{side}" for side in "xywh")}
    labels = list(dict.fromkeys((*EMOTIONS, *(label for r in have.values() for label in r.labels))))
    affect = [
        name for name in ("valence", "arousal") if any(r.table[name].notna().any() for r in have.values())
    ]
    foreign = [r.foreign for r in have.values() if r.foreign is not None]
    named |= {name for table in foreign for name in chances(table.columns)}
    own = [str(c) for table in foreign for c in table.columns if c not in named]
    if not affect and all(r.frame["face"].isna().all() for r in have.values()):
        labels = []
    return [*affect, *labels, *list(dict.fromkeys(own))[:_BESIDES]] or list(EMOTIONS)


def _show(found: StudyResponses, events: pd.DataFrame, recordings: int) -> None:
    with st.container(horizontal=True):
        st.metric(say("page.events"), len(events), border=True, width=140)
        st.metric(TEXTS["recordings"], recordings, border=True, width=140)
    for note in found.notes:
        st.caption(_note(note, found).replace("$", "\\$"))
    grouped = any(one.group for one in found.responses)
    split = grouped and choices.switch(TEXTS["split"], key="by_group")
    for what in dict.fromkeys(one.measure for one in found.responses):
        drawn = [one for one in found.responses if one.measure == what and bool(one.group) == split]
        text = TEXTS["band"] if what == found.responses[0].measure else None
        heading = capital(measure(what))
        shown.show(response_curves(drawn), f"response_{what}", heading=heading, text=text)
    st.subheader(TEXTS["figures"], anchor=False)
    st.markdown("\n".join(f"- {library(one.sentence)}" for one in found.responses).replace("$", "\\$"))
    figures = found.figures()
    st.dataframe(
        shown.headed(figures.round(3), 3), hide_index=True, placeholder=shown.EMPTY, key="response_figures"
    )
    if found.contrasts:
        st.subheader(TEXTS["contrasts"], anchor=False)
        st.markdown("\n".join(f"- {library(one.sentence)}" for one in found.contrasts).replace("$", "\\$"))
        table = found.contrast_table().round(4)
        table["method"] = table["method"].map(TEXTS.__getitem__)
        st.dataframe(
            shown.headed(table, 4), hide_index=True, placeholder=shown.EMPTY, key="response_contrasts"
        )
    st.caption(TEXTS["libraries"])
    with st.container(horizontal=True):
        files = {"table": figures, "curves": found.curves(), "trials": found.trial_table()}
        for key, table in files.items():
            st.download_button(
                TEXTS[key],
                table.to_csv(index=False).encode(),
                file_name=f"response_{key}.csv",
                mime="text/csv",
                key=f"get_{key}",
                on_click="ignore",
                icon=":material/download:",
            )


def _note(note: str, found: StudyResponses) -> str:
    """Return a note as it is said here; one that is about a single measure begins with it."""
    what, colon, rest = note.partition(": ")
    if colon and any(what == one.measure for one in found.trials):
        return f"{capital(measure(what))}: {library(rest)}"
    return library(note)
