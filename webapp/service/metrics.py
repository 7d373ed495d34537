"""Counts of this process for Prometheus, in its text format; nothing about anybody stands in them."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)  # seconds
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What the API has done since the process began; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._within: Counter[float] = Counter()
        self._seconds = 0.0
        self._frames: Counter[str] = Counter()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request by its route, not by its address, and how long its answer took to begin."""
        with self._lock:
            self._requests[route, status] += 1
            self._seconds += seconds
            self._within.update(bound for bound in _BOUNDS if seconds <= bound)

    def frames(self, where: str, count: int) -> None:
        """Count frames that were read in "analyses" or in a "stream"."""
        with self._lock:
            self._frames[where] += count

    def text(self, analyses: Mapping[str, int], viewers: int) -> str:
        """Return all of them, with the analyses of each state and the live viewers that there are now."""
        with self._lock:
            return "".join(f"{line}\n" for line in self._lines(analyses, viewers))

    def _lines(self, analyses: Mapping[str, int], viewers: int) -> Iterator[str]:
        yield "# HELP emotion_requests_total Requests to the API, by route and status."
        yield "# TYPE emotion_requests_total counter"
        for (route, status), count in sorted(self._requests.items()):
            yield f'emotion_requests_total{{route="{route}",status="{status}"}} {count}'
        yield "# HELP emotion_request_seconds Seconds until an answer begins."
        yield "# TYPE emotion_request_seconds histogram"
        for bound in _BOUNDS:
            yield f'emotion_request_seconds_bucket{{le="{bound:g}"}} {self._within[bound]}'
        yield f'emotion_request_seconds_bucket{{le="+Inf"}} {self._requests.total()}'
        yield f"emotion_request_seconds_sum {self._seconds:.6f}"
        yield f"emotion_request_seconds_count {self._requests.total()}"
        yield "# HELP emotion_frames_total Frames that were read."
        yield "# TYPE emotion_frames_total counter"
        for where in ("analyses", "stream"):
            yield f'emotion_frames_total{{in="{where}"}} {self._frames[where]}'
        yield "# HELP emotion_analyses Analyses by state, over all processes of the data folder."
        yield "# TYPE emotion_analyses gauge"
        for state, count in sorted(analyses.items()):
            yield f'emotion_analyses{{state="{state}"}} {count}'
        yield "# HELP emotion_live_viewers Live viewers and streams."
        yield "# TYPE emotion_live_viewers gauge"
        yield f"emotion_live_viewers {viewers}"
