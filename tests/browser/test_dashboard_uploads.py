"""Uploads to the dashboard of the running application: on disk, not in its memory, and gone when read."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.running import RunningApp

pytestmark = pytest.mark.browser


def _results(path: Path, count: int) -> Path:
    row = {"emotion": "Happy", "confidence": 0.9, "valence": 0.5, "arousal": 0.4, "face": 1}
    path.write_text(json.dumps([{"frame": n, "time": n / 25, **row} for n in range(count)]))
    return path


def test_results_and_a_video_arrive_and_a_bad_file_is_refused(
    browser: Any, app: RunningApp, tmp_path: Path, talking_clip: Path
) -> None:
    good = _results(tmp_path / "talk_results.json", 50)
    bad = tmp_path / "bad_results.csv"
    bad.write_text("a,b\n1,2\n")
    video = tmp_path / "talk_emotions.mp4"
    video.write_bytes(talking_clip.read_bytes())
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(app.url + "dashboard/")
    page.locator('input[type="file"]').first.set_input_files([str(good), str(bad), str(video)])
    page.get_by_role("heading", name="Not loaded").wait_for()
    page.get_by_role("heading", name="Loaded", exact=True).wait_for()
    assert page.get_by_text("bad_results.csv is no results file").count() == 1
    kept = [path for path in app.files() if "uploads" in path.parts]
    assert [path.suffix for path in kept] == [".mp4"]  # the video is shown; the tables were read
    assert kept[0].read_bytes() == talking_clip.read_bytes()
    page.get_by_role("link", name="Timeline").click()
    page.locator("video").wait_for()
    page.close()
