"""LiteRT files for phones: what is written, that it answers as PyTorch does, and what stops it."""

import importlib.util
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from emotion_core.network.checkpoint import load_network
from emotion_core.network.once import Once
from emotion_core.network.runtime import TorchNetwork
from emotion_core.types import EmotionError
from train.__main__ import main
from train.ship import litert
from train.ship.inputs import noise
from train.ship.litert_check import LIMITS, MOST_LOST, WHOLE, Measured, check, report
from train.ship.variants import answers

CONVERTER = importlib.util.find_spec("litert_torch") is not None
GOOD = Measured("int8", 9.0, 3.0, 1.0, 0.02, 0.01, 0.02, 0.8, 0.001)


def test_what_is_converted_is_what_runs(weights: Path) -> None:
    net, _ = load_network(weights)
    once = Once(net.eval())
    batch = {name: torch.from_numpy(a[:1].copy()) for name, a in next(noise(1).batches()).items()}
    with torch.inference_mode():
        wanted = once.encode(**batch)
        said = litert.Encode(once)(batch["images"][:, 0], batch["landmarks"], batch["present"])["features"]
        assert torch.equal(said, wanted) and said.shape == (1, once.feature_size)
        window = wanted[:, None].repeat(1, net.config.window, 1)
        decided = litert.Decide(once)(window)
        for name, answer in zip(("logits", "valence", "arousal"), once.decide(window), strict=True):
            assert torch.equal(decided[name], answer)


@pytest.mark.parametrize("precision", LIMITS)
def test_files_that_answer_otherwise_are_not_written(precision: str) -> None:
    good = replace(GOOD, name=precision, largest_difference=LIMITS[precision], lost=MOST_LOST)
    check([good])
    check([replace(good, name=WHOLE, largest_difference=1.0)])
    with pytest.raises(
        EmotionError, match=f"{precision} differs from ONNX Runtime by .* nothing was written"
    ):
        check([replace(good, largest_difference=1.01 * LIMITS[precision])])
    with pytest.raises(EmotionError, match=f"{precision} loses 0.31 points"):
        check([replace(good, lost=0.0031)])


def test_the_report_names_every_figure() -> None:
    figures = asdict(GOOD)
    text = report({"folder": "there", "pictures": 600, "variants": [figures, figures | {"accuracy": None}]})
    assert "compared on 600 pictures" in text and text.endswith("written to there")
    wanted = ["int8", "9.0", "3.00", "1.00", "0.8000", "0.10", "0.02000", "0.01000", "0.02000"]
    assert text.splitlines()[2].split() == wanted
    assert text.splitlines()[3].split()[4] == "-"


def test_options_that_contradict_each_other_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--litert", str(tmp_path), "--out", str(tmp_path)])
    assert "--litert names its own folder" in capsys.readouterr().err


@pytest.mark.skipif(CONVERTER, reason="litert-torch is installed")
def test_without_the_converter_one_line_says_what_to_install(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", "--weights", str(weights), "--litert", str(tmp_path / "lite"), "--no-compare"]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"pip install {litert.NEEDS}" in said
    assert not (tmp_path / "lite").exists()


@pytest.mark.skipif(not CONVERTER, reason="litert-torch is not installed: pip install '.[mobile]'")
def test_every_precision_is_written_and_answers(weights: Path, tmp_path: Path) -> None:
    assert main(["export", "--weights", str(weights), "--litert", str(tmp_path), "--no-compare"]) == 0
    _, metadata = load_network(weights)
    inputs = noise()
    wanted = answers(TorchNetwork(weights, "cpu"), inputs)
    sizes = []
    for precision, limit in LIMITS.items():
        folder = tmp_path / precision
        settings = json.loads((folder / "network.json").read_text("utf-8"))
        assert settings["labels"] == ["bored", "confused", "focused"] and settings["temperature"] == 1.3
        assert settings["sha256"] == metadata.sha256 and settings["precision"] == precision
        said = answers(litert.LiteNetwork(folder, metadata), inputs)
        assert np.abs(said - wanted).max() <= limit
        sizes.append(sum((folder / f"{half}.tflite").stat().st_size for half in litert.HALVES))
    assert sizes[2] < 0.35 * sizes[0] and sizes[1] < 0.6 * sizes[0]
