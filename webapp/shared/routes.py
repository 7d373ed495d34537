"""Every route of the running application and who may call it, as `app.py --routes` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi.routing import APIWebSocketRoute
from starlette.routing import Mount, Route, WebSocketRoute

from webapp.shared.access import Who, who

if TYPE_CHECKING:
    from fastapi import FastAPI


class Row(NamedTuple):
    """A route: its methods (or WS), its address with {parts}, and who may call it."""

    methods: str
    path: str
    who: Who


def rows(app: FastAPI) -> list[Row]:
    """Return the routes of `app` and of what is mounted on it, Gradio and Streamlit, sorted by address."""
    return sorted({Row(methods, path, who(path)) for methods, path in _walk(app.routes, "")}, key=_order)


def _order(row: Row) -> tuple[int, str, str]:
    return list(Who).index(row.who), row.path, row.methods


def _walk(routes: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield methods and address of every route; raises TypeError for a kind that nobody has thought of."""
    for route in routes:
        if isinstance(route, Mount):
            inside = getattr(route.app, "routes", None)
            if inside is None:  # a folder of files
                yield "GET,HEAD", f"{prefix}{route.path}/{{path}}"
            else:
                yield from _walk(inside, prefix + route.path)
        elif isinstance(route, WebSocketRoute | APIWebSocketRoute):
            yield "WS", prefix + route.path
        elif isinstance(route, Route):
            yield ",".join(sorted(route.methods or ("any",))), prefix + route.path
        elif hasattr(route, "original_router"):  # FastAPI's own, for a router that was included
            inner = route.original_router
            below = [*inner.routes, *getattr(inner, "_low_priority_routes", ())]
            # A path holds the prefix of its own router already, not that of the inclusion.
            yield from _walk(below, prefix + route.include_context.prefix)
        else:
            raise TypeError(f"a kind of route that is not listed: {type(route).__name__}")


def table(app: FastAPI) -> str:
    """Return all routes as lines: who, methods, address."""
    listed = rows(app)
    wide = max(len(row.methods) for row in listed)
    return "\n".join(f"{row.who:<17} {row.methods:<{wide}} {row.path}" for row in listed)
