"""Figures: against numbers worked out by hand, and against scikit-learn where it has them."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from train.measure import metrics


def made(n: int = 400, k: int = 4, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    scores = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[truth]
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return probabilities, truth


def test_category_figures_agree_with_scikit_learn() -> None:
    probabilities, truth = made()
    said = probabilities.argmax(1)
    got = metrics.summarize(probabilities, truth, list("abcd"), rounds=0)
    assert got["accuracy"] == pytest.approx(reference.accuracy_score(truth, said))
    assert got["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, said))
    assert got["macro_f1"] == pytest.approx(reference.f1_score(truth, said, average="macro"))
    assert got["nll"] == pytest.approx(reference.log_loss(truth, probabilities))
    assert list(got["recall"].values()) == pytest.approx(reference.recall_score(truth, said, average=None))


def test_a_class_without_pictures_has_no_recall_and_does_not_count() -> None:
    matrix = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    assert np.isnan(metrics.recalls(matrix)[2])
    assert metrics.balanced_accuracy(matrix) == pytest.approx(0.85)
    assert 0 < metrics.macro_f1(matrix) < 1


def test_no_pictures_give_nan_not_an_error() -> None:
    empty = np.zeros((0, 3)), np.zeros(0, int)
    got = metrics.summarize(*empty, labels=list("abc"), rounds=10)
    assert got["pictures"] == 0
    assert np.isnan(got["accuracy"])
    assert np.isnan(got["ece"])


@pytest.mark.parametrize(
    ("confidence", "right", "error"),
    [(0.8, 8, 0.0), (0.8, 5, 0.3), (0.6, 10, 0.4)],
    ids=["calibrated", "too sure", "too modest"],
)
def test_calibration_error_is_the_gap_between_confidence_and_accuracy(
    confidence: float, right: int, error: float
) -> None:
    probabilities = np.tile([confidence, 1 - confidence], (10, 1))
    truth = np.array([0] * right + [1] * (10 - right))
    assert metrics.expected_calibration_error(probabilities, truth) == pytest.approx(error)


def test_chance_alone_makes_an_error_that_shrinks_with_more_pictures() -> None:
    rng = np.random.default_rng(0)

    def by_chance(n: int) -> tuple[float, float]:
        probabilities = rng.dirichlet([1, 1, 1], n)
        mean, most = metrics.error_by_chance(probabilities)
        drawn = (probabilities.cumsum(1) < rng.random((n, 1))).sum(1)
        assert metrics.expected_calibration_error(probabilities, drawn) < 1.5 * most
        return mean, most

    (few, few_most), (many, many_most) = by_chance(300), by_chance(30_000)
    assert few < few_most and many < many_most
    assert few > 0.03 > 0.01 > many


def test_concordance_sees_shift_and_scale_that_correlation_does_not() -> None:
    x = np.linspace(-1, 1, 50)
    assert metrics.concordance_ccc(x, x) == pytest.approx(1)
    assert metrics.concordance_ccc(x, -x) == pytest.approx(-1)
    assert metrics.concordance_ccc(x, x + 0.5) < 0.8
    assert metrics.concordance_ccc(x, 0.3 * x) < 0.6
    # by hand: means 2 and 3, variances 2/3 and 2/3, covariance 2/3
    assert metrics.concordance_ccc(np.array([1, 2, 3]), np.array([2, 3, 4])) == pytest.approx(4 / 7)


def test_unknown_values_are_left_out() -> None:
    truth = np.array([0.1, np.nan, 0.5, 0.9])
    said = np.array([0.1, 0.4, 0.5, np.nan])
    assert metrics.rmse(truth, said) == pytest.approx(0)
    assert metrics.concordance_ccc(truth, said) == pytest.approx(1)
    assert np.isnan(metrics.rmse(truth[1:2], said[1:2]))


def test_bootstrap_interval_covers_the_figure_and_narrows_with_more_pictures() -> Any:
    few, many = made(60), made(6000)

    def width(probabilities: Any, truth: Any) -> Any:
        got = metrics.summarize(probabilities, truth, list("abcd"), rounds=300)
        low, high = got["interval"]["accuracy"]
        assert low <= got["accuracy"] <= high
        return high - low

    assert width(*many) < 0.3 * width(*few)


def test_bootstrap_of_groups_is_wider_than_of_single_pictures() -> None:
    right = np.repeat([0.0, 1.0], 100)  # each photograph's pictures are all right or all wrong
    groups = np.repeat(np.arange(20), 10)
    single = metrics.bootstrap(lambda rows: float(right[rows].mean()), 200, rounds=400)
    whole = metrics.bootstrap(lambda rows: float(right[rows].mean()), 200, groups=groups, rounds=400)
    assert whole[1] - whole[0] > 2 * (single[1] - single[0])
