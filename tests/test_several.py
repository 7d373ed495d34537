"""Several files, folders and patterns in one call of the command line."""

import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from emotion_core.command.inputs import expanded
from emotion_core.results.recording import read_results
from emotion_core.types import EmotionError
from main import main


@pytest.fixture
def folder(talking_clip: Path, tmp_path: Path) -> Path:
    """Two videos of one name in two folders, and one more."""
    (tmp_path / "in" / "day2").mkdir(parents=True)
    for name in ("talk.mp4", "day2/talk.mp4", "zoom1.mp4"):
        shutil.copy(talking_clip, tmp_path / "in" / name)
    return tmp_path / "in"


def words(*names: object) -> list[str]:
    return ["--video", *map(str, names), "--no-objects", "--no-video"]


def test_words_stand_for_files_each_once_and_in_order(folder: Path) -> None:
    names = [str(folder), str(folder / "zoom?.mp4"), str(folder / "day2"), "https://example.org/a.mp4"]
    found = expanded(names)
    assert found == [
        *(str(folder / n) for n in ("talk.mp4", "zoom1.mp4", "day2/talk.mp4")),
        "https://example.org/a.mp4",
    ]
    assert len(expanded([str(folder / "**" / "*.mp4")])) == 3


def test_what_an_earlier_run_left_is_not_taken_for_an_input(folder: Path) -> None:
    shutil.copy(folder / "talk.mp4", folder / "talk_emotions.mp4")
    assert str(folder / "talk_emotions.mp4") in expanded([str(folder)])  # nobody says that it is one
    (folder / "talk_results.json").write_text("[]")
    for named in (folder, folder / "*.mp4"):
        assert expanded([str(named)]) == [str(folder / "talk.mp4"), str(folder / "zoom1.mp4")]
    assert expanded([str(folder / "talk_emotions.mp4")]) == [str(folder / "talk_emotions.mp4")]


def test_a_name_with_brackets_is_a_file_before_it_is_a_pattern(folder: Path) -> None:
    odd = folder / "take [1].mp4"
    shutil.copy(folder / "talk.mp4", odd)
    assert expanded([str(odd)]) == [str(odd)]


def test_words_that_stand_for_nothing_are_errors_in_their_place(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = expanded([str(tmp_path / "empty"), str(folder / "q*.mp4"), str(folder / "talk.mp4")])
    assert [isinstance(one, EmotionError) for one in found] == [True, True, False]
    assert "without a video" in str(found[0]) and "matches nothing" in str(found[1])


def test_one_that_fails_stops_no_other_and_no_two_share_an_output(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.mp4").touch()
    out = tmp_path / "out"
    out.mkdir()
    code = main([*words(folder, folder / "day2", folder / "none.mp4"), "--output", str(out)])
    said, errors = capsys.readouterr()
    assert code == 1
    for name in ("talk", "talk_mp4", "zoom1"):
        assert len(read_results(out / f"{name}_results.json")) == 50
    assert len(list(out.glob("*_results.json"))) == 3
    assert said.count("50 frames, 1 face") == 3 and "all: 5 of 5 done, 2 failed" in said
    listed = [line for line in errors.splitlines() if "UNTRAINED" not in line]
    assert listed[-3:] == [
        "main.py: 2 of 5 failed:",
        "main.py: bad.mp4 is empty (0 bytes): copy or download it again",
        f"main.py: {folder / 'none.mp4'} does not exist: check the path",
    ]
    assert "Traceback" not in errors


def test_all_well_is_code_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(folder / "*.mp4")) == 0
    assert "failed" not in "".join(capsys.readouterr())
    assert (folder / "talk_results.json").exists() and (folder / "zoom1_results.json").exists()


def test_several_inputs_need_a_folder_for_their_outputs(folder: Path, tmp_path: Path) -> None:
    assert main([*words(folder), "--output", str(tmp_path / "one.mp4")]) == 2
    assert not list(tmp_path.glob("one*"))


def test_a_stop_ends_one_well_and_leaves_the_rest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = folder / "talk_results.json"

    def stop() -> None:
        limit = time.monotonic() + 60
        while not results.exists() and time.monotonic() < limit:
            time.sleep(0.005)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=stop)
    thread.start()
    code = main(words(folder / "talk.mp4", folder / "zoom1.mp4"))
    thread.join()
    errors = capsys.readouterr().err
    assert code == 1 and "stopped at" in errors and "zoom1.mp4: not begun" in errors
    assert 0 < len(read_results(results)) < 50
    assert not (folder / "zoom1_results.json").exists()
