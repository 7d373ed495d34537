"""The registry of the dashboard's pages, and the page of records, by Streamlit's AppTest."""

import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from emotion_core.results.recording import read_results
from tests.tables import rows_of, write_json
from webapp.dashboard import state
from webapp.dashboard.pages import PAGES, Page
from webapp.dashboard.views import table

SCRIPT = Path(__file__).resolve().parent.parent / "webapp" / "dashboard" / "app.py"


@pytest.fixture(autouse=True)
def no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py"])


def opened(page: str, **query: Any) -> AppTest:
    app = AppTest.from_file(str(SCRIPT), default_timeout=90)
    for name, value in {"page": page, **query}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception[0].message
    assert [title.value for title in app.title] == [PAGES[page].title]
    return app


def test_a_registered_page_is_drawn_at_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def page() -> None:
        st.title("One more")
        st.write("drawn")

    view = types.ModuleType("webapp.dashboard.views.more")
    view.page = page  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, view.__name__, view)
    monkeypatch.setitem(PAGES, "more", Page("more", "One more", ":material/add:"))
    assert "drawn" in [text.value for text in opened("more").markdown]


def test_the_table_shows_the_records_of_the_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [rows_of("HHNNSS.", face=1), rows_of("NNNNHH", face=2)]
    file = write_json(pd.concat(parts).sort_values(["time", "face"]), tmp_path / "talk_results.json")
    monkeypatch.setenv(state.FOLDER_VARIABLE, str(tmp_path))
    everything = read_results(file)
    app = opened("table", open="talk_results.json")
    (shown,) = app.dataframe
    assert list(shown.value.columns)[:5] == ["frame", "emotion", "confidence", "valence", "arousal"]
    assert len(shown.value) == len(everything) and app.markdown[0].value.startswith("13 records of")
    assert shown.value["frame"].sum() == everything["frame"].sum()
    app = opened("table", open="talk_results.json", columns=["time", "p_Happy"], who="2")
    assert list(app.dataframe[0].value.columns) == ["time", "p_Happy"]
    assert len(app.dataframe[0].value) < len(everything)
    monkeypatch.setattr(table, "ROWS", 7)
    app = opened("table", open="talk_results.json", rows="7")
    assert app.dataframe[0].value["frame"].tolist() == everything["frame"].tolist()[7:14]
    assert app.selectbox(key="rows").options[1] == "8 to 13"


def test_every_view_is_registered(root: Path) -> None:
    assert {path.stem for path in (root / "webapp/dashboard/views").glob("*.py")} == {*PAGES, "__init__"}


def test_people_are_called_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {1: "Ada", 2: "Bo", 3: "Bo"}
    rows = pd.concat([rows_of("HHNNSS", face=1), rows_of("NNNNHH", face=2), rows_of("SSNNHH", face=3)])
    rows = rows.sort_values(["time", "face"]).assign(name=lambda table: table["face"].map(names))
    rows.to_csv(tmp_path / "talk_results.csv", index=False)
    monkeypatch.setenv(state.FOLDER_VARIABLE, str(tmp_path))
    app = opened("people", open="talk_results.csv")
    (who,) = [box for box in app.multiselect if box.key == "who"]
    assert who.options == ["Ada", "Bo (2)", "Bo (3)"]
    records = opened("table", open="talk_results.csv").dataframe[0].value
    assert records.groupby("face")["name"].first().to_dict() == names
    timeline = opened("timeline", open="talk_results.csv")
    assert "Bo (2)" in timeline.get("plotly_chart")[0].proto.spec
