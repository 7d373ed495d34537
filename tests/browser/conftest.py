"""A real server and a real Chromium whose webcam is a clip of a face."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.running import RunningApp, start_app, stop_app

pytest.importorskip("playwright")

_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
)  # fmt: skip


@pytest.fixture(scope="session")
def app(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """One app for all browser tests: two live viewers, short videos, small uploads."""
    running = start_app(
        root, tmp_path_factory.mktemp("scratch"), "--max-viewers", "2", "--max-minutes", "1",
        "--max-megabytes", "5",
    )  # fmt: skip
    yield running
    stop_app(running)


@pytest.fixture(scope="session")
def webcam(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Motion JPEG, 640x480, of a face: the shared clip, or the astronaut swaying where it is absent."""
    path = tmp_path_factory.mktemp("webcam") / "face.mjpeg"
    clip = Path(__file__).parents[3] / "shared" / "clips" / "neutral_to_happy.mp4"
    pictures: list[Image.Image] = []
    if clip.is_file():
        from emotion_core.video.reader import frames

        with frames(clip) as reader:
            for frame in reader:
                pictures.append(Image.fromarray(frame.image))
                if len(pictures) == 90:
                    break
    else:
        face = Image.fromarray(request.getfixturevalue("_astronaut"))
        pictures = [face.rotate(4 * np.sin(i / 7)) for i in range(60)]
    with path.open("wb") as file:
        for picture in pictures:
            side = min(picture.width, picture.height * 4 / 3)
            left, top = (picture.width - side) / 2, (picture.height - side * 0.75) / 2
            small = picture.resize((640, 480), box=(left, top, left + side, top + side * 0.75))
            out = io.BytesIO()
            small.save(out, "JPEG", quality=88)
            file.write(out.getvalue())
    return path


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Any, chromium: str, webcam: Path) -> Iterator[Any]:
    """Chromium that gives its webcam without asking."""
    flags = [*_FLAGS, "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={webcam}"]
    started = playwright.chromium.launch(executable_path=chromium, args=flags)
    yield started
    started.close()


@pytest.fixture(scope="module")
def wary_browser(playwright: Any, chromium: str) -> Iterator[Any]:
    """Chromium in which the webcam is denied."""
    started = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
    yield started
    started.close()


LEFT = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
"""What Gradio says of a page that is left or loaded anew while it waits for an answer."""


GUIDED = "try { localStorage.setItem('emotion-guide', 'done') } catch {}"
"""Makes a page take its visitor for one who has seen the guide."""


@pytest.fixture
def open_page(browser: Any, app: RunningApp) -> Iterator[Callable[..., Any]]:
    """Open the app in a browser session of its own; a script error on any page fails the test.

    With `guide` the visitor is here for the first time.
    """
    contexts: list[Any] = []
    problems: list[str] = []

    def open_one(
        *, width: int = 1280, height: int = 900, url: str = "", guide: bool = False, **options: Any
    ) -> Any:
        context = options.pop("within", browser).new_context(
            viewport={"width": width, "height": height},
            permissions=options.pop("permissions", ["camera"]),
            **{"locale": "en-US", **options},
        )
        contexts.append(context)
        if not guide:
            context.add_init_script(GUIDED)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(app.url + url)
        page.wait_for_selector("[data-live]")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [problem for problem in problems if not problem.startswith(LEFT)] == []
