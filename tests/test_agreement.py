"""Figures of agreement: equal to reference libraries, with intervals that hold what they say."""

import numpy as np
import pandas as pd
import pytest

from emotion_core.analytics import agreement, sampling
from emotion_core.analytics.agreement import Event

RNG = np.random.default_rng(8)
CODES = RNG.integers(0, 4, (3, 60)).astype(float)
CODES[1] = np.where(RNG.random(60) < 0.6, CODES[0], CODES[1])
HOLES = np.where(RNG.random(CODES.shape) < 0.15, np.nan, CODES)
NUMBERS = RNG.normal(size=60) + RNG.normal(scale=0.5, size=(3, 60)) + np.array([[0.0], [0.3], [-0.2]])


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("ratings", [CODES, HOLES], ids=["whole", "holes"])
def test_alpha_is_that_of_the_library(ratings: np.ndarray, level: str) -> None:
    krippendorff = pytest.importorskip("krippendorff")
    wanted = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
    assert agreement.krippendorff_alpha(ratings, level).value == pytest.approx(wanted, abs=1e-9)


def test_alpha_of_continuous_numbers_is_that_of_the_library() -> None:
    krippendorff = pytest.importorskip("krippendorff")
    wanted = krippendorff.alpha(reliability_data=NUMBERS, level_of_measurement="interval")
    assert agreement.krippendorff_alpha(NUMBERS, "interval").value == pytest.approx(wanted, abs=1e-9)


def test_alpha_of_krippendorffs_own_example() -> None:
    """Section C of his paper: four observers, twelve units, 0.743 nominal, 0.815 ordinal, 0.849 interval."""
    nan = np.nan
    ratings = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
            [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
        ]
    )
    for level, wanted in (("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)):
        assert agreement.krippendorff_alpha(ratings, level).value == pytest.approx(wanted, abs=5e-4)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_kappa_is_that_of_scikit_learn(weights: str | None) -> None:
    from sklearn.metrics import cohen_kappa_score

    wanted = cohen_kappa_score(CODES[0], CODES[1], weights=weights)
    assert agreement.cohen_kappa(CODES[0], CODES[1], weights).value == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("kind", ["1", "A1", "C1", "1k", "Ak", "Ck"])
def test_the_intraclass_correlation_is_that_of_shrout_and_fleiss(kind: str) -> None:
    """Their example of 1979: six targets, four judges; the published figures have two decimals."""
    ratings = np.array(
        [[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]], float
    )
    wanted = {"1": 0.17, "A1": 0.29, "C1": 0.71, "1k": 0.44, "Ak": 0.62, "Ck": 0.91}
    assert agreement.intraclass(ratings, kind).value == pytest.approx(wanted[kind], abs=0.005)


def test_the_intraclass_correlation_is_that_of_pingouin() -> None:
    pingouin = pytest.importorskip("pingouin")
    units, raters = np.meshgrid(np.arange(60), np.arange(3))
    table = pd.DataFrame({"unit": units.ravel(), "rater": raters.ravel(), "value": NUMBERS.ravel()})
    found = pingouin.intraclass_corr(table, targets="unit", raters="rater", ratings="value")["ICC"]
    for wanted, kind in zip(found, ("1", "A1", "C1", "1k", "Ak", "Ck"), strict=True):
        assert agreement.intraclass(NUMBERS, kind).value == pytest.approx(wanted, abs=1e-9)


def test_concordance_is_that_of_the_training() -> None:
    from train.measure.metrics import concordance_ccc

    wanted = float(concordance_ccc(NUMBERS[0], NUMBERS[1]))
    assert agreement.concordance(NUMBERS[0], NUMBERS[1]).value == pytest.approx(wanted, abs=1e-9)
    assert agreement.concordance(NUMBERS[0], NUMBERS[0]).value == pytest.approx(1)
    # 2 * 1 * s / (s + s + d^2) for a shift d: by hand, with variance 2/3
    one = np.array([1.0, 2.0, 3.0])
    assert agreement.concordance(one, one + 1).value == pytest.approx((4 / 3) / (4 / 3 + 1))


def test_concordance_is_that_of_audmetric() -> None:
    audmetric = pytest.importorskip("audmetric")
    for one, other in ((0, 1), (1, 2)):
        wanted = audmetric.concordance_cc(NUMBERS[one], NUMBERS[other])
        assert agreement.concordance(NUMBERS[one], NUMBERS[other]).value == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("ends", [True, False])
def test_the_f1_of_events_is_that_of_mir_eval(ends: bool) -> None:
    """Its notes have a pitch, which stands for the label here: two labels are an octave apart."""
    transcription = pytest.importorskip("mir_eval.transcription")
    rng = np.random.default_rng(4)
    for _ in range(20):
        sides = []
        for count in rng.integers(5, 30, 2):
            start = np.sort(rng.uniform(0, 20, count)).round(2)
            labels = rng.integers(0, 3, count)
            sides.append((np.column_stack([start, start + rng.uniform(0.2, 2, count).round(2)]), labels))
        (first, codes), (second, others) = sides
        wanted = transcription.precision_recall_f1_overlap(
            *(first, 100.0 * 2**codes, second, 100.0 * 2**others),
            onset_tolerance=0.5,
            offset_ratio=0.0 if ends else None,
            offset_min_tolerance=0.5,
        )[2]
        one, two = ([Event(*span, str(code)) for span, code in zip(*side, strict=True)] for side in sides)
        assert agreement.event_f1(one, two, 0.5, ends=ends).value == pytest.approx(wanted, abs=1e-9)


def test_events_are_paired_each_once_and_as_many_as_can_be() -> None:
    first = [Event(1.0, 2.0, "a"), Event(1.3, 2.3, "a"), Event(5.0, 6.0, "b"), Event(8.0, 9.0, "a")]
    second = [Event(1.4, 2.4, "a"), Event(0.6, 1.7, "a"), Event(5.1, 6.8, "b"), Event(8.0, 9.0, "b")]
    # The nearest of each would leave one of the first two alone.
    assert agreement.event_f1(first, second, 0.5).value == pytest.approx(2 * 2 / 8)
    assert agreement.event_f1(first, second, 0.5, ends=False).value == pytest.approx(2 * 3 / 8)
    assert agreement.event_f1(first, first, 0.0).value == 1
    assert agreement.event_f1(first, []).value == 0
    nothing = agreement.event_f1([], [])
    assert np.isnan(nothing.value) and nothing.sentence.endswith("nothing that both rated.")


def test_each_figure_says_what_it_is() -> None:
    found = agreement.cohen_kappa(CODES[0], CODES[1])
    assert found.low < found.value < found.high and found.units == 60
    assert found.sentence == (
        f"Cohen's kappa is {found.value:.2f} (95 % interval {found.low:.2f} to {found.high:.2f}, 60 units): "
        f"{'moderate' if found.value < 0.6 else 'substantial'} agreement."
    )
    assert agreement.cohen_kappa(CODES[0], CODES[1]) == found, "the same draws each time"
    same = agreement.krippendorff_alpha(np.ones((2, 9)))
    assert np.isnan(same.value) and same.sentence.endswith("do not differ among themselves.")


def test_whole_blocks_make_intervals_of_dependent_moments_wider() -> None:
    slow = np.repeat(RNG.integers(0, 2, (2, 20)), 30, axis=1).astype(float)
    alone, together = (agreement.cohen_kappa(*slow, block=block) for block in (1, 30))
    assert alone.value == together.value
    assert together.high - together.low > 2 * (alone.high - alone.low)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Two raters with a known concordance: in at least 90 of 100 made studies the interval holds it."""
    held = 0
    for study in range(100):
        rng = np.random.default_rng(study)
        truth, noise = rng.normal(size=(1, 150)), rng.normal(scale=0.6, size=(2, 150))
        found = agreement.concordance(*(truth + noise), seed=study)
        held += found.low <= 1 / (1 + 0.36) <= found.high
    assert held >= 90


def test_two_tables_are_read_at_the_same_moments() -> None:
    ours = pd.DataFrame(
        {
            "time": [0.0, 0.5, 1.0, 2.0, 0.0],
            "duration": [0.5, 0.5, 0.5, 0.5, 2.5],
            "face": pd.array([1, 1, 1, 1, 2], "Int64"),
            "emotion": ["Happy", "Happy", "Sad", "Sad", "Fear"],
            "valence": [0.5, 0.6, -0.5, -0.6, 0.0],
        }
    )
    coder = pd.DataFrame(
        {"time": [0.0, 1.0], "duration": [0.9, 2.0], "face": [1, 1], "emotion": ["Happy", "Sad"]}
    )
    at = sampling.moments_of([ours, coder], 0.5)
    assert at.tolist() == [0.25, 0.75, 1.25, 1.75, 2.25]
    one, other = (sampling.shown_at(table, 1, at) for table in (ours, coder))
    assert one.tolist() == ["Happy", "Happy", "Sad", None, "Sad"]
    assert other.tolist() == ["Happy", "Happy", "Sad", "Sad", "Sad"]
    codes, names = sampling.numbered(one, other)
    assert names == ["Happy", "Sad"] and agreement.cohen_kappa(*codes).value == 1
    assert sampling.shown_at(ours, 1, at, "valence")[:3].tolist() == [0.5, 0.6, -0.5]
    assert sampling.events_of(ours, 1) == [
        Event(0, 1.0, "Happy"),
        Event(1.0, 1.5, "Sad"),
        Event(2.0, 2.5, "Sad"),
    ]
