"""The measuring itself: figures are right, and a failure is no figure."""

import json

import numpy as np
import pytest

from benchmarks import conditions, process
from benchmarks.__main__ import main, write_readme
from benchmarks.clip import drift, repeat_clip
from benchmarks.dashboard import write_hour
from benchmarks.measurement import Measurement, table


def test_a_goal_has_a_side():
    assert Measurement("a", 4.9, "ms", 5).reached
    assert not Measurement("a", 5.1, "ms", 5).reached
    assert Measurement("a", 61, "frames/s", 60, at_most=False).reached
    assert not Measurement("a", 59, "frames/s", 60, at_most=False).reached
    assert Measurement("a", 1, "s").reached is None


def test_the_table_says_what_was_missed():
    rows = table([Measurement("slow", 9, "ms", 5), Measurement("fast", 2, "ms", 5)]).splitlines()
    assert rows[2] == "| slow | 9 ms | at most 5 ms (missed) |"
    assert rows[3] == "| fast | 2 ms | at most 5 ms |"


def test_a_figure_goes_with_its_conditions():
    found = conditions.conditions()
    assert found["cores"] >= 1 and found["memory_gb"] > 0
    assert found["versions"]["numpy"] == np.__version__
    json.dumps(found)


def test_peak_memory_is_that_of_the_program_alone():
    ballast = np.ones(60_000_000)  # 480 MB in this process, which the child must not inherit
    small = process.run(["-c", "import time; time.sleep(0.5); print('done')"])
    large = process.run(["-c", "import time; b = b'x' * 200_000_000; time.sleep(0.5)"])
    assert ballast[0] == 1 and small.output == "done\n"
    assert 2 < small.peak_mb < 60
    assert 200 < large.peak_mb < 280


def test_a_program_that_fails_gives_no_figure():
    with pytest.raises(RuntimeError, match="no such thing"):
        process.run(["-c", "raise SystemExit('no such thing')"])


def test_the_made_face_moves(astronaut):
    images = list(drift(astronaut, 320, 240, 30, 10))
    assert len(images) == 30 and all(image.shape == (240, 320, 3) for image in images)
    assert np.abs(images[0].astype(int) - images[20]).mean() > 2


def test_a_clip_is_repeated_with_picture_and_sound(talking_clip, tmp_path):
    from emotion_core import frames
    from emotion_core.video.reader import probe

    repeat_clip(talking_clip, tmp_path / "three.mp4", 3)
    info = probe(tmp_path / "three.mp4")
    times = [frame.time for frame in frames(tmp_path / "three.mp4")]
    assert len(times) == 150 and info.has_audio
    assert all(later > earlier for earlier, later in zip(times, times[1:], strict=False))


def test_the_made_hour_is_a_results_file(tmp_path):
    from emotion_core.results.recording import read_results

    path = tmp_path / "hour_results.json"
    count = write_hour(path, seconds=90, people=3)
    table = read_results(path)
    assert len(table) == count and table.attrs["complete"] and not table.attrs["skipped"]
    assert set(table["face"].dropna()) == {1, 2, 3} and table["face"].isna().any()
    assert table["frame"].nunique() == 2700 and table["p_Happy"].notna().any()


def test_the_table_goes_between_the_marks(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    facts = {"cpu": "a processor", "cores": 2, "python": "3.12.1", "commit": "abc"}
    for _ in range(2):
        write_readme(page, facts, [Measurement("fast", 2, "ms", 5)])
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("<!-- /bench -->\nafter\n")
    assert text.count("| fast | 2 ms |") == 1 and "old" not in text and "a processor, 2 cores" in text


def test_an_unknown_part_is_wrong_use(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["speed"])
    assert stopped.value.code == 2
    assert "no part 'speed'" in capsys.readouterr().err
