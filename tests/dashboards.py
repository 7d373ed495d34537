"""Opening a page of the dashboard by Streamlit's AppTest, and what it says."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from emotion_core.analytics import sample
from tests.tables import write_json
from webapp.dashboard import state
from webapp.dashboard.pages import PAGES
from webapp.shared import speech

SCRIPT = Path(__file__).resolve().parent.parent / "webapp" / "dashboard" / "app.py"
Open = Callable[..., AppTest]


def opener(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Give a function that opens a page; keywords stand in the address, `folder` is the results folder."""

    def run(page: str = "files", *, folder: Path | None = None, **query: Any) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py"])
        if folder is not None:
            monkeypatch.setenv(state.FOLDER_VARIABLE, str(folder))
        app = AppTest.from_file(str(SCRIPT), default_timeout=90)
        for name, value in query.items():
            app.query_params[name] = value
        if page != "files":
            app.query_params["page"] = page
        app.run()
        with speech.speaking(query.get("language", "en")):
            return good(app, PAGES[page].shown)

    return run


def good(app: AppTest, title: str | None = None) -> AppTest:
    """The page drew without an exception, and it is the one asked for."""
    assert not app.exception, app.exception[0].message
    if title is not None:
        assert [t.value for t in app.title] == [title]
    return app


def said(app: AppTest) -> str:
    """Give the texts of a page."""
    parts = [*app.markdown, *app.caption, *app.warning, *app.info, *app.error]
    return "\n".join(str(part.value) for part in parts)


def kept(app: AppTest) -> dict[str, Any]:
    """Give what stands in the address."""
    return {name: values for name, values in dict(app.query_params).items()}


def results_folder(tmp_path: Path) -> Path:
    """Make a results folder with a short talk of two people."""
    place = tmp_path / "results"
    place.mkdir()
    write_json(sample.make_recording(20, 2), place / "talk_results.json")
    return place
