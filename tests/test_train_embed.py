"""A small network learns to tell people apart from a face-recognition network's answers."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from emotion_core.faces.crop import crop_matrix
from emotion_core.faces.embedding import Embedder
from emotion_core.faces.weights import find_embedding
from emotion_core.network.checkpoint import WEIGHTS
from emotion_core.types import EmotionError
from tests.newcomer import write_folder
from tests.test_train_distill import SHAPE, write_teacher
from train.__main__ import main
from train.data.people import is_held_back, person_of
from train.fit import embed
from train.fit.embed import answers, begin, taken_up, teach, teacher_matrix
from train.measure.pairs import judge_pairs

PLACES = 1024 * 7 * 7  # that the teacher's last layer reads of a picture of 112 px


def write_whole_teacher(path: Path) -> Path:
    """Write a random network of SFace's shape with its last layers, from which the 128 numbers come."""
    model, rng = onnx.load(write_teacher(path, SHAPE)), np.random.default_rng(1)

    def give(label: str, array: np.ndarray) -> str:
        model.graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), label))
        return label

    def norm(name: str, count: int) -> list[str]:
        figures = {"gamma": np.ones(count), "beta": np.zeros(count), "moving_mean": np.zeros(count)}
        return [give(f"{name}_{k}", v) for k, v in (figures | {"moving_var": np.ones(count)}).items()]

    last = model.graph.output.pop().name
    weight = give("pre_fc1_weight", rng.normal(0, PLACES**-0.5, (128, PLACES)))
    model.graph.node.extend(
        [
            helper.make_node("BatchNormalization", [last, *norm("bn1", 1024)], ["b"], epsilon=2e-5),
            helper.make_node("Flatten", ["b"], ["f"]),
            helper.make_node("Gemm", ["f", weight, give("pre_fc1_bias", np.zeros(128))], ["g"], transB=1),
            helper.make_node("BatchNormalization", ["g", *norm("fc1", 128)], ["fc1"], epsilon=2e-5),
        ]
    )
    model.graph.output.append(helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 128]))
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whole_teacher(tmp_path_factory.mktemp("whole") / "faces.onnx")


def test_the_teacher_sees_the_face_where_it_learnt_to() -> None:
    """Eyes and mouth lie where the pictures of face recognition have them, whatever our crop's margin."""
    points = np.array([[200, 105], [246, 105], [223, 130], [205, 158], [241, 158]], np.float32)
    for margin, size in ((1.0, 112), (144 / 112, 144)):
        laid = teacher_matrix(margin, size)
        ours = points @ crop_matrix(points, size, margin)[:, :2].T + crop_matrix(points, size, margin)[:, 2]
        eyes = (ours[:2] @ laid[:, :2].T + laid[:, 2]).mean(0)
        mouth = (ours[3:] @ laid[:, :2].T + laid[:, 2]).mean(0)
        assert np.abs(eyes - (56, 51.6)).max() < 2 and np.abs(mouth - (56, 92.3)).max() < 2


@pytest.mark.weights
def test_the_student_nears_the_teacher(teacher: Path) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (16, 9, 9), np.uint8)
    crops = np.stack([cv2.resize(crop, (144, 144), interpolation=cv2.INTER_CUBIC) for crop in crops])
    wanted = answers(teacher, crops, 144 / 112)
    assert np.allclose(np.linalg.norm(wanted, axis=1), 1, atol=1e-4)
    net = begin(teacher, WEIGHTS)
    early = {k: v.clone() for k, v in net.stem.state_dict().items()}
    fixed = (net.stem, net.early[0], net.early[1])
    few = teach(net, crops, wanted, 144 / 112, pictures=64, fixed=fixed)
    more = teach(net, crops, wanted, 144 / 112, pictures=64 * 12, fixed=fixed)
    assert more > few + 0.05
    assert all(v.equal(early[k]) for k, v in net.stem.state_dict().items())


@pytest.mark.weights
def test_the_command_writes_what_the_library_reads(
    teacher: Path, tmp_path: Path, astronaut: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path / "data", 8)
    out = tmp_path / "face_embedding.onnx"
    words = ["embed", "--data", str(tmp_path / "data"), "--teacher", str(teacher), "--out", str(out)]
    assert main([*words, "--pictures", "64", "--cache", str(tmp_path / "cache")]) == 0
    assert out.stat().st_size < 3e6
    judged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert judged and all(0 <= one["joined"] <= 1 for one in judged if one["different_pairs"])
    vectors = Embedder(out).of_crops([astronaut[60:200, 160:300], astronaut[:, :, 0]])
    assert vectors.shape == (2, 128) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


@pytest.mark.weights
def test_a_network_in_8_bits_is_taken_up_as_it_was() -> None:
    net, shipped = taken_up(find_embedding()).eval(), Embedder()
    faces = np.random.default_rng(0).normal(size=(4, 1, 8, 8)).astype(np.float32)
    faces = np.stack([cv2.resize(face[0], (64, 64))[None] for face in faces])
    with torch.no_grad():
        vectors = net(torch.from_numpy(faces)).numpy()
    assert (vectors * shipped.of_batch(faces)).sum(1).min() > 0.9
    with pytest.raises(EmotionError, match="wanted face_embedding.onnx"):
        taken_up(WEIGHTS.with_name("face_detection_yunet_2023mar.onnx"))


@pytest.mark.weights
def test_a_run_that_was_cut_ends_as_one_that_was_not(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "_SAVE", -1.0)  # before every step
    crops = np.random.default_rng(0).integers(0, 256, (8, 144, 144), np.uint8)
    wanted = np.eye(8, 128, dtype=np.float32)
    one, other, keep = taken_up(find_embedding()), taken_up(find_embedding()), tmp_path / "state"
    teach(one, crops, wanted, 144 / 112, pictures=64 * 3, keep=keep)
    teach(other, crops, wanted, 144 / 112, pictures=64 * 3, keep=keep)  # takes the last step alone
    assert all(v.equal(one.state_dict()[k]) for k, v in other.state_dict().items())
    with pytest.raises(EmotionError, match="another seed or length"):
        teach(other, crops, wanted, 144 / 112, pictures=64 * 4, keep=keep)
    keep.write_bytes(b"no state")
    with pytest.raises(EmotionError, match="damaged"):
        teach(other, crops, wanted, 144 / 112, pictures=64 * 3, keep=keep)


@pytest.mark.weights
def test_the_command_goes_on_with_some_pictures_of_a_set(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path / "data", 8)
    out = tmp_path / "more.onnx"
    words = ["embed", "--data", str(tmp_path / "data"), "--teacher", str(teacher), "--out", str(out)]
    words += ["--pictures", "64", "--cache", str(tmp_path / "cache"), "--init", str(find_embedding())]
    np.save(tmp_path / "more.answers.npy", np.zeros((1, 128), np.float32))
    assert main([*words, "--resume"]) == 1
    assert "answers for other pictures" in capsys.readouterr().err
    assert main([*words, "--most", "data=3"]) == 0
    assert out.is_file() and not (tmp_path / "more.answers.npy").exists()


def test_another_teacher_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "data", 6)
    path = write_teacher(tmp_path / "odd.onnx", SHAPE)  # without its last layers
    words = [
        "embed",
        "--data",
        str(tmp_path / "data"),
        "--teacher",
        str(path),
        "--cache",
        str(tmp_path / "c"),
    ]
    assert main([*words, "--out", str(tmp_path / "e.onnx")]) == 1
    assert "wanted SFace" in capsys.readouterr().err


def test_pairs_are_counted_by_hand() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    pairs = judge_pairs(vectors, np.array(["a", "a", "b"]), 0.7)
    assert (pairs.people, pairs.same_pairs, pairs.different_pairs) == (2, 1, 2)
    assert (pairs.split, pairs.joined) == (0, 0)
    assert judge_pairs(vectors, np.array(["a", "a", "b"]), 0.5).joined == 0.5
    assert judge_pairs(vectors, np.array(["a", "a", "b"]), 0.9).split == 1


def test_people_are_told_by_the_files_name() -> None:
    assert person_of("Ada_Lovelace_0002.jpg") == person_of("Ada_Lovelace_0011.png") == "Ada_Lovelace"
    assert person_of("20_1_0_20170110183726390.jpg.chip.jpg") == "20_1_0_20170110183726390.jpg.chip.jpg"
    assert 0.1 < np.mean([is_held_back(f"someone {i}") for i in range(500)]) < 0.3
