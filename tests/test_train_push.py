"""Pushing names its files, and refuses in one line; nothing is sent by these tests."""

from pathlib import Path
from typing import Any

import pytest

from emotion_core.network.checkpoint import save_network
from emotion_core.types import EmotionError
from train.__main__ import main
from train.ship import push as job


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet

    net = SpatioTemporalEmotionNet(NetConfig(classes=2))
    save_network(net, tmp_path / "w" / "mine.safetensors", ("bored", "focused"), trained=True)
    save_network(net, tmp_path / "raw" / "mine.safetensors", ("bored", "focused"), trained=False)
    (tmp_path / "none").mkdir()
    return tmp_path


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "MODEL_CARD.md").write_text("---\nlicense: other\n---\n")
    monkeypatch.setattr(job, "CARD", tmp_path / "MODEL_CARD.md")


def test_a_dry_run_names_what_would_be_sent(
    folder: Path, card: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", "--repo", "me/mine", "--weights", str(folder / "w"), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "nothing was sent" in printed
    assert "-> me/mine/mine.safetensors" in printed
    assert "MODEL_CARD.md -> me/mine/README.md" in printed


@pytest.mark.parametrize(("name", "text"), [("none", "holds no .safetensors"), ("raw", "is untrained")])
def test_what_is_no_model_is_not_pushed(folder: Path, card: None, name: str, text: str) -> None:
    with pytest.raises(EmotionError, match=text):
        job.push("me/mine", folder / name)


def test_weights_are_not_pushed_without_their_card(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CARD", folder / "no.md")
    with pytest.raises(EmotionError, match="without their card"):
        job.push("me/mine", folder / "w")


def test_no_network_is_one_line(folder: Path, card: None, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("huggingface_hub")  # conftest puts it offline
    assert main(["push", "--repo", "me/mine", "--weights", str(folder / "w")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
