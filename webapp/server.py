"""One application on one port: the web app at `/`, the dashboard at `/dashboard`, `/healthz`.

The dashboard is Streamlit's own ASGI application, mounted, so both live in one process and share results.
It is loaded with the first request for it.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from uvicorn.config import LOGGING_CONFIG

from emotion_core.command.memory import give_back_large_blocks
from emotion_core.types import EmotionError
from emotion_core.version import VERSION
from webapp.api import ROUTERS
from webapp.app import App
from webapp.dashboard.mounted import Dashboard
from webapp.live.socket import LARGEST_MESSAGE
from webapp.shared import light, logs, quiet
from webapp.shared.patience import BoundedSocket, TimedHttp

if TYPE_CHECKING:
    from webapp.settings import Settings

GRACE_SECONDS = 2
"""What open connections get, after a signal, before they are cut."""
MOST_CONNECTIONS = 900
"""Connections at once, below the usual limit of 1024 open files; one more is told that the server is busy."""

logger = logging.getLogger(__name__)


def create_app(settings: "Settings") -> FastAPI:
    """Return the whole application for `settings`; one in a process, as Streamlit allows no second."""
    quiet.before_gradio()
    # Gradio notes its folder when it is imported, and makes it: it has to be the run's by then.
    run = App.start(settings)

    light.import_gradio()
    from webapp import ui
    from webapp.service.service import Service
    from webapp.shared import doors, theme

    service = Service(run)

    dashboard = Dashboard()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        service.start()
        try:
            yield
        finally:
            await dashboard.close()
            await asyncio.to_thread(service.close)

    app = FastAPI(
        title="Facial expressions", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    logins = doors.add_login(app, settings)

    for router in ROUTERS:
        app.include_router(router)

    @app.api_route("/dashboard", methods=["GET", "HEAD"], include_in_schema=False)
    def to_dashboard() -> RedirectResponse:
        return RedirectResponse("dashboard/", status_code=307)

    app.mount("/dashboard", dashboard)
    ui.mount(app, settings, run)
    doors.put_on(app, run, logins, service.tokens, theme.script_hashes(settings))
    app.state.service = service
    app.state.dashboard = dashboard
    tell_jobs = app.state.tell_jobs

    def tell() -> None:
        service.tell()
        tell_jobs()

    app.state.tell_jobs = tell
    return app


class Server(uvicorn.Server):
    """Uvicorn that ends with exit code 0 when it is told to stop, and at once when told twice."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; unlike uvicorn's own, don't raise the signal again afterwards."""
        if self.should_exit:
            self.force_exit = True
        else:
            # On a thread of its own: the interrupted one may hold the lock that this needs.
            threading.Thread(target=self.config.app.state.tell_jobs).start()  # type: ignore[union-attr]
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port` (0: any free one).

    Raises EmotionError where that can't be.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise EmotionError(f"{host} is no address of this machine: choose another with --host.") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise EmotionError(
            f"Port {port} of {host} can't be opened ({error.strerror}): choose another with --port."
        ) from error
    return sock


def print_routes(settings: "Settings") -> None:
    """Print every route of the application for `settings` and who may call it; nothing is served."""
    from webapp.shared import routes

    async def look() -> None:
        app = create_app(
            replace(settings, data=None, database=None)
        )  # or it would begin to work off what waits there
        async with app.router.lifespan_context(app):
            await app.state.dashboard.start()
            print(routes.table(app))

    asyncio.run(look())


def serve(settings: "Settings") -> None:
    """Serve until Ctrl-C or SIGTERM; then jobs are told, connections closed, and the call comes back.

    Raises EmotionError where the port is taken.
    """
    if settings.log is not None:
        logs.set_up(settings.log)
    sock = listen(settings.host, settings.port)
    with contextlib.closing(sock):
        port = sock.getsockname()[1]
        give_back_large_blocks()
        app = create_app(settings)
        shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host
        shown = f"[{shown}]" if ":" in shown else shown
        server = Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,  # `shared.request_log` writes its own, without addresses
                log_config=None if settings.log else LOGGING_CONFIG,
                timeout_graceful_shutdown=GRACE_SECONDS,
                server_header=False,
                proxy_headers=False,  # `shared.hosts.Forwarded` reads them
                http=TimedHttp,
                ws=BoundedSocket,
                ws_max_size=LARGEST_MESSAGE + 1000,  # uploads of the dashboard come by HTTP
                limit_concurrency=MOST_CONNECTIONS,
                ws_per_message_deflate=False,  # live pictures are JPEG: deflating them only costs time
            )
        )
        at = f"http://{shown}:{port}{settings.root_path}/"
        print(f"Web app:   {at}\nDashboard: {at}dashboard/", flush=True)
        print("Stop with Ctrl-C.", flush=True)
        logs.tell("start", version=VERSION, process=os.getpid())
        server.run(sockets=[sock])
        logs.tell("stop", process=os.getpid())
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
