"""Weights are what `SHA256SUMS` says: the shipped ones, and those that a training wrote."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_core import hashes
from emotion_core.files import sha256_of
from emotion_core.network import checkpoint
from emotion_core.network.runtime import load_network
from emotion_core.types import EmotionError

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "assets" / "weights"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped weights and their list."""
    for name in ("emotion.safetensors", "emotion.encode.onnx", "emotion.decide.onnx", hashes.NAME):
        shutil.copy(SHIPPED / name, tmp_path)
    return tmp_path


def change(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_the_shipped_list_is_right_and_names_every_model() -> None:
    listed = hashes.read(SHIPPED)
    models = {path.name for path in SHIPPED.iterdir() if path.suffix in (".onnx", ".safetensors", ".task")}
    assert models == set(listed)
    assert {name: sha256_of(SHIPPED / name) for name in models} == listed


@pytest.mark.weights
@pytest.mark.parametrize("name", ["emotion.encode.onnx", "emotion.decide.onnx"])
def test_a_changed_file_is_named_and_refused(folder: Path, name: str) -> None:
    assert load_network(folder / "emotion.safetensors").metadata.trained
    change(folder / name, 100_000)
    with pytest.raises(EmotionError, match=f"{name} was changed") as refused:
        load_network(folder / "emotion.safetensors")
    assert "\n" not in str(refused.value) and "emotion_core.hashes" in str(refused.value)


@pytest.mark.weights
def test_a_changed_file_is_one_line_on_the_command_line(folder: Path) -> None:
    change(folder / "emotion.encode.onnx", 5000)
    command = [sys.executable, "main.py", "--video", "assets/icons", "--weights"]
    picture = folder / "a.png"
    from PIL import Image

    Image.new("RGB", (64, 64)).save(picture)
    command[3] = str(picture)
    ran = subprocess.run([*command, folder / "emotion.safetensors"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    told = [line for line in ran.stderr.splitlines() if "objects" not in line]
    assert len(told) == 1 and "emotion.encode.onnx was changed" in told[0]


def test_who_saves_weights_keeps_the_list(folder: Path) -> None:
    path = folder / "emotion.safetensors"
    meta, arrays = checkpoint.load_arrays(path)
    checkpoint.save_arrays(path, meta, arrays)
    checkpoint.save_arrays(folder / "other.safetensors", meta, arrays)
    assert hashes.read(folder)[path.name] == sha256_of(path)
    assert "other.safetensors" not in hashes.read(folder)
    change(path, 3_000_000)
    with pytest.raises(EmotionError, match="was changed"):
        checkpoint.load_arrays(path)


def test_the_command_lists_what_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "emotion.decide.onnx").unlink()
    change(folder / "emotion.encode.onnx", 5)
    assert hashes.main([str(folder)]) == 0
    assert set(hashes.read(folder)) == {"emotion.safetensors", "emotion.encode.onnx"}
    assert hashes.verified(folder / "emotion.encode.onnx")
    assert hashes.main([str(folder / "nowhere")]) == 2


def test_the_command_answers_to_its_old_name(folder: Path) -> None:
    (folder / "emotion.decide.onnx").unlink()
    command = [sys.executable, "-m", "emotion_core.sums", str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0 and set(hashes.read(folder)) == {"emotion.safetensors", "emotion.encode.onnx"}


def test_a_list_that_is_none(folder: Path) -> None:
    (folder / hashes.NAME).write_bytes(b"\xff\xfe\x00 nothing")
    with pytest.raises(EmotionError, match="can't be read"):
        hashes.verified(folder / "emotion.encode.onnx")
