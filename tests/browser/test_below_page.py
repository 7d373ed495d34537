"""The app below a path of a longer address, as behind a proxy that others share; and how small it begins."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from benchmarks.process import status_mb
from tests.browser.conftest import GUIDED
from tests.browser.running import RunningApp, opened_dashboard, start_app, start_live, stop_app

pytestmark = [pytest.mark.browser, pytest.mark.weights]

BELOW = "/lab/emotion"


@pytest.fixture(scope="module")
def shared(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    app = start_app(root, tmp_path_factory.mktemp("below"), "--root-path", BELOW)
    yield app
    stop_app(app)


def test_a_server_begins_without_what_only_the_dashboard_and_reports_need(shared: RunningApp) -> None:
    with httpx.Client(base_url=shared.url) as web:  # the proxy may have taken the path off
        assert f'"root":"{shared.url.rstrip("/")}{BELOW}"' in web.get("/").text
        assert web.get(BELOW).headers["location"] == f"{BELOW}/"
    assert is_small(shared)


def is_small(app: RunningApp) -> bool:
    """Tell whether nothing that pandas brings along is loaded, and the server within its 300 MB."""
    maps = Path(f"/proc/{app.process.pid}/maps").read_text()
    return "libarrow" not in maps and 100 < status_mb(app.process.pid) <= 300


@pytest.mark.slow
def test_all_that_a_visit_needs_lies_below_the_path(
    browser: Any, shared: RunningApp, talking_clip: Path
) -> None:
    context = browser.new_context(locale="en-US", permissions=["camera"])
    context.add_init_script(GUIDED)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(f"{shared.url.rstrip('/')}{BELOW}/")
    start_live(page)
    page.click("[data-stop]")
    assert is_small(shared)
    page.get_by_role("tab", name="Video", exact=True).click()
    page.locator("#video-result .empty").wait_for()
    page.locator("#video-files input[type=file]").set_input_files(talking_clip)
    page.locator("#video-files").get_by_text(talking_clip.stem[:2]).first.wait_for()
    page.locator("#video-start").click()
    page.wait_for_function("document.querySelector('#video-result video')?.readyState >= 1")
    board = opened_dashboard(page, "#video-result a.download.strong")
    assert "another browser" not in board.inner_text("body")
    paths = [urlsplit(url).path for url in asked if not url.startswith(("blob:", "data:"))]
    for part in ("/live", "/live/ticket", "/gradio_api/upload", "/dashboard/"):
        assert f"{BELOW}{part}" in paths
    assert any(path.startswith(f"{BELOW}/result/") for path in paths)
    assert [path for path in paths if not path.startswith(f"{BELOW}/")] == []
    assert {cookie["path"] for cookie in context.cookies()} == {f"{BELOW}/"}
    context.close()
