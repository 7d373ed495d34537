"""Permissions to open a live view, given out after consent."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webapp.shared.visitor import Visitor

TICKET_SECONDS = 60.0
MOST = 1000
"""Tickets that are open at once; the oldest goes first."""


class Tickets:
    """Single-use permissions to start a live view: for one browser, after consent, good for a minute."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[float, Visitor]] = OrderedDict()
        self._lock = threading.Lock()

    def give(self, visitor: Visitor, *, consent: object) -> str | None:
        """Make a ticket for `visitor`; None where `consent` is anything but True."""
        if consent is not True:
            return None
        now = time.monotonic()
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            while self._open and (len(self._open) >= MOST or next(iter(self._open.values()))[0] <= now):
                self._open.popitem(last=False)
            self._open[ticket] = (now + TICKET_SECONDS, visitor)
        return ticket

    def take(self, ticket: str, cookie_of: Visitor) -> Visitor | None:
        """Use up a ticket; gives whose it is, None where it is not one of ours, used, too old or another's.

        A WebSocket brings the browser's cookie but not the page's secret, so a ticket that was given to a
        browser without a cookie is good in any.
        """
        with self._lock:
            until, visitor = self._open.pop(ticket, (0.0, cookie_of))
        if until <= time.monotonic():
            return None
        theirs = {name for name in visitor.names if name.startswith("cookie ")}
        return visitor if not theirs or cookie_of.is_one_of(frozenset(theirs)) else None
