"""Blind coding: random spans of a video, without what was read, get a label each by one key."""

import re
from pathlib import Path

import pandas as pd
import streamlit as st

from emotion_core.analytics import blind, loading
from emotion_core.labels import EMOTIONS
from emotion_core.results.names import name_of
from emotion_core.types import EmotionError
from webapp.dashboard import choices, state
from webapp.shared.speech import Texts, label, library, say

TEXTS = Texts("dash.coding")
# Plays one span over and over; st.video knows whole seconds only.
_LOOP = """
export default function ({ data }) {
  if (!data) return;
  const go = () => {
    const video = document.querySelector('[data-testid="stVideo"]');
    if (!video) return false;
    window.emotionSpan = data;
    const jump = () => { video.currentTime = window.emotionSpan.start; video.play().catch(() => {}); };
    if (!video.emotionLoops) {
      video.emotionLoops = true;
      video.muted = true;
      const turn = () => {
        const span = window.emotionSpan;
        if (video.currentTime >= span.end || video.currentTime < span.start - 0.3) jump();
      };
      video.addEventListener('timeupdate', turn);
      video.addEventListener('ended', jump);
    }
    if (video.readyState > 0) jump(); else video.addEventListener('loadedmetadata', jump, { once: true });
    return true;
  };
  if (!go()) setTimeout(go, 400);
}
"""


def page() -> None:
    """Draw the page; it shows nothing of what was read."""
    view = state.view_or_stop(say("page.coding"))
    st.write(TEXTS["about"].format(count=blind.SPANS, page=say("page.agreement")))
    if view.results.origin is not None:
        st.info(TEXTS["foreign"])
        return
    video = plain_video(view.results)
    if video is None:
        st.info(TEXTS["no_video"].format(page=say("page.files")))
        return
    if video.stat().st_size > state.MAX_VIDEO:
        st.info(say("dash.video.large", n=state.MAX_VIDEO // 1_000_000))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        person = choices.pick(say("term.person"), sorted(view.results.people), key="coded_person", width=130)
        coder = choices.text(TEXTS["coder"], "coder1", key="coder", width=170)
        key = f"coding:{view.results.name}:{person}:{coder}"
        begun = key in st.session_state
        if st.button(TEXTS["again" if begun else "begin"], key="begin_coding", icon=":material/play_arrow:"):
            _begin(view.results, int(person), coder, key)
    if key in st.session_state:
        _code(view.results, video, coder, key)


def plain_video(results: loading.Results) -> Path | None:
    """Return the video of a file in which nothing is drawn; None where there is none."""
    name = name_of(results.name)
    uploaded = st.session_state.get("videos", {}).get(name.lower())
    if uploaded is not None:
        path: Path = uploaded.path
        return path if path.is_file() else None
    if results.path is None or results.source != "folder":
        return None
    beside = (results.path.with_name(f"{name}{suffix}") for suffix in loading.VIDEO_SUFFIXES)
    return next((path for path in beside if path.is_file()), None)


def _begin(results: loading.Results, person: int, coder: str, key: str) -> None:
    try:
        # Another coder gets the same spans, so that coders can be compared too.
        task = blind.draw_spans(results.frame, person)
    except EmotionError as error:
        st.warning(library(str(error)))
        return
    st.session_state[key] = {"task": task, "labels": []}
    st.rerun()


def _code(results: loading.Results, video: Path, coder: str, key: str) -> None:
    kept = st.session_state[key]
    task: blind.Task = kept["task"]
    labels: list[str | None] = kept["labels"]
    at, count = len(labels), len(task.starts)
    st.progress(at / count, TEXTS["span"].format(number=min(at + 1, count), count=count))
    st.caption(TEXTS["alone"] if task.alone else TEXTS["others"].format(person=task.person))
    if at < count:
        left, _ = st.columns([3, 2])
        with left:
            st.video(str(video), muted=True, alt=say("page.coding"))
            loop = st.components.v2.component("emotion_span", js=_LOOP)
            loop(data={"start": task.starts[at], "end": task.starts[at] + task.length}, key="span")
        st.markdown(f"**{TEXTS['ask']}**")
    else:
        st.success(TEXTS["done"].format(count=count))

    def give(chosen: str | None) -> None:
        if len(labels) < count:
            labels.append(chosen)

    def back() -> None:
        if labels:
            labels.pop()

    with st.container(horizontal=True):
        shown = (
            *((str(n), label(name), name) for n, name in enumerate(EMOTIONS, 1)),
            ("0", TEXTS["none"], None),
        )
        for shortcut, text, name in shown:
            st.button(
                text,
                key=f"code_{shortcut}",
                shortcut=shortcut,
                on_click=give,
                args=(name,),
                disabled=at >= count,
            )
        st.button(
            TEXTS["back"],
            key="code_back",
            shortcut="Backspace",
            on_click=back,
            disabled=not labels,
            type="tertiary",
        )
    st.caption(TEXTS["keys"].format(last=len(EMOTIONS)))
    _keep(results, task, labels, coder)


def _keep(results: loading.Results, task: blind.Task, labels: list[str | None], coder: str) -> None:
    table = blind.coding_table(task, labels, coder)
    st.caption(TEXTS["so_far"].format(count=len(table)))
    if table.empty:
        return
    file = f"{name_of(results.name)}_coding_{re.sub(r'[^A-Za-z0-9-]+', '-', coder)[:40] or 'coder'}.tsv"
    place = results.path.with_name(file) if results.source == "folder" and results.path is not None else None
    with st.container(horizontal=True):
        if place is not None and st.button(say("dash.notes.save"), icon=":material/save:", key="save_coding"):
            try:
                blind.write_coding(table, place)
                st.toast(say("dash.notes.saved", name=file), icon=":material/check:")
            except (OSError, EmotionError) as error:
                why = getattr(error, "strerror", None) or library(str(error))
                st.error(say("dash.notes.failed", name=file, why=why))
        if st.button(TEXTS["load"], icon=":material/compare_arrows:", key="load_coding"):
            _load(table, file)
        st.download_button(
            say("dash.notes.download"),
            table.to_csv(sep="\t", index=False).encode(),
            file_name=file,
            mime="text/tab-separated-values",
            on_click="ignore",
            icon=":material/download:",
            key="get_coding",
        )


def _load(table: pd.DataFrame, file: str) -> None:
    """Take the coding into the session as a file of its own, in place of what it was before."""
    place = state.folder() / file
    blind.write_coding(table, place)
    try:
        results = loading.read(place, name=file, source="upload")
    finally:
        place.unlink(missing_ok=True)
    state.files().pop(file, None)
    state.add(results)
    st.toast(TEXTS["loaded"].format(file=file, page=say("page.agreement")))
    st.rerun()
