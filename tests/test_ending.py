"""How commands end: one line and a code, whatever is in their way, and what was done before is kept."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emotion_core import ending
from emotion_core.shortage import OUT_OF_MEMORY, is_out_of_memory
from emotion_core.types import EmotionError
from tests.made import encode, greys

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A short video without a face, which takes least."""
    return encode(tmp_path / "grey.mkv", greys(4), tone="libopus")


def run(*words: object, **more: object) -> subprocess.CompletedProcess[str]:
    """Run the command line without objects and weights of others; give what it said on stderr."""
    command = [sys.executable, "main.py", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload]


def one_line(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode in (1, 2), ran.stderr
    lines = ran.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("main.py: "), ran.stderr
    return lines[0]


@pytest.mark.weights
@pytest.mark.parametrize("kind", ["full", "closed", "unread"])
def test_output_that_nobody_takes(clip: Path, kind: str) -> None:
    words = ("--video", clip, "--no-objects", "--no-video")
    if kind == "full":
        if not Path("/dev/full").exists():
            pytest.skip("no /dev/full")
        with open("/dev/full", "w") as full:
            ran = run(*words, stdout=full)
    elif kind == "closed":
        ran = run(*words, preexec_fn=lambda: os.close(1))
    else:
        read, write = os.pipe()
        os.close(read)
        ran = run(*words, stdout=write)
        os.close(write)
    assert "standard output" in one_line(ran)
    assert {p.name for p in clip.parent.iterdir()} == {clip.name, "grey_results.json", "grey_summary.json"}


@pytest.mark.weights
def test_memory_that_runs_out(tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "large.png"
    Image.fromarray(np.zeros((6000, 8000, 3), np.uint8)).save(picture)

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))

    ran = run("--video", picture, "--no-objects", stdout=subprocess.DEVNULL, preexec_fn=little)
    assert OUT_OF_MEMORY in one_line(ran)
    assert os.listdir(tmp_path) == ["large.png"]


def test_each_library_has_its_own_words_for_no_memory() -> None:
    import av.error
    import cv2

    with pytest.raises(cv2.error) as opencv:
        cv2.resize(np.zeros((2, 2), np.uint8), (2**30, 2**30))  # an exabyte, which is refused at once
    assert is_out_of_memory(MemoryError()) and is_out_of_memory(av.error.MemoryError(12, "none"))
    assert is_out_of_memory(opencv.value) == (opencv.value.code == -4)
    assert is_out_of_memory(RuntimeError("std::bad_alloc"))
    assert not is_out_of_memory(RuntimeError("bad shape")) and not is_out_of_memory(ValueError("bad_alloc"))


@pytest.mark.parametrize(
    "problem, words",
    [
        (EmotionError("one\nline"), "prog: one line"),
        (MemoryError(), f"prog: {OUT_OF_MEMORY}"),
        (PermissionError(13, "Permission denied", "weights"), "prog: weights can't be used"),
    ],
)
def test_a_problem_is_one_line(problem: Exception, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise problem

    assert ending.run("prog", work) == 1
    said = capsys.readouterr().err
    assert said.startswith(words) and len(said.splitlines()) == 1


def test_what_nobody_foresaw_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        ending.run("prog", lambda: {}["missing"])
    assert ending.run("prog", lambda: 0) == 0 and ending.run("prog", lambda: 2) == 2


def test_a_stream_without_a_decoder_is_one_line(clip: Path) -> None:
    clip.write_bytes(clip.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))
    ran = run("--video", clip, "--no-objects", stdout=subprocess.DEVNULL)
    assert "can't be decoded here" in one_line(ran) and os.listdir(clip.parent) == [clip.name]


@pytest.mark.weights
def test_sound_without_a_decoder_costs_the_sound_only(clip: Path) -> None:
    from emotion_core.video.reader import frames

    data = clip.read_bytes()
    assert data.count(b"A_OPUS") == 1
    clip.write_bytes(data.replace(b"A_OPUS", b"A_OPUX"))
    ran = run("--video", clip, "--no-objects", stdout=subprocess.DEVNULL)
    assert ran.returncode == 0
    assert len(ran.stderr.splitlines()) == 1 and "sound" in ran.stderr
    with frames(clip.with_name("grey_emotions.mp4")) as reader:
        assert sum(1 for _ in reader) == 4 and not reader.info.has_audio


@pytest.mark.parametrize("words", [["--data", "."], ["check", "."], ["export"]])
def test_training_without_its_packages_says_what_to_install(words: list[str]) -> None:
    without = "import sys; sys.modules.update(dict.fromkeys(('torch', 'imagehash')))\n"  # None hides a module
    code = without + "from train.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *words]
    ran = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("train: training needs more packages")
    assert "Traceback" not in ran.stderr and "emotion-recognition[train]" in ran.stderr
