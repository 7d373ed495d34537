"""A run that is killed goes on as if nothing had been; one that diverges stops and keeps what was good."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emotion_core.network.checkpoint import load_network, read_metadata
from emotion_core.types import EmotionError
from tests.gratings import write_gratings
from train.__main__ import main
from train.config import TrainConfig
from train.data.batches import batch_of
from train.data.samples import load
from train.fit.loop import fit
from train.fit.teachers import teach

EPOCH = 8  # steps
SETTINGS = {
    "init": "", "epochs": 3, "epoch-pictures": 8 * EPOCH, "batch": 8, "size": 32,
    "ema": 0.5, "workers": 0,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums are taken in the order that the processes take them in
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("resume")
    write_gratings(folder / "data", train=64, valid=16)
    return folder


def words(place: Path, name: str, **changes: Any) -> list[str]:
    settings = SETTINGS | {k.replace("_", "-"): v for k, v in changes.items()}
    options = [word for k, v in settings.items() for word in (f"--{k}", str(v))]
    places = {"data": "data", "out": name, "logs": f"{name}-logs", "cache": "cache"}
    return [*options, *(word for k, v in places.items() for word in (f"--{k}", str(place / v)))]


def config_of(place: Path, name: str, **changes: Any) -> TrainConfig:
    settings = {k.replace("-", "_"): v for k, v in SETTINGS.items()} | changes
    return TrainConfig(
        data=(str(place / "data"),), out=str(place / name), logs=str(place / "logs"), **settings
    )


def checkpoint(file: Path) -> Any:
    return torch.load(file, weights_only=True)


def start(*options: str) -> subprocess.Popen[bytes]:
    """Start a run in a process of its own, whose sums no library or thread of another test has touched."""
    return subprocess.Popen(
        [sys.executable, "-m", "train", *options],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(run: subprocess.Popen[bytes]) -> None:
    said = run.communicate(timeout=240)[1].decode()
    assert run.returncode == 0, said


@pytest.fixture(scope="module")
def left_alone(place: Path) -> Any:
    finish(start(*words(place, "whole")))
    return place / "whole"


def kill_within_an_epoch(run: subprocess.Popen[bytes], last: Path) -> int:
    """Kill a run, without a chance to tidy up, once it has saved in its second epoch."""
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and run.poll() is None:
            if last.exists() and checkpoint(last)["step"] > EPOCH:
                break
            time.sleep(0.02)
    finally:
        run.send_signal(signal.SIGKILL)
        said = run.communicate()[1].decode()
    assert run.returncode == -signal.SIGKILL, said
    return int(checkpoint(last)["step"])


def test_a_killed_run_goes_on_and_ends_as_one_left_alone(place: Path, left_alone: Path) -> None:
    last = place / "killed" / "last.pt"
    often = words(place, "killed", save_minutes=0)  # a checkpoint at every step
    step = kill_within_an_epoch(start(*often), last)
    assert EPOCH < step < 3 * EPOCH
    finish(start(*words(place, "killed"), "--resume"))

    whole, resumed = checkpoint(left_alone / "last.pt"), checkpoint(last)
    for part in ("student", "ema"):
        differ = [name for name, value in whole[part].items() if not torch.equal(value, resumed[part][name])]
        assert not differ
    for number, state in whole["optimizer"]["state"].items():
        for name, value in state.items():
            assert torch.equal(value, resumed["optimizer"]["state"][number][name])
    assert [whole[k] for k in ("step", "best", "stale")] == [resumed[k] for k in ("step", "best", "stale")]
    ours, theirs = (read_metadata(f / "best.safetensors") for f in (left_alone, place / "killed"))
    assert ours.sha256 == theirs.sha256
    assert ours.facts["figures"] == theirs.facts["figures"]


def test_labels_of_a_set_are_smoothed_as_told_and_others_are_not(place: Path, left_alone: Path) -> None:
    samples = load(place / "data", cache=place / "cache")
    source = np.where(np.arange(len(samples)) % 2 == 0, "odd", "sure")
    mixed, rows = replace(samples, source=source), np.arange(8)
    config = config_of(place, "smoothed", mixup=0.0, label_smoothing={"*": 0.0, "odd": 0.5})
    most = batch_of(mixed, rows, config, seed=1)["target"].amax(1)
    k = len(samples.labels)
    assert most.tolist() == pytest.approx([0.5 + 0.5 / k, 1.0] * 4)
    with pytest.raises(ValueError, match="label smoothing of odd"):
        config_of(place, "smoothed", label_smoothing={"odd": 1.0})


def test_teachers_answer_for_pictures_without_a_label_and_are_trusted_as_told(
    place: Path, left_alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = load(place / "data", cache=place / "cache")
    source = np.array(["bare", "half", "own"])[np.arange(len(samples)) % 3]
    target = np.where((source == "bare")[:, None], 0, samples.target).astype(np.float32)
    held = samples.split == "valid"
    samples = replace(samples, source=source, target=target)
    weights = str(left_alone / "best.safetensors")
    taught = teach(samples, [weights, weights], {"half": 0.5}, 32, device=torch.device("cpu"))
    assert np.array_equal(taught.target[held], target[held])
    bare, half, own = ((source == name) & ~held for name in ("bare", "half", "own"))
    assert taught.target[bare].sum(1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(taught.valence[bare]).all() and np.isfinite(taught.arousal[bare]).all()
    assert np.array_equal(taught.target[own], target[own])
    moved = taught.target[half][target[half] == 1]  # the share that the label itself keeps, and the answer
    assert (moved >= 0.5).all() and (moved < 1).any()

    given = words(place, "taught", epochs=1, distillation_weight="fer2013=0.5")
    assert main([*given, "--teachers", weights]) == 0
    with pytest.raises(SystemExit):
        main(words(place, "taught", distillation_weight="fer2013=0.5"))
    assert "distillation weight without teachers" in capsys.readouterr().err
    other = replace(samples, labels=("a", "b"), target=target[:, :2])
    with pytest.raises(EmotionError, match="the data a, b"):
        teach(other, [weights], {}, 32, device=torch.device("cpu"))


def test_answers_of_teachers_are_kept_for_a_run_that_goes_on(
    place: Path, left_alone: Path, tmp_path: Path
) -> None:
    samples = load(place / "data", cache=place / "cache")
    asked = {"size": 32, "device": torch.device("cpu"), "keep": tmp_path}
    weights, half = [str(left_alone / "best.safetensors")], {str(samples.source[0]): 0.5}
    first = teach(samples, weights, half, **asked)
    (kept,) = tmp_path.iterdir()
    marked = np.full_like(np.load(kept), 1 / len(samples.labels))
    np.save(kept, marked)
    again = teach(samples, weights, half, **asked)  # read, not asked anew
    rows = (samples.split == "train") & samples.labelled
    assert not np.allclose(again.target[rows], first.target[rows])
    assert again.target[rows] == pytest.approx((samples.target[rows] + marked) / 2, abs=1e-6)
    teach(samples.take(np.arange(40)), weights, half, **asked)  # other pictures are asked about
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_that_stopped_early_stays_stopped(place: Path, left_alone: Path) -> None:
    samples = load(place / "data", cache=place / "cache")
    config = config_of(place, "early", patience=1)
    (place / "early").mkdir()
    state = checkpoint(left_alone / "last.pt") | {"step": EPOCH, "stale": 1}
    torch.save(state, place / "early" / "last.pt")
    before = (place / "early" / "last.pt").read_bytes()
    fit(replace(config, resume=True), samples)
    assert (place / "early" / "last.pt").read_bytes() == before


def test_resume_names_what_does_not_fit(
    place: Path, left_alone: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = load(place / "data", cache=place / "cache")
    config = replace(config_of(place, "whole"), resume=True)
    fit(replace(config, learning_rate=5e-4), samples)  # nothing is left to do; the change is named
    assert "learning_rate 0.001 -> 0.0005" in caplog.text
    with pytest.raises(EmotionError, match="trained on other data"):
        fit(config, samples.take(samples.majority >= 0).take(range(40)))  # type: ignore[arg-type]
    damaged = tmp_path / "last.pt"
    damaged.write_bytes((left_alone / "last.pt").read_bytes()[:5000])
    with pytest.raises(EmotionError, match="damaged or no checkpoint"):
        fit(replace(config, out=str(tmp_path)), samples)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint(
    place: Path, left_alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("last.pt", "best.safetensors"):
        (place / "diverged").mkdir(exist_ok=True)
        (place / "diverged" / name).write_bytes((left_alone / name).read_bytes())
    wild = words(place, "diverged", epochs=6, learning_rate=0.99, category_weight=1e38, save_minutes=0)
    assert main([*wild, "--resume"]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "no longer a number at step" in errors[0]
    assert "last good checkpoint is" in errors[0]
    kept = checkpoint(place / "diverged" / "last.pt")
    assert all(value.isfinite().all() for value in kept["student"].values())
    net, _ = load_network(place / "diverged" / "best.safetensors")
    assert all(value.isfinite().all() for value in net.state_dict().values())
