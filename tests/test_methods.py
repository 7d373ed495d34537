"""The methods section says what the summaries say, and the citation is of this version."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from emotion_core.analysis import model_facts
from emotion_core.labels import EMOTIONS
from emotion_core.recognizer import Recognizer
from emotion_core.results.citation import citation as citation_of
from emotion_core.results.methods import methods_text
from emotion_core.types import EmotionError
from emotion_core.version import VERSION

CARD = """\
# The network, ninth weights

| set | pictures | accuracy | balanced accuracy | ECE |
|---|---|---|---|---|
| FER+ valid | 3,372 | 84.9 % [83.7, 86.1] | 80.2 % [77.1, 83.2] | 0.019 |
"""


def summary(**other: Any) -> dict[str, Any]:
    model = {"name": "ninth weights", "sha256": "ab" * 32, "detector": "yunet", "labels": list(EMOTIONS)}
    told = {"smoothing": 5, "threshold": 0.4}
    facts = {"people": 2, "seconds": 60.0, "seconds_with_face": 45.0, "version": "0.2.0"}
    return {**facts, "model": model, "settings": told, "complete": True, **other}


def test_it_says_with_what_and_how_the_results_were_made() -> None:
    text = methods_text([summary()], CARD)
    assert "One recording (1.0 min in all) was analysed with emotion-recognition 0.2.0" in text
    assert "weights ninth weights (SHA-256 abababababababab, face detector yunet)" in text
    assert "averaged over 5 pictures. Answers with a probability below 0.4" in text
    assert "2 faces were told apart; a face was seen in 75% of the time" in text
    assert "FER+ valid (3,372 pictures): 84.9 % [83.7, 86.1], balanced 80.2 % [77.1, 83.2]" in text
    assert "not what a person feels" in text and text.count("\n\n") == 3


def test_what_differs_between_recordings_is_said() -> None:
    text = methods_text([summary(), summary(settings={"smoothing": 1}, complete=False)], CARD)
    assert "2 recordings (2.0 min in all) were analysed" in text and "4 faces" in text
    assert "not averaged over pictures. (1 of 2 recordings)" in text
    assert text.endswith("1 of the recordings was not analysed to the end.\n")


def test_figures_are_those_of_these_weights_or_none() -> None:
    other = summary(model={"name": "my own", "labels": ["a", "b"]})
    assert "was not measured by the makers" in methods_text([other], CARD)
    assert "probabilities of a and b as" in methods_text([other], CARD)
    from emotion_core.files import card_path

    shipped = next(line for line in card_path().read_text("utf-8").splitlines() if line.startswith("# "))
    named = summary(model={"name": shipped.rpartition(", ")[2], "labels": list(EMOTIONS)})
    assert "by their model card: " in methods_text([named])


@pytest.mark.weights
def test_what_the_shipped_weights_make_has_the_figures_of_their_card() -> None:
    made = summary(model=model_facts(Recognizer.from_pretrained(reidentify=False)))
    assert "by their model card: " in methods_text([made])


def test_a_summary_that_says_too_little_is_refused() -> None:
    for given in ([], [{"people": 1}]):
        with pytest.raises(EmotionError):
            methods_text(given, CARD)


def test_a_study_cites_what_its_summaries_name(root: Path) -> None:
    ours = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    made = yaml.safe_load(citation_of([summary(), summary(model={"name": 'my "own": #1', "sha256": "cd"})]))
    assert {key: made[key] for key in ("title", "authors", "license")} == {
        key: ours[key] for key in ("title", "authors", "license")
    }
    assert made["version"] == "0.2.0"
    assert [one["notes"] for one in made["references"]] == ["SHA-256 " + "ab" * 32, "SHA-256 cd"]
    assert made["references"][1]["title"].endswith('my "own": #1')


def test_the_citation_is_of_this_version(root: Path) -> None:
    citation = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == VERSION and citation["cff-version"] == "1.2.0"
    assert citation["authors"] and citation["type"] == "software"
