"""Sending beside the work: whoever reads frames hands a reading over and never waits for a receiver."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from emotion_core.outlets import kind_of
from emotion_core.outlets.base import About, Outlet, Reading
from emotion_core.results.record import Record
from emotion_core.types import DetectedObject, EmotionError, Face, Frame

WAITING = 64
"""Readings that may wait for one receiver, two seconds of a camera; then the oldest is dropped."""
PATIENCE = 1.0
"""Seconds in the end for what still waits."""

_NO_IMAGE = np.zeros((1, 1, 3), np.uint8)


class Sender:
    """Sends what is read of each frame to all of some addresses, from a thread for each of them.

    A receiver that is slow, absent or gone costs readings of its own, and nothing else; each that follows a
    gap says how many were `dropped`.

    Args:
        addresses: as `outlets` describes them; they are looked at here, and opened by `begin`.
        extras: what is sent of a face besides, names in `results.extras.EXTRAS`.
        note: called with one line where a receiver can't be reached, and in the end; from any thread.

    Raises:
        EmotionError: for an address that can't be.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        extras: Sequence[str] = (),
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._kinds = [(address, kind_of(address)) for address in dict.fromkeys(addresses)]
        self._extras, self._note = tuple(extras), note
        self._ways: list[_Way] = []

    @property
    def begun(self) -> bool:
        """Whether it sends."""
        return bool(self._ways)

    def begin(self, about: About) -> None:
        """Open the ways to the receivers, each in its thread."""
        about = replace(about, extras=self._extras)
        for address, kind in self._kinds:
            self._ways.append(_Way(address, partial(kind.opened, address, about), self._note))

    def send(
        self,
        frame: Frame,
        at: float,
        faces: Sequence[Face],
        objects: Sequence[DetectedObject] | None = None,
        *,
        viewer: int = 0,
    ) -> None:
        """Hand over what was read of `frame`, read from its source at time.monotonic() `at`; never waits."""
        small = Frame(_NO_IMAGE, frame.index, frame.time)  # pictures are neither sent nor kept
        marked: list[Sequence[DetectedObject] | None] = [objects, *[None] * len(faces)]
        records = tuple(
            Record.of(small, face, mark, self._extras)
            for face, mark in zip(faces or (None,), marked, strict=False)
        )
        unix = at + (time.time() - time.monotonic())
        reading = Reading(frame.index, frame.time, at, unix, records, viewer)
        for way in self._ways:
            way.put(reading)

    def close(self) -> None:
        """Let the receivers have what waits, for a second at most, and let go of them."""
        deadline = time.monotonic() + PATIENCE
        for way in self._ways:
            way.end()
        for way in self._ways:
            way.join(deadline)
        self._ways.clear()


class _Way:
    """One receiver: what waits for it, and the thread that sends."""

    def __init__(self, address: str, opened: Callable[[], Outlet], note: Callable[[str], None]) -> None:
        self._address, self._opened, self._note = address, opened, note
        self._waiting: deque[Reading] = deque()
        self._change = threading.Condition()
        self._ended = False
        self._gone = False
        self._dropped = 0  # since the last reading that was taken
        self._taken = self._lost = 0
        self._thread = threading.Thread(target=self._run, name=f"send {address}", daemon=True)
        self._thread.start()

    def put(self, reading: Reading) -> None:
        with self._change:
            if self._gone:
                self._lost += 1
                return
            if len(self._waiting) >= WAITING:
                self._waiting.popleft()
                self._miss()
            self._waiting.append(reading)
            self._change.notify()

    def end(self) -> None:
        with self._change:
            self._ended = True
            self._change.notify()

    def join(self, deadline: float) -> None:
        self._thread.join(max(0.0, deadline - time.monotonic()))
        with self._change:
            lost = self._lost + len(self._waiting)
        if lost:
            self._note(f"{lost} of {lost + self._taken} readings did not reach {self._address}")

    def _miss(self) -> None:
        self._dropped += 1
        self._lost += 1

    def _run(self) -> None:
        try:
            outlet = self._opened()
        except (EmotionError, OSError) as error:
            self._give_up(error)
            return
        told = False
        try:
            while (reading := self._next()) is not None:
                if outlet.send(reading):
                    with self._change:
                        self._taken, self._dropped = self._taken + 1, self._dropped - reading.dropped
                    told = False
                    continue
                with self._change:
                    self._miss()
                if not told and not self._ended:
                    self._note(f"nobody takes readings at {self._address}: they are lost until somebody does")
                    told = True
        except OSError as error:
            with self._change:
                self._miss()
            self._give_up(error)
        finally:
            outlet.close()

    def _next(self) -> Reading | None:
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._ended)
            if not self._waiting:
                return None
            return replace(self._waiting.popleft(), dropped=self._dropped)

    def _give_up(self, error: Exception) -> None:
        with self._change:
            self._gone = True
            self._lost += len(self._waiting)
            self._waiting.clear()
        why = getattr(error, "strerror", None) or error
        self._note(f"{self._address} takes nothing any more ({why}): nothing is sent there")
