"""Addresses for programs, a router per noun: a file in this folder for each, and its name in `_FILES`.

A router is closed to strangers unless it bears the tag `marks.OPEN`. The check of who is let in asks
`open_paths`; the server includes `ROUTERS` before the pages, which answer every address that is left.
"""

from importlib import import_module

from fastapi import APIRouter

from webapp.api.marks import OPEN

_FILES = (
    *("health", "analyses", "results", "uploads", "faces", "model", "stream", "metrics", "description"),
    "lost",  # answers what no other has taken
)

ROUTERS: list[APIRouter] = [import_module(f"{__name__}.{name}").router for name in _FILES]
"""Every router, in the order in which their addresses are tried."""


def open_paths() -> frozenset[str]:
    """Return the addresses that anyone may call."""
    routers = (router for router in ROUTERS if OPEN in router.tags)
    return frozenset(str(getattr(route, "path", "")) for router in routers for route in router.routes)
