"""A reader that hands out only the newest frame, for whoever shows or reads it live."""

import os
import threading
import time
from dataclasses import dataclass

from emotion_core.types import EmotionError, Frame
from emotion_core.video.reader import frames

CameraSource = str | os.PathLike[str] | int

_BEHIND = 0.25  # seconds by which a file's frame may be late before it is skipped
_SILENCE = 0.5  # seconds without a frame after which a late one is better than none


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame and the time.monotonic() at which the camera gave it, or the file's clock asked for it.

    `read` is the moment at which it was there: the same, but for a file on a machine that is late.
    """

    frame: Frame
    at: float
    read: float


class LatestFrame:
    """Reads a camera, a file at its own speed or an address, and hands out only the newest frame.

    Nothing queues: a frame that nobody took when the next one comes is dropped and counted. The source is
    opened when this is made, and read from `start` on. `received` and `dropped` count frames; `ended` is True
    after the last one; `problem` is then None or one line that says what went wrong, and `end` the time in
    seconds at which the last frame of a file goes away, None for a camera.

    Raises:
        EmotionError: where the source can't be opened.
    """

    def __init__(self, source: CameraSource) -> None:
        self._reader = frames(source)
        self.info = self._reader.info
        self.received = self.dropped = 0
        self.ended = False
        self.problem: str | None = None
        self.end: float | None = None
        self._newest: Taken | None = None
        self._change = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)

    def start(self) -> "LatestFrame":
        """Begin to read; a file's clock starts here."""
        self._thread.start()
        return self

    def get(self, timeout: float) -> Taken | None:
        """Wait up to `timeout` seconds for a frame that was not handed out yet; None where there is none."""
        with self._change:
            self._change.wait_for(lambda: self._newest is not None or self.ended, timeout)
            taken, self._newest = self._newest, None
            return taken

    def close(self) -> None:
        """Stop reading and let go of the source; waits half a second at most."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(0.5)
        elif self._thread.ident is None:
            self._reader.close()

    def _read(self) -> None:
        # A file, or a recording behind an address, is played by its own clock; a camera sets the pace itself.
        played = self.info.duration is not None
        begun, shown = time.monotonic(), -1.0
        try:
            for frame in self._reader:
                due = time.monotonic()
                if played:
                    wait = begun + frame.time - due
                    if wait > 0:
                        self._stop.wait(wait)
                    due += wait
                    now = time.monotonic()
                    if now - due > _BEHIND:
                        if now - shown < _SILENCE:
                            self._count(dropped=1)
                            continue
                        begun, due = now - frame.time, now
                    shown = now
                if self._stop.is_set():
                    break
                self._put(Taken(frame, due, time.monotonic()))
            self.problem = self._reader.problem
            self.end = self._reader.end if played else None
        except EmotionError as error:
            self.problem = str(error)
        finally:
            self._reader.close()
            with self._change:
                self.ended = True
                self._change.notify_all()

    def _count(self, dropped: int) -> None:
        with self._change:
            self.received += 1
            self.dropped += dropped

    def _put(self, taken: Taken) -> None:
        with self._change:
            self.received += 1
            self.dropped += self._newest is not None
            self._newest = taken
            self._change.notify_all()
