"""Progress of a long job on a terminal, a stop that closes files well, and what a job came to."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from emotion_core.ending import tell

if TYPE_CHECKING:
    from emotion_core.analysis import AnalysisResult


CLOSING = "The apparent expression, not what a person feels."


def report(result: "AnalysisResult", took: float, *, alone: bool = True) -> str:
    """Write the lines about a finished analysis that took so many seconds; `alone` says the last one too."""
    summary = result.summary
    seconds = summary["seconds"]
    speed = f" ({seconds / took:.1f} times real time)" if seconds > 1 else ""
    people = "1 face" if summary["people"] == 1 else f"{summary['people']} faces"
    what = f"{summary['source']['name']}: {summary['frames']} frames, {people}"
    lines = [f"{what}, {seconds:.1f} s of video in {took:.1f} s{speed}"]
    for face in summary["faces"]:
        shares = sorted(face["share"].items(), key=lambda pair: -pair[1])
        words = ", ".join(f"{name} {share:.0%}" for name, share in shares[:3] if share >= 0.005)
        valence, arousal = face["valence"]["mean"], face["arousal"]["mean"]
        lines.append(f"  face {face['face']}: {words}; valence {valence:+.2f}, arousal {arousal:.2f}")
    lines += [f"  {kind:8} {path}" for kind, path in result.paths.items()]
    return "\n".join([*lines, CLOSING] if alone else lines)


class Count:
    """Progress of all sources together: a bar on a terminal, elsewhere a line after each; none for one."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._failed = 0
        self._heard = True
        self._bar: Any = None

    def __enter__(self) -> "Count":
        if self._total > 1 and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self._total, unit=" files", desc="all", dynamic_ncols=True, position=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def clear(self) -> None:
        """Make room for lines of text; the bar comes back with the next step."""
        if self._bar is not None:
            self._bar.clear()

    def step(self, *, failed: bool) -> None:
        """Count one source that is done."""
        self._done += 1
        self._failed += failed
        words = f"{self._failed} failed"
        if self._bar is not None:
            self._bar.set_postfix_str(words if self._failed else "", refresh=False)
            self._bar.update(1)
        elif self._total > 1 and self._heard:
            more = f", {words}" if self._failed else ""
            self._heard = tell(f"all: {self._done} of {self._total} done{more}")


class Shown:
    """Progress on a terminal as a bar, elsewhere as a line every five seconds."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._heard = True
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _tell(self, line: str) -> None:
        """Say a line where the last one is old enough and somebody still listens."""
        if self._heard and time.monotonic() - self._told >= 5:
            self._told = time.monotonic()
            self._heard = tell(line)


class Bar(Shown):
    """Progress of one job, with rate and time left."""

    def __init__(self, name: str, *, below: bool = False) -> None:
        """Take what the job is called, and whether it is shown `below` a bar of all jobs."""
        super().__init__()
        self._name, self._below = name, below

    def show(self, done: int, total: int | None, rate: float, left: float | None) -> None:
        """Show how far the job is."""
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(
                    total=total,
                    unit=" frames",
                    desc=self._name,
                    dynamic_ncols=True,
                    smoothing=0.1,
                    position=int(self._below),
                    leave=not self._below,
                )
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        else:
            of = "" if total is None else f" of {total}"
            rest = "" if left is None else f", {left:.0f} s left"
            self._tell(f"{self._name}: {done}{of} frames, {rate:.1f} frames a second{rest}")


class StopOnSignal:
    """Turn the first Ctrl-C or SIGTERM into a stop after the current frame, so that files are closed well."""

    def __enter__(self) -> Callable[[], bool]:
        self._asked = threading.Event()
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
        return self._asked.is_set

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._asked.set()
