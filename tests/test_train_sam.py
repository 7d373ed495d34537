"""A step of sharpness-aware minimisation looks uphill, and leaves nothing behind but another gradient."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet
from tests.gratings import write_gratings
from train.__main__ import main
from train.config import TrainConfig
from train.data.batches import Draws
from train.data.samples import load
from train.fit.losses import TRUTH, losses
from train.fit.sam import uphill
from train.fit.student import Student


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_gratings(tmp_path / "data", train=16, valid=8)
    return tmp_path


def test_uphill_the_loss_is_higher_and_all_is_as_before_afterwards(place: Path) -> None:
    samples = load(place / "data", cache=place / "cache")
    config = TrainConfig(batch=16, size=32, mixup=0.0)
    batch = Draws(samples, np.flatnonzero(samples.split == "train"), config, 1, 0, 1)[0]
    torch.manual_seed(0)
    student = Student(SpatioTemporalEmotionNet(NetConfig(classes=len(samples.labels), resolution=32)))
    student.net.spatial.fix(2)

    def slope() -> float:
        torch.manual_seed(1)  # the same dropout each time
        out = student(batch["images"], batch["landmarks"], batch["present"])
        loss = torch.stack(list(losses(config, list(out), {k: batch[k] for k in TRUTH}).values())).sum()
        student.zero_grad()
        loss.backward()
        return float(loss.detach())

    def weights() -> Tensor:
        return torch.cat([p.detach().flatten() for p in student.parameters()])

    here = slope()
    before, state = weights(), {k: v.clone() for k, v in student.named_buffers() if "running" in k}
    with uphill(student, 0.05):
        assert float((weights() - before).norm()) == pytest.approx(0.05, rel=2e-3)  # steps of float32
        there = slope()
    assert there > here
    assert torch.equal(weights(), before)
    assert all(torch.equal(v, state[k]) for k, v in student.named_buffers() if k in state)
    assert slope() == pytest.approx(here)
    assert not all(torch.equal(v, state[k]) for k, v in student.named_buffers() if k in state)


def test_a_run_takes_other_steps_uphill(place: Path) -> None:
    def run(name: str, **changes: Any) -> dict[str, Tensor]:
        settings: dict[str, Any] = {
            "data": place / "data", "cache": place / "cache", "out": place / name, "logs": place / "logs",
            "init": "", "epochs": 1, "epoch-pictures": 32, "batch": 16, "size": 32,
            "workers": 0, **changes,
        }  # fmt: skip
        assert main([word for k, v in settings.items() for word in (f"--{k}", str(v))]) == 0
        return torch.load(place / name / "last.pt", weights_only=True)["student"]

    flat, sharp = run("flat"), run("sharp", sam=0.05)  # what is drawn is the same
    assert any(not torch.equal(value, sharp[name]) for name, value in flat.items())
