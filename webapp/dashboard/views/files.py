"""Files: upload results, choose from a folder, or make a sample; what was loaded, left out and why."""

from pathlib import Path

import pandas as pd
import streamlit as st

from emotion_core.analytics import loading, measures, studies
from emotion_core.limits import MAX_RESULTS_BYTES
from emotion_core.results.formats import spoken
from emotion_core.types import EmotionError
from webapp.charts import shares
from webapp.dashboard import opening, shown, state
from webapp.shared.report import clock
from webapp.shared.speech import library, number, say


def page() -> None:
    """Draw the page."""
    st.title(say("page.files"))
    *formats, last = spoken().rsplit(" or ", 1)
    known = say("term.or", a=formats[0], b=last) if formats else last
    st.write(say("dash.files.about", formats=known))
    _uploads()
    where = state.results_folder()
    if (study := state.study()) is not None:
        _study(study)
    if where is None:
        _samples()
    else:
        left, right = st.columns(2, gap="large")
        with left:
            _results_folder(where)
        with right:
            _samples()
    _loaded()
    _not_loaded()


def _uploads() -> None:
    turn = st.session_state.setdefault("uploader", 0)
    given = st.file_uploader(
        say("dash.files.upload"),
        type=[suffix[1:] for suffix in (*loading.all_endings(), *loading.VIDEO_SUFFIXES)],
        accept_multiple_files=True,
        max_upload_size=MAX_RESULTS_BYTES // (1024 * 1024),
        key=f"upload{turn}",
    )
    if not given:
        return
    with st.spinner(say("dash.reading")):
        for file in given:
            opening.open_upload(file.name, file)
    # A fresh uploader lets go of the raw bytes, and the same file can be given again.
    st.session_state["uploader"] = turn + 1
    st.rerun()


def _study(study: studies.Study) -> None:
    """Show what a batch has come to: its files by state, and a row for each."""
    st.subheader(say("dash.files.study"), anchor=False)
    counts = study.files["state"].value_counts()
    said = ", ".join(f"{number(count)} {library(str(state))}" for state, count in counts.items())
    page = say("page.compare")
    st.caption(say("dash.files.study.about", n=number(len(study.files)), said=said, page=page))
    figures = ["seconds", "people", "valence", "arousal", "changes_per_minute"]
    columns = ["file", "state", *figures, "error", "path"]
    table = study.files.reindex(columns=columns).sort_values("file")
    table["state"] = table["state"].map(library)
    names = {name: say(f"dash.study.{name.partition('_')[0]}") for name in columns}
    st.dataframe(
        table.rename(columns=names),
        hide_index=True,
        placeholder=shown.EMPTY,
        key="study",
        column_config={
            names["seconds"]: st.column_config.NumberColumn(format="%.1f"),
            names["valence"]: st.column_config.NumberColumn(format="%+.2f"),
            names["arousal"]: st.column_config.NumberColumn(format="%.2f"),
        },
    )


def _results_folder(where: Path) -> None:
    st.subheader(say("dash.folder"), anchor=False)
    try:
        names = loading.list_results(where)
    except EmotionError as error:
        st.warning(library(str(error)))
        return
    if not names:
        st.caption(say("dash.folder.empty", folder=where.name))
        return
    loaded = {results.name for results in state.files().values() if results.source == "folder"}
    left = [n for n in names if n not in loaded]
    room = loading.MAX_FILES - len(state.files())
    if state.study() is not None and left and room > 0:
        if len(left) <= room:
            words = say("dash.folder.all", n=number(len(left)))
        else:
            words = say("dash.folder.first", n=number(room), all=number(len(left)))
        if st.button(words, icon=":material/library_add:", key="load_all"):
            with st.spinner(say("dash.reading")):
                for name in left[:room]:
                    opening.open_path(loading.inside(where, name), name)
            st.rerun()
    chosen = st.multiselect(
        say("dash.folder.files", folder=where.name),
        left,
        key="from_folder",
        placeholder=say("dash.folder.choose"),
    )
    if st.button(
        say("dash.folder.load"), disabled=not chosen, icon=":material/folder_open:", key="load_folder"
    ):
        with st.spinner(say("dash.reading")):
            for name in chosen:
                try:
                    opening.open_path(loading.inside(where, name), name)
                except EmotionError as error:
                    state.complain(name, error)
        st.rerun()


def _samples() -> None:
    st.subheader(say("dash.sample"), anchor=False)
    st.caption(say("dash.sample.about"))
    with st.container(horizontal=True):
        if st.button(say("dash.sample.talk"), icon=":material/science:", key="make_conversation"):
            opening.make_sample("conversation")
            st.rerun()
        if st.button(say("dash.sample.study"), icon=":material/science:", key="make_study"):
            opening.make_sample("study")
            st.rerun()


def _loaded() -> None:
    have = state.files()
    if not have:
        return
    st.subheader(say("dash.loaded"), anchor=False)
    rows = []
    for name, results in have.items():
        figures = measures.extent(results.frame)
        made = [say("dash.loaded.made")] if results.made else []
        rows.append(
            {
                say("term.file"): name,
                say("term.records"): len(results.frame),
                say("term.length"): clock(figures["length"]),
                say("term.people"): int(figures["people"]),
                say("term.found"): 100 * figures["found"],
                say("dash.loaded.out"): results.skipped,
                say("dash.loaded.from"): results.origin or "",
                say("dash.loaded.video"): say("yes") if state.video_of(results) else "",
                say("dash.loaded.remarks"): "; ".join([*made, *map(library, results.notes)]),
            }
        )
    event = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        placeholder=shown.EMPTY,
        key="loaded",
        column_config={
            say("term.found"): st.column_config.NumberColumn(format="%.0f %%"),
            say("term.records"): st.column_config.NumberColumn(format="localized"),
            say("dash.loaded.remarks"): st.column_config.TextColumn(width="large"),
        },
    )
    chosen = [list(have)[i] for i in event["selection"]["rows"] if i < len(rows)]
    with st.container(horizontal=True):
        st.page_link(
            st.session_state["pages"]["overview"],
            label=say("dash.loaded.go"),
            icon=":material/arrow_forward:",
        )
        if st.button(
            say("dash.loaded.remove"),
            disabled=not chosen,
            icon=":material/delete:",
            key="remove",
            type="tertiary",
        ):
            for name in chosen:
                have.pop(name, None)
            state.tokens_opened().clear()
            st.rerun()
    # Said at once, and the browser has plotly by the time a page with more charts is opened.
    tables = {n: r.frame for n, r in list(have.items())[:24] if r.frame["face"].notna().any()}
    if tables:
        shown.show(shares.shares_by_file(tables), "loaded_shares", heading=say("term.shares"))
    for name, results in have.items():
        if results.notes:
            st.caption(f"**{name}**: {'; '.join(map(library, results.notes))}.".replace("$", "\\$"))


def _not_loaded() -> None:
    if not state.problems():
        return
    st.subheader(say("dash.problems"), anchor=False)
    state.show_problems()
    if st.button(say("dash.problems.clear"), key="clear", type="tertiary"):
        state.problems().clear()
        st.rerun()
