"""Parts of the network can be left out, in training and in what is exported, and their worth is tabled."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emotion_core.network.checkpoint import load_network, read_metadata, save_network
from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet
from emotion_core.types import EmotionError
from tests.newcomer import CUSTOM, write_folder
from train.__main__ import main
from train.config import PARTS, TrainConfig
from train.fit.start import shape_of, start_from
from train.fit.student import Student
from train.measure import ablate as job


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with data and the weights of a full network that reads 32 pixels."""
    folder = tmp_path_factory.mktemp("ablate")
    write_folder(folder / "data", 8)
    torch.manual_seed(0)
    net = SpatioTemporalEmotionNet(NetConfig(classes=3, resolution=32))
    used = TrainConfig(
        batch=8, valence_weight=0.25, workers=0,
        teachers=("gone.safetensors",), distillation_weight={"data": 0.5},
    )  # fmt: skip
    facts = {"config": used.as_dict()}
    save_network(net, folder / "full.safetensors", CUSTOM, trained=True, facts=facts)
    torch.save({"average": Student(net).state_dict()}, folder / "full.pt")
    return folder


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_full_weights_start_a_network_that_lacks_a_part(place: Path, part: str, kind: str) -> None:
    config = TrainConfig(size=32, init=str(place / f"full.{kind}"), without=(part,))
    shape = shape_of(config, 3)
    assert [getattr(shape, p) for p in PARTS] == [p != part for p in PARTS]
    student = Student(SpatioTemporalEmotionNet(shape))
    start_from(student, Path(config.init))
    full, _ = load_network(place / "full.safetensors")
    given = full.state_dict()
    for name, value in student.net.state_dict().items():
        assert torch.allclose(value.float(), given[name].float(), rtol=1e-3, atol=1e-3)
    whole, less = job.parameters(full), job.parameters(student.net)
    assert 0 < whole - less < 0.3 * whole


def test_a_checkpoint_that_lacks_layers_is_no_start(place: Path) -> None:
    config = TrainConfig(size=32, without=("spatial_attention",))
    student = Student(SpatioTemporalEmotionNet(shape_of(config, 3)))
    torch.save({"average": student.state_dict()}, place / "less.pt")
    with pytest.raises(EmotionError, match="no checkpoint of this network: it has no net.spatial"):
        start_from(Student(SpatioTemporalEmotionNet(NetConfig(classes=3))), place / "less.pt")


def test_the_command_tables_each_variant(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(job.VARIANTS) == 6
    assert set(PARTS) | {()} <= {v[0] if len(v) == 1 else v for v in job.VARIANTS.values()}
    two = {name: job.VARIANTS[name] for name in ("full", "no attention at all")}
    monkeypatch.setattr(job, "VARIANTS", two)  # the others cost the same again each
    places = ["--data", str(place / "data"), "--cache", str(place / "cache"), "--out", str(tmp_path)]
    words = ["--init", str(place / "full.safetensors"), "--pictures", "64", "--clips", "16", "--workers", "0"]
    assert main(["ablate", *places, *words]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].startswith("| variant | data accuracy | data balanced | mean | clips |")
    assert len([line for line in said.splitlines() if line.startswith("| no attention at all |")]) == 1
    outcome = json.loads((tmp_path / "ablation.json").read_text())
    assert outcome["recipe"]["valence_weight"] == 0.25  # that of the weights
    full, less = outcome["rows"]
    assert full["pictures"] == less["pictures"] == 64
    assert full["parameters"] - less["parameters"] > 1_000_000
    for row in (full, less):
        assert 0 <= row["clips"] <= 1
        assert np.isfinite([row["mean"], row["encode_ms"], row["decide_ms"]]).all()
    shape = read_metadata(tmp_path / "no-attention-at-all" / "best.safetensors").config
    assert not any(shape[part] for part in job.ATTENTION)
    assert shape["landmarks"]


def test_a_part_that_is_not_there_is_wrong_use(place: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--data", str(place / "data"), "--without", "eyes"])
    assert caught.value.code == 2
    with pytest.raises(ValueError, match="without names parts of landmarks"):
        TrainConfig(without=("eyes",))
