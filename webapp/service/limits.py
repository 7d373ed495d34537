"""What one caller may ask for: requests a minute, bytes and minutes of video a day, jobs at once."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from webapp.service.callers import Caller
    from webapp.service.ledger import Ledger
    from webapp.settings import Settings

_REMEMBERED = 10_000  # callers; the one not heard of for longest is forgotten first
_LATER = 5  # seconds until it is worth asking again whether a job has ended


class Limits:
    """Counts what callers use; a token's own limits come before those of the settings."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._ledger = ledger
        self._usual = {
            "requests": float(settings.api_requests),
            "gigabytes": settings.api_gigabytes,
            "minutes": settings.api_minutes,
            "jobs": float(settings.api_jobs),
        }
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests left, and when

    def of(self, caller: Caller) -> dict[str, float]:
        """Return the limits of a caller."""
        return {**self._usual, **(caller.token.limits if caller.token else {})}

    def request(self, caller: Caller) -> None:
        """Count a request; raises ProblemError 429 where there were too many in a minute."""
        most, now = self.of(caller)["requests"], time.monotonic()
        with self._lock:
            left, at = self._left.pop(caller.counted, (most, now))
            left = min(most, left + (now - at) * most / 60)
            self._left[caller.counted] = (max(0.0, left - 1) if left >= 1 else left, now)
            while len(self._left) > _REMEMBERED:
                self._left.popitem(last=False)
        if left < 1:
            wait = math.ceil((1 - left) * 60 / most) if most else 60
            raise _too_many(f"More than {most:g} requests a minute: wait {wait} s.", wait)

    def job(self, caller: Caller) -> None:
        """Raise ProblemError 429 where a caller has as many jobs waiting and running as are allowed."""
        most = self.of(caller)["jobs"]
        if self._ledger.unfinished(caller.counted) >= most:
            line = f"No more than {most:g} analyses may wait or run at once: try again when one has ended."
            raise _too_many(line, _LATER)

    def use(self, caller: Caller, *, size: int = 0, seconds: float = 0.0, count: bool = True) -> None:
        """Count bytes of uploads or seconds of video; raises ProblemError 429 where the day has no more.

        Without `count` it only asks whether there is room.
        """
        most = self.of(caller)
        used_bytes, used_seconds = self._ledger.used(caller.counted)
        if used_bytes + size > most["gigabytes"] * 1e9:
            raise _too_many(f"More than {most['gigabytes']:g} GB a day: try again tomorrow.", _tomorrow())
        if used_seconds + seconds > most["minutes"] * 60:
            line = f"More than {most['minutes']:g} minutes of video a day: try again tomorrow."
            raise _too_many(line, _tomorrow())
        if count:
            self._ledger.use(caller.counted, size, seconds)


def _too_many(line: str, wait: int) -> ProblemError:
    return ProblemError(429, line, {"Retry-After": str(max(1, wait))})


def _tomorrow() -> int:
    """Return the seconds until the day ends, in UTC."""
    return math.ceil(86_400 - time.time() % 86_400)
