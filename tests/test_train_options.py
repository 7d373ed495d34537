"""Recipes of earlier runs are still understood: options and settings keep their former names too."""

import re
import shlex
from pathlib import Path

import pytest

from train.commands.fit import train_parser
from train.config import RENAMED, TrainConfig, renamed
from train.measure.ablate import recipe

ROOT = Path(__file__).resolve().parent.parent


def recipes() -> list[list[str]]:
    """The words of every training that docs/experiments.md shows."""
    text = (ROOT / "docs" / "experiments.md").read_text("utf-8")
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    words = [shlex.split(line.partition("-m train ")[2], comments=True) for line in lines]
    return [[w for w in line if w != "..."] for line in words if line and line[0] in ("...", "--data")]


@pytest.mark.parametrize("words", recipes(), ids=lambda words: words[words.index("--epochs") + 1])
def test_a_recipe_is_still_understood(words: list[str]) -> None:
    present = [f"--{RENAMED[w[2:]].replace('_', '-')}" if w[2:] in RENAMED else w for w in words]
    assert train_parser().parse_args(words) == train_parser().parse_args(present)


def test_there_are_recipes_of_each_kind() -> None:
    used = {word[2:] for words in recipes() for word in words}
    assert {"spoilt", "doubt", "trust", "sharpness"} <= used and len(recipes()) > 10


def test_label_smoothing_is_of_all_sets_or_of_one() -> None:
    def parsed(*words: str) -> dict[str, float]:
        return train_parser().parse_args(list(words)).label_smoothing

    both = {"*": 0.1, "expw": 0.3}
    assert parsed("--label-smoothing", "0.1,expw=0.3") == both
    assert parsed("--label-smoothing", "0.1", "--label-smoothing", "expw=0.3") == both
    assert parsed("--smoothing", "0.1", "--doubt", "expw=0.3") == both
    assert [TrainConfig(label_smoothing=both).smoothing_of(name) for name in ("expw", "affect")] == [0.3, 0.1]
    assert TrainConfig(label_smoothing={"expw": 0.3}).smoothing_of("affect") == 0.05


def test_former_names_are_not_advertised() -> None:
    text = train_parser().format_help()
    assert "--augmentation" in text
    assert not [old for old in RENAMED if f"--{old} " in text]


def test_weights_of_an_earlier_run_tell_their_recipe() -> None:
    assert renamed({"spoilt": 0.25, "seed": 3}) == {"augmentation": 0.25, "seed": 3}
    old = {"smoothing": 0.1, "doubt": {"expw": 0.3}}
    assert renamed(old) == {"label_smoothing": {"*": 0.1, "expw": 0.3}}
    assert recipe({"spoilt": 0.25}, 80, 1000, {}).augmentation == 0.25
