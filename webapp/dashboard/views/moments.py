"""Moments: peaks, sudden changes and brief flashes, in a table that can be annotated by hand."""

from pathlib import Path

import pandas as pd
import streamlit as st

from emotion_core.analytics import moments
from emotion_core.files import written_beside
from emotion_core.results.names import MOMENTS, moments_path, name_of
from emotion_core.types import EmotionError
from webapp.charts import compare
from webapp.dashboard import choices, shown, state
from webapp.dashboard.player import has_video, player
from webapp.shared.speech import library, number, say

KINDS = ["Peak", "Change", "Flash"]
LABELS = ["confirmed", "rejected", "unsure"]
BLANK = "–"
"""Stands where a moment has no label yet; nothing stands there in the file."""
KEPT = ["kind", "face", "time", "what", "label", "note"]


def page() -> None:
    """Draw the page."""
    view = state.view_or_stop(say("page.moments"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = choices.picks(
            say("dash.moments.kinds"),
            KINDS,
            default=KINDS,
            key="kinds",
            widget=st.segmented_control,
            selection_mode="multi",
            format_func=lambda kind: say(f"kind.{kind}"),
        )
        sensitivity = choices.slide(
            say("dash.moments.sensitivity"), 0.2, 5.0, 1.0, 0.2, key="sensitivity", width=200
        )
        count = choices.slide(say("dash.moments.count"), 5, 50, 12, 1, key="count", width=200)
    found = shown.once(view, moments.moments, view.frame, count=count, sensitivity=sensitivity)
    found = found[found["kind"].isin(kinds)]
    with st.container(horizontal=True):
        for kind in KINDS:
            st.metric(
                say(f"kind.{kind}.many"),
                int((found["kind"] == kind).sum()),
                border=True,
                width=140,
            )
    figure = compare.moments_chart(found, view.start, view.end)
    event = shown.show(
        figure,
        "moments",
        text=say("dash.moments.about"),
        select=True,
    )
    if "Flash" in kinds:
        caution = f"**{say('kind.Flash.many')}**: {library(moments.FLASH_CAUTION)}"
        st.warning(caution, icon=":material/warning:")
    if has_video(view):
        points = (event or {}).get("selection", {}).get("points", [])
        time = float(points[0]["x"]) if points else None
        left, _ = st.columns([2, 3])
        with left:
            player(view, time, "moments")
            at = None if time is None else say("dash.at", time=number(time, ".2f"))
            st.caption(at or say("dash.moments.click"))
    _notes(view, found)


def _notes(view: state.View, found: pd.DataFrame) -> None:
    st.subheader(say("dash.notes"), anchor=False)
    st.caption(say("dash.notes.about"))
    saved = _saved(view)
    table = _merged(found, saved)
    edited = st.data_editor(
        table,
        hide_index=True,
        num_rows="dynamic",
        placeholder="",
        key=f"notes_{id(view.results)}",
        column_config={
            "kind": st.column_config.SelectboxColumn(
                say("term.kind"),
                options=[*KINDS, "Own"],
                default="Own",
                format_func=lambda kind: say(f"kind.{kind}"),
            ),
            "face": st.column_config.NumberColumn(say("term.person"), format="%d", step=1),
            "time": st.column_config.NumberColumn(say("chart.time"), format="%.2f", min_value=0.0),
            "what": st.column_config.TextColumn(say("term.what")),
            "label": st.column_config.SelectboxColumn(
                say("dash.notes.label"),
                options=[BLANK, *LABELS],
                default=BLANK,
                format_func=lambda name: say(f"dash.notes.{name}") if name in LABELS else str(name),
            ),
            "note": st.column_config.TextColumn(say("dash.notes.note"), width="large", default=""),
        },
    )
    text = edited.assign(label=edited["label"].replace(BLANK, "")).to_csv(index=False).encode()
    name = f"{name_of(view.results.name)}{MOMENTS}.csv"
    with st.container(horizontal=True):
        target = notes_path(view)
        if target is not None and st.button(say("dash.notes.save"), icon=":material/save:", key="save_notes"):
            try:
                _write(target, text)
                st.session_state.pop(f"notes_{id(view.results)}", None)
                st.toast(say("dash.notes.saved", name=target.name), icon=":material/check:")
            except (OSError, EmotionError) as error:
                why = getattr(error, "strerror", None) or say("dash.notes.other")
                st.error(say("dash.notes.failed", name=target.name, why=why))
        st.download_button(
            say("dash.notes.download"),
            text,
            file_name=name,
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            key="get_notes",
        )
    if target is None:
        st.caption(say("dash.notes.where"))


def notes_path(view: state.View) -> Path | None:
    """Return the file that holds the notes about the view's file; None where it has no place of its own."""
    path = view.results.path
    if view.results.source != "folder" or path is None:
        return None
    return moments_path(path)


def _saved(view: state.View) -> pd.DataFrame:
    path = notes_path(view)
    empty = pd.DataFrame(columns=KEPT)
    if path is None or not path.is_file():
        return empty
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError):
        st.warning(say("dash.notes.unread", name=path.name))
        return empty
    return table.reindex(columns=KEPT)


def _merged(found: pd.DataFrame, saved: pd.DataFrame) -> pd.DataFrame:
    """Give the moments found with the notes made before; noted moments stay, even when not found any more."""
    fresh = pd.DataFrame(
        {
            "kind": found["kind"].astype(object),
            "face": pd.to_numeric(found["face"]).astype(float),
            "time": found["time"].astype(float).round(2),
            "what": found["what"].map(library).astype(object),
            "label": BLANK,
            "note": "",
        }
    )
    empty = {"label": BLANK, "note": ""}  # or cells would say "None"
    saved = saved.assign(**{n: saved[n].astype(object).where(saved[n].notna(), e) for n, e in empty.items()})
    noted = saved[(saved["label"] != BLANK) | (saved["note"] != "") | (saved["kind"] == "Own")].copy()
    if noted.empty:
        return fresh
    noted["face"] = pd.to_numeric(noted["face"], errors="coerce")
    noted["time"] = pd.to_numeric(noted["time"], errors="coerce").round(2)
    both = pd.concat([noted.astype(object), fresh.astype(object)], ignore_index=True)
    both = both.drop_duplicates(["kind", "face", "time"], keep="first")
    both["face"], both["time"] = both["face"].astype(float), both["time"].astype(float)
    return both.sort_values("time", kind="stable").reset_index(drop=True)


def _write(target: Path, text: bytes) -> None:
    with written_beside(target) as part:
        part.write_bytes(text)
