"""A server of its own for the tests of the API: tokens, a data folder, a library, and a client."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.browser.running import RunningApp, start_app, stop_app

LAB, GUEST = "lab-token-of-32-letters-or-more-1", "guest-token-of-32-letters-or-so-2"


@dataclass
class Serving:
    """A running server whose token file may be changed; `url` has no slash at its end."""

    root: Path
    folder: Path
    flags: tuple[str, ...]
    app: RunningApp

    @property
    def url(self) -> str:
        return self.app.url.rstrip("/")

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def client(self, token: str | None = LAB) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=120)

    def kill(self) -> None:
        """End the server as a crash or a lost machine does."""
        self.app.process.send_signal(signal.SIGKILL)
        self.app.process.wait()

    def start_again(self) -> None:
        self.app = start_app(self.root, self.folder / "tmp", *self.flags)

    def environment(self, **more: str) -> dict[str, str]:
        """Give what the snippets are run with."""
        path = os.pathsep.join([str(self.root), os.environ.get("PYTHONPATH", "")])
        return {**os.environ, "EMOTION_URL": self.url, "EMOTION_TOKEN": LAB, "PYTHONPATH": path, **more}


@contextmanager
def serving(root: Path, folder: Path, *flags: str) -> Iterator[Serving]:
    """Run a server with two tokens, a data folder and a library below `folder`."""
    for name in ("tmp", "library"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "tokens").write_text(f"lab {LAB}\nguest {GUEST}\n")
    flags = (
        *("--tokens", str(folder / "tokens"), "--data", str(folder / "data")),
        *("--library", str(folder / "library"), *flags),
    )
    running = Serving(root, folder, flags, start_app(root, folder / "tmp", *flags))
    try:
        yield running
    finally:
        if running.app.process.poll() is None:
            stop_app(running.app)
