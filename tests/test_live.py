"""Live: only the newest frame is handed out, and the window shows the overlay and goes when asked."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emotion_core.desktop.live import LatestFrame, Taken, _Worker
from emotion_core.desktop.window import fitting, resized
from emotion_core.overlay.style import DrawStyle
from emotion_core.palette import COLORS, rgb
from emotion_core.recognizer import Recognizer, Session
from emotion_core.types import Box, DetectedObject, EmotionError

ROOT = Path(__file__).resolve().parent.parent


def take_all(reader: LatestFrame, pause: float) -> list[Taken]:
    taken = []
    while True:
        one = reader.get(1.0)
        if one is not None:
            taken.append(one)
            time.sleep(pause)
        elif reader.ended:
            return taken


# LatestFrame


def test_a_slow_consumer_drops_frames_and_never_sees_an_old_one(talking_clip: Path) -> None:
    reader = LatestFrame(talking_clip).start()
    indices = []
    while not reader.ended:
        before = reader.received
        taken = reader.get(1.0)
        if taken is None:
            continue
        assert taken.frame.index >= before - 5, "newer ones were there: a queue falls ever further behind"
        indices.append(taken.frame.index)
        time.sleep(0.2)  # five a second of 25
    reader.close()
    assert indices == sorted(set(indices))
    assert len(indices) < 50 and reader.received == 50
    assert reader.dropped >= reader.received - len(indices) - 1


def test_a_file_plays_at_its_own_speed_and_ends(talking_clip: Path) -> None:
    reader = LatestFrame(talking_clip)
    taken = take_all(reader.start(), 0)
    assert reader.ended and reader.problem is None and reader.get(0.01) is None
    assert reader.received == 50 and len(taken) + reader.dropped == 50
    first = taken[0]
    for one in taken[1:]:
        # Never early; late where the machine is busy.
        assert one.at - first.at > one.frame.time - first.frame.time - 0.5
    reader.close()


def test_a_picture_is_one_frame(astronaut_path: Path) -> None:
    reader = LatestFrame(astronaut_path).start()
    assert [t.frame.index for t in take_all(reader, 0)] == [0]
    reader.close()


@pytest.mark.weights
def test_a_photo_gets_the_objects_that_a_search_beside_it_finds(astronaut_path: Path) -> None:
    may = threading.Event()

    def find(image: np.ndarray) -> list[DetectedObject]:
        assert may.wait(60)  # long after the photo is shown, as a real search is
        return [DetectedObject("cup", 0.9, Box(300, 300, 150, 150))]

    style = DrawStyle({"objects"})
    worker = _Worker(LatestFrame(astronaut_path), Recognizer.from_pretrained(), Session, find, style)
    worker.start()
    try:
        before = worker.view(60)
        assert before is not None
        may.set()
        while (after := worker.view(60)) is not None and np.array_equal(after.image, before.image):
            pass
        assert after is not None and (after.image != before.image)[300:450, 300:450].any()
    finally:
        worker.stop()


def test_close_is_quick_before_and_while_reading(talking_clip: Path) -> None:
    LatestFrame(talking_clip).close()
    reader = LatestFrame(talking_clip).start()
    assert reader.get(5.0) is not None
    reader.close()
    assert reader.received < 50, "it did not read to the end first"
    assert reader.get(1.0) is None or reader.ended


def test_what_can_not_be_opened_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EmotionError):
        LatestFrame(tmp_path / "none.mp4")
    with pytest.raises(EmotionError):
        LatestFrame(97)


def test_sizes_keep_their_shape() -> None:
    assert fitting(3840, 2160, (1280, 800)) == (1280, 720)
    assert fitting(320, 240, (1280, 800)) == (320, 240)
    assert fitting(320, 240, (1280, 800), least=640) == (640, 480)
    assert fitting(320, 240, (400, 400), least=640) == (400, 300)
    assert resized(np.zeros((240, 320, 3), np.uint8), (640, 480)).shape == (480, 640, 3)


# The window


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A virtual display of 1280x800 of its own; skips where one can't be had."""
    pytest.importorskip("tkinter")
    server = shutil.which("Xvfb")
    if server is None or shutil.which("xdotool") is None:
        pytest.skip("no Xvfb or xdotool: apt-get install xvfb xdotool")
    receive, send = os.pipe()
    with subprocess.Popen(
        [server, "-displayfd", str(send), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[send],
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(send)
        with os.fdopen(receive) as answer:
            number = answer.readline().strip()
        if not number:
            pytest.skip("Xvfb does not start here")
        yield f":{number}"
        process.terminate()


def screenshot(display: str) -> np.ndarray:
    from PIL import ImageGrab

    return np.asarray(ImageGrab.grab(xdisplay=display).convert("RGB"))


def start(display: str | None, *words: str | Path) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if display is not None:
        environment["DISPLAY"] = display
    return subprocess.Popen(
        [sys.executable, "main.py", "--realtime", "--no-objects", "--camera", *map(str, words)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def marks(picture: np.ndarray) -> int:
    """Pixels in a colour of the seven: brackets and bars, which no picture of ours has by itself."""
    near = [np.abs(picture.astype(np.int16) - rgb(color)).max(-1) <= 2 for color in COLORS.values()]
    return int(np.logical_or.reduce(near).sum())


def wait_for_marks(display: str, process: subprocess.Popen[str], seconds: float = 90) -> np.ndarray:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        picture = screenshot(display)
        if marks(picture) > 300:
            return picture
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.2)
    process.kill()
    pytest.fail("no overlay on the screen")


def press(display: str, *words: str) -> None:
    subprocess.run(["xdotool", *words], env={**os.environ, "DISPLAY": display}, check=True, timeout=20)


@pytest.mark.weights
def test_the_window_shows_the_overlay_and_ends_at_once(display: str, astronaut_path: Path) -> None:
    with start(display, astronaut_path) as process:
        wait_for_marks(display, process)
        press(display, "key", "q")
        out, error = process.communicate(timeout=60)  # one second on a machine that is not busy
    assert process.returncode == 0, error
    assert "Traceback" not in error
    assert "Tell the people in view" in out and "not what a person feels" in out


CLOSING = """
import numpy as np
from emotion_core.desktop import window
shown = window.Window("Emotion", 640, 480, print)
shown.show(np.zeros((480, 640, 3), np.uint8))
shown.pump()
assert shown.open and shown.size == (640, 480)
shown._root.tk.call(shown._root.protocol("WM_DELETE_WINDOW"))
shown.pump()
assert not shown.open
shown.close()
"""


def test_closing_the_window_is_noticed(display: str) -> None:
    environment = {**os.environ, "DISPLAY": display}
    subprocess.run([sys.executable, "-c", CLOSING], cwd=ROOT, env=environment, check=True, timeout=60)


@pytest.mark.weights
def test_keys_change_what_is_shown(display: str, astronaut_path: Path) -> None:
    with start(display, astronaut_path) as process:
        before = wait_for_marks(display, process)
        press(display, "key", "h")
        deadline = time.monotonic() + 20
        while np.array_equal(after := screenshot(display), before) and time.monotonic() < deadline:
            time.sleep(0.1)
        press(display, "key", "q")
        process.communicate(timeout=20)
    assert process.returncode == 0
    changed = np.argwhere((before != after).any(-1))
    assert len(changed) > 2000, "the face is still there"


@pytest.mark.weights
def test_a_clip_ends_and_its_last_picture_waits(display: str, talking_clip: Path) -> None:
    with start(display, talking_clip) as process:
        wait_for_marks(display, process)
        time.sleep(3)  # the clip lasts two
        assert process.poll() is None and marks(screenshot(display)) > 300
        press(display, "key", "Escape")
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_without_a_display_one_line_names_the_web_app(astronaut_path: Path) -> None:
    pytest.importorskip("tkinter")
    if sys.platform in ("win32", "darwin"):
        pytest.skip("there is always a display")
    with start(None, astronaut_path) as process:
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(error.strip().splitlines()) == 1 and "python app.py" in error


def test_without_a_camera_one_line_names_the_web_app(display: str) -> None:
    with start(display, "97") as process:
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(error.strip().splitlines()) == 1 and "camera" in error and "python app.py" in error
