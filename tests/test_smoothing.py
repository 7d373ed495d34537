"""The moving average and the label that does not flicker."""

import numpy as np
import pytest

from emotion_core.smoothing import MARGIN, Reading, Smoother, check_smoothing
from emotion_core.types import EmotionError


def reading(*probabilities: float, valence: float = 0.0, arousal: float = 0.5) -> Reading:
    return Reading(np.array(probabilities), valence, arousal)


def labels(leads: list[float], frames: int) -> list[int]:
    """Feed two categories whose second leads by `leads`; give the label of each frame."""
    smoother = Smoother()
    return [smoother.update(reading(0.5 - d / 2, 0.5 + d / 2), frames)[1] for d in leads]


@pytest.mark.parametrize("frames", [1, 2, 5, 30])
def test_the_mean_of_the_last_frames(frames):
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.ones(7), 40)
    planes = random.uniform(0, 1, (40, 2))
    smoother = Smoother()
    for i, (row, (valence, arousal)) in enumerate(zip(rows, planes, strict=True)):
        mean, _ = smoother.update(Reading(row, valence, arousal), frames)
        first = max(0, i + 1 - frames)
        assert np.allclose(mean.probabilities, rows[first : i + 1].mean(0))
        assert np.allclose((mean.valence, mean.arousal), planes[first : i + 1].mean(0))
        assert np.isclose(mean.probabilities.sum(), 1)
    assert len(smoother.readings) == frames


def test_one_frame_is_no_smoothing():
    assert labels([-0.5, 0.01, -0.01, 0.01, 0.9, -0.001], 1) == [0, 1, 0, 1, 1, 0]


def test_a_label_does_not_flicker():
    wobble = [-0.04 if i % 2 else 0.04 for i in range(40)]
    assert set(labels([-0.3, *wobble], 2)) == {0}
    assert len(set(labels(wobble, 5))) == 1


def test_a_clear_lead_takes_over_at_once():
    assert labels([-0.2, -0.2, MARGIN * 3 + 0.21], 2) == [0, 0, 1]


def test_a_small_lead_takes_over_when_it_lasts():
    shown = labels([-0.05] * 5 + [0.05] * 20, 5)
    assert shown[:8] == [0] * 8  # the mean leads from the eighth frame on
    assert shown[-10:] == [1] * 10
    assert sum(a != b for a, b in zip(shown, shown[1:], strict=False)) == 1


def test_a_rival_must_lead_without_a_break():
    smoother = Smoother()
    second, third = (0.34, 0.36, 0.3), (0.34, 0.3, 0.36)  # each leads the held label by little
    shown = []
    for mean in ((0.5, 0.3, 0.2), second, third, second, third, third, third):
        last = smoother.readings[-2:]  # the reading with which the mean of three is the wanted one
        row = (len(last) + 1) * np.array(mean) - sum((r.probabilities for r in last), np.zeros(3))
        shown.append(smoother.update(reading(*row), 3)[1])
    assert shown == [0] * 6 + [2]


def test_fewer_frames_act_at_once():
    smoother = Smoother()
    for _ in range(10):
        smoother.update(reading(1.0, 0.0), 10)
    mean, label = smoother.update(reading(0.0, 1.0), 2)
    assert mean.probabilities.tolist() == [0.5, 0.5] and label == 0
    mean, label = smoother.update(reading(0.0, 1.0), 1)
    assert mean.probabilities.tolist() == [0.0, 1.0] and label == 1


@pytest.mark.parametrize("wrong", [0, -3, 1.5, "5", None, True])
def test_what_is_no_number_of_frames(wrong):
    with pytest.raises(ValueError, match="starts at 1"):
        check_smoothing(wrong)
    with pytest.raises(EmotionError):
        check_smoothing(wrong)
    assert check_smoothing(np.int64(3)) == 3
