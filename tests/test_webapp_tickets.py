"""Permissions to open a live view: after consent only, once, in the browser that asked."""

import time

import pytest

from webapp.live.tickets import MOST, Tickets
from webapp.shared.visitor import NOBODY, Visitor

ME = Visitor.from_values("m" * 32)


def test_a_ticket_works_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = Tickets()
    ticket = tickets.give(ME, consent=True)
    assert ticket and tickets.take(ticket, ME) == ME
    assert tickets.take(ticket, ME) is None
    assert tickets.take("", ME) is None
    late = tickets.give(ME, consent=True)
    assert late
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert tickets.take(late, ME) is None


def test_without_consent_there_is_no_ticket() -> None:
    tickets = Tickets()
    for given in (False, None, 1, "true", "yes", [True]):
        assert tickets.give(ME, consent=given) is None


def test_a_ticket_is_good_in_the_browser_that_asked_for_it() -> None:
    tickets = Tickets()
    another = Visitor.from_values("a" * 32)
    for wrong in (another, NOBODY):
        ticket = tickets.give(ME, consent=True)
        assert ticket and tickets.take(ticket, wrong) is None
    # A page without cookies: its secret can't travel with a WebSocket, but stays the owner of a recording.
    page = Visitor.from_values(None, "p" * 32)
    ticket = tickets.give(page, consent=True)
    assert ticket and tickets.take(ticket, NOBODY) == page


def test_tickets_do_not_pile_up() -> None:
    tickets = Tickets()
    first = tickets.give(ME, consent=True)
    for _ in range(MOST):
        last = tickets.give(ME, consent=True)
    assert first and last
    assert tickets.take(first, ME) is None and tickets.take(last, ME) == ME
