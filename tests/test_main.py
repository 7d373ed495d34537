"""The command line as a user meets it: every mistake is one line, and nothing is lost or left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emotion_core.results.recording import read_results

MAIN = Path(__file__).resolve().parent.parent / "main.py"


def run(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `python main.py WORDS`."""
    command = [sys.executable, str(MAIN), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=240)


def said(errors: str) -> list[str]:
    """Give the lines of stderr, without the warning that weights in the making are untrained."""
    return [line for line in errors.splitlines() if line.strip() and "UNTRAINED" not in line]


def one_line(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Check the exit code and that stderr holds exactly one line; give it."""
    assert done.returncode == code, done.stderr
    lines = said(done.stderr)
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("main.py: ")
    assert "Traceback" not in done.stderr
    return lines[0]


@pytest.fixture
def clip(talking_clip: Path, tmp_path: Path) -> Path:
    return shutil.copy(talking_clip, tmp_path / "talk.mp4")


@pytest.fixture(scope="session")
def long_clip(talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute and a half of one face, so that there is time to stop in the middle."""
    from emotion_core.video.reader import VideoWriter, frames

    path = tmp_path_factory.mktemp("long") / "long.mp4"
    images = [f.image for f in frames(talking_clip)]
    with VideoWriter(path, fps=25, preset="ultrafast") as writer:
        for i in range(2250):
            writer.write(images[i % len(images)], i / 25)
    return path


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


# Wrong use


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--video", "x.mp4", "--smoothing", "0"], "1 (no smoothing) or more"),
        (["--video", "x.mp4", "--smoothing", "-3"], "1 (no smoothing) or more"),
        (["--video", "x.mp4", "--smoothing", "five"], "1 (no smoothing) or more"),
        (["--video", "x.mp4", "--threshold", "1.5"], "between 0 and 1"),
        (["--video", "x.mp4", "--format", "xml"], "no list of json, csv, "),
        (["--video"], "expected at least one argument"),
        (["--video", "x.mp4", "--realtime"], "not allowed with"),
        (["--video", "x.mp4", "--train"], "two jobs"),
        (["--video", "x.mp4", "--camera", "0"], "--camera goes with --realtime"),
        (["--output", "x.mp4"], "--output goes with --realtime or --video"),
        (["--realtime", "--no-video"], "--no-video goes with --video"),
        (["--bogus"], "--bogus"),
        (["stray.mp4"], "stray.mp4"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(words: Sequence[str], says: str, tmp_path: Path) -> None:
    line = one_line(run(*words, cwd=tmp_path), 2)
    assert says in line and "--help" in line
    assert not list(tmp_path.iterdir())


def test_help_tells_a_newcomer_what_to_type() -> None:
    done = run("--help")
    assert done.returncode == 0
    for word in ("--realtime", "--video talk.mp4", "--train", "talk_results.json", "app.py", "AI Act"):
        assert word in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 115


# Bad input


def bad_input(kind: str, folder: Path, clip: Path) -> list[object]:
    """Make a bad input in `folder` and give the words that name it."""
    path = folder / "bad.mp4"
    if kind == "empty file":
        path.touch()
    elif kind == "text file":
        path.write_text("hello\n" * 100)
    elif kind == "cut before the index":
        path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0\0\x0f\0\0mdat" + b"x" * 99)
    elif kind == "folder":
        path.mkdir()
    elif kind == "sound only":
        import wave

        path = folder / "bad.wav"
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8000)
            out.writeframes(np.zeros(8000, np.int16).tobytes())
    elif kind == "output is a missing folder":
        return ["--video", clip, "--output", folder / "none" / "x.mp4"]
    elif kind == "output can't be written":
        return ["--video", clip, "--output", "/proc/x.mp4"]
    elif kind == "output equals input":
        return ["--video", clip, "--output", clip]
    elif kind == "output of another kind":
        return ["--video", clip, "--output", folder / "x.docx"]
    elif kind == "missing weights":
        return ["--video", clip, "--weights", folder / "none.safetensors"]
    elif kind == "corrupt weights":
        (folder / "w.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ruined")
        return ["--video", clip, "--weights", folder / "w.safetensors"]
    elif kind == "foreign weights":
        from safetensors.numpy import save_file

        save_file({"w": np.zeros(3, np.float32)}, folder / "w.safetensors")
        return ["--video", clip, "--weights", folder / "w.safetensors"]
    elif kind == "missing objects model":
        return ["--video", clip, "--objects-model", folder / "none.onnx"]
    return ["--video", path]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing path", "does not exist"),
        ("empty file", "empty"),
        ("text file", "no video or picture"),
        ("cut before the index", "cut off before its index"),
        ("folder", "a folder without a video or picture"),
        ("sound only", "only sound"),
        ("output is a missing folder", "create it first, or choose another output (--output)"),
        ("output can't be written", "/proc"),
        ("output equals input", "would replace the input talk.mp4: choose another output (--output)"),
        ("output of another kind", "x.docx"),
        ("missing weights", "none.safetensors"),
        ("corrupt weights", "w.safetensors"),
        ("foreign weights", "w.safetensors"),
        ("missing objects model", "none.onnx"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    kind: str, says: str, tmp_path: Path, talking_clip: Path
) -> None:
    clip = Path(shutil.copy(talking_clip, tmp_path / "talk.mp4"))
    words = bad_input(kind, tmp_path, clip)
    before = snapshot(tmp_path)
    off = [] if "--objects-model" in words else ["--no-objects"]
    line = one_line(run(*words, *off), 1)
    assert says in line
    assert snapshot(tmp_path) == before


def test_a_wrong_label_order_is_refused(tmp_path: Path, clip: Path) -> None:
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    from emotion_core.network.checkpoint import WEIGHTS

    if not WEIGHTS.is_file():
        pytest.skip("no weights file")
    with safe_open(WEIGHTS, framework="np") as file:
        metadata = file.metadata()
    metadata["labels"] = (
        metadata["labels"].replace("Angry", "?").replace("Happy", "Angry").replace("?", "Happy")
    )
    wrong = tmp_path / "wrong.safetensors"
    save_file(load_file(WEIGHTS), wrong, metadata=metadata)
    before = snapshot(tmp_path)
    assert "label" in one_line(run("--video", clip, "--weights", wrong, "--no-objects"), 1)
    assert snapshot(tmp_path) == before


def test_no_camera_is_one_line() -> None:
    line = one_line(run("--realtime", "--camera", "97", "--no-objects"), 1)
    assert "camera" in line or "display" in line


# The job itself


def test_a_video_from_start_to_end(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out dir"
    out.mkdir()
    done = run(
        "--video", clip, "--output", out, "--format", "csv,parquet", "--no-objects", "--smoothing", "3"
    )
    assert done.returncode == 0, done.stderr
    assert {p.name for p in out.iterdir()} == {
        "talk_emotions.mp4",
        "talk_results.json",
        "talk_results.csv",
        "talk_results.parquet",
        "talk_summary.json",
    }
    assert len(read_results(out / "talk_results.json")) == 50
    assert "50 frames, 1 face" in done.stdout and "not what a person feels" in done.stdout
    done = run("--video", clip, "--no-video", "--no-objects", "--no-reidentify")
    assert done.returncode == 0
    assert not clip.with_name("talk_emotions.mp4").exists()
    assert clip.with_name("talk_results.json").exists()


def test_a_cut_video_keeps_its_results(clip: Path, tmp_path: Path) -> None:
    from emotion_core.video.reader import VideoWriter, frames

    whole = tmp_path / "whole.mp4"
    with VideoWriter(whole) as writer:
        for frame in frames(clip):
            writer.write(frame.image, frame.time)
    data = whole.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    line = one_line(run("--video", tmp_path / "cut.mp4", "--no-objects"), 1)
    assert "reading stopped at" in line and "cut_results.json" in line
    assert 5 < len(read_results(tmp_path / "cut_results.json")) < 45


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_stopped_in_the_middle(long_clip: Path, tmp_path: Path, number: signal.Signals) -> None:
    clip = Path(shutil.copy(long_clip, tmp_path / "long.mp4"))
    command = [sys.executable, str(MAIN), "--video", str(clip), "--no-objects"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    results = tmp_path / "long_results.json"
    limit = time.monotonic() + 180
    while time.monotonic() < limit and process.poll() is None:
        if results.exists() and results.stat().st_size > 20_000:
            break
        time.sleep(0.05)
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=60)
    table = read_results(results)
    assert len(table) > 20
    assert table["frame"].tolist() == list(range(len(table)))
    assert len(table) < 2250
    if number != signal.SIGKILL:
        assert process.returncode == 1
        [line] = said(errors)
        assert "stopped at" in line and "long_results.json" in line
        assert {p.name for p in tmp_path.iterdir()} == {
            "long.mp4",
            "long_emotions.mp4",
            "long_results.json",
            "long_summary.json",
        }


def test_a_full_disk(long_clip: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        line = one_line(run("--video", long_clip, "--output", disk, "--no-objects"), 1)
        assert "disk is full" in line
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# The other modes


def test_train_is_handed_over() -> None:
    done = run("--train", "--help")
    assert done.returncode == 0
    assert "--epochs" in done.stdout


def test_the_model_is_shown_and_made_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    for state in ("created", "verified"):
        done = run("--weights", path)
        assert done.returncode == 0, done.stderr
        for part in ("spatial CNN", "landmark processor", "heads", "FP16", "sha256", state, "UNTRAINED"):
            assert part in done.stdout
    assert list(tmp_path.iterdir()) == [path]
    path.write_bytes(path.read_bytes()[:-1000])
    one_line(run("--weights", path), 1)
    one_line(run("--weights", tmp_path / "none" / "x.safetensors"), 1)


def test_starting_imports_nothing_heavy() -> None:
    code = "import sys, main; main.build_parser(); print([m for m in ('torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=MAIN.parent)
    assert done.stdout.strip() == "[]"
