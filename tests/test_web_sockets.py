"""Tabs of the page, routers of the API: what is registered is there; a router is closed unless it says so."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from webapp import api, ui
from webapp.api.marks import OPEN
from webapp.app import App
from webapp.settings import Settings
from webapp.shared import i18n
from webapp.shared.engine import Engine


def titles(blocks: gr.Blocks) -> list[str]:
    parts = blocks.config["components"]
    return [part["props"]["id"] for part in parts if part["type"] == "tabitem"]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[App]]:
    """The runs of the app that a test starts, without weights, closed after it."""
    made: list[App] = []
    real = App.start

    def start(settings: Settings) -> App:
        made.append(real(settings))
        return made[-1]

    monkeypatch.setattr(App, "start", start)
    monkeypatch.setattr(Engine, "warm_up", lambda engine: None)
    yield made
    for run in made:
        asyncio.run(run.close())


def test_a_registered_tab_is_on_the_page(monkeypatch: pytest.MonkeyPatch, runs: list[App]) -> None:
    built: list[Any] = []
    monkeypatch.setitem(ui.TABS, "notes", lambda app, blocks, say: built.append((app.settings, say)))
    settings = Settings()
    blocks = ui.build(settings)
    assert titles(blocks) == ["live", "video", "picture", "model", "notes"]
    assert built[0][0] is settings and len(runs) == 1


def test_every_tab_has_a_title_in_every_language() -> None:
    for language in i18n.LANGUAGES:
        assert all(i18n.words(language)[f"tab.{name}"] for name in ui.TABS)


def test_health_is_a_router_that_strangers_may_ask() -> None:
    app = FastAPI()
    for router in api.ROUTERS:
        app.include_router(router)
    client = TestClient(app)
    answer = client.get("/healthz")
    assert answer.json() == {"status": "ok"} and answer.headers["cache-control"] == "no-store"
    assert client.head("/healthz").status_code == 200
    assert api.open_paths() == {"/healthz"}


def test_a_router_is_closed_unless_it_says_that_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    shut, free = APIRouter(prefix="/api/records"), APIRouter(prefix="/api/version", tags=[OPEN])
    for router in (shut, free):
        router.get("/{name}")(lambda name: name)
    monkeypatch.setattr(api, "ROUTERS", [*api.ROUTERS, shut, free])
    assert api.open_paths() == {"/healthz", "/api/version/{name}"}


def test_every_file_of_the_api_is_registered() -> None:
    files = {path.stem for path in Path(api.__file__).parent.glob("*.py")} - {"__init__", "marks"}
    assert len(files) == len(api.ROUTERS)
