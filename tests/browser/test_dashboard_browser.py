"""The dashboard in a real browser: a real results file on all pages, links, video, narrow and dark."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emotion_core.analytics import sample
from emotion_core.types import EmotionError
from tests.tables import write_json
from webapp.dashboard.pages import PAGES

pytestmark = pytest.mark.browser

playwright = pytest.importorskip("playwright.sync_api")
PATIENCE = 60_000  # milliseconds
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results and video of a shared clip, or with made results where there is none."""
    folder = tmp_path_factory.mktemp("results")
    clip = root.parent / "shared" / "clips" / "neutral_to_happy.mp4"
    made = None
    if clip.is_file():
        command = [sys.executable, "main.py", "--video", str(clip), "--no-objects", "--output"]
        made = subprocess.run(
            [*command, str(folder / "talk_emotions.mp4")],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=280,
        )
    if made is None or made.returncode != 0:
        write_json(sample.make_recording(15, 2), folder / "talk_results.json")
    return folder


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen[str], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=3):
                return
        except OSError:
            assert server.poll() is None, server.communicate()[0]
            time.sleep(0.2)
    raise EmotionError(f"{url} did not answer")


@pytest.fixture(scope="module")
def dashboard(root: Path, results: Path) -> Iterator[str]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "webapp/dashboard/app.py",
        "--server.port",
        str(port),
    ]
    server = subprocess.Popen(
        [*command, "--", "--results", str(results)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


class Watched:
    """A page whose errors are remembered."""

    def __init__(self, browser: Any, **look: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, **look})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.page.on(
            "console",
            lambda m: self.errors.append(f"{m.text} {m.location}") if m.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "requestfailed",
            lambda r: self.errors.append(f"failed: {r.url}") if "127.0.0.1" not in r.url else None,
        )

    def title(self, name: str) -> None:
        self.page.get_by_role("heading", name=name, exact=True, level=1).wait_for()
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_timeout(300)
        self.until("!document.querySelector('[data-test-script-state=\"running\"]')")
        self.until(
            "[...document.querySelectorAll('.stPlotlyChart')].every(e => e.querySelector('.main-svg'))"
        )
        # A video asked for by a page that is left at once is gone when the server comes to answer: a 404.
        self.until("[...document.querySelectorAll('video')].every(e => e.readyState > 0)")

    def until(self, true: str) -> None:
        """Wait for an expression; `wait_for_function` would use eval, which the page's policy forbids."""
        last = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(true):
            assert time.monotonic() < last, true
            self.page.wait_for_timeout(50)

    def click(self, name: str) -> None:
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
        self.title(name)

    def well(self) -> None:
        assert self.errors == []
        assert self.page.get_by_test_id("stException").count() == 0


@pytest.fixture
def watched(browser: Any) -> Iterator[Any]:
    opened: list[Watched] = []

    def watch(**look: Any) -> Watched:
        opened.append(Watched(browser, **look))
        return opened[-1]

    yield watch
    for one in opened:
        one.context.close()


def test_upload_and_walk_through_all_pages(dashboard: str, results: Path, watched: Any) -> None:
    seen = watched()
    page = seen.page
    page.goto(dashboard)
    seen.title("Files")
    files = [
        str(path) for path in results.iterdir() if path.name in ("talk_results.json", "talk_emotions.mp4")
    ]
    page.locator('input[type="file"]').first.set_input_files(files)
    page.get_by_role("heading", name="Loaded").wait_for()
    first, *others = [made.title for made in PAGES.values()]
    for name in (*others, first):
        seen.click(name)
        seen.well()
    seen.click("Report and export")
    with page.expect_download() as report:
        page.get_by_role("button", name="HTML report").click()
    text = Path(report.value.path()).read_text("utf-8")
    assert text.startswith("<!doctype html>") and "Apparent expression" in text
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV of the selection").click()
    assert (
        Path(table.value.path()).read_text().startswith("frame,emotion,confidence,valence,arousal,time,face")
    )
    seen.click("Overview")
    with page.expect_download() as data:
        page.get_by_role("button", name="Data (CSV)").first.click()
    assert "Happy" in Path(data.value.path()).read_text()
    with page.expect_download() as picture:
        page.locator('[data-title="Download plot as a PNG"], [data-title*="png" i]').first.click()
    assert Path(picture.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    seen.well()


def test_the_report_opens_without_a_network(watched: Any, tmp_path: Path) -> None:
    from webapp.shared.report import report_html

    path = tmp_path / "report.html"
    path.write_text(report_html(sample.make_recording(20), made=True), encoding="utf-8")
    seen = watched(offline=True)
    seen.page.goto(path.as_uri())
    seen.page.wait_for_selector(".js-plotly-plot .main-svg")
    drawn = seen.page.locator(".js-plotly-plot").count()
    assert drawn == seen.page.locator(".chart").count() >= 5
    assert seen.errors == []


def test_a_link_restores_the_view_in_another_browser(dashboard: str, watched: Any) -> None:
    first = watched()
    first.page.goto(f"{dashboard}/?open=talk_results.json")
    first.title("Files")
    first.click("Timeline")
    first.page.get_by_role("radio", name="Lines").click()
    first.page.wait_for_url(re.compile("kind=lines"))
    first.settle()
    first.click("Report and export")
    link = first.page.locator("[data-testid=stTextArea] textarea").first.input_value().strip()
    assert "kind=lines" in link
    second = watched()
    second.page.goto(link)
    second.title("Timeline")
    assert second.page.get_by_role("radio", name="Lines").get_attribute("aria-checked") == "true"
    assert "open=talk_results.json" in second.page.url
    second.well()


def test_a_click_in_the_timeline_moves_the_video(dashboard: str, results: Path, watched: Any) -> None:
    if not (results / "talk_emotions.mp4").is_file():
        pytest.skip("no annotated video could be made")
    seen = watched(viewport={"width": 1280, "height": 1300})
    page = seen.page
    page.goto(f"{dashboard}/?open=talk_results.json&page=timeline")
    seen.title("Timeline")
    page.wait_for_function("document.querySelector('video')?.readyState > 0")
    drag = page.locator(".js-plotly-plot .nsewdrag").nth(2).bounding_box()
    x, y = drag["x"] + 0.7 * drag["width"], drag["y"] + 0.5 * drag["height"]
    page.mouse.move(x - 4, y)
    page.wait_for_timeout(400)
    page.mouse.move(x, y)
    page.wait_for_timeout(400)
    page.mouse.click(x, y)
    page.wait_for_function("document.querySelector('video').currentTime > 0.5")
    time_shown, clicked = page.evaluate(
        "[document.querySelector('video').currentTime, 0.7 * document.querySelector('video').duration]"
    )
    assert time_shown == pytest.approx(clicked, abs=0.25)
    page.get_by_text(re.compile(r"^At \d+\.\d\d s$")).wait_for()
    # Zooming in one row zooms all.
    whole = page.evaluate("document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range.join()")
    page.mouse.move(drag["x"] + 0.2 * drag["width"], y)
    page.mouse.down()
    page.mouse.move(drag["x"] + 0.5 * drag["width"], y, steps=5)
    page.mouse.up()
    page.wait_for_function(
        "whole => { const l = document.querySelector('.js-plotly-plot')._fullLayout;"
        "const now = ['xaxis', 'xaxis2', 'xaxis3', 'xaxis4'].map(a => l[a].range.join());"
        "return now[0] !== whole && new Set(now).size === 1; }",
        arg=whole,
    )
    seen.well()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_narrow_and_wide_light_and_dark(
    dashboard: str, watched: Any, tmp_path: Path, scheme: str, width: int
) -> None:
    seen = watched(viewport={"width": width, "height": 900}, color_scheme=scheme)
    keep = os.environ.get("DASHBOARD_SHOTS")
    for name in ("overview", "timeline", "people"):
        seen.page.goto(f"{dashboard}/?open=talk_results.json&page={name}")
        seen.page.get_by_role("heading", level=1).wait_for()
        seen.settle()
        inner, outer = seen.page.evaluate(
            "(() => { const m = document.querySelector('[data-testid=stMain]');"
            "return [m.scrollWidth, m.clientWidth]; })()"
        )
        assert inner <= outer, f"{name} is wider than the screen"
        background = seen.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 21, 28)")
        seen.page.screenshot(path=Path(keep or tmp_path) / f"{name}_{width}_{scheme}.png")
    seen.well()


def test_one_server_for_both(root: Path, watched: Any) -> None:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", server)
        seen = watched()
        seen.page.goto(f"http://127.0.0.1:{port}/dashboard?made=conversation")
        seen.title("Files")
        seen.click("Timeline")
        seen.well()
        names = {cookie["name"] for cookie in seen.context.cookies()}
        assert "emotion_browser" in names
        server.send_signal(signal.SIGTERM)
        assert server.wait(120) == 0
    finally:
        server.kill()
        server.communicate()
