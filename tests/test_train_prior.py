"""The prior that answers assume multiplies probabilities by its shares, whatever was assumed before."""

from pathlib import Path

import numpy as np
import pytest
import torch

from emotion_core.labels import EMOTIONS
from emotion_core.network.checkpoint import load_network, read_metadata, save_network
from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet
from emotion_core.types import EmotionError
from train.measure.prior import assume


def answers(file: Path) -> np.ndarray:
    net, _ = load_network(file)
    window = torch.randn(5, 4, net.feature_size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return net.decide(window)[0].softmax(1).numpy()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_network(SpatioTemporalEmotionNet(NetConfig()), tmp_path / "a.safetensors", trained=True, half=False)
    return tmp_path / "a.safetensors"


def test_probabilities_are_multiplied_by_the_shares(weights: Path) -> None:
    before = answers(weights)
    shares = dict(zip(EMOTIONS, (1, 1, 1, 2, 3, 1, 1), strict=True))
    assume(weights, dict.fromkeys(EMOTIONS, 5.0) | {"Happy": 20.0})  # forgotten by the next
    meta = assume(weights, shares)
    wanted = before * np.array(list(shares.values()))
    wanted /= wanted.sum(1, keepdims=True)
    np.testing.assert_allclose(answers(weights), wanted, atol=2e-4)
    assert meta.facts["prior"]["Neutral"] == pytest.approx(0.3)
    assert read_metadata(weights).sha256 == meta.sha256


@pytest.mark.parametrize("wrong", [{"Happy": 1.0}, dict.fromkeys(EMOTIONS, 1.0) | {"Happy": 0.0}])
def test_a_prior_names_every_category(weights: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(EmotionError, match="names each of Angry"):
        assume(weights, wrong)
