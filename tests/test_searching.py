"""When objects are looked for: in a file, whose frames wait for it, and in a live view, whose don't."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest

from emotion_core.searching import KEPT, ObjectSearch
from emotion_core.types import Box, DetectedObject, EmotionError

CUP = DetectedObject("cup", 0.9, Box(1, 1, 5, 5))


def picture(number: int = 0) -> np.ndarray:
    return np.full((2, 2, 3), number, np.uint8)


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


class Finder:
    """Finds a cup in every picture, once it is let to; notes which pictures it was given."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.may = threading.Event()

    def __call__(self, image: np.ndarray) -> list[DetectedObject]:
        self.asked.append(int(image[0, 0, 0]))
        assert self.may.wait(20)
        return [CUP]


def settled(pool: ThreadPoolExecutor) -> None:
    """Wait until the pool's one thread has done all that it was given."""
    wait([pool.submit(int)], 20)


@pytest.mark.parametrize("rate, every", [(25, 0.5), (24, 0.5), (30, 0.7), (10, 1.0), (1, 0.5)])
def test_a_file_is_searched_at_the_rate_that_was_asked_for(rate: int, every: float) -> None:
    finder = Finder()
    finder.may.set()
    search = ObjectSearch(finder, every=every)
    found = [search.step(picture(), n / rate) for n in range(20 * rate)]
    assert len(finder.asked) == sum(f is not None for f in found)
    assert abs(len(finder.asked) - min(20 / every, 20 * rate)) <= 1
    assert found[0] == [CUP] and found[1] != [CUP] or rate == 1


def test_after_a_long_picture_the_searches_keep_their_distance() -> None:
    search = ObjectSearch(lambda image: [CUP], every=0.5)
    times = [0.0, 0.1, 7.0, 7.1, 7.2, 7.5]
    assert [time for time in times if search.step(picture(), time) is not None] == [0.0, 7.0, 7.5]


def test_a_search_beside_the_frames_never_holds_one_up(beside: ThreadPoolExecutor) -> None:
    finder = Finder()
    search = ObjectSearch(finder, every=0.0, beside=beside)
    # Were a frame to wait, this would not come to its end: nobody lets the search go on.
    assert all(search.step(picture(n), n / 25) is None for n in range(50))
    assert finder.asked in ([], [0]) and search.held(2.0) == []
    finder.may.set()
    settled(beside)
    assert search.step(picture(50), 2.0) == [CUP] == search.held(2.0)


def test_a_slow_search_is_followed_by_a_pause_as_long(beside: ThreadPoolExecutor) -> None:
    finder = Finder()
    finder.may.set()
    search = ObjectSearch(finder, every=0.5, beside=beside)
    search.step(picture(0), 0.0)
    settled(beside)
    assert search.step(picture(1), 3.0) == [CUP]  # it was not to be had for three seconds
    assert [search.step(picture(2), time) for time in (3.5, 5.9)] == [None, None]
    search.step(picture(3), 6.1)
    settled(beside)
    assert finder.asked == [0, 3]


def test_old_boxes_are_dropped_and_so_are_those_of_a_search_that_was_given_up(
    beside: ThreadPoolExecutor,
) -> None:
    finder = Finder()
    finder.may.set()
    search = ObjectSearch(finder, beside=beside)
    search.step(picture(), 0.0)
    settled(beside)
    assert search.collect(0.1) == [CUP] and search.collect(0.1) is None
    assert search.held(0.1 + KEPT) == [CUP] and search.held(0.2 + KEPT) == []
    search.step(picture(), 1.0)
    search.forget()
    settled(beside)
    assert search.collect(1.1) is None and search.held(1.1) == []
    assert search.step(picture(), 1.1) is None  # which begins the next at once
    settled(beside)
    assert search.collect(1.2) == [CUP]


def test_what_a_search_raises_is_told_once_and_the_next_one_comes(beside: ThreadPoolExecutor) -> None:
    def broken(image: np.ndarray) -> list[DetectedObject]:
        raise EmotionError("no")

    with pytest.raises(EmotionError, match="no"):
        ObjectSearch(broken).step(picture(), 0.0)
    search = ObjectSearch(broken, beside=beside)
    search.step(picture(), 0.0)
    settled(beside)
    with pytest.raises(EmotionError, match="no"):
        search.step(picture(), 0.1)
    assert search.step(picture(), 0.2) is None
    search.step(picture(), 0.6)
    settled(beside)
    with pytest.raises(EmotionError, match="no"):
        search.collect(0.7)
