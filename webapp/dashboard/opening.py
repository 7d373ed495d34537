"""Opening results files in the dashboard: from a path, an upload, a link of the web app, or made up."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from emotion_core.analytics import loading, sample
from emotion_core.results.names import RESULTS
from emotion_core.types import EmotionError
from webapp.dashboard import choices
from webapp.dashboard.state import add, complain, files, folder, keep_video, results_folder
from webapp.shared import owners, uploads
from webapp.shared.speech import number, say
from webapp.shared.visitor import COOKIE, Visitor

LARGE = 16 * 1024 * 1024
"""Results files from this size on (bytes) are announced while they are read."""


@contextlib.contextmanager
def reading(name: str, size: int) -> Iterator[None]:
    """Show that a large file is being read.

    It is shown as a table so that the browser fetches and unpacks, while the server reads, what it needs for
    tables: the one of what was loaded then appears at once.
    """
    if size < LARGE:
        yield
        return
    place = st.empty()
    with place.container():
        st.caption(say("dash.reading"))
        st.dataframe(
            pd.DataFrame({say("dash.file"): [name], say("dash.size"): [f"{number(size / 1e6, ',.0f')} MB"]}),
            hide_index=True,
        )
    try:
        yield
    finally:
        place.empty()


@st.cache_resource(max_entries=6, ttl=3600, show_spinner=False)
def _read(path: str, name: str, changed: int, size: int) -> loading.Results:
    return loading.read(Path(path), name=name)


def open_path(path: Path, name: str) -> None:
    """Load a file of the results folder; a file that did not change is read once for all sessions."""
    try:
        stat = path.stat()
        with reading(name, stat.st_size):
            add(_read(str(path), name, stat.st_mtime_ns, stat.st_size))
    except (EmotionError, OSError) as error:
        complain(name, error)


def open_upload(name: str, data: Any) -> None:
    """Load an uploaded results file, or keep an uploaded video for the results of the same name.

    `data` is anything with `getbuffer()`: the file, or what the web app put in its place when it wrote the
    file to disk. The name is shown but never used as a path.
    """
    suffix = Path(name).suffix.lower()
    place = uploads.fetch(bytes(data.getbuffer()[:100]))
    if place is None:
        place = folder() / f"{uuid.uuid4().hex}{suffix if suffix.isascii() and len(suffix) <= 8 else ''}"
        place.write_bytes(data.getbuffer())
    if suffix in loading.VIDEO_SUFFIXES:
        keep_video(name, place)
        return
    try:
        with reading(name, place.stat().st_size):
            add(loading.read(place, name=name, source="upload"))
    except EmotionError as error:
        complain(name, EmotionError(str(error).replace(str(place), name).replace(place.name, name)))
    finally:
        place.unlink(missing_ok=True)


def make_sample(kind: str) -> None:
    """Add the made-up conversation or study, once."""
    if any(results.source == f"made:{kind}" for results in files().values()):
        return
    if kind == "study":
        tables = sample.make_study()
    else:
        tables = {f"{sample.MARK}_conversation{RESULTS}": sample.make_recording()}
    for name, table in tables.items():
        add(loading.check(table, name=name, source=f"made:{kind}", made=True))


def open_token(token: str) -> None:
    """Load every file of the result that the web app has made for this browser under `token`."""
    place = owners.folder_of(token, Visitor.from_values(st.context.cookies.get(COOKIE)))
    if place is None:
        complain(say("dash.app"), EmotionError(say("dash.app.notyours")))
        return
    found = sorted(place.glob(f"*{RESULTS}.json"))
    if not found:
        complain(say("dash.app"), EmotionError(say("dash.app.empty")))
    for file in found:
        open_path(file, file.name)
    for name, results in files().items():
        if results.path in found[:1]:
            choices.put("file", [name])


LOADING = ("open", "made", "result", "page")
"""Names in the address that say what to load and where to go; the others are choices."""


def restore() -> None:
    """Load what the address asks for, once a session."""
    if "restored" in st.session_state:
        return
    st.session_state["restored"] = True
    query = st.query_params
    where = results_folder()
    for name in query.get_all("open")[: loading.MAX_FILES]:
        try:
            if where is None:
                raise EmotionError(say("dash.folder.none"))
            open_path(loading.inside(where, name), name)
        except EmotionError as error:
            complain(name, error)
    for kind in query.get_all("made"):
        if kind in ("conversation", "study"):
            make_sample(kind)
    if token := query.get("result"):
        st.session_state["token"] = token
        open_token(token)
    wanted = query.get("file")
    if wanted and wanted not in files() and not token:
        complain(wanted, EmotionError(say("dash.uploaded")))
