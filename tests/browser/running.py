"""Starting the app, and asking a page about its live view."""

import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.outgoing import Recording


@dataclass
class RunningApp:
    """A web app of its own: its address, its folder for temporary files, its process."""

    url: str
    scratch: Path
    process: subprocess.Popen[str]

    def files(self) -> list[Path]:
        """Every file that the app keeps of its visitors."""
        return [p for p in self.scratch.glob("emotion-app-*/**/*") if p.is_file()]


def wait_ready(app: RunningApp, until: float) -> None:
    """Wait until the app answers."""
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(app.url + "healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the app does not answer")


def start_app(root: Path, scratch: Path, *flags: str, recording: Recording | None = None) -> RunningApp:
    """Start `app.py` on a free port; raises AssertionError with its output where it does not start."""
    command = [sys.executable, "app.py", "--port", "0", *flags]
    process = subprocess.Popen(
        recording.command(*command) if recording else command,
        cwd=root,
        env={
            **(recording.environment() if recording else os.environ),
            "TMPDIR": str(scratch),
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, until = "", time.monotonic() + 120
    assert process.stdout is not None
    while time.monotonic() < until and process.poll() is None:
        if select.select([process.stdout], [], [], 0.5)[0]:
            said += process.stdout.readline()
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/", said):
            app = RunningApp(f"http://127.0.0.1:{found[1]}/", scratch, process)
            wait_ready(app, until)
            return app
    process.kill()
    raise AssertionError(f"the app did not start:\n{said}")


def stop_app(app: RunningApp) -> None:
    """Ask the app to stop, as Ctrl-C or a container does, and wait for it."""
    app.process.send_signal(signal.SIGTERM)
    try:
        app.process.wait(120)
    except subprocess.TimeoutExpired:
        app.process.kill()
        raise


def start_live(page: Any) -> None:
    """Agree, and wait until faces are marked."""
    page.click("[data-start]")
    page.wait_for_selector("[data-view=running]")
    page.wait_for_function("document.querySelector('[data-live]').live.last?.result.faces.length > 0")


def live(page: Any, expression: str) -> Any:
    """Evaluate JavaScript about the live view, named `l`."""
    return page.evaluate(f"(() => {{ const l = {LIVE}; return {expression}; }})()")


LIVE = "document.querySelector('[data-live]').live"

COLOURS = """name => {
  const c = document.querySelector(`[data-${name}]`);
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  const seen = new Set();
  for (let i = 0; i < d.length; i += 16) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
  return seen.size;
}"""
"""How many colours a canvas of the live view has."""

DETAIL = """(() => {
  const c = document.querySelector('[data-canvas]'), f = document.querySelector('[data-live]').live;
  if (!f.last || !f.last.result.faces.length) return null;
  const width = f.last.canvas.width, k = c.width / width, [x, y, w, h] = f.last.result.faces[0].box;
  const left = f.options.mirror ? width - x - w : x;
  const part = [(left + w * .3) * k, (y + h * .3) * k, w * .4 * k, h * .4 * k];
  const d = c.getContext('2d').getImageData(...part).data;
  let sum = 0;
  for (let i = 4; i < d.length; i += 4) sum += Math.abs(d[i] - d[i - 4]);
  return sum / d.length;
})()"""
"""How much neighbouring pixels differ where the face is."""

JUMPS = """() => {
  window.jumps = 0;
  const add = list => list.getEntries().forEach(e => { if (!e.hadRecentInput) window.jumps += e.value; });
  new PerformanceObserver(add).observe({type: 'layout-shift', buffered: false});
}"""
"""Begin to add up layout shifts in `window.jumps`."""

NAMELESS = """() => {
  const parts = '[data-live] input, [data-live] button, [data-live] select, [role=img]';
  const name = n => n.getAttribute('aria-label') || n.labels?.[0]?.innerText || n.innerText || '';
  return [...document.querySelectorAll(parts)].filter(n => n.offsetParent && !name(n).trim())
    .map(n => n.outerHTML);
}"""
"""Visible controls and pictures without a name for screen readers."""


def opened_dashboard(page: Any, link: str) -> Any:
    """Click a link that opens results in the dashboard; gives its page once the Overview is there."""
    with page.context.expect_page() as opened:
        page.click(link)
    board = opened.value
    board.set_default_timeout(60_000)
    board.get_by_role("heading", name="Overview", exact=True, level=1).wait_for()
    return board
