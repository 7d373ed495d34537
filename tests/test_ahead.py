"""What is made ahead comes in order and not too early, and finding ahead changes no record."""

import threading
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from emotion_core import Frame, Recognizer, Session
from emotion_core.ahead import ahead
from emotion_core.types import Face


@pytest.mark.parametrize("depth", [1, 3])
def test_items_come_in_order_and_no_more_than_asked_for_are_made_ahead(depth):
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(8):
            made.append(number)
            yield number

    with closing(ahead(numbers(), depth)) as stream:
        for place, number in enumerate(stream):
            assert number == place
            assert len(made) <= place + 1 + depth
    assert made == list(range(8))


def test_it_is_made_beside_whoever_takes_it():
    taken, asked = threading.Event(), threading.Event()

    def pair() -> Iterator[int]:
        yield 0
        asked.set()
        assert taken.wait(60)
        yield 1

    with closing(ahead(pair(), 1)) as stream:
        assert next(stream) == 0
        assert asked.wait(60), "the next one is begun while the first is held"
        taken.set()
        assert next(stream) == 1


def test_what_fails_ahead_is_raised_in_its_turn_and_an_early_end_makes_no_more():
    def failing() -> Iterator[int]:
        yield 0
        raise ValueError("in the middle")

    stream = ahead(failing(), 2)
    assert next(stream) == 0
    with pytest.raises(ValueError, match="in the middle"):
        next(stream)
    made: list[int] = []
    endless = ahead((made.append(n) or n for n in iter(int, 1)), 1)  # type: ignore[func-returns-value]
    next(endless)
    endless.close()
    count = len(made)
    assert count <= 2 and len(made) == count


@pytest.fixture(scope="module")
def party(_astronaut: np.ndarray) -> list[Frame]:
    """A face that drifts, a second one that comes and goes, and a cut to nobody."""
    from benchmarks.clip import drift

    made = []
    for index, image in enumerate(drift(_astronaut, 320, 320, 48, 30)):
        both = np.full((320, 640, 3), 96, np.uint8)
        if index < 42:
            both[:, :320] = image
        if 12 <= index < 30:
            both[:, 320:] = image[:, ::-1]
        made.append(Frame(both, index, index / 30))
    return made


@pytest.mark.weights
def test_faces_found_ahead_have_the_very_same_records(party):
    recognizer = Recognizer.from_pretrained(threads=1)
    one, other = Session(), Session()
    plain = [rows(frame, recognizer(frame, one)) for frame in party]
    with closing(ahead(((f, recognizer.find(f, other)) for f in party), 1)) as stream:
        beside = [rows(frame, recognizer.read(sighting, other)) for frame, sighting in stream]
    assert {row[1] for found in plain for row in found} == {1, 2} and plain[-1] == []
    assert beside == plain


def rows(frame: Frame, faces: list[Face]) -> list[tuple[object, ...]]:
    """All that is known of each face, to the last bit."""
    return [
        (frame.index, f.id, f.emotion, f.probabilities, f.valence, f.arousal, f.box, f.pose)
        + (() if f.landmarks is None else tuple(f.landmarks.ravel().tolist()))
        for f in faces
    ]
