"""The network: the design's table, the split in two, and the weights file."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_core.labels import EMOTIONS  # noqa: E402
from emotion_core.network import checkpoint  # noqa: E402
from emotion_core.network.checkpoint import onnx_files  # noqa: E402
from emotion_core.network.design import DESIGN, describe, initialise  # noqa: E402
from emotion_core.network.runtime import load_network  # noqa: E402
from emotion_core.network.spatiotemporal import Conv, NetConfig, SpatioTemporalEmotionNet, freeze_norms  # noqa: E402
from emotion_core.types import EmotionError  # noqa: E402


@pytest.fixture(scope="module")
def net() -> SpatioTemporalEmotionNet:
    """A network whose every part takes part: what starts at zero is stirred."""
    net = initialise(SpatioTemporalEmotionNet())
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    return net.eval()


@pytest.fixture(scope="module")
def weights(net, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    checkpoint.save_network(net, path, trained=True)
    return path


def inputs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, 3, 224, 224)).astype(np.float32)
    return images, rng.normal(size=(n, 50, 2)).astype(np.float32), (np.arange(n) % 3 > 0).astype(np.float32)


def test_every_part_keeps_its_budget(net):
    for name, part in net.parts().items():
        millions = sum(p.numel() for p in part.parameters()) / 1e6
        assert millions == pytest.approx(DESIGN[name], rel=0.15), name
    total = sum(p.numel() for p in net.parameters()) / 1e6
    assert total == pytest.approx(8.0, rel=0.05)
    table = describe(net)
    print(table)
    assert f"{round(total * 1e6):,d}" in table


def test_every_part_matters(net):
    """Switching off any part changes the answer, so no part is decoration."""
    images, landmarks, present = (torch.from_numpy(a) for a in inputs(2))
    clip = (
        images[:, None].repeat(1, 4, 1, 1, 1),
        landmarks[:, None].repeat(1, 4, 1, 1),
        present[:, None].repeat(1, 4),
    )
    clip[0][:, 2] *= 0.3
    with torch.no_grad():
        whole = net(*clip)[0]
        for switch in ("spatial_attention", "temporal_attention", "channel_attention", "landmarks"):
            other = SpatioTemporalEmotionNet(NetConfig(**{switch: False})).eval()
            state = {k: v for k, v in net.state_dict().items() if k in other.state_dict()}
            if switch == "spatial_attention":
                continue  # its modules vanish, so the stages are numbered anew
            other.load_state_dict(state)
            assert (other(*clip)[0] - whole).abs().max() > 1e-5, switch


def test_split_equals_whole_and_batches_do_not_mix(net):
    images, landmarks, present = (torch.from_numpy(a) for a in inputs(6))
    with torch.no_grad():
        whole = net(images.view(2, 3, 3, 224, 224), landmarks.view(2, 3, 50, 2), present.view(2, 3))
        features = torch.cat(
            [net.encode(images[i : i + 1], landmarks[i : i + 1], present[i : i + 1]) for i in range(6)]
        )
        split = net.decide(features.view(2, 3, -1))
    for a, b in zip(whole, split, strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_a_strided_layer_is_trained_as_it_reads():
    layer = Conv(8, 8, 3, 2, 1, groups=8, bias=False)
    given = torch.randn(2, 8, 9, 9, requires_grad=True)
    found = []
    for part in (layer.train(), layer.eval()):  # two ways to the same sums
        out = part(given)
        found.append([out, *torch.autograd.grad(out.square().sum(), [given, layer.weight])])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_frozen_norms_read_alike_and_keep_their_statistics(net):
    spatial = SpatioTemporalEmotionNet().spatial.train()
    pictures = torch.randn(4, 3, 80, 80, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        spatial(2 * pictures + 1)  # statistics of their own
    plain = spatial.eval()(pictures)
    freeze_norms(spatial)
    torch.testing.assert_close(spatial(pictures), plain, atol=1e-4, rtol=1e-4)
    before = {name: value.clone() for name, value in spatial.named_buffers() if "norm" not in name}
    spatial.train()(pictures).square().sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in spatial.named_buffers() if name in before)
    assert spatial.late[1][1][1].weight.grad.abs().sum() > 0  # scale and shift are still learnt


def test_ranges_hold_for_wild_input(net):
    with torch.no_grad():
        logits, valence, arousal = net(
            50 * torch.randn(3, 16, 3, 224, 224), 50 * torch.randn(3, 16, 50, 2), torch.ones(3, 16)
        )
    assert logits.isfinite().all()
    assert (valence.abs() <= 1).all()
    assert ((arousal >= 0) & (arousal <= 1)).all()


def test_missing_landmarks_are_not_zero_landmarks(net):
    images, landmarks, _ = (torch.from_numpy(a) for a in inputs(1))
    with torch.no_grad():
        missing = net.encode(images, landmarks, torch.zeros(1))
        zeros = net.encode(images, torch.zeros_like(landmarks), torch.ones(1))
        other = net.encode(images, 2 * landmarks, torch.zeros(1))
    assert (missing - zeros).abs().max() > 1e-3
    assert torch.equal(missing, other)


def test_onnx_equals_torch(weights, monkeypatch, tmp_path):
    monkeypatch.setenv("EMOTION_CACHE", str(tmp_path))
    onnx, pytorch = load_network(weights), load_network(weights, backend="torch", device="cpu")
    batch = inputs(5)
    features = onnx.encode(*batch)
    assert np.abs(features - pytorch.encode(*batch)).max() < 1e-3
    window = np.stack([features[:2], features[1:3], features[2:4]], 1).repeat(6, 1)[:, -16:]
    for a, b in zip(onnx.decide(window), pytorch.decide(window), strict=True):
        assert np.abs(a - b).max() < 1e-3
    assert len(list(tmp_path.glob("*.onnx"))) == 2
    assert onnx.encode(*(a[:0] for a in batch)).shape == (0, onnx.feature_size)


def test_half_precision_file_comes_back(net, weights):
    meta, arrays = checkpoint.load_arrays(weights)
    assert meta.labels == EMOTIONS and meta.trained
    assert weights.stat().st_size < 17e6
    back, _ = checkpoint.load_network(weights)
    pairs = zip(back.parameters(), net.parameters(), strict=True)
    assert all(torch.equal(read, made.half().float()) for read, made in pairs)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda b: b[:-2000], "damaged"),
        (lambda b: b"hello, this is text" * 100, "damaged"),
        (lambda b: b"", "damaged"),
        (lambda b: b[:-50] + bytes(50), "sha256"),
    ],
)
def test_damaged_weights_are_named(weights, tmp_path, damage, says):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(EmotionError, match=says):
        checkpoint.load_network(path)


def test_foreign_and_misordered_weights_are_refused(net, tmp_path):
    from safetensors.numpy import save_file

    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, foreign)
    with pytest.raises(EmotionError, match="no weights file of this program"):
        checkpoint.load_network(foreign)
    arrays = {"a": np.zeros(3, np.float32)}
    strings = {
        "format": checkpoint.FORMAT, "labels": json.dumps(EMOTIONS[::-1]), "config": '{"classes": 7}',
        "trained": "true", "sha256": checkpoint.digest(arrays), "temperature": "1.0", "facts": "{}",
    }  # fmt: skip
    turned = tmp_path / "turned.safetensors"
    save_file(arrays, turned, metadata=strings)
    with pytest.raises(EmotionError, match="order"):
        checkpoint.load_network(turned)
    with pytest.raises(EmotionError, match="no weights at"):
        checkpoint.load_network(tmp_path / "missing.safetensors")


def test_absent_weights_are_made_and_said_to_be_untrained(tmp_path, caplog):
    path = tmp_path / "emotion.safetensors"
    meta = checkpoint.ensure(path)
    assert path.is_file() and not meta.trained
    assert "UNTRAINED" in caplog.text
    assert checkpoint.ensure(path).sha256 == meta.sha256
    caplog.clear()
    load_network(path, backend="torch", device="cpu")
    assert "UNTRAINED" in caplog.text


@pytest.mark.parametrize(("asked", "says"), [({"backend": "tf"}, "backend"), ({"device": "tpu"}, "device")])
def test_unknown_backends_are_named(weights, asked, says):
    with pytest.raises(EmotionError, match=says):
        load_network(weights, **asked)


def test_onnx_files_stand_beside():
    assert onnx_files(Path("a/net.safetensors"))[0] == Path("a/net.encode.onnx")
