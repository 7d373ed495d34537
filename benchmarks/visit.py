"""What a visit costs: bytes over the wire, seconds until the page answers, the server's memory.

The app runs as a user starts it, and a real Chromium opens it with an empty cache.
"""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.clip import write_clip
from benchmarks.dashboard import FLAGS
from benchmarks.measurement import Measurement
from benchmarks.process import status_mb
from benchmarks.serving import running
from webapp.dashboard.pages import PAGES

_SETTLED = 2.0  # seconds for which a page may still fetch what it needs later


class _Wire:
    """Counts what comes over the wire for a page: the bytes of each answer, packed as they came."""

    def __init__(self, page: Any) -> None:
        self.sizes: dict[str, int] = {}
        self._names: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.responseReceived", self._named)
        session.on("Network.loadingFinished", self._ended)

    def _named(self, event: dict[str, Any]) -> None:
        self._names[event["requestId"]] = event["response"]["url"]

    def _ended(self, event: dict[str, Any]) -> None:
        name = self._names.get(event["requestId"], event["requestId"])
        self.sizes[name] = self.sizes.get(name, 0) + int(event["encodedDataLength"])


def visit() -> list[Measurement]:
    """Open the start page and every page of the dashboard, analyse a video, and read the server's memory."""
    from playwright.sync_api import sync_playwright
    from skimage import data

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise RuntimeError("no Chromium: install it (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder, running() as (base, app):
        address, process = f"{base}/", app.pid
        clip = Path(folder) / "talk.mp4"
        write_clip(clip, data.astronaut(), width=640, height=480, seconds=10.0, rate=25, tone=True)
        fresh = status_mb(process)
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=chromium, args=list(FLAGS))
            figures = _start_page(browser, address)
            figures += _after_video(browser, address, clip, process)
            figures += _dashboard(browser, address)
            browser.close()
    return [Measurement("server's memory, fresh", fresh, "MB", 300), *figures]


def _start_page(browser: Any, url: str) -> list[Measurement]:
    page = browser.new_page()
    wire = _Wire(page)
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("[data-live] [data-start]:visible")
    usable = time.perf_counter() - began
    time.sleep(_SETTLED)
    page.close()
    return [
        Measurement("start page, packed", wire.sizes[url] / 1e3, "kB", 250),
        Measurement("start page with its scripts and styles, packed", sum(wire.sizes.values()) / 1e3, "kB"),
        Measurement("start page, until it can be used", usable, "s", 1.5),
    ]


def _after_video(browser: Any, url: str, clip: Path, process: int) -> list[Measurement]:
    page = browser.new_page()
    page.set_default_timeout(300_000)
    page.goto(url + "#video")
    page.wait_for_selector("#video-result .empty")
    page.set_input_files("#video-files input[type=file]", str(clip))
    page.locator("#video-files").get_by_text(clip.stem).first.wait_for()
    page.click("#video-start")
    page.wait_for_selector("#video-result [data-tracks]")
    time.sleep(_SETTLED)
    page.close()
    return [Measurement("server's memory, after a video", status_mb(process), "MB", 500)]


def _dashboard(browser: Any, url: str) -> list[Measurement]:
    page = browser.new_page()
    page.set_default_timeout(120_000)
    wire = _Wire(page)
    page.goto(url + "dashboard/?made=conversation")
    links = page.locator("[data-testid=stSidebarNav] a")
    for place, one in enumerate(PAGES.values()):
        links.nth(place).click()
        page.get_by_role("heading", name=one.shown, exact=True, level=1).wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        time.sleep(_SETTLED)
    page.close()
    return [Measurement("dashboard, all pages, packed", sum(wire.sizes.values()) / 1e6, "MB", 3)]
