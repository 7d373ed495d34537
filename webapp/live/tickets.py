"""Permissions to open a live view, given out on the page after consent."""

from __future__ import annotations

import secrets
import threading
import time

TICKET_SECONDS = 60.0


class Tickets:
    """Single-use permissions to start a live view, given out after consent and good for a minute."""

    def __init__(self) -> None:
        self._open: dict[str, float] = {}
        self._lock = threading.Lock()

    def give(self) -> str:
        """Make a ticket."""
        now = time.monotonic()
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._open = {t: until for t, until in self._open.items() if until > now}
            self._open[ticket] = now + TICKET_SECONDS
        return ticket

    def take(self, ticket: str) -> bool:
        """Use up a ticket; False where it is not one of ours, used or too old."""
        with self._lock:
            return self._open.pop(ticket, 0.0) > time.monotonic()
