"""A process that forks copies no threads: what was loaded before would wait in the copy for ever."""

import os

from emotion_core.types import EmotionError


class Home:
    """Remembers the process in which models were loaded."""

    def __init__(self) -> None:
        self._process = os.getpid()

    def check(self) -> None:
        """Refuse to work in another process, where threads of the models are missing.

        Raises:
            EmotionError: in a process that was forked after the models were loaded.
        """
        if os.getpid() != self._process:
            raise EmotionError(
                "this recognizer was loaded before the process forked, its threads stayed behind: load one "
                "in each process, or start processes with multiprocessing.get_context('spawn')"
            )
