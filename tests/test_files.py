"""Writing beside and renaming: whole files only, one writer at a time, and nothing left of a killed run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_core.files import Beside, is_being_written, written_beside
from emotion_core.types import EmotionError

ROOT = Path(__file__).resolve().parent.parent

HOLD = """
import sys, time
from emotion_core.files import Beside
file = Beside(sys.argv[1])
file.path.write_text("half")
if len(sys.argv) > 2: file.place()
print("writing", flush=True)
time.sleep(60)
"""


def hold(target: Path, *more: str) -> subprocess.Popen[str]:
    """Start a process that writes half of `target`."""
    command = [sys.executable, "-c", HOLD, str(target), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == "writing\n"
    return process


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    with written_beside(target) as part:
        assert part == tmp_path / "a.partial.json"
        part.write_text("new")
        assert not target.exists() and is_being_written(target)
    assert target.read_text() == "new" and os.listdir(tmp_path) == ["a.json"]
    assert not is_being_written(target)


@pytest.mark.parametrize("problem", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there(tmp_path: Path, problem: type[BaseException]) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(problem), written_beside(target) as part:
        part.write_text("half")
        raise problem
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("more", [(), ("under its name",)])
def test_a_second_writer_is_told_and_a_killed_one_is_forgotten(tmp_path: Path, more: tuple[str, ...]) -> None:
    target = tmp_path / "a.json"
    first = hold(target, *more)
    with pytest.raises(EmotionError, match="another run is writing a.json"):
        Beside(target)
    assert is_being_written(target)
    assert (target if more else tmp_path / "a.partial.json").read_text() == "half"
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert not is_being_written(target)
    with written_beside(target) as part:
        assert part.read_text() == ""
        part.write_text("whole")
    assert target.read_text() == "whole" and os.listdir(tmp_path) == ["a.json"]


def test_two_small_writes_wait_for_each_other(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    code = """
import sys
from pathlib import Path
from emotion_core.files import written_beside
for i in range(40):
    with written_beside(sys.argv[1]) as part:
        part.write_text(sys.argv[2] * 1000)
    assert len(set(Path(sys.argv[1]).read_text())) == 1
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, str(target), c], cwd=ROOT) for c in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(target.read_text()) == 1000 and os.listdir(tmp_path) == ["a.json"]


def test_a_file_that_was_put_in_place_goes_away_when_discarded(tmp_path: Path) -> None:
    file = Beside(tmp_path / "a.json")
    file.place()
    file.discard()
    assert not os.listdir(tmp_path)
    file = Beside(tmp_path / "a.json")
    file.commit()
    file.discard()
    assert os.listdir(tmp_path) == ["a.json"]
