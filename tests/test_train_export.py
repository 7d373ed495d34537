"""Exported files answer as PyTorch does, and the shipped one is chosen by what was measured."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion_core.network.checkpoint import onnx_files
from emotion_core.network.runtime import load_network
from emotion_core.types import EmotionError
from train.__main__ import main
from train.ship import variants as job
from train.ship.variants import Variant, choose

FIELDS = ("crops", "landmarks", "present", "truth", "source")


def test_fp32_and_fp16_answer_as_pytorch(weights: Path, tmp_path: Path) -> None:
    outcome = job.export(weights, tmp_path)
    measured = {v["name"]: v for v in outcome["variants"]}
    assert set(measured) == {"fp32", "fp16"}
    assert measured["fp32"]["largest_difference"] < 1e-3
    assert measured["fp16"]["largest_difference"] < 1e-3
    assert measured["fp16"]["megabytes"] < 0.75 * measured["fp32"]["megabytes"]
    assert outcome["chosen"] == "fp16"
    assert all(f.exists() for f in onnx_files(tmp_path / weights.name))
    assert "shipped: fp16" in job.report(outcome)


def test_int8_files_open_in_the_library_and_answer_as_pytorch(weights: Path, tmp_path: Path) -> None:
    from emotion_core.network.checkpoint import load_network as load_torch
    from emotion_core.network.onnx_export import export_onnx

    net, metadata = load_torch(weights)
    base = tmp_path / "fp32" / weights.name
    export_onnx(net, metadata, base, half=False)
    inputs = job.noise(32)
    whole = job.answers(job.open_pair(base, metadata), inputs)
    static = tmp_path / "int8-static" / weights.name
    job.quantize_static(net, metadata, static, inputs)
    said = job.answers(job.open_pair(static, metadata), inputs)
    assert said.sum(1) == pytest.approx(1, abs=1e-5)
    assert np.abs(said - whole).max() < 0.2
    assert size(static) < 0.7 * size(base)
    each = [job.Inputs(*(getattr(inputs, f)[i : i + 1] for f in FIELDS)) for i in range(6)]
    network = job.open_pair(static, metadata)  # a face's answer hangs on no other face
    alone = np.concatenate([job.answers(network, one) for one in each])
    assert np.abs(alone - said[:6]).max() < 1e-5
    shutil.copyfile(weights, static)  # beside INT8 files of these weights, both backends compute in 8 bits
    for backend in ("onnx", "torch"):
        network = load_network(static, backend=backend, device="cpu")
        apart = np.abs(job.answers(network, inputs) - said).max(1)
        # a number that lies in the middle between two steps may fall to either side
        assert np.median(apart) < 1e-6 and apart.max() < 1e-3, backend
    assert np.abs(said - whole).max() > 1e-4  # so that the two are told apart at all


def test_int8_files_of_other_weights_are_not_pytorchs(weights: Path, tmp_path: Path) -> None:
    from emotion_core.network.checkpoint import load_network as load_torch

    net, metadata = load_torch(weights)
    base = tmp_path / weights.name
    job.quantize_static(net, replace(metadata, sha256="0" * 64), base, job.noise(8))
    shutil.copyfile(weights, base)
    inputs = job.noise(4)
    own = job.answers(load_network(weights, backend="torch", device="cpu"), inputs)
    assert np.array_equal(job.answers(load_network(base, backend="torch", device="cpu"), inputs), own)


def size(base: Path) -> int:
    """Give the bytes of a variant's two files."""
    return sum(file.stat().st_size for file in onnx_files(base))


@pytest.mark.parametrize(
    ("times", "lost", "apart", "name"),
    [
        ((5, 5, 3), (0, 0, 0.002), (0, 0, 0.002), "int8-static"),
        ((5, 5, 3), (0, 0, 0.002), (0, 0, 0.01), "fp16"),
        ((5, 5, 3), (0, 0, 0.004), (0, 0, 0), "fp16"),
        ((5, 4, 3), (0, 0.004, 0.004), (0, 0, 0), "fp32"),
        ((5, 5.1, 8), (0, 0, 0), (0, 0, 0), "fp16"),
        ((4, 6, 8), (0, 0, 0), (0, 0, 0), "fp32"),
        ((5, 5, 3), (None,) * 3, (0, 0, 0), "fp16"),
    ],
)
def test_the_fastest_that_loses_little_is_shipped(times: Any, lost: Any, apart: Any, name: str) -> None:
    sizes = (30, 15, 10)
    made = [
        Variant(n, size, t, 0, lost=loss, apart=share)
        for n, size, t, loss, share in zip(job.VARIANTS, sizes, times, lost, apart, strict=True)
    ]
    assert choose(made) == name
    assert choose(made, "int8-static") == "int8-static"


def test_a_variant_that_could_not_be_made_is_never_shipped() -> None:
    assert (
        choose([Variant("fp32", 30, 5, 1, lost=0.0), Variant("int8-static", 0, 0, 0, problem="no")]) == "fp32"
    )
    with pytest.raises(EmotionError, match="int8-static could not be made"):
        choose([Variant("fp32", 30, 5, 1)], "int8-static")


def test_foreign_weights_stop_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    assert main(["export", "--weights", str(tmp_path / "x.safetensors"), "--no-compare"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(EmotionError):
        job.export(tmp_path / "missing.safetensors")
