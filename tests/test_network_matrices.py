"""Matrices in 8 bits: steps of each block's own, on both backends alike, and little of an answer lost."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_core.network.matrices import (  # noqa: E402
    BLOCKS,
    MERGED,
    InSteps,
    has_steps,
    round_matrices,
    rounded,
    to_steps,
)
from emotion_core.network.once import Once  # noqa: E402
from emotion_core.network.onnx_export import export_onnx  # noqa: E402
from emotion_core.network.runtime import OnnxNetwork  # noqa: E402
from emotion_core.onnx_session import open_session  # noqa: E402
from tests.test_network_once import network  # noqa: E402


@pytest.mark.parametrize(("columns", "block"), [(64, 16), (440, 64), (96, 32)])
def test_a_weight_moves_by_half_a_step_at_most(columns, block):
    weight = np.random.default_rng(0).normal(size=(5, columns)).astype(np.float32)
    weight[2] = 0
    levels, steps = to_steps(weight, block)
    assert levels.shape == (5, -(-columns // block), block) and steps.shape == levels.shape[:2]
    assert levels.min() >= 1 and (levels[2] == 128).all()
    close = rounded(weight, block)
    assert close.shape == weight.shape
    reach = np.repeat(steps, block, axis=1)[:, :columns]
    assert (np.abs(close - weight) <= 0.501 * reach).all()
    assert np.array_equal(rounded(close, block), close)  # what is rounded stays


def test_vectors_are_rounded_each_for_itself():
    rounding = InSteps(16)
    one, other = torch.randn(1, 40), 100 * torch.randn(1, 40)
    both = rounding(torch.cat([one, other]))
    assert torch.equal(both[:1], rounding(one)) and torch.equal(both[1:], rounding(other))
    assert 0 < (rounding(one) - one).abs().max() <= 0.501 * one.abs().max() / 127
    assert not rounding(torch.zeros(2, 40)).any()
    assert not rounding(torch.tensor([[1e-42, 0.0, 0.0]])).any()  # no number, were its step divided by


def test_both_backends_compute_the_same_and_nearly_what_the_network_says(tmp_path):
    onnx = pytest.importorskip("onnx")
    from emotion_core.network.checkpoint import Metadata

    net = network()
    meta = Metadata(tuple("abcdefg"), net.config.as_dict(), True, "0" * 64)
    files = export_onnx(net, meta, tmp_path / "net.safetensors", eight=True)
    kinds = [[node.op_type for node in onnx.load(str(file)).graph.node] for file in files]
    assert sum(names.count("MatMulNBits") for names in kinds) == len(BLOCKS) + len(MERGED) + 2
    assert all(has_steps(onnx.load(str(file)).graph) for file in files)
    exported = OnnxNetwork(*(open_session(file) for file in files), meta)
    rng = np.random.default_rng(1)
    batch = [rng.normal(size=(4, 1, 224, 224)), rng.normal(size=(4, 50, 2)), np.ones(4)]
    pictures, points, present = (array.astype(np.float32) for array in batch)
    features = exported.encode(np.repeat(pictures, 3, axis=1), points, present)
    windows = np.repeat(features[:, None], 16, axis=1)
    windows[:, :8] = features[0]
    said = exported.decide(windows)[0]
    inputs = [torch.from_numpy(array) for array in (pictures, points, present)]
    with torch.no_grad():
        whole = Once(net).encode(*inputs)
        answers = Once(net).decide(torch.from_numpy(windows))[0].softmax(1).numpy()
        once = round_matrices(Once(net))
        assert np.abs(once.encode(*inputs).numpy() - features).max() < 0.02 * np.abs(features).max()
        same = once.decide(torch.from_numpy(windows))[0].softmax(1).numpy()
    assert np.abs(said - same).max() < 1e-3
    assert 1e-6 < np.abs(said - answers).max() < 0.01  # other than the network's own, but not much
    assert 1e-6 < np.abs(whole.numpy() - features).max() < 0.05 * np.abs(features).max()
