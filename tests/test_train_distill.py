"""A face-recognition network hands its layers down, and the layers before them learn to feed them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from emotion_core.network.checkpoint import WEIGHTS, load_network
from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet
from tests.newcomer import write_folder
from train.__main__ import main
from train.config import TrainConfig
from train.fit.distill import Teacher, chain, hand_down
from train.fit.start import shape_of, start_from
from train.fit.student import Student

WIDTHS = [
    (64, 128),
    (128, 128),
    (128, 256),
    (256, 256),
    (256, 512),
    *5 * [(512, 512)],
    (512, 1024),
    (1024, 1024),
]
STRIDED = (2, 4, 10)  # places in WIDTHS
SHAPE = [(3, 8, 3, 2, 1), (8, 64, 1, 1, 1), (64, 128, 1, 1, 1)]
for place, (inside, out) in enumerate(WIDTHS[1:], 1):
    SHAPE += [(inside, inside, 3, 1 + (place in STRIDED), inside), (inside, out, 1, 1, 1)]


def write_teacher(path: Path, layers: list[tuple[int, int, int, int, int]]) -> Path:
    """Write random layers (inside, out, kernel, stride, groups), each with normalisation and PReLU."""
    rng = np.random.default_rng(0)
    nodes, values, name = [], [], "data"

    def give(label: str, array: np.ndarray) -> str:
        values.append(numpy_helper.from_array(array.astype(np.float32), label))
        return label

    for i, (inside, out, kernel, stride, groups) in enumerate(layers):
        weight = rng.normal(
            0, (kernel * kernel * inside / groups / 4) ** -0.5, (out, inside // groups, kernel, kernel)
        )
        figures = [rng.uniform(0.5, 1, out), rng.normal(0, 0.1, out), np.zeros(out), rng.uniform(0.5, 1, out)]
        named = [give(f"norm{i}{part}", figure) for part, figure in enumerate(figures)]
        nodes += [
            helper.make_node(
                "Conv", [name, give(f"weight{i}", weight)], [f"c{i}"], group=groups, strides=[stride, stride],
                kernel_shape=[kernel, kernel], pads=[kernel // 2] * 4,
            ),
            helper.make_node("BatchNormalization", [f"c{i}", *named], [f"n{i}"], epsilon=1e-3),
            helper.make_node("PRelu", [f"n{i}", give(f"slope{i}", np.full((out, 1, 1), 0.1))], [f"a{i}"]),
        ]  # fmt: skip
        name = f"a{i}"
    picture = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, None, None])
    answer = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    onnx.save(
        helper.make_model(
            helper.make_graph(nodes, "teacher", [picture], [answer], values),
            ir_version=8,
            opset_imports=[helper.make_opsetid("", 17)],
        ),
        path,
    )
    return path


@pytest.fixture(scope="module")
def teacher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_teacher(tmp_path_factory.mktemp("teacher") / "faces.onnx", SHAPE)


def test_inherited_layers_answer_as_the_teachers_do(teacher_file: Path) -> None:
    spatial = SpatioTemporalEmotionNet().spatial.eval()
    teacher = Teacher(teacher_file, spatial).eval()
    hand_down(teacher, spatial)
    own = chain(spatial)
    assert len(own) == len(teacher.inherited) == len(SHAPE) - 2
    for (conv, norm, _), unit in zip(teacher.inherited, own, strict=True):
        x = torch.randn(2, conv.in_channels, 11, 11)
        given: Any = unit
        there = norm(conv(x))[:, : given[0].out_channels]
        assert torch.allclose(there, given[1](given[0](x)), atol=1e-4)


def test_taps_lie_where_the_students_do_and_match_onnx_runtime(teacher_file: Path, tmp_path: Path) -> None:
    import onnxruntime

    images = torch.randn(1, 3, 88, 88)
    spatial = SpatioTemporalEmotionNet().spatial.eval()
    teacher = Teacher(teacher_file, spatial).eval()
    first, last = teacher(images)
    seen: list[torch.Tensor] = []
    for unit in teacher.matched:
        unit.register_forward_hook(lambda module, given, result: seen.append(result))
    spatial(images)
    assert first.shape == seen[0].shape == (1, 128, 44, 44)
    assert last.shape == seen[1].shape == (1, 512, 11, 11)
    whole = onnx.load(teacher_file)
    whole.graph.output.append(helper.make_tensor_value_info("n10", TensorProto.FLOAT, None))
    onnx.save(whole, tmp_path / "taps.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "taps.onnx")
    assert np.allclose(session.run(["n10"], {"data": 0.4 * images.numpy()})[0], last.numpy(), atol=1e-3)


def test_the_student_nears_the_teacher_and_training_starts_from_it(
    teacher_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_folder(tmp_path / "data", 8)
    left = []
    for pictures in (64, 320):
        caplog.clear()
        out = tmp_path / f"{pictures}.safetensors"
        words = [
            "distill",
            "--data",
            str(tmp_path / "data"),
            "--teacher",
            str(teacher_file),
            "--out",
            str(out),
        ]
        with caplog.at_level("INFO", "train"):
            assert main([*words, "--pictures", str(pictures), "--cache", str(tmp_path / "cache")]) == 0
        (line,) = (m for m in caplog.messages if m.startswith("left unexplained"))
        left.append(float(line.split()[2]))
    assert left[1] < 0.9 * left[0]
    net, meta = load_network(out)
    assert not meta.trained and meta.facts["teacher"] == "faces.onnx"
    config = TrainConfig(init=str(out))
    student = Student(SpatioTemporalEmotionNet(shape_of(config, 3)))
    start_from(student, out)
    given = net.state_dict()["spatial.middle.1.1.0.weight"]
    assert torch.allclose(student.net.state_dict()["spatial.middle.1.1.0.weight"], given)


def test_early_stages_that_are_fixed_stay_as_they_were_taught(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", 8)
    words = ["--data", str(tmp_path / "data"), "--cache", str(tmp_path / "cache"), "--epochs", "1"]
    words += ["--init", str(WEIGHTS), "--out", str(tmp_path / "run"), "--learning-rate", "1e-3"]
    assert main([*words, "--fix-early", "6", "--batch", "8", "--tensorboard", str(tmp_path / "log")]) == 0
    (before, _), (after, _) = load_network(WEIGHTS), load_network(tmp_path / "run" / "best.safetensors")
    trained = dict(after.named_parameters())
    changed = {
        n
        for n, v in before.state_dict().items()
        if n.startswith("spatial") and not v.equal(after.state_dict()[n])
    }
    assert not any(name.startswith(("spatial.stem", "spatial.early")) for name in changed)
    assert changed >= {n for n in trained if n.startswith(("spatial.middle", "spatial.late"))}


@pytest.mark.parametrize(
    ("layers", "said"), [(SHAPE[:6], "can't teach this network"), ([], "no chain of convolution")]
)
def test_another_shape_is_refused_in_one_line(
    layers: list[tuple[int, int, int, int, int]],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_folder(tmp_path / "data", 8)
    path = write_teacher(tmp_path / "odd.onnx", layers or SHAPE)
    if not layers:
        model = onnx.load(path)
        del model.graph.node[1]
        onnx.save(model, path)
    words = ["distill", "--data", str(tmp_path / "data"), "--teacher", str(path)]
    assert main([*words, "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "no.safetensors")]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "no.safetensors").exists()
