"""The dashboard inside the web app: Streamlit is loaded when the first visitor asks for it, not before.

It takes over a hundred megabytes, which a server of live views and videos does without.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from webapp.dashboard import SCRIPT
from webapp.shared import quiet

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send


class Dashboard:
    """The dashboard as an ASGI application to mount; one in a process, as Streamlit allows no second."""

    def __init__(self) -> None:
        self._app: Any = None  # Streamlit's own application, once it runs
        self._life: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; the first one waits until Streamlit is loaded, a second or two."""
        await self.start()
        await self._app(scope, receive, send)

    async def start(self) -> None:
        """Load Streamlit, where nobody has yet; raises what keeps it from starting."""
        if self._app is not None:
            return
        if self._life is None:
            self._life = asyncio.create_task(self._live())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({ready, self._life}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            self._life.result()

    async def _live(self) -> None:
        """Run Streamlit until `close`: its life has to begin and to end in one task."""
        app = await asyncio.to_thread(_load)
        async with app.lifespan()(app):
            self._app = app
            self._ready.set()
            await self._end.wait()

    async def close(self) -> None:
        """End it, where it has begun."""
        self._end.set()
        if self._life is not None:
            await asyncio.wait({self._life})

    @property
    def routes(self) -> list[BaseRoute]:
        """Streamlit's routes, once it has started."""
        from streamlit.web.server.starlette.starlette_app import create_streamlit_routes

        return create_streamlit_routes(self._app._runtime)


def _load() -> Any:
    """Return Streamlit's application for our script."""
    with quiet.server_logs_kept():
        import streamlit as st
        from streamlit import config

        app = st.App(SCRIPT)
        config.set_option("server.fileWatcherType", "none")
        config.set_option("browser.gatherUsageStats", False)
    quiet.before_streamlit_answers()
    return app
