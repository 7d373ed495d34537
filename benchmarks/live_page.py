"""Measure the live page in a real browser: `python -m benchmarks.live_page [--minutes 5] [--viewers 1]`.

Chromium's fake camera plays a face; what is counted is what a person would see: frames drawn with their
marks, and the time from the camera's picture to its drawing, by the browser's own clocks. Memory is that
of the app and of the browser, in the first and in the last minute.
"""

import argparse
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
)  # fmt: skip

HOOK = """() => {
  const live = document.querySelector('[data-live]').live, count = live.count.bind(live);
  window.seen = {latency: [], work: [], ids: new Set()};
  live.count = (now, latency) => {
    window.seen.latency.push(latency);
    window.seen.work.push(live.stats.work);
    live.last.result.faces.forEach(face => window.seen.ids.add(face.id));
    count(now, latency);
  };
}"""
READ = """() => {
  const seen = window.seen;
  window.seen = {latency: [], work: [], ids: new Set()};
  return {latency: seen.latency, work: seen.work, ids: [...seen.ids]};
}"""


def write_webcam(path: Path, clip: Path | None) -> Path:
    """Write motion JPEG, 640x480: up to 300 frames of `clip`, or of a portrait in motion."""
    from PIL import Image

    from benchmarks.clip import drift

    if clip is not None:
        from emotion_core.video.reader import frames

        with frames(clip) as reader:
            pictures = [frame.image for frame, _ in zip(reader, range(300), strict=False)]
    else:
        from skimage import data

        pictures = list(drift(data.astronaut(), 640, 480, 210, 30))
    with path.open("wb") as file:
        for image in pictures:
            whole = Image.fromarray(np.asarray(image))
            side = min(whole.width, whole.height * 4 / 3)
            left, top = (whole.width - side) / 2, (whole.height - side * 0.75) / 2
            out = io.BytesIO()
            box = (left, top, left + side, top + side * 0.75)
            whole.resize((640, 480), box=box).save(out, "JPEG", quality=90)
            file.write(out.getvalue())
    return path


def memory(process: psutil.Process) -> float:
    """Return the megabytes that a process and its children hold for themselves (USS)."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().uss
        except psutil.Error:  # it ended meanwhile
            continue
    return total / 1e6


def quantile(values: list[float], share: float) -> float:
    """Return a quantile of the values, rounded to a tenth; 0 where there are none."""
    return round(float(np.quantile(values, share)), 1) if values else 0.0


def measure(
    address: str, browser: Any, app: psutil.Process, minutes: float, viewers: int
) -> list[dict[str, Any]]:
    """Watch `viewers` live views for `minutes`; return a row for each minute."""
    pages = []
    for _ in range(viewers):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["camera"])
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("[data-start]")
        began = time.perf_counter()
        page.click("[data-start]")
        page.wait_for_function("document.querySelector('[data-live]').live.last?.result.faces.length > 0")
        print(f"first face marked {time.perf_counter() - began:.2f} s after the click", flush=True)
        for option in ("bars", "va", "landmarks"):
            page.locator(f"[data-option={option}]").check(force=True)
        page.evaluate(HOOK)
        pages.append(page)
    browser_process = next(p for p in psutil.Process().children(recursive=True) if "chrom" in p.name())
    time.sleep(5)
    for page in pages:
        page.evaluate(READ)
    rows = []
    part = min(60.0, minutes * 60)
    for minute in range(max(1, round(minutes))):
        began = time.perf_counter()
        pages[0].wait_for_timeout(part * 1000)
        seen = [page.evaluate(READ) for page in pages]
        seconds = time.perf_counter() - began
        rows.append(
            {
                "minute": minute + 1,
                "frames_per_second": [round(len(s["latency"]) / seconds, 1) for s in seen],
                "latency_ms_median": [quantile(s["latency"], 0.5) for s in seen],
                "latency_ms_p95": [quantile(s["latency"], 0.95) for s in seen],
                "server_ms_median": [quantile(s["work"], 0.5) for s in seen],
                "ids": [s["ids"] for s in seen],
                "app_mb": round(memory(app)),
                "browser_mb": round(memory(browser_process)),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> int:
    """Start the app and the browser, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--viewers", type=int, default=1)
    parser.add_argument("--clip", type=Path, help="a video of a face for the camera; a portrait where absent")
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("No Chromium: install it (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch:
        webcam = write_webcam(Path(scratch) / "webcam.mjpeg", args.clip)
        command = [sys.executable, "app.py", "--port", "0", "--max-viewers", str(max(4, args.viewers))]
        app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert app.stdout is not None
            address = next(m[0] for line in app.stdout if (m := re.search(r"http://[\d.]+:\d+/", line)))
            with sync_playwright() as playwright:
                flags = [*FLAGS, f"--use-file-for-fake-video-capture={webcam}"]
                browser = playwright.chromium.launch(executable_path=chromium, args=flags)
                measure(address, browser, psutil.Process(app.pid), args.minutes, args.viewers)
                browser.close()
        finally:
            app.terminate()
            app.wait(30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
