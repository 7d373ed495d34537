"""What a viewer may choose on the live page, and what a stranger may send in its place."""

from typing import Any

import pytest

from webapp.live.viewer import LiveOptions


@pytest.mark.parametrize(
    "smoothing, threshold",
    [
        (1e999, 0),
        (2.5, 0),
        (31, 0),
        (0, 0),
        (10**400, 0),
        ("x", 0),
        ([], 0),
        (5, float("nan")),
        (5, 1e999),
        (5, 1),
    ]
    + [(5, 10**400), (5, None), (True, "half")],
)
def test_settings_out_of_range_are_refused(smoothing, threshold):
    with pytest.raises(ValueError):
        LiveOptions.from_message({"smoothing": smoothing, "threshold": threshold})


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"smoothing": 0, "threshold": 0},
        {"smoothing": 31, "threshold": 0},
        {"smoothing": 5, "threshold": 1},
        {"smoothing": 5, "threshold": float("nan")},
        {"smoothing": "many", "threshold": 0},
        {"smoothing": None, "threshold": 0},
    ],
)
def test_options_that_make_no_sense_are_refused(message: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        LiveOptions.from_message(message)


def test_options_are_read() -> None:
    message = {"smoothing": 3, "threshold": 0.4, "objects": True, "landmarks": False}
    assert LiveOptions.from_message(message) == LiveOptions(3, 0.4, True, False)
