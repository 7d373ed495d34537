"""Damaged files from a seed: each ends in a result or in one line, and leaves nothing lying about."""

import pytest

from tests import mutate


@pytest.mark.weights
def test_sixty_damaged_videos() -> None:
    check(mutate.run("videos", 60, seed=1), 60)


def test_sixty_damaged_results_files() -> None:
    check(mutate.run("results", 60, seed=1), 60)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["videos", "results"])
def test_a_thousand_of_each(kind: str) -> None:
    check(mutate.run(kind, 1000), 1000)


def check(outcome: mutate.Outcome, count: int) -> None:
    assert not outcome.problems, "\n".join(outcome.problems)
    # Damage that harms nothing, or everything, would show little.
    assert min(outcome.counts["done"], outcome.counts["refused"]) > count / 10
    assert outcome.counts["done"] + outcome.counts["refused"] == count


def test_the_same_seed_damages_alike() -> None:
    import numpy as np

    data = bytes(range(256)) * 20
    first, again, other = (mutate.damage(data, np.random.default_rng([0, n])) for n in (3, 3, 4))
    assert first == again != data and first != other


def test_what_ends_badly_is_told(tmp_path, monkeypatch) -> None:
    """The judge itself: a file of ours that can't be read, and one that has no place there."""
    (tmp_path / "talk_results.json").write_bytes(b"")
    assert "talk_results.json" in mutate.unreadable(tmp_path, {"talk_results.json"})
    (tmp_path / "talk_emotions.mp4").write_bytes(b"\0" * 100)
    assert "talk_emotions.mp4" in mutate.unreadable(tmp_path, {"talk_emotions.mp4"})
    assert not mutate.unreadable(tmp_path, set())
