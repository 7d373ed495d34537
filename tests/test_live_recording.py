"""A live view from the command line records its results, however it ends."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from emotion_core.results.recording import read_results
from main import main
from tests.test_live import display, press, start, wait_for_marks

__all__ = ["display"]


def wait_for_records(results: Path, size: int) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not (results.exists() and results.stat().st_size > size):
        time.sleep(0.05)
    assert results.stat().st_size > size


@pytest.mark.weights
@pytest.mark.parametrize("ending", ["q", "SIGINT", "SIGKILL"])
def test_what_is_shown_is_recorded(display: str, talking_clip: Path, tmp_path: Path, ending: str) -> None:  # noqa: F811
    results = tmp_path / "me.json"
    words = ("--output", results, "--format", "csv", "--with", "pose")
    with start(display, talking_clip, *words) as process:
        if ending == "q":
            wait_for_marks(display, process)
            wait_for_records(results, 300)
            press(display, "key", "q")
        else:
            wait_for_records(results, 300)
            process.send_signal(signal.Signals[ending])
        out, error = process.communicate(timeout=60)
    table = read_results(results)
    assert len(table) and table["frame"].is_monotonic_increasing and (table["face"] == 1).all()
    assert "Traceback" not in error
    if ending == "SIGKILL":
        return
    assert process.returncode == (0 if ending == "q" else 1), error
    assert str(results) in out
    assert table.attrs["complete"] and table["pose_yaw"].notna().all()
    assert len(read_results(tmp_path / "me.csv")) == len(table)
    summary = json.loads((tmp_path / "me_summary.json").read_text())
    assert summary["source"]["name"] == "talking.mp4" and summary["complete"]
    assert summary["frames"] == len(table) and summary["model"]["labels"]
    assert not list(tmp_path.glob("*.mp4")) and not list(tmp_path.glob("*.partial*"))


@pytest.mark.weights
def test_a_folder_gets_a_name_of_the_moment(display: str, astronaut_path: Path, tmp_path: Path) -> None:  # noqa: F811
    picture = shutil.copy(astronaut_path, tmp_path / "me.png")
    with start(display, picture, "--output", tmp_path) as process:
        wait_for_marks(display, process)
        press(display, "key", "q")
        _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    [results] = tmp_path.glob("live_*_results.json")
    assert len(json.loads(results.read_text())) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--output", "none/me.json"], "does not exist"),
        (["--output", "me.mp4"], "written to a .json file"),
        (["--format", "csv"], "name their place (--output)"),
        (["--with", "pose"], "name their place (--output)"),
    ],
)
def test_what_can_not_be_recorded_is_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--realtime", *words]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert says in line
