"""The measuring itself: figures are right, and a failure is no figure."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks import conditions, exports, process, revision
from benchmarks.__main__ import main, write_readme
from benchmarks.against import Pair, compare, row
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


def test_a_pair_is_the_median_of_ratios_not_the_ratio_of_medians():
    pair = Pair.of("live", [10, 40, 12], [5, 10, 12])  # the machine was busy in the second turn
    assert (pair.ratio, pair.low, pair.high) == (2, 1, 4)
    assert row(pair) == "| live | 12 | 10 | 2.00 (1.00 to 4.00) |"


def test_records_are_compared_by_frame_and_face():
    def seen(frame: int, face: int, label: str, valence: float) -> dict:
        numbers = {"valence": [valence], "arousal": [0.5], "probabilities": [0.2, 0.8], "pose": None}
        return {"frame": frame, "face": face, "label": label, **numbers}

    before = [seen(0, 1, "Happy", 0.5), seen(1, 1, "Happy", 0.5), seen(1, 2, "Sad", -0.5)]
    after = [seen(0, 1, "Happy", 0.4), seen(1, 1, "Sad", 0.5), seen(2, 1, "Sad", 0.1)]
    outcome = compare(before, after)
    assert (outcome["both"], outcome["alone"], outcome["labels"], outcome["ids"]) == (2, 2, 1, False)
    assert outcome["valence"] == pytest.approx([0.1, 0]) and outcome["pose"] == []
    assert compare(before, before)["labels"] == 3 and compare(before, before)["ids"]


def test_a_program_is_charged_for_all_of_its_threads(tmp_path):
    busy = "import hashlib, threading\n" + (
        "def work():\n for _ in range(40): hashlib.sha256(bytes(4_000_000))\n"
        "ts = [threading.Thread(target=work) for _ in range({})]\n"
        "[t.start() for t in ts]\n[t.join() for t in ts]"
    )
    one, three = (process.run(["-c", busy.format(n)], folder=tmp_path).processor for n in (1, 3))
    assert three > 1.8 * one
    with pytest.raises(RuntimeError, match="no such thing"):
        process.run(["-c", "raise SystemExit('no such thing')"], folder=tmp_path)


def test_a_program_is_charged_for_what_it_has_started():
    busy = "import time\nwhile time.process_time() < 0.5: pass\n"
    below = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {busy + 'time.sleep(90)'!r}])\n"
        "input()\nchild.kill()"
    )
    child = subprocess.Popen([sys.executable, "-c", below], stdin=subprocess.PIPE)
    try:
        until = time.monotonic() + 60
        while process.family_seconds(child.pid) < 0.5 and time.monotonic() < until:
            time.sleep(0.02)
        assert process.spent_seconds(child.pid) < 0.5 <= process.family_seconds(child.pid)
        assert process.status_mb(child.pid) > 2
    finally:
        child.communicate(b"\n", timeout=60)
    gone = (process.spent_seconds, process.family_seconds, process.status_mb)
    assert [one(child.pid) for one in gone] == [0, 0, 0]


def test_another_revision_stands_beside_this_one_and_goes_again():
    with revision.checked_out("HEAD") as tree:
        assert (tree / "emotion_core" / "__init__.py").is_file() and tree != conditions.ROOT
        assert revision.python_of(tree) == sys.executable
        (tree / "requirements.txt").write_text("# nothing\n")  # changes go with it
    assert not tree.exists()
    with pytest.raises(RuntimeError, match="failed"), revision.checked_out("no-such-revision"):
        pass


def test_one_script_measures_any_tree(talking_clip):
    with revision.Runner(conditions.ROOT, sys.executable) as runner:
        times = runner.ask("live", clip=str(talking_clip))
        rows = runner.ask("records", clip=str(talking_clip))["rows"]
        with pytest.raises(RuntimeError, match="ended early"):
            runner.ask("nonsense")
    assert 0 < times["work"] < times["p95"]
    assert {row["frame"] for row in rows} == set(range(50)) and {row["face"] for row in rows} == {1}


def test_formats_are_measured_in_processes_of_their_own(tmp_path, capsys):
    told = tmp_path / "exports.json"
    assert exports.main(["--minutes", "0.1", "--formats", "json,eaf", "--json", str(told)]) in (0, 1)
    [line] = capsys.readouterr().out.splitlines()
    found = json.loads(told.read_text())["outcome"]["eaf"]
    assert line.startswith("eaf") and found["seconds"] > 0 and 20 < found["megabytes"] < 1000
