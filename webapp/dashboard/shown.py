"""How the dashboard draws: charts computed once, parts of a page that are drawn alone."""

import functools
import pickle
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from emotion_core.results.names import name_of
from webapp.charts.style import drawn_once, figure_data
from webapp.dashboard import choices, spoken
from webapp.dashboard.state import View, loaded
from webapp.shared import speech
from webapp.shared.speech import say

CONFIG = {
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "pan2d"],
}


PICTURES = ("PNG", "SVG")
EMPTY = "–"
"""Stands in a cell that has no value; Streamlit would write "None"."""


def picture_format() -> str:
    """Return the format in which the camera above each chart saves it, as plotly calls it."""
    chosen = st.session_state.get("pictures", PICTURES[0])
    return str(chosen).lower() if chosen in PICTURES else "png"


def choose_pictures() -> None:
    """Draw the choice of that format."""
    choices.segment(say("dash.pictures"), PICTURES, key="pictures", help=say("dash.pictures.about"))


def part(draw: Callable[..., None]) -> Callable[..., None]:
    """Make of `draw` a part of a page that is drawn alone when one of its own controls changes."""

    @st.fragment
    @functools.wraps(draw)
    def run(*args: Any) -> None:
        spoken.begin()  # alone, it is drawn without the frame around the page
        view: View | None = st.session_state.get("view")
        speech.call(view.results.names if view else {})
        try:
            draw(*args)
        finally:
            choices.write(**loaded())

    return run


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
    return _once(function, name, (*view.key, also, speech.language()), args, kwargs)


def numbers(table: pd.DataFrame, digits: int = 2) -> Any:
    """Return a table to show whose numbers are written in the spoken language; they sort as numbers."""
    if speech.separators() == ".,":
        return table
    return table.style.format(
        precision=digits, decimal=speech.decimal(), thousands=speech.thousands(), na_rep=EMPTY
    )


def headed(table: pd.DataFrame, digits: int) -> Any:
    """Return figures of the library as they are shown: without sentences, heads and words of the language."""
    table = table.drop(columns="sentence")
    for column, spoken_as in (
        ("measure", speech.measure),
        ("figure", speech.library),
        ("over", speech.library),
    ):
        if column in table:
            table[column] = table[column].map(spoken_as)
    return numbers(table.rename(columns=lambda name: say(f"column.{name}")), digits)


def show(
    figure: go.Figure,
    key: str,
    *,
    heading: str | None = None,
    text: str | None = None,
    select: bool = False,
    swift: bool = False,
) -> Any:
    """Show a chart with its heading, a button for its picture (the camera above) and its data as CSV.

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
    name = f"{key}_{name_of(st.session_state['view'].results.name)}" if st.session_state.get("view") else key
    config = {**CONFIG, "toImageButtonOptions": {"format": picture_format(), "scale": 2, "filename": name}}
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
        say("dash.data"),
        data=lambda: figure_data(figure).to_csv(index=False).encode(),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"data_{key}",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help=say("dash.data.about", format=picture_format().upper()),
    )
    return event
