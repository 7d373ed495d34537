"""What a network is called."""

import json

import pytest

from emotion_core.network.naming import title_of


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({"name": "eighth weights"}, "SpatioTemporalEmotionNet 8"),
        ({"name": "twentieth weights"}, "SpatioTemporalEmotionNet 20"),
        ({"name": "eighth weights", "version": "8.1"}, "SpatioTemporalEmotionNet 8.1"),
        ({"name": "calm and tense"}, "SpatioTemporalEmotionNet, calm and tense"),
        ({}, "SpatioTemporalEmotionNet"),
    ],
)
def test_the_name_comes_from_the_weights_file(facts: dict[str, str], title: str) -> None:
    assert title_of(facts) == title


@pytest.mark.weights
def test_the_shipped_weights_have_a_version() -> None:
    from emotion_core.network.checkpoint import WEIGHTS, read_metadata

    title = title_of(json.loads(json.dumps(dict(read_metadata(WEIGHTS).facts))))
    name, _, version = title.partition(" ")
    assert name == "SpatioTemporalEmotionNet" and version.isdigit() and int(version) >= 8
