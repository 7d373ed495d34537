"""What the pages share: the loaded files of this browser session, the current view, and how a chart is shown.

The address says what is loaded and chosen (see `choices`), so it is the link that restores a view. Files live
in the session and are gone with it.
"""

import argparse
import importlib
import math
import os
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import pandas as pd
import streamlit as st

from emotion_core.analytics import loading, measures, studies
from emotion_core.analytics.figures import ASSUMED_FPS
from emotion_core.results.names import name_of, read_summary, stated_source, summary_path, video_names
from emotion_core.types import EmotionError
from webapp.dashboard import choices
from webapp.shared.speech import Texts, call, capital, library, number, person, say

TEXTS = Texts("dash.foreign")
FOLDER_VARIABLE = "EMOTION_DASHBOARD_RESULTS"
"""The environment variable that names the results folder where there is no `--results`."""
SHOWN_PEOPLE = 6
"""People chosen at first in a file with more of them."""
MAX_VIDEO = 300 * 1024 * 1024
"""Larger videos (bytes) are not shown beside the charts: the page would hold them in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The file, people and stretch of time that every page is about; `frame` holds their records."""

    results: loading.Results
    frame: pd.DataFrame
    people: list[int]
    start: float
    end: float

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells this view from others of the same session."""
        names = tuple(sorted(self.results.names.items()))
        return (id(self.results), tuple(self.people), self.start, self.end, names)

    @property
    def by_person(self) -> dict[str, pd.DataFrame]:
        """The records of each person, by their shown name."""
        faces = self.frame["face"]
        return {person(face): self.frame[faces == face] for face in self.people}


def results_folder() -> Path | None:
    """Give the folder of `--results DIR` or of the variable; None where none was given or it isn't there."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--results", default=os.environ.get(FOLDER_VARIABLE))
    given = parser.parse_known_args(sys.argv[1:])[0].results
    return Path(given) if given and Path(given).is_dir() else None


@st.cache_resource(max_entries=3, ttl=3600, show_spinner=False)
def _study(folder: str, changed: int) -> studies.Study:
    return studies.read(Path(folder))


def study() -> studies.Study | None:
    """Give the study that a batch has made in the results folder; None where there is none."""
    where = results_folder()
    changed = None if where is None else studies.stamp(where)
    if where is None or changed is None:
        return None
    try:
        return _study(str(where), changed)
    except EmotionError as error:
        complain(where.name, error)
        return None


def files() -> dict[str, loading.Results]:
    """Return the loaded files of this session by their shown names."""
    return st.session_state.setdefault("files", {})


def problems() -> list[dict[str, str]]:
    """Return the list of files that could not be loaded and why."""
    return st.session_state.setdefault("problems", [])


def complain(name: str, error: Exception) -> None:
    """Remember that a file could not be loaded."""
    entry = {"File": name, "Why it was not loaded": str(error)}
    if entry not in problems():
        problems().append(entry)


def show_problems() -> None:
    """Say of each file that could not be loaded why."""
    for problem in problems():
        said = library(problem["Why it was not loaded"])
        st.warning(f"**{problem['File']}**: {said}".replace("$", "\\$"))


def add(results: loading.Results) -> None:
    """Take a file into the session, under a name that no other file has."""
    have = files()
    *_, name = loading.unique_names([*have, results.name])
    have[name] = results if name == results.name else _renamed(results, name)


def _renamed(results: loading.Results, name: str) -> loading.Results:
    from dataclasses import replace

    return replace(results, name=name)


def folder() -> Path:
    """Return this session's own folder for uploads; it is deleted with the session."""
    holder = st.session_state.setdefault("folder", tempfile.TemporaryDirectory(prefix="emotion-dashboard-"))
    return Path(holder.name)


class KeptVideo:
    """An uploaded video, wherever it lies; it is deleted when the session lets go of this."""

    def __init__(self, path: Path) -> None:
        self.path = path
        weakref.finalize(self, path.unlink, missing_ok=True)


def keep_video(name: str, path: Path) -> None:
    """Keep an uploaded video for the results that belong to it, until the session ends."""
    videos, kept = st.session_state.setdefault("videos", {}), KeptVideo(path)
    videos[name.lower()] = videos[PurePath(name).stem.lower()] = kept


def keep_summary(name: str, summary: dict[str, Any]) -> None:
    """Keep an uploaded summary for the results of the same name."""
    st.session_state.setdefault("summaries", {})[name_of(name).lower()] = summary


def summary_of(results: loading.Results) -> dict[str, Any] | None:
    """Return the summary of a file: uploaded under the same name, or lying beside the results."""
    kept = st.session_state.get("summaries", {}).get(name_of(results.name).lower())
    if kept is not None or results.path is None or results.source == "upload":
        return kept
    return read_summary(summary_path(results.path))


def tokens_opened() -> list[str]:
    """Return the list of the web app's results that this session shows, by their tokens."""
    return st.session_state.setdefault("tokens", [])


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Import the libraries that pages need later, once a process and after the first page."""

    def load() -> None:
        for name in ("scipy.signal", "scipy.spatial", "tsdownsample", "ruptures", "statsmodels.stats.api"):
            importlib.import_module(name)

    thread = threading.Thread(target=load, name="dashboard-warm-up", daemon=True)
    thread.start()
    return thread


def loaded() -> dict[str, list[str]]:
    """Load what the address has to say about the files of this session."""
    have = list(files().values())
    tokens = tokens_opened()
    at_files = bool(tokens) and st.session_state.get("here") == "files"  # a result alone opens elsewhere
    return {
        "open": sorted(r.name for r in have if r.source == "folder" and not _from_app(r)),
        "made": sorted({r.source.split(":")[1] for r in have if r.made}),
        "result": tokens,
        "page": ["files"] if at_files else [],
    }


def wanted_page() -> str:
    """Return the page that the address asks for, once a session; an empty text otherwise.

    It is that of `page=`, and for results of the web app the overview.
    """
    if "arrived" in st.session_state:
        return ""
    st.session_state["arrived"] = True
    return st.query_params.get("page", "overview" if tokens_opened() and files() else "")


def _from_app(results: loading.Results) -> bool:
    """Return whether a file came by a link of the web app: such a file is not in the results folder."""
    where = results_folder()
    return results.path is None or where is None or where.resolve() not in results.path.resolve().parents


def video_of(results: loading.Results) -> Path | None:
    """Return the video of a file: uploaded under its name or its source's, or lying beside the results."""
    uploads = st.session_state.get("videos", {})
    *ours, bare = video_names(results.name)
    names = [name.lower() for name in (*ours, stated_source(summary_of(results)) or bare)]
    path = next((uploads[name].path for name in names if name in uploads), results.video)
    return path if path is not None and path.is_file() else None


def _other_file() -> None:
    choices.forget("who", "t", "person", "first", "second", "moves")


def sidebar() -> View | None:
    """Draw the choice of file, people and time; gives the view, or None where nothing is loaded."""
    have = files()
    call({})
    if not have:
        return None
    with st.sidebar:
        name = choices.pick(
            say("dash.file"), list(have), key="file", format_func=short_names(have).get, on_change=_other_file
        )
        _rate(have)
        results = have[name]
        call(results.names)
        people = results.people
        chosen: list[int] = []
        if people:
            chosen = choices.picks(
                say("dash.people"),
                sorted(people),
                default=sorted(people[:SHOWN_PEOPLE]),
                format_func=person,
                key="who",
                placeholder=say("dash.option"),
            )
            if len(people) > SHOWN_PEOPLE:
                st.caption(say("dash.people.many", n=number(len(people)), most=SHOWN_PEOPLE))
        start, end = _time_range(results)
    frame = measures.select(results.frame, people=chosen, start=start, end=end)
    return View(results, frame, [int(face) for face in chosen], start, end)


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return what files are called where room is short: "talk" for talk_results.json, if no other is so."""
    full = list(names)
    short = [name_of(name) for name in full]
    return {name: one if short.count(one) == 1 else name for name, one in zip(full, short, strict=True)}


def _rate(have: dict[str, loading.Results]) -> None:
    """Draw the choice of the frame rate of the files that hold no times, where there are any, and use it."""
    guessed = [name for name, results in have.items() if results.rate is not None]
    if not guessed:
        return
    rate = choices.slide(
        say("dash.rate"),
        *(1.0, 120.0, ASSUMED_FPS, 1.0),
        key="rate",
        help=say("dash.rate.about", n=len(guessed)),
    )
    for name in guessed:
        have[name] = loading.at_rate(have[name], rate)


def _time_range(results: loading.Results) -> tuple[float, float]:
    """Draw the slider of the time range; gives it in seconds."""
    times = results.frame["time"]
    low = float(times.min())
    high = low + measures.length(results.frame)
    step = 1.0 if high - low > 600 else 0.1
    low, high = math.floor(low / step + 1e-3) * step, math.ceil(high / step - 1e-3) * step
    low, high = round(low, 1), round(high, 1)
    if high - low < 2 * step:
        return low, high
    form = "%.0f" if step == 1.0 else "%.1f"
    start, end = choices.slide(say("dash.range"), low, high, (low, high), step, key="t", format=form)
    return start, end


def view_or_stop(title: str, *, faces: bool = True, affect: bool = False) -> View:
    """Write the page's title and give the view; where there is nothing to show, say so and end the page.

    A page that is about `faces`, or valence and arousal (`affect`), has nothing to show of some other tools.
    """
    st.title(title)
    view = st.session_state.get("view")
    if view is None:
        show_problems()
        st.info(say("dash.none", page=say("page.files")))
        st.stop()
    if view.results.made:
        st.badge(
            say("dash.made"),
            icon=":material/science:",
            color="violet",
        )
    if (rate := view.results.rate) is not None:
        st.badge(
            say("dash.notimes", n=number(rate, "g")),
            icon=":material/timer_off:",
            color="orange",
        )
    if (origin := view.results.origin) is not None:
        origin = library(origin)
        st.badge(TEXTS["origin"].format(origin=origin), icon=":material/input:", color="blue")
        lacks = "labels" if faces and view.results.frame["face"].isna().all() else None
        if affect and view.results.frame["valence"].isna().all():
            lacks = "affect"
        if lacks is not None:
            st.info(TEXTS[lacks].format(origin=capital(origin), page=say("page.events")))
            st.stop()
    if view.results.frame["face"].isna().all() and faces:
        st.info(say("dash.noface"))
        st.stop()
    if not view.people and view.results.people:
        st.info(say("dash.choose"))
        st.stop()
    if view.frame.empty or (faces and view.frame["face"].isna().all()):
        st.info(say("dash.nobody"))
        st.stop()
    return view
