"""Clips made from stills, and the temporal module that learns on them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from emotion_core.labels import EMOTIONS
from emotion_core.network.checkpoint import WEIGHTS
from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet
from train.config import TrainConfig
from train.data.samples import Samples, derived_valence_arousal
from train.fit.temporal import CONDITIONS, compare, compare_video, fit_temporal, make_clips, partner_of

N = 28


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Give stripes of four directions, each its own category, with key points."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:72, :72] / 72
    kind = np.arange(N) % 4
    waves = np.stack([x * 12, y * 12, (x + y) * 9, (x - y) * 9])[kind]
    crops = 128 + 80 * np.sin(2 * np.pi * (waves + rng.random((N, 1, 1))))
    target = np.eye(len(EMOTIONS), dtype=np.float32)[kind]
    valence, arousal = derived_valence_arousal(target, EMOTIONS)
    ids = np.arange(N).astype(str)
    return Samples(
        labels=EMOTIONS, crops=crops.astype(np.uint8), landmarks=rng.normal(0, 0.3, (N, 50, 2)).astype("f4"),
        present=np.ones(N, bool), target=target, majority=kind, valence=valence, arousal=arousal,
        measured=np.zeros(N, bool), blendshapes=np.full((N, 52), np.nan, np.float16),
        weight=np.ones(N, np.float32), split=np.where(np.arange(N) < 20, "train", "valid"), group=ids, id=ids,
        source=np.full(N, "stripes"), clip=np.full(N, -1), margin=72 / 56,
    )  # fmt: skip


def clips(samples: Samples, condition: str) -> tuple[torch.Tensor, ...]:
    rows = np.arange(20)
    second = partner_of(samples, rows, np.random.default_rng(0))
    g = torch.Generator().manual_seed(0)
    return make_clips(samples, rows, second, condition, 16, 56, g)


def test_a_partner_has_another_expression(samples: Samples) -> None:
    second = partner_of(samples, np.arange(20), np.random.default_rng(0))
    assert (samples.majority[second] != samples.majority[:20]).all()


def test_a_changing_clip_ends_as_its_partner_and_a_steady_one_never_does(samples: Samples) -> None:
    share = clips(samples, "change")[3]
    assert (share.diff(dim=1) >= 0).all()
    assert share[:, 0].max() < 0.7 and share[:, -1].min() > 0.3
    assert clips(samples, "steady")[3].abs().max() == 0
    weak = clips(samples, "weak")[3]
    assert weak.max() <= 0.75 and weak.amax(dim=1).median() > 0.5


def test_each_condition_does_what_it_says(samples: Samples) -> None:
    moved = {c: clips(samples, c)[0].diff(dim=1).abs().mean().item() for c in ("steady", "jitter", "blur")}
    points = {c: clips(samples, c)[1].diff(dim=1).abs().mean().item() for c in ("steady", "talking", "turn")}
    assert points["talking"] > 1.1 * points["steady"] and points["turn"] > 1.1 * points["steady"]
    assert clips(samples, "talking")[3].abs().max() == 0  # the expression stays
    assert moved["jitter"] > 1.5 * moved["steady"] and moved["blur"] > 1.2 * moved["steady"]
    assert (clips(samples, "occlusion")[2] == 0).any() and (clips(samples, "steady")[2] == 1).all()
    dropped = clips(samples, "dropped")[0]
    assert (dropped[:, 1:] == dropped[:, :-1]).all(-1).all(-1).all(-1).any()


@pytest.mark.weights
def test_label_changes_of_a_video_are_counted_both_ways(talking_clip: Path) -> None:
    (row,) = compare_video(WEIGHTS, [talking_clip])
    counts = [value for key, value in row.items() if key.endswith("label changes a minute")]
    assert row["video"] == talking_clip.name
    assert len(counts) == 2 and all(isinstance(n, float) and 0 <= n < 600 for n in counts)


def test_only_the_temporal_half_learns_and_the_table_has_every_condition(samples: Samples) -> None:
    torch.manual_seed(0)
    net = SpatioTemporalEmotionNet(NetConfig(resolution=56))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    config = TrainConfig(batch=8, category_weight=1.0)
    net = fit_temporal(net, samples, config, pictures=16, steps=4)
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith(("spatial", "landmark", "fusion", "heads")) for name in changed)
    assert {"frame_bias", "likeness", "temporal.expand.weight"} <= changed

    table = compare(net, samples, limit=8)
    assert [row["condition"] for row in table] == list(CONDITIONS)
    for row in table:
        assert row["clips"] == 8 and 0 <= float(row["temporal accuracy"]) <= 1
    restless = {row["condition"]: float(row["per frame restlessness"]) for row in table}
    assert restless["jitter"] > restless["steady"]
