"""The question before the objects' model is downloaded, in the live view and in the video tab."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.running import RunningApp, start_app, start_live, stop_app

pytestmark = [pytest.mark.browser, pytest.mark.weights]


@pytest.fixture(scope="module")
def app(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """An app that has no model of objects, and can't get one: no npm, and a proxy that does not answer."""
    before = dict(os.environ)
    programs = tmp_path_factory.mktemp("programs")
    for name in ("ffmpeg", "fc-list"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    cache = tmp_path_factory.mktemp("cache")
    os.environ.update(
        PATH=f"{Path(sys.executable).parent}:{programs}",
        EMOTION_CACHE=str(cache / "objects"),
        https_proxy="http://127.0.0.1:9",
    )
    try:
        running = start_app(root, tmp_path_factory.mktemp("scratch"))
    finally:
        os.environ.clear()
        os.environ.update(before)
    yield running
    stop_app(running)
    assert list(cache.iterdir()) == []


def test_the_live_view_asks_and_takes_no_for_an_answer(open_page: Callable[..., Any]) -> None:
    page = open_page()
    start_live(page)
    switch, ask = page.locator("[data-option=objects]"), page.locator("[data-ask]")
    assert ask.is_hidden()
    switch.check(force=True)
    ask.wait_for()
    said = ask.inner_text()
    assert all(fact in said for fact in ("YOLOv8n", "12.8 MB", "AGPL-3.0", "registry.npmjs.org"))
    assert not switch.is_checked()
    page.click("[data-not-now]")
    assert ask.is_hidden()
    switch.check(force=True)
    ask.wait_for()
    page.click("[data-agree]")
    page.get_by_text("YOLOv8n could not be downloaded").wait_for()
    assert ask.is_hidden() and not switch.is_checked()
    displayed = page.evaluate("document.querySelector('[data-live]').live.stats.displayed")
    page.wait_for_function(f"document.querySelector('[data-live]').live.stats.displayed > {displayed} + 5")


def test_the_video_tab_asks_in_the_readers_language(open_page: Callable[..., Any]) -> None:
    page = open_page(locale="de-DE")
    page.get_by_role("tab", name="Video", exact=True).click()
    ask = page.locator("#video-objects-ask")
    assert ask.is_hidden()
    page.locator("#video-objects").get_by_label("Gegenstände markieren").check()
    ask.wait_for()
    said = ask.inner_text()
    assert all(fact in said for fact in ("Lizenz", "YOLOv8n", "12.8 MB", "AGPL-3.0", "registry.npmjs.org"))
    page.click("#video-objects-agree")
    page.get_by_text("YOLOv8n konnte nicht heruntergeladen werden").wait_for()
