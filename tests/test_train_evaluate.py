"""Evaluation says what is so: on made predictions, and on the shipped model against accepted figures."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion_core.labels import EMOTIONS
from emotion_core.network.checkpoint import read_metadata, save_network
from emotion_core.recognizer import Recognizer
from emotion_core.types import EmotionError
from train.data.readers import Raw, Votes, build
from train.data.rest import JAW_OPEN, SMILE_LEFT, SMILE_RIGHT, TENSE
from train.data.samples import MEASURES
from train.measure import evaluate as job
from train.measure.calibrate import (
    Fit,
    Scored,
    cross_fitted,
    fit_both,
    fit_temperature,
    fit_together,
    join,
    store_fit,
)
from train.measure.fairness import NO_GAPS, fairness
from train.measure.fairness import report as fairness_report
from train.measure.page import page
from train.measure.predict import Predictions
from train.measure.provenance import commit, provenance, write_json

BASELINES = Path(__file__).parent / "baselines"


def made(n: int = 350, seed: int = 0, **attributes: Any) -> tuple[Raw, Predictions, dict[str, np.ndarray]]:
    """A set of n pictures and what a model says of them: right in about three of four."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 7, n)
    truth[:7] = np.arange(7)
    scores = rng.normal(size=(n, 7)) + 2.2 * np.eye(7)[truth]
    probabilities = (np.exp(scores) / np.exp(scores).sum(1, keepdims=True)).astype(np.float32)
    votes = Votes(np.eye(7, dtype=np.float32)[truth], truth, np.ones(n, np.float32))
    raw = build("made", EMOTIONS, [b""] * n, votes, key="made", attributes=attributes)
    said = Predictions(probabilities, np.zeros(n, np.float32), np.full(n, 0.5, np.float32), np.ones(n, bool))
    found = {name: rng.uniform(0, 60, n).astype(np.float32) for name in MEASURES}
    found |= {"used": np.ones(n, bool), "blendshapes": np.zeros((n, 52), np.float16)}
    return raw, said, found


def test_blendshape_places_are_those_of_mediapipe() -> None:
    landmarker = pytest.importorskip("mediapipe.tasks.python.vision.face_landmarker")
    names = [shape.name for shape in landmarker.Blendshapes]
    assert [names[i] for i in (SMILE_LEFT, SMILE_RIGHT, JAW_OPEN)] == [
        "MOUTH_SMILE_LEFT", "MOUTH_SMILE_RIGHT", "JAW_OPEN",
    ]  # fmt: skip
    tense = re.compile("BROW_DOWN|BROW_INNER|MOUTH_FROWN|MOUTH_LOWER|MOUTH_STRETCH|MOUTH_UPPER|NOSE_")
    assert all(tense.match(names[i]) for i in TENSE)


def test_figures_of_a_labelled_set_and_their_slices() -> None:
    raw, said, found = made()
    figures = job.scored(raw, said, found, rounds=100)
    assert figures["pictures"] == 350
    right = (said.probabilities.argmax(1) == raw.majority).mean()
    assert figures["accuracy"] == pytest.approx(right)
    low, high = figures["interval"]["accuracy"]
    assert low < right < high
    assert set(figures["slices"]) == {"face size", "yaw", "blur", "light"}
    for rows in figures["slices"].values():
        assert sum(row["pictures"] for row in rows) == 350
        assert sum(row["accuracy"] * row["pictures"] for row in rows) == pytest.approx(right * 350)
    assert figures["affect"]["truth"] == job.DERIVED


def test_pictures_without_a_clear_label_or_unreadable_are_left_out_and_counted() -> None:
    raw, said, found = made()
    majority = raw.majority.copy()
    majority[10:20] = -1
    readable = np.ones(350, bool)
    readable[20:25] = False
    figures = job.scored(replace(raw, majority=majority), replace(said, readable=readable), found, rounds=0)
    assert (figures["pictures"], figures["not_scored"]) == (335, 15)


def test_a_measured_valence_is_scored_as_such() -> None:
    raw, said, _ = made()
    valence = np.linspace(-1, 1, 350).astype(np.float32)
    rated = replace(raw, valence=valence, arousal=np.full(350, 0.5, np.float32))
    figures = job.scored(rated, replace(said, valence=valence), None, rounds=0)
    assert figures["affect"]["truth"] == "rated by people"
    assert figures["affect"]["valence_ccc"] == pytest.approx(1)


def biased() -> tuple[Raw, Predictions, dict[str, np.ndarray]]:
    """Smiling and resting people of two groups, of which one is read worse by a known amount."""
    n = 800
    race = np.array(["A", "B"])[np.arange(n) % 2]
    smiles = np.arange(n) < 400
    raw, said, found = made(
        n, race=race, gender=np.array(["f", "m"])[np.arange(n) // 2 % 2], age=np.full(n, 30.0)
    )
    found["blendshapes"][:, [SMILE_LEFT, SMILE_RIGHT]] = np.where(smiles, 0.8, 0.02)[:, None]
    said.probabilities[:] = 0.02
    label = np.where(smiles, EMOTIONS.index("Happy"), EMOTIONS.index("Neutral"))
    wrong = (race == "B") & (np.arange(n) % 10 == 1)  # one in five of group B
    label[wrong] = EMOTIONS.index("Angry")
    said.probabilities[np.arange(n), label] = 0.88
    return raw, said, found


def test_a_group_that_is_read_worse_shows_as_a_gap() -> None:
    figures = fairness(*biased(), EMOTIONS)
    assert (figures["smiling"], figures["resting"]) == (400, 400)
    gap = figures["largest_gap"]["race, smiling, share"]
    assert gap["gap"] == pytest.approx(0.2)
    assert (gap["low"], gap["high"]) == ("B", "A")
    assert figures["largest_gap"]["gender, resting, share"]["gap"] < 0.25
    assert {row["group"] for row in figures["tables"]["race and gender"]} == {"A f", "A m", "B f", "B m"}
    negative = figures["largest_gap"]["race, resting, negative"]
    assert negative["gap"] == pytest.approx(0.2)
    assert (negative["low"], negative["high"]) == ("A", "B")
    lines = "\n".join(fairness_report(figures))
    assert "race, smiling, share: largest gap 0.200 (B to A)" in lines
    assert re.search(r"B +200 +80.0% \(74% to 85%\) +200 +80.0% \(74% to 85%\)", lines)


def test_groups_too_small_to_compare_are_said_to_be() -> None:
    raw, said, found = biased()
    few = np.arange(0, 800, 10)
    part = replace(said, **{k: getattr(said, k)[few] for k in vars(said)})
    figures = fairness(raw.take(few), part, {k: v[few] for k, v in found.items()}, EMOTIONS)
    assert NO_GAPS in fairness_report(figures)[0]
    assert any("A f" in line for line in fairness_report(figures))


def test_faces_that_neither_smile_nor_rest_do_not_count() -> None:
    raw, said, found = biased()
    found["blendshapes"][:, JAW_OPEN] = 0.5  # mouths open: no rest; smiles stay smiles
    found["blendshapes"][:100, SMILE_LEFT] = np.nan  # not measured
    figures = fairness(raw, said, found, EMOTIONS)
    assert (figures["smiling"], figures["resting"]) == (300, 0)


def test_page_holds_everything_and_fetches_nothing() -> None:
    raw, said, found = made()
    sets = {
        "made": job.scored(raw, said, found, rounds=50) | {"split": "valid", "data_key": "k", "limit": None},
        "people": fairness(*biased(), EMOTIONS) | {"split": "all", "data_key": "k", "limit": None},
    }
    text = page({"provenance": provenance(), "labels": list(EMOTIONS), "sets": sets})
    head, body = text.split("</script>", 1)
    assert "<link" not in text.split("<script>")[0]
    assert not re.search(r"(src|href)=.https?:", body)
    assert "Plotly.newPlot" in body
    for words in ("balanced accuracy", "Largest gaps", "not what a person feels", commit()[:12]):
        assert words in body
    assert len(head) > 1e6  # the plotting library is inside


def test_figures_are_written_as_plain_json(tmp_path: Path) -> None:
    write_json(
        {"a": float("nan"), "b": [1.5, float("inf")], "c": {"d": np.float64(2)}}, tmp_path / "x" / "y.json"
    )
    assert json.loads((tmp_path / "x" / "y.json").read_text()) == {"a": None, "b": [1.5, None], "c": {"d": 2}}


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({}, 0),
        ({"accuracy": -0.005}, 0),
        ({"accuracy": -0.02}, 1),
        ({"balanced_accuracy": -0.05, "ece": 0.05}, 2),
        ({"accuracy": 0.05, "ece": -0.02}, 0),
        ({"accuracy": np.nan}, 1),
    ],
    ids=["the same", "within slack", "worse", "two worse", "better", "no number"],
)
def test_a_regression_is_named(change: dict[str, float], lines: int) -> None:
    raw, said, found = made()
    figures = job.scored(raw, said, found, rounds=0) | {"split": "valid", "data_key": "k", "limit": None}
    before = {"provenance": {}, "sets": {"made": figures}}
    accepted = job.baseline_of(before)["sets"]
    now = {"sets": {"made": {**figures, **{k: figures[k] + v for k, v in change.items()}}}}
    assert len(job.regressions(now, accepted)) == lines
    assert job.regressions({"sets": {}}, accepted) == ["made was not evaluated"]


def test_a_file_that_is_no_baseline_stops(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(EmotionError, match="is no baseline"):
        job.check_baseline({"sets": {}}, tmp_path / "x.json")


# calibration ----------------------------------------------------------------------------------------------


def overconfident(temperature: float, n: int = 4000, seed: int = 0) -> Any:
    """Scores whose true temperature is known: answers are drawn from softmax(scores / temperature)."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 3, (n, 7))
    chances = np.exp(scores / temperature)
    chances /= chances.sum(1, keepdims=True)
    truth = (chances.cumsum(1) > rng.random((n, 1))).argmax(1)
    return Scored(scores, truth, np.arange(n), np.zeros(n, bool))


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_the_true_temperature_is_found(temperature: float) -> None:
    assert fit_temperature(overconfident(temperature)) == pytest.approx(temperature, rel=0.06)


def test_cross_fitting_lowers_the_error_of_pictures_that_were_not_fitted_on() -> None:
    from train.measure.metrics import expected_calibration_error

    scored = overconfident(2.5)
    before = expected_calibration_error(scored.probabilities(1.0), scored.truth)
    after = expected_calibration_error(cross_fitted({"made": scored})["made"], scored.truth)
    assert before > 0.1
    assert after < 0.03


def test_grey_and_colour_pictures_each_have_their_temperature() -> None:
    from train.measure.metrics import expected_calibration_error

    grey, colour, mixed = overconfident(0.5), overconfident(3.0, seed=1), overconfident(3.0, n=99, seed=2)
    colour.color[:], mixed.color[::2] = True, True
    sets = {"grey": grey, "colour": colour, "mixed": mixed}
    fit = fit_both([grey, colour])
    assert (fit.grey, fit.color) == (pytest.approx(0.5, rel=0.06), pytest.approx(3.0, rel=0.06))
    across = cross_fitted(sets)
    assert expected_calibration_error(across["colour"], colour.truth) < 0.03
    few = overconfident(3.0, n=20)
    few.color[:] = True
    one = fit_both([grey, few])  # too few in colour: one temperature for all
    assert one.grey == one.color == fit_temperature(join([grey, few]))


def test_together_all_sets_share_a_temperature_and_count_alike() -> None:
    large, small = overconfident(0.5), overconfident(2.0, n=1500, seed=1)
    small.color[:] = True
    fit = fit_together([large, small])
    assert fit.grey == fit.color

    def off(s: Scored) -> float:
        said = s.probabilities(fit)
        return float(said.max(1).mean() - (said.argmax(1) == s.truth).mean())

    assert off(large) == pytest.approx(-off(small), abs=1e-3)
    assert off(small) > 0.03


def test_a_stored_fit_changes_confidence_alone(tmp_path: Path) -> None:
    from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet

    path = tmp_path / "w.safetensors"
    save_network(SpatioTemporalEmotionNet(), path, trained=True)
    crop = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    grey = crop[:, :, :1].repeat(3, axis=2)
    before = read_metadata(path)

    def said(picture: np.ndarray) -> np.ndarray:
        recognizer = Recognizer.from_pretrained(path, backend="torch", mesh=False)
        return recognizer.classify([picture])[0][0]

    whole, coloured = said(grey), said(crop)
    store_fit(path, Fit(before.temperature, before.temperature_color * 4))
    after = read_metadata(path)
    assert after.sha256 == before.sha256  # the ONNX files still belong to it
    assert after.temperature_color == pytest.approx(4 * before.temperature_color)
    assert said(grey) == pytest.approx(whole)
    modest = said(crop)
    assert modest.argmax() == coloured.argmax()
    assert modest.max() < coloured.max()


# the shipped model ----------------------------------------------------------------------------------------


@pytest.mark.weights
@pytest.mark.parametrize("file", sorted(BASELINES.glob("evaluate_*.json")), ids=lambda f: f.stem)
def test_shipped_model_holds_its_accepted_figures(file: Path, data_dir: Path, tmp_path: Path) -> None:
    accepted = json.loads(file.read_text())["sets"]
    ((name, before),) = accepted.items()  # one set a file
    recognizer = Recognizer.from_pretrained()
    outcome = job.evaluate(
        [str(data_dir)], recognizer, sets=[name], split=before["split"], limit=before["limit"],
        slices=False, rounds=0,
    )  # fmt: skip
    assert not job.regressions(outcome, accepted)
