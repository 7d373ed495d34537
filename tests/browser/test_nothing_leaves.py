"""Nothing leaves the machine: the app's own connections and its pages' requests, recorded on every page."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from emotion_core.analytics import sample
from tests.browser.running import RunningApp, start_app, start_live, stop_app
from tests.browser.test_studio_pages import upload
from tests.outgoing import Recording
from tests.tables import write_json
from webapp.dashboard.pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.weights]


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    folder = tmp_path / "recorded"
    folder.mkdir()
    return Recording(folder)


@contextmanager
def watched(browser: Any) -> Iterator[tuple[Any, list[str]]]:
    """Give a browser session with a webcam, and the addresses that its pages ask, as they ask them."""
    context = browser.new_context(permissions=["camera"], locale="en-US")
    context.set_default_timeout(60_000)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("page", lambda page: page.on("websocket", lambda socket: asked.append(socket.url)))
    yield context, asked
    context.close()


def elsewhere(asked: list[str], home: str) -> list[str]:
    """Give the addresses that are not below `home`, nor made in the page itself."""
    own = (home, home.replace("http", "ws", 1), "data:", "blob:")
    return [url for url in asked if not url.startswith(own)]


def knock(url: str) -> None:
    """Open the dashboard's socket as a page of another site would."""
    address = url.replace("http", "ws", 1) + "_stcore/stream"
    with pytest.raises((InvalidStatus, WebSocketException, OSError)):
        connect(address, origin="https://elsewhere.example", open_timeout=30).close()


def see_all_pages(board: Any) -> None:
    """Open each page of a dashboard and wait until it has drawn everything."""
    for name in (page.title for page in PAGES.values()):
        board.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
        board.get_by_role("heading", name=name, exact=True, level=1).wait_for()
        # By locators: the page's policy lets no text run as a script, not even that of a test.
        for unfinished in ("[data-test-script-state=running]", ".stPlotlyChart:not(:has(.main-svg))"):
            expect(board.locator(unfinished)).to_have_count(0, timeout=60_000)


def use_everything(context: Any, app: RunningApp, clip: Path, picture: Path) -> None:
    """Live view with a recording, video, picture, model, dashboard: once through the app."""
    page = context.new_page()
    page.goto(app.url)
    page.wait_for_selector("[data-live]")
    start_live(page)
    page.click("[data-record]")
    page.wait_for_function("document.querySelector('[data-live]').live.stats.displayed > 5")
    page.click("[data-record]")
    page.wait_for_selector("[data-saved] a")
    page.click("[data-stop]")
    upload(page, "video", [clip])
    page.click("#video-start")
    page.wait_for_selector("#video-result [data-result]")
    upload(page, "picture", [picture])
    page.click("#picture-start")
    page.wait_for_selector("[data-pictures] img")
    page.get_by_role("tab", name="Model", exact=True).click()
    page.get_by_text("SHA-256").first.wait_for()
    page.get_by_role("tab", name="Video", exact=True).click()
    with context.expect_page() as opened:
        page.click("#video-result a.strong")
    opened.value.get_by_role("heading", name="Overview", exact=True, level=1).wait_for()
    see_all_pages(opened.value)


def test_the_app_speaks_to_nobody_and_leaves_nothing(
    browser: Any, root: Path, recording: Recording, talking_clip: Path, astronaut_path: Path
) -> None:
    app = start_app(root, recording.scratch, recording=recording)
    try:
        with watched(browser) as (context, asked):
            use_everything(context, app, talking_clip, astronaut_path)
            knock(app.url + "dashboard/")
    finally:
        stop_app(app)
    assert len(asked) > 50 and any("/live?" in url for url in asked)
    assert elsewhere(asked, app.url) == []
    assert recording.spoken_to() == []
    assert recording.left() == []
    assert recording.written() == []


def test_the_dashboard_alone_speaks_to_nobody_and_leaves_nothing(
    browser: Any, root: Path, recording: Recording, tmp_path: Path
) -> None:
    """Started from another folder, so that only the configuration beside the script counts."""
    talk = tmp_path / "talk_results.json"
    write_json(sample.make_recording(15, 2), talk)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = root / "webapp" / "dashboard" / "app.py"
    words = [sys.executable, "-m", "streamlit", "run", script, "--server.port", port]
    server = subprocess.Popen(
        recording.command(*words),
        cwd=tmp_path,
        env=recording.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        until = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(url + "_stcore/health", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < until
                time.sleep(0.2)
        with watched(browser) as (context, asked):
            board = context.new_page()
            board.goto(url)
            board.locator('input[type="file"]').first.set_input_files(str(talk))
            board.get_by_role("heading", name="Loaded").wait_for()
            see_all_pages(board)
            knock(url)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    assert len(asked) > 10
    assert elsewhere(asked, url) == []
    assert recording.spoken_to() == []
    assert recording.left() == []
    assert recording.written() == []
