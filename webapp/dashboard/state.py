"""What the pages share: the loaded files of this browser session, the current view, and how a chart is shown.

The address says what is loaded and chosen (see `choices`), so it is the link that restores a view. Files live
in the session and are gone with it.
"""

import argparse
import contextlib
import functools
import importlib
import math
import os
import pickle
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from emotion_core.analytics import loading, measures, sample
from emotion_core.types import EmotionError
from webapp.charts.style import drawn_once, figure_data
from webapp.dashboard import choices, links

FOLDER_VARIABLE = "EMOTION_DASHBOARD_RESULTS"
"""The environment variable that names the results folder where there is no `--results`."""
SHOWN_PEOPLE = 6
"""People chosen at first in a file with more of them."""
MAX_VIDEO = 300 * 1024 * 1024
"""Larger videos (bytes) are not shown beside the charts: the page would hold them in memory."""
LARGE = 16 * 1024 * 1024
"""Results files from this size on (bytes) are announced while they are read."""
CONFIG = {
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "pan2d"],
}


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
        return (id(self.results), tuple(self.people), self.start, self.end)

    @property
    def by_person(self) -> dict[str, pd.DataFrame]:
        """The records of each person, by their shown name."""
        faces = self.frame["face"]
        return {f"Person {face}": self.frame[faces == face] for face in self.people}


def results_folder() -> Path | None:
    """Give the folder of `--results DIR` or of the variable; None where none was given or it isn't there."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--results", default=os.environ.get(FOLDER_VARIABLE))
    given = parser.parse_known_args(sys.argv[1:])[0].results
    return Path(given) if given and Path(given).is_dir() else None


def files() -> dict[str, loading.Results]:
    """Give the loaded files of this session by their shown names."""
    return st.session_state.setdefault("files", {})


def problems() -> list[dict[str, str]]:
    """Give the list of files that could not be loaded and why."""
    return st.session_state.setdefault("problems", [])


def complain(name: str, error: Exception) -> None:
    """Remember that a file could not be loaded."""
    entry = {"File": name, "Why it was not loaded": str(error)}
    if entry not in problems():
        problems().append(entry)


def add(results: loading.Results) -> None:
    """Take a file into the session, under a name that no other file has."""
    have = files()
    *_, name = loading.unique_names([*have, results.name])
    have[name] = results if name == results.name else _renamed(results, name)


def _renamed(results: loading.Results, name: str) -> loading.Results:
    from dataclasses import replace

    return replace(results, name=name)


def folder() -> Path:
    """Give this session's own folder for uploads; it is deleted with the session."""
    holder = st.session_state.setdefault("folder", tempfile.TemporaryDirectory(prefix="emotion-dashboard-"))
    return Path(holder.name)


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
        st.caption("Reading…")
        st.dataframe(pd.DataFrame({"File": [name], "Size": [f"{size / 1e6:,.0f} MB"]}), hide_index=True)
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

    `data` is anything with `getbuffer()`. The name is shown but never used as a path.
    """
    suffix = Path(name).suffix.lower()
    place = folder() / f"{uuid.uuid4().hex}{suffix if suffix.isascii() and len(suffix) <= 8 else ''}"
    place.write_bytes(data.getbuffer())
    if suffix in loading.VIDEO_SUFFIXES:
        st.session_state.setdefault("videos", {})[stem(name)] = place
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
        tables = {f"{sample.MARK}_conversation_results": sample.make_recording()}
    for name, table in tables.items():
        add(loading.check(table, name=name, source=f"made:{kind}", made=True))


def open_token(token: str) -> None:
    """Load the result that the web app published for this browser under `token`."""
    owner = st.context.cookies.get(links.COOKIE)
    path = links.resolve(token, owner=owner if isinstance(owner, str) else None)
    if path is None:
        complain(
            "Result of the web app",
            EmotionError(
                "This link belongs to another browser, or the result was deleted: analyse the video again."
            ),
        )
        return
    found = [path] if path.is_file() else sorted(path.glob("*_results.json"))
    if not found:
        complain(
            "Result of the web app", EmotionError("There are no results in it: analyse the video again.")
        )
    for file in found:
        open_path(file, file.name)
        for name, results in files().items():
            if results.path == file:
                choices.put("file", [name])


LOADING = ("open", "made", "result", "page")
"""Names in the address that say what to load and where to go; the others are choices."""


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Import the libraries that pages need later, once a process and after the first page."""

    def load() -> None:
        for name in ("scipy.signal", "scipy.spatial", "tsdownsample", "ruptures", "statsmodels.stats.api"):
            importlib.import_module(name)

    thread = threading.Thread(target=load, name="dashboard-warm-up", daemon=True)
    thread.start()
    return thread


def restore() -> None:
    """Load what the address asks for and take over its choices, once a session."""
    choices.arrive(LOADING)
    if "restored" in st.session_state:
        return
    st.session_state["restored"] = True
    query = st.query_params
    where = results_folder()
    for name in query.get_all("open")[: loading.MAX_FILES]:
        try:
            if where is None:
                raise EmotionError("No results folder is open: start with --results DIR, or upload the file.")
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
        complain(wanted, EmotionError("This link shows a file that was uploaded: load it here once more."))


def loaded() -> dict[str, list[str]]:
    """Give what the address has to say about the files of this session."""
    have = list(files().values())
    token = st.session_state.get("token")
    return {
        "open": sorted(r.name for r in have if r.source == "folder" and not _from_app(r)),
        "made": sorted({r.source.split(":")[1] for r in have if r.made}),
        "result": [token] if token else [],
    }


def wanted_page() -> str:
    """Give the page that the address names by `page=`, once a session; an empty text otherwise."""
    if "arrived" in st.session_state:
        return ""
    st.session_state["arrived"] = True
    return st.query_params.get("page", "")


def part(draw: Callable[..., None]) -> Callable[..., None]:
    """Make of `draw` a part of a page that is drawn alone when one of its own controls changes."""

    @st.fragment
    @functools.wraps(draw)
    def run(*args: Any) -> None:
        try:
            draw(*args)
        finally:
            choices.write(**loaded())

    return run


def _from_app(results: loading.Results) -> bool:
    """Give whether a file came by a link of the web app: such a file is not in the results folder."""
    where = results_folder()
    return results.path is None or where is None or where.resolve() not in results.path.resolve().parents


def stem(name: str) -> str:
    """Give the part of a file name that results and their video share."""
    base = Path(name.replace("\\", "/")).name
    base = base.rsplit(".", 1)[0] if "." in base else base
    for ending in ("_results", "_annotated", "_emotions", "_output"):
        base = base.removesuffix(ending)
    return base.lower()


def video_of(results: loading.Results) -> Path | None:
    """Give the video beside a file: uploaded under the same name, or lying beside the results."""
    uploaded = st.session_state.get("videos", {}).get(stem(results.name))
    path = uploaded or results.video
    return path if path is not None and path.is_file() else None


def _other_file() -> None:
    choices.forget("who", "t", "person", "first", "second", "moves")


def sidebar() -> View | None:
    """Draw the choice of file, people and time; gives the view, or None where nothing is loaded."""
    have = files()
    if not have:
        return None
    with st.sidebar:
        name = choices.pick("File", list(have), key="file", on_change=_other_file)
        results = have[name]
        people = results.people
        chosen: list[int] = []
        if people:
            chosen = choices.picks(
                "People",
                sorted(people),
                default=sorted(people[:SHOWN_PEOPLE]),
                format_func=lambda face: f"Person {face}",
                key="who",
            )
            if len(people) > SHOWN_PEOPLE:
                st.caption(
                    f"{len(people)} people are in this file; at first the {SHOWN_PEOPLE} seen longest."
                )
        start, end = _time_range(results)
    frame = measures.select(results.frame, people=chosen, start=start, end=end)
    return View(results, frame, [int(face) for face in chosen], start, end)


def _time_range(results: loading.Results) -> tuple[float, float]:
    """Draw the slider of the time range; gives it in seconds."""
    times = results.frame["time"]
    low, high = float(times.min()), float(times.max())
    step = 1.0 if high - low > 600 else 0.1
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step
    low, high = round(low, 1), round(high, 1)
    if high - low < 2 * step:
        return low, high
    form = "%.0f" if step == 1.0 else "%.1f"
    start, end = choices.slide("Time (s)", low, high, (low, high), step, key="t", format=form)
    return start, end


def view_or_stop(title: str, *, faces: bool = True) -> View:
    """Write the page's title and give the view; where there is nothing to show, say so and end the page."""
    st.title(title)
    view = st.session_state.get("view")
    if view is None:
        st.info("No file is loaded. Open **Files** to upload results or to make a sample.")
        st.stop()
    if view.results.made:
        st.badge(
            "Made-up sample: no person and no video stands behind it",
            icon=":material/science:",
            color="violet",
        )
    if view.results.frame["face"].isna().all() and faces:
        st.info("No face was found in this file, so there is nothing to draw here.")
        st.stop()
    if not view.people and view.results.people:
        st.info("Choose at least one person in the sidebar.")
        st.stop()
    if view.frame.empty or (faces and view.frame["face"].isna().all()):
        st.info("Nobody is seen in this stretch of time: choose a longer one in the sidebar.")
        st.stop()
    return view


@st.cache_data(max_entries=96, show_spinner=False, scope="session")
def _once(
    _function: Callable[..., Any], name: str, key: tuple[Any, ...], _args: tuple[Any, ...], kwargs: Any
) -> Any:
    result = _function(*_args, **kwargs)
    # The cache gives figures back with their keys in another order, which Streamlit takes for another chart
    # and forgets what was clicked in it; so the first one is given in that order too.
    return pickle.loads(pickle.dumps(result)) if isinstance(result, go.Figure) else result


def once(view: View, function: Callable[..., Any], *args: Any, also: Any = (), **kwargs: Any) -> Any:
    """Call `function`, or give what it gave for the same view; `also` tells apart what `args` don't."""
    name = f"{function.__module__}.{function.__qualname__}"
    return _once(function, name, (*view.key, also), args, kwargs)


def show(
    figure: go.Figure,
    key: str,
    *,
    heading: str | None = None,
    text: str | None = None,
    select: bool = False,
    swift: bool = False,
) -> Any:
    """Show a chart with its heading, a PNG button (the camera above the chart) and its data as CSV.

    With `select` a click or a drawn box reruns the page; gives what was selected. `swift` is for a chart
    that is drawn anew often: the browser then draws it once, not twice.
    """
    look: dict[str, Any] = {}
    if swift:
        figure = drawn_once(figure, st.context.theme.type or "light")
        look["theme"] = None
    if heading:
        st.subheader(heading, anchor=False)
    if text:
        st.caption(text)
    name = f"{key}_{stem(st.session_state['view'].results.name)}" if st.session_state.get("view") else key
    config = {**CONFIG, "toImageButtonOptions": {"format": "png", "scale": 2, "filename": name}}
    if swift:
        config["doubleClickDelay"] = 200  # ms that a click on the legend waits for a second one
    event: Any
    if select:
        config["modeBarButtonsToRemove"] = ["lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"]
        event = st.plotly_chart(
            figure,
            key=f"chart_{key}",
            config=config,
            on_select="rerun",
            selection_mode=("points", "box"),
            **look,
        )
    else:
        event = st.plotly_chart(figure, key=f"chart_{key}", config=config, **look)
    st.download_button(
        "Data (CSV)",
        data=lambda: figure_data(figure).to_csv(index=False).encode(),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"data_{key}",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help="The points of this chart. The camera above the chart saves it as PNG.",
    )
    return event
