"""The running application for tests and figures: a process of its own, and how a browser speaks to it."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.process import free_port

ROOT = Path(__file__).resolve().parent.parent


@dataclass(eq=False)
class Visitor:
    """A browser: it keeps its cookie, uploads files and presses buttons."""

    base: str
    web: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.web = httpx.Client(base_url=self.base, timeout=60)
        self.web.get("/healthz")
        self.config = self.web.get("/config").json()

    def upload(self, path: Path, name: str | None = None) -> httpx.Response:
        """Send a file as the page does."""
        with path.open("rb") as file:
            return self.web.post("/gradio_api/upload", files={"files": (name or path.name, file)})

    def analysis(self, files: Any) -> tuple[int, list[Any]]:
        """Return the number of the handler that analyses videos and its inputs: `files`, else the page's."""
        parts = {part["id"]: part for part in self.config["components"]}
        takes = [
            one
            for one in self.config["dependencies"]
            if one["inputs"] and parts[one["inputs"][0]]["type"] == "file"
        ]
        start = max(takes, key=lambda one: len(one["inputs"]))
        others = [parts[number]["props"].get("value") for number in start["inputs"][1:]]
        return int(start["id"]), [files, *others]

    def press(self, handler: int, data: list[Any], session: str = "s1", wait: float = 60) -> str:
        """Join the queue, and give all that comes back until the handler has ended."""
        body = {"fn_index": handler, "data": data, "session_hash": session}
        joined = self.web.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return joined.text
        said = ""
        with self.web.stream(
            "GET", "/gradio_api/queue/data", params={"session_hash": session}, timeout=wait
        ) as answer:
            for line in answer.iter_lines():
                said += line + "\n"
                if "process_completed" in line or "close_stream" in line:
                    break
        return said


def file_data(path: str | Path, **more: Any) -> dict[str, Any]:
    """Return what the page sends in place of a file."""
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}, **more}


def healthy(base: str) -> bool:
    """Tell whether the server answers."""
    with contextlib.suppress(httpx.HTTPError):
        return bool(httpx.get(f"{base}/healthz", timeout=5).json() == {"status": "ok"})
    return False


@contextlib.contextmanager
def running(
    *flags: str, python: str = sys.executable, folder: Path = ROOT, **environment: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a folder's `app.py` with `flags`; give its address and process. SIGTERM ends it, within seconds."""
    port = free_port()
    app = subprocess.Popen(
        [python, "app.py", "--port", str(port), *flags],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while not healthy(base):
            assert app.poll() is None, app.communicate()[0]
            assert time.monotonic() < until, "the app does not answer"
            time.sleep(0.2)
        yield base, app
    finally:
        app.terminate()
        try:
            app.wait(30)
        finally:
            app.kill()
            app.wait()


__all__ = ["Visitor", "file_data", "healthy", "running"]
