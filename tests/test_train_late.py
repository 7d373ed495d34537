"""The later layers alone: maps that are kept once, gone on with where they are, and learnt from."""

from pathlib import Path

import numpy as np
import pytest
import torch

from emotion_core.network.checkpoint import WEIGHTS, load_network, save_network
from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet
from tests.gratings import write_gratings
from train.__main__ import main
from train.config import TrainConfig
from train.data.batches import Draws
from train.data.samples import Samples, load
from train.fit.late import varied
from train.fit.maps import Front, keep


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("late")
    write_gratings(folder / "data", train=64, valid=16)
    torch.manual_seed(0)
    net = SpatioTemporalEmotionNet(NetConfig(resolution=32))
    save_network(net, folder / "start.safetensors", trained=True)
    return folder


@pytest.fixture(scope="module")
def samples(place: Path) -> Samples:
    return load(place / "data", cache=place / "cache")


def test_kept_maps_are_what_the_first_layers_give(place: Path, samples: Samples, tmp_path: Path) -> None:
    net, _ = load_network(place / "start.safetensors")
    config = TrainConfig(batch=8, size=32, mixup=0.0)
    draws = Draws(samples, np.flatnonzero(samples.split == "train"), config, 3, 0, 1)
    maps = keep(net, draws, tmp_path, threads=1)
    with torch.no_grad():
        wanted = Front(net).eval()(draws[2]["images"][:, :1])
    got = maps.batch(np.arange(16, 24))
    step = float(maps.scale.max())
    assert float((got["images"] - wanted.clamp_max(255 * step)).abs().mean()) < step
    assert torch.equal(got["target"], draws[2]["target"])
    stored = (tmp_path / "00001.npz").stat().st_mtime_ns
    (tmp_path / "00002.npz").unlink()  # as if the run had been cut there
    again = keep(net, draws, tmp_path, threads=1)
    assert (tmp_path / "00001.npz").stat().st_mtime_ns == stored
    assert np.array_equal(np.asarray(again.maps), np.asarray(maps.maps))


def test_mixed_maps_have_mixed_labels_and_no_key_points() -> None:
    b = 200
    label = torch.arange(b) % 7
    batch = {
        "images": label.float()[:, None, None, None].expand(b, 2, 5, 5).contiguous(),
        "target": torch.eye(7)[label], "prior": torch.full((b, 7), 1 / 7), "weight": torch.ones(b),
        "valence": label / 7, "arousal": torch.full((b,), torch.nan), "present": torch.ones(b),
        "blendshapes": torch.zeros(b, 52), "measured": torch.ones(b, dtype=torch.bool),
    }  # fmt: skip
    seen = varied(batch, torch.Generator().manual_seed(0))
    mixed = seen["present"] == 0
    assert 0.15 < float(mixed.float().mean()) < 0.4
    assert not seen["measured"][mixed].any() and seen["blendshapes"][mixed].isnan().all()
    assert torch.equal(seen["target"][~mixed], batch["target"][~mixed])
    whole = seen["images"].amax((1, 2, 3))  # the corner that is left out is zero
    means = (seen["target"] * torch.arange(7)).sum(1)
    assert whole.numpy() == pytest.approx(means.numpy(), abs=1e-4)


def test_the_command_moves_the_late_layers_and_leaves_the_first(place: Path) -> None:
    out = place / "late"
    words = ["--data", place / "data", "--cache", place / "cache", "--out", out, "--init", WEIGHTS]
    words += ["--late", 64, "--epochs", 10, "--batch", 8, "--learning-rate", 0.001, "--ema", 0.5]
    assert main([str(w) for w in [*words, "--category-weight", 1]]) == 0
    (before, _), (after, meta) = (load_network(f) for f in (WEIGHTS, out / "best.safetensors"))
    same = {k: torch.equal(v, after.state_dict()[k]) for k, v in before.state_dict().items()}
    front = ("spatial.stem", "spatial.early", "spatial.middle")
    assert all(v for k, v in same.items() if k.startswith(front))
    assert not same["spatial.late.0.0.0.weight"] and not same["heads.category.3.weight"]
    assert meta.facts["figures"]["fer2013/accuracy"] > 0.6  # chance is 0.25
