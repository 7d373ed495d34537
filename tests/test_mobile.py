"""The example for phones answers as the library does, step by step and on a whole clip."""

import ast
import csv
import importlib.util
import io
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from emotion_core import Frame, Recognizer, Session
from emotion_core.faces import crop
from emotion_core.faces.mesh_litert import LiteMesh
from emotion_core.faces.regions import apart
from emotion_core.faces.weights import find_landmarker, find_yunet
from emotion_core.network.checkpoint import WEIGHTS, onnx_files, read_metadata
from emotion_core.network.runtime import _answers
from emotion_core.onnx_session import open_session
from emotion_core.smoothing import Reading, Smoother

EXAMPLE = Path(__file__).resolve().parent.parent / "docs" / "mobile_example.py"
CONVERTER = importlib.util.find_spec("litert_torch") is not None


@pytest.fixture(scope="module")
def example() -> Any:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("mobile_example", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = sys.modules["mobile_example"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["mobile_example"]


def complex_of(points: np.ndarray) -> np.ndarray:
    return points[:, 0] + 1j * points[:, 1]


def matrix_of(pair: tuple[complex, complex]) -> np.ndarray:
    turn, shift = pair
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def five(rng: np.random.Generator, size: float) -> np.ndarray:
    """Make five points of a face of about this many pixels, turned and shaken a little."""
    upright = np.array([[-0.5, 0], [0.5, 0], [0, 0.6], [-0.4, 1.1], [0.4, 1.1]])
    angle = rng.uniform(-1.5, 1.5)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (upright + rng.normal(0, 0.05, (5, 2))) @ turn * size + rng.uniform(100, 400, 2)


def test_the_example_needs_litert_numpy_and_opencv_alone() -> None:
    names = set()
    for node in ast.walk(ast.parse(EXAMPLE.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    assert names - set(sys.stdlib_module_names) == {"ai_edge_litert", "cv2", "numpy"}


@pytest.mark.parametrize("size", [20.0, 60.0, 180.0])  # enlarged, shrunk a little, averaged first
def test_crops_are_laid_and_cut_alike(example: ModuleType, astronaut: np.ndarray, size: float) -> None:
    rng = np.random.default_rng(int(size))
    for side, margin in ((crop.SIZE, 1.0), (256, 1.3)):
        points = five(rng, size)
        pair, wanted = (
            example.lay_crop(complex_of(points), side, margin),
            crop.crop_matrix(points, side, margin),
        )
        assert matrix_of(pair) == pytest.approx(wanted, rel=1e-9, abs=1e-6)
        same = example.cut(astronaut, pair, side).astype(int) - crop.warp(astronaut, wanted, side)
        assert np.abs(same).max() <= 1


def test_crops_are_compared_alike(example: ModuleType) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        points = five(rng, 80)
        other = points * rng.uniform(0.9, 1.1) + rng.normal(0, 4, (5, 2))
        pairs = [example.lay_crop(complex_of(p), 256, 1.3) for p in (points, other)]
        wanted = apart(*(crop.crop_matrix(p, 256, 1.3) for p in (points, other)), 256)
        assert example.far(*pairs) == pytest.approx(wanted, rel=1e-6)


def test_the_network_reads_the_same_numbers(example: ModuleType, astronaut: np.ndarray) -> None:
    assert list(crop.KEY_POINTS) == example.KEY_POINTS
    picture = cv2.resize(astronaut[:224, :224], (224, 224))
    for one in (picture, np.repeat(picture[:, :, :1], 3, 2), np.full_like(picture, 90)):
        assert np.array_equal(example.to_tensor(one), crop.to_tensor([one])[:, 0])
        assert example.has_colors(one) == crop.has_colors(one)
    mesh = np.random.default_rng(2).uniform(50, 200, (478, 2)).astype(np.float32)
    wanted = crop.normalize_landmarks(crop.key_points(mesh))
    assert example.to_landmarks(complex_of(mesh))[0] == pytest.approx(wanted, abs=1e-4)
    assert example.five_of(complex_of(mesh)) == pytest.approx(complex_of(crop.five_points(mesh)))


def test_answers_are_calibrated_and_smoothed_alike(example: ModuleType) -> None:
    metadata = read_metadata(WEIGHTS)
    rng = np.random.default_rng(3)
    person, smoother = example.Person(1, (0j, 1 + 1j), np.zeros(5), None, None, 0.0), Smoother()
    for _ in range(60):
        logits, valence, arousal = rng.normal(0, 0.5, (1, 7)), rng.uniform(-1, 1, 1), rng.uniform(0, 1, 1)
        wanted, *_ = _answers([logits, valence, arousal], metadata, np.array([True]))
        said = example.softmax(logits[0], metadata.temperature_color)
        assert said == pytest.approx(wanted[0], abs=1e-6)
        mean, label = person.smooth(np.array([*said, valence[0], arousal[0]]))
        calm, held = smoother.update(Reading(said, valence[0], arousal[0]), example.SMOOTHING)
        assert label == held
        assert mean == pytest.approx([*calm.probabilities, calm.valence, calm.arousal])


def test_the_mesh_is_read_alike(example: ModuleType, astronaut: np.ndarray) -> None:
    points = np.array([[205.0, 113], [248, 106], [232, 135], [212, 158], [253, 152]])
    mesh, library = example.Mesh(find_landmarker()), LiteMesh(find_landmarker())
    region = library.region(points)
    wanted = library.read(crop.warp(astronaut, region, library.side))
    assert wanted is not None
    back = cv2.invertAffineTransform(region)
    found = mesh.read(astronaut, example.lay_crop(complex_of(points), example.MESH_SIDE, 1.3))
    assert np.abs(found - complex_of(wanted.points @ back[:, :2].T + back[:, 2])).max() < 0.05
    assert mesh.read(np.full_like(astronaut, 90), (1 + 0j, 0j)) is None


def library_says(clip: Path) -> list[list[Any]]:
    """Read a clip by the library, each face in each frame: rows of frame, face, label, confidence, V, A."""
    recognizer, session = Recognizer.from_pretrained(every_frame=True, reidentify=False), Session()
    rows: list[list[Any]] = []
    for index, (time, image) in enumerate(pictures(clip)):
        for face in recognizer(Frame(image, index, time), session):
            rows.append([index, face.id, face.emotion, face.confidence, face.valence, face.arousal])
    return rows


def pictures(clip: Path) -> Any:
    video = cv2.VideoCapture(str(clip))
    while (read := video.read())[0]:
        yield video.get(cv2.CAP_PROP_POS_MSEC) / 1000, cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)


def compare(said: list[list[Any]], wanted: list[list[Any]]) -> None:
    assert len(wanted) > 40 and [row[:2] for row in said] == [row[:2] for row in wanted]
    assert np.mean([a[2] == b[2] for a, b in zip(said, wanted, strict=True)]) >= 0.99
    apart = np.abs(np.array([row[3:] for row in said], float) - np.array([row[3:] for row in wanted]))
    assert (apart.mean(0) < 0.02).all() and apart.max() < 0.1


class OnnxHalves:
    """The shipped network as the example calls it, on ONNX Runtime: LiteRT files are made on request only."""

    def __init__(self) -> None:
        metadata = read_metadata(WEIGHTS)
        names = ("temperature", "temperature_color", "labels")
        self.settings = {name: getattr(metadata, name) for name in names} | {
            "window": metadata.config["window"]
        }
        self._encode, self._decide = (open_session(file) for file in onnx_files(WEIGHTS))

    def encode(self, images: np.ndarray, **others: np.ndarray) -> dict[str, np.ndarray]:
        return {"features": self._encode.run(None, {"images": images[:, None], **others})[0]}

    def decide(self, window: np.ndarray) -> dict[str, np.ndarray]:
        return dict(
            zip(("logits", "valence", "arousal"), self._decide.run(None, {"window": window}), strict=True)
        )


@pytest.mark.weights
def test_a_clip_is_read_as_the_library_reads_it(example: ModuleType, talking_clip: Path) -> None:
    network = OnnxHalves()
    reader = example.Reader(network, example.Mesh(find_landmarker()), find_yunet())
    said = [
        [index, number, network.settings["labels"][label], row[label], row[-2], row[-1]]
        for index, (time, image) in enumerate(pictures(talking_clip))
        for number, row, label in reader(image, time)
    ]
    compare(said, library_says(talking_clip))


def test_two_faces_have_numbers_of_their_own(example: ModuleType, zidane_path: Path) -> None:
    image = cv2.cvtColor(cv2.imread(str(zidane_path)), cv2.COLOR_BGR2RGB)
    reader = example.Reader(OnnxHalves(), example.Mesh(find_landmarker()), find_yunet())
    numbers = [[number for number, *_ in reader(image, time / 30)] for time in range(3)]
    assert numbers == [[1, 2]] * 3
    assert not list(reader(np.zeros_like(image), 0.2)) and len(reader.people) == 2, "expected back"
    assert [number for number, *_ in reader(image, 0.3)] == [1, 2]
    assert not list(reader(np.zeros_like(image), 2.0)) and not reader.people


@pytest.mark.skipif(not CONVERTER, reason="litert-torch is not installed: pip install '.[mobile]'")
@pytest.mark.weights
def test_exported_files_give_the_librarys_answer(talking_clip: Path, tmp_path: Path) -> None:
    from train.__main__ import main

    assert main(["export", "--litert", str(tmp_path), "--no-compare"]) == 0
    for precision in ("fp32", "fp16", "int8"):
        command = [sys.executable, str(EXAMPLE), str(talking_clip), "--network", str(tmp_path / precision)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert ran.returncode == 0, ran.stderr
        rows = [
            [int(row["frame"]), int(row["face"]), row["emotion"]]
            + [float(row[name]) for name in ("confidence", "valence", "arousal")]
            for row in csv.DictReader(io.StringIO(ran.stdout))
        ]
        compare(rows, library_says(talking_clip))
