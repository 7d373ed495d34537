"""A process that forks after loading: one line at once, and never a process that hangs."""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from typing import Any

import numpy as np
import pytest

from emotion_core import Recognizer, Session
from emotion_core.faces.finder import FaceFinder
from emotion_core.types import EmotionError

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def said_in_a_fork(job: Callable[[], object]) -> str:
    """Give what `job` raises in a forked process, or "worked"; fails where that process hangs."""
    fork: Any = multiprocessing.get_context("fork")
    answers: SimpleQueue[str] = fork.SimpleQueue()

    def run() -> None:
        try:
            job()
            answers.put("worked")
        except EmotionError as error:
            answers.put(str(error))

    child = fork.Process(target=run)
    child.start()
    child.join(60)
    if child.is_alive():
        child.kill()
        pytest.fail("the forked process hangs")
    return answers.get()


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained(threads=2)


@pytest.mark.weights
@pytest.mark.parametrize("used_before", [False, True])
def test_a_recognizer_says_so_in_a_fork(
    recognizer: Recognizer, astronaut: np.ndarray, used_before: bool
) -> None:
    if used_before:
        assert recognizer(astronaut, Session())
    for job in (lambda: recognizer(astronaut, Session()), lambda: recognizer.classify([astronaut])):
        said = said_in_a_fork(job)
        assert "forked" in said and "spawn" in said and "\n" not in said
    assert recognizer(astronaut, Session())  # where it was loaded it goes on


def test_a_finder_says_so_in_a_fork(astronaut: np.ndarray) -> None:
    finder = FaceFinder()
    faces = finder.detect(astronaut)
    jobs = (
        lambda: finder.detect(astronaut),
        lambda: finder.follow_and_search(astronaut, faces),
        lambda: finder.in_crops([astronaut, astronaut]),
    )
    for job in jobs:
        assert "forked" in said_in_a_fork(job)


@pytest.mark.weights
def test_a_recognizer_loaded_in_the_fork_works(recognizer: Recognizer, astronaut: np.ndarray) -> None:
    assert recognizer.labels
    assert said_in_a_fork(lambda: Recognizer.from_pretrained()(astronaut, Session())) == "worked"
