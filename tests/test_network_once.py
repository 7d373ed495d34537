"""What is computed once per frame: the same answers as the network that reads its whole window anew."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_core.network.checkpoint import Metadata  # noqa: E402
from emotion_core.network.once import Once  # noqa: E402
from emotion_core.network.onnx_export import export_onnx  # noqa: E402
from emotion_core.network.runtime import OnnxNetwork  # noqa: E402
from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet  # noqa: E402
from emotion_core.onnx_session import open_session  # noqa: E402


def network(**kwargs: bool) -> SpatioTemporalEmotionNet:
    """A network in which no part is left as it starts."""
    torch.manual_seed(3)
    net = SpatioTemporalEmotionNet(NetConfig(**kwargs)).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return net


@pytest.mark.parametrize(
    "parts",
    [{}, {"temporal_attention": False}, {"channel_attention": False}, {"landmarks": False}],
)
def test_it_answers_as_the_whole_network(parts):
    net = network(**parts)
    once = Once(net)
    with torch.no_grad():
        features = torch.randn(3, net.config.window, net.feature_size)
        terms = once.frame_terms(features.flatten(0, 1)).reshape(3, net.config.window, -1)
        assert terms.shape[2] == once.feature_size
        for short, whole in zip(once.decide(terms), net.decide(features), strict=True):
            assert torch.allclose(short, whole, atol=1e-5)
        other = once.decide(terms.roll(1, 1))
    assert not torch.allclose(short, other[2], atol=1e-5)  # the order of frames counts


def test_the_exported_pair_streams_as_the_whole_network_reads_offline(tmp_path):
    net = network()
    meta = Metadata(tuple("abcdefg"), net.config.as_dict(), True, "0" * 64)
    files = export_onnx(net, meta, tmp_path / "net.safetensors")
    onnx = OnnxNetwork(*(open_session(file) for file in files), meta)
    rng = np.random.default_rng(0)
    pictures = np.broadcast_to(rng.normal(size=(20, 1, 224, 224)).astype(np.float32), (20, 3, 224, 224))
    points, present = rng.normal(size=(20, 50, 2)).astype(np.float32), np.ones(20, np.float32)
    present[4] = 0
    terms = [onnx.encode(pictures[i : i + 1], points[i : i + 1], present[i : i + 1])[0] for i in range(20)]
    with torch.no_grad():
        features = net.encode(*(torch.tensor(a) for a in (pictures, points, present)))
        for end in (16, 18, 20):
            logits, valence, arousal = net.decide(features[None, end - 16 : end])
            streamed = onnx.decide(np.stack(terms[end - 16 : end])[None])
            assert np.abs(streamed[0] - logits.softmax(1).numpy()).max() < 1e-4
            assert abs(streamed[1][0] - valence.item()) < 1e-4 and abs(streamed[2][0] - arousal.item()) < 1e-4
