"""Files: upload results, choose from a folder, or make a sample; what was loaded, left out and why."""

from pathlib import Path

import pandas as pd
import streamlit as st

from emotion_core.analytics import loading, measures, studies
from emotion_core.results.formats import spoken
from emotion_core.types import EmotionError
from webapp.charts import shares
from webapp.dashboard import opening, shown, state
from webapp.shared.report import clock


def page() -> None:
    """Draw the page."""
    st.title("Files")
    st.write(
        f"Results of `main.py --video` or of the web app: {spoken()}, one or many. Add the "
        "annotated video of the same name to see it beside the timeline. Files stay in this session only."
    )
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
    number = st.session_state.setdefault("uploader", 0)
    given = st.file_uploader(
        "Results files and videos",
        type=[suffix[1:] for suffix in (*loading.all_endings(), *loading.VIDEO_SUFFIXES)],
        accept_multiple_files=True,
        max_upload_size=loading.MAX_BYTES // (1024 * 1024),
        key=f"upload{number}",
    )
    if not given:
        return
    with st.spinner("Reading…"):
        for file in given:
            opening.open_upload(file.name, file)
    # A fresh uploader lets go of the raw bytes, and the same file can be given again.
    st.session_state["uploader"] = number + 1
    st.rerun()


def _study(study: studies.Study) -> None:
    """Show what a batch has come to: its files by state, and a row for each."""
    st.subheader("Study", anchor=False)
    counts = study.files["state"].value_counts()
    said = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    more = "The page **Compare** compares all of them; load some to see more."
    st.caption(f"{len(study.files):,} files: {said}. {more}")
    figures = ["seconds", "people", "valence", "arousal", "changes_per_minute"]
    columns = ["file", "state", *figures, "error", "path"]
    table = study.files.reindex(columns=columns).sort_values("file")
    st.dataframe(
        table.set_axis([name.replace("_", " ").capitalize() for name in columns], axis=1),
        hide_index=True,
        key="study",
        column_config={
            "Seconds": st.column_config.NumberColumn(format="%.1f"),
            "Valence": st.column_config.NumberColumn(format="%+.2f"),
            "Arousal": st.column_config.NumberColumn(format="%.2f"),
        },
    )


def _results_folder(where: Path) -> None:
    st.subheader("Results folder", anchor=False)
    try:
        names = loading.list_results(where)
    except EmotionError as error:
        st.warning(str(error))
        return
    if not names:
        st.caption(f"There is no results file in {where.name}.")
        return
    loaded = {results.name for results in state.files().values() if results.source == "folder"}
    left = [n for n in names if n not in loaded]
    room = loading.MAX_FILES - len(state.files())
    if state.study() is not None and left and room > 0:
        many = f"all {len(left):,}" if len(left) <= room else f"the first {room:,} of {len(left):,}"
        if st.button(f"Load {many} files", icon=":material/library_add:", key="load_all"):
            with st.spinner("Reading…"):
                for name in left[:room]:
                    opening.open_path(loading.inside(where, name), name)
            st.rerun()
    chosen = st.multiselect(
        f"Files in {where.name}",
        left,
        key="from_folder",
        placeholder="Choose files",
    )
    if st.button("Load", disabled=not chosen, icon=":material/folder_open:", key="load_folder"):
        with st.spinner("Reading…"):
            for name in chosen:
                try:
                    opening.open_path(loading.inside(where, name), name)
                except EmotionError as error:
                    state.complain(name, error)
        st.rerun()


def _samples() -> None:
    st.subheader("No file at hand?", anchor=False)
    st.caption("Samples are made up on the spot and marked as such.")
    with st.container(horizontal=True):
        if st.button("Make a conversation", icon=":material/science:", key="make_conversation"):
            opening.make_sample("conversation")
            st.rerun()
        if st.button("Make a study of 12 files", icon=":material/science:", key="make_study"):
            opening.make_sample("study")
            st.rerun()


def _loaded() -> None:
    have = state.files()
    if not have:
        return
    st.subheader("Loaded", anchor=False)
    rows = []
    for name, results in have.items():
        figures = measures.extent(results.frame)
        rows.append(
            {
                "File": name,
                "Records": len(results.frame),
                "Length": clock(figures["length"]),
                "People": int(figures["people"]),
                "Faces found": 100 * figures["found"],
                "Left out": results.skipped,
                "From": results.origin or "",
                "Video": "yes" if state.video_of(results) else "",
                "Remarks": "; ".join([*(["made-up sample"] if results.made else []), *results.notes]),
            }
        )
    event = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key="loaded",
        column_config={
            "Faces found": st.column_config.NumberColumn(format="%.0f %%"),
            "Records": st.column_config.NumberColumn(format="localized"),
            "Remarks": st.column_config.TextColumn(width="large"),
        },
    )
    chosen = [str(rows[i]["File"]) for i in event["selection"]["rows"] if i < len(rows)]
    with st.container(horizontal=True):
        st.page_link(
            st.session_state["pages"]["overview"], label="Go to the overview", icon=":material/arrow_forward:"
        )
        if st.button(
            "Remove the chosen rows",
            disabled=not chosen,
            icon=":material/delete:",
            key="remove",
            type="tertiary",
        ):
            for name in chosen:
                have.pop(name, None)
            st.session_state.pop("token", None)
            st.rerun()
    # Said at once, and the browser has plotly by the time a page with more charts is opened.
    tables = {n: r.frame for n, r in list(have.items())[:24] if r.frame["face"].notna().any()}
    if tables:
        shown.show(shares.shares_by_file(tables), "loaded_shares", heading="Share of each emotion")
    for name, results in have.items():
        if results.notes:
            st.caption(f"**{name}**: {'; '.join(results.notes)}.".replace("$", "\\$"))


def _not_loaded() -> None:
    if not state.problems():
        return
    st.subheader("Not loaded", anchor=False)
    for problem in state.problems():
        st.warning(f"**{problem['File']}**: {problem['Why it was not loaded']}".replace("$", "\\$"))
    if st.button("Clear this list", key="clear", type="tertiary"):
        state.problems().clear()
        st.rerun()
