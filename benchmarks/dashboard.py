"""Measure the dashboard in a real browser with an hour of three faces: `python -m benchmarks dashboard`.

The recording is made on the spot. What is timed is what a person waits for: from the click, or the key, to
the last thing that changes in the page and has been painted.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.conditions import ROOT
from benchmarks.measurement import Measurement
from benchmarks.process import free_port, high_water
from webapp.dashboard.pages import PAGES

if TYPE_CHECKING:
    import pandas as pd

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)  # fmt: skip
QUIET = 700
"""Milliseconds without a change after which a page counts as drawn."""

WATCH = """() => {
  const stamp = name => () => requestAnimationFrame(() => setTimeout(() => {
    window.watch[name] = performance.now();
  }));
  const note = event => { window.watch = {began: event.timeStamp, changed: 0}; };
  window.watch = {began: 0, changed: 0};
  addEventListener('pointerup', note, true);
  addEventListener('keydown', note, true);
  const look = {childList: true, subtree: true, attributes: true, characterData: true};
  new MutationObserver(stamp('changed')).observe(document.querySelector('[data-testid=stMain]'), look);
}"""
"""Begin to note, in `window.watch`, when the last input came and when the page was last painted anew."""
DRAWN = f"""() => {{
  const {{began, changed}} = window.watch, app = document.querySelector('[data-testid=stApp]');
  const charts = [...document.querySelectorAll('.stPlotlyChart')];
  return changed > began && performance.now() - changed > {QUIET}
    && app.dataset.testScriptState !== 'running' && charts.every(chart => chart.querySelector('.main-svg'));
}}"""


def write_hour(path: Path, seconds: float = 3600.0, people: int = 3) -> int:
    """Write the results of a made recording, 30 frames a second; return the number of records."""
    import orjson

    from emotion_core.analytics import sample

    table = sample.make_recording(seconds, people)
    with path.open("wb") as file:
        file.write(b"[\n")
        for number, record in enumerate(_records(table)):
            file.write((b",\n" if number else b"") + orjson.dumps(record))
        file.write(b"\n]\n")
    return len(table)


def _records(table: "pd.DataFrame") -> Iterator[dict[str, Any]]:
    chances = [name for name in table.columns if name.startswith("p_")]
    box = ["box_x", "box_y", "box_w", "box_h"]
    for row in table.round(6).to_dict("records"):
        seen = row["face"] == row["face"]
        record = {"frame": row["frame"], "emotion": row["emotion"] if seen else None}
        record |= {name: row[name] if seen else None for name in ("confidence", "valence", "arousal")}
        record |= {"time": row["time"], "face": int(row["face"]) if seen else None}
        record["probabilities"] = {name[2:]: row[name] for name in chances} if seen else None
        record["box"] = [round(row[name], 1) for name in box] if seen else None
        yield record


@contextlib.contextmanager
def _dashboard(folder: Path) -> Iterator[tuple[str, int]]:
    """Run the dashboard on a folder of results; return its address and process id once it answers."""
    port = free_port()
    words = ["-m", "streamlit", "run", "webapp/dashboard/app.py", "--server.port", str(port)]
    words += ["--server.address", "127.0.0.1", "--server.headless", "true", "--", "--results", str(folder)]
    child = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                break
            if child.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the dashboard did not start")
            time.sleep(0.1)
        yield address, child.pid
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class _Page:
    """The dashboard in a browser, and the time that each action takes until the page stands still."""

    def __init__(self, browser: Any, address: str) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 1000})
        self.page.set_default_timeout(60_000)
        self.address = address

    def load(self, name: str) -> float:
        """Open the dashboard with a file, and wait for the table of what was loaded; seconds."""
        began = time.perf_counter()
        self.page.goto(f"{self.address}/?open={name}")
        self.page.get_by_role("heading", name="Loaded", exact=True).wait_for()
        self.page.locator("[data-testid=stDataFrame]").first.wait_for()
        seconds = time.perf_counter() - began
        self.page.evaluate(WATCH)
        self.page.wait_for_timeout(3000)
        return seconds

    def timed(self, act: Callable[[], object]) -> float:
        """Do `act` and wait until the page is drawn; seconds from its last click or key."""
        act()
        self.page.wait_for_function(DRAWN, polling=100)
        passed = self.page.evaluate("window.watch.changed - window.watch.began")
        return float(passed) / 1000

    def open(self, title: str) -> float:
        """Go to a page by the menu; seconds."""
        link = self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True)
        seconds = self.timed(link.click)
        self.page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
        return seconds

    def choose(self, label: str, option: str) -> float:
        """Choose from a list; seconds."""
        self.page.get_by_role("combobox", name=label).click()
        return self.timed(self.page.get_by_role("option", name=option, exact=True).click)

    def press(self, slider: str, key: str) -> float:
        """Move a slider by a key; seconds, with the wait of the slider itself."""
        thumb = self.page.get_by_role("slider", name=slider).first
        thumb.focus()
        return self.timed(lambda: self.page.keyboard.press(key))

    def timeline(self) -> dict[str, float]:
        """Use every control of the timeline; seconds by what was done."""
        page = self.page
        lines, stacked = (page.get_by_role("radio", name=name) for name in ("Lines", "Stacked"))
        legend = page.locator(".stPlotlyChart .legendtoggle")
        found = {
            "another person's probabilities": self.choose("Probabilities of", "Person 2"),
            "probabilities as lines": self.timed(lines.click),
            "probabilities stacked": self.timed(stacked.click),
            "smoothing over another time": self.press("Mean over (s)", "ArrowRight"),
            "one emotion hidden by the legend": self.timed(lambda: legend.nth(3).click(delay=20)),
            "one person fewer": self.timed(
                page.get_by_test_id("stSidebar").get_by_label("Remove Person 3").click
            ),
            "a shorter time range": self.press("Time (s)", "ArrowRight"),
        }
        mark = page.get_by_text("Mark sudden changes")
        found["sudden changes marked"] = self.timed(mark.click)
        found["sudden changes no longer marked"] = self.timed(mark.click)
        return found


def measure(folder: Path, name: str, chromium: str) -> list[Measurement]:
    """Measure load, page draws, the timeline's controls and memory with one results file of a folder."""
    from playwright.sync_api import sync_playwright

    with _dashboard(folder) as (address, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = _Page(browser, address)
        found = [Measurement("dashboard, one hour of three faces: load", page.load(name), "s", 4)]
        for title in [made.title for made in PAGES.values()][1:]:
            found.append(Measurement(f"dashboard, {title}", page.open(title), "s", 1.5))
        page.open("Timeline")
        for what, seconds in page.timeline().items():
            found.append(Measurement(f"dashboard, Timeline, {what}", seconds, "s", 0.5))
        browser.close()
        found.append(Measurement("dashboard, server's peak memory", high_water(server), "MB", 1000))
    return found


def dashboard() -> list[Measurement]:
    """Time the dashboard in Chromium with an hour of three faces: load, pages, the timeline's controls."""
    chromium = next(
        (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
    )
    if chromium is None:
        raise RuntimeError("no Chromium: install it (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        write_hour(Path(folder) / "hour_results.json")
        return measure(Path(folder), "hour_results.json", chromium)
