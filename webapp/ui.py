"""The web app as Gradio Blocks, and its place on a FastAPI application."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI

from emotion_core.types import EmotionError
from webapp.app import App
from webapp.service import endpoints
from webapp.settings import Settings, is_space
from webapp.shared import bounded_parts, examples, fetching, header, i18n, theme
from webapp.shared.engine import Engine
from webapp.shared.jobs import RETURN_SECONDS
from webapp.video import naming

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["TABS", "App", "build", "mount"]

_FOLDERS = ("live", "video", "picture", "model")

TABS: dict[str, Callable[[App, gr.Blocks, Callable[[str], Any]], None]] = {
    name: import_module(f"webapp.{name}.tab").build for name in _FOLDERS
}
"""The tabs of the page: each is a folder whose `tab.py` has a `build`, its title a text of the languages."""


def untrained_banner(engine: Engine) -> str:
    """Return the banner of weights that were never trained, or nothing."""
    try:
        trained = engine.trained
    except EmotionError as problem:
        return f'<p class="banner" role="alert">{escape(str(problem))}</p>'
    return "" if trained else '<p class="banner" role="alert" data-i18n="app.untrained"></p>'


def _blocks(app: App, service: Callable[[], Any] | None = None) -> gr.Blocks:
    said: set[str] = set()  # the others come with the page's script, all of them

    def say(key: str) -> gr.i18n.I18nData:
        said.add(key)
        return gr.i18n.I18nData(i18n.gradio_key(key))

    with gr.Blocks(
        title="Facial expressions",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(60, int(app.settings.keep_minutes * 60)),
    ) as blocks:
        gr.HTML(
            header.masthead(app.settings),
            padding=False,
            apply_default_css=False,
            js_on_load=None,
        )
        banner = gr.HTML("", padding=False, apply_default_css=False, js_on_load=None)
        with gr.Tabs(elem_id="tabs"):
            for name, tab in TABS.items():
                with gr.Tab(say(f"tab.{name}"), id=name):
                    tab(app, blocks, say)
        gr.HTML(
            '<p class="fine foot"><span data-i18n="app.law"></span> '
            '<a href="api/v1/docs" data-i18n="app.api"></a> · '
            '<button type="button" class="link" data-guide data-i18n="guide.open"></button></p>',
            padding=False,
            apply_default_css=False,
            js_on_load=None,
        )
        blocks.load(
            lambda: untrained_banner(app.engine),
            outputs=banner,
            show_progress="hidden",
            queue=False,
            api_visibility="private",
        )

        def left(request: gr.Request) -> None:
            page = request.session_hash or ""
            app.jobs.leave(page, RETURN_SECONDS)
            app.workspace.incoming.leave(page)

        blocks.unload(left)
        if service is not None:
            endpoints.add(app, blocks, service)
    blocks.queue(max_size=4 * app.settings.max_waiting)
    blocks.i18n_instance = gr.I18n(**i18n.gradio_tables(sorted(said)))
    return blocks


def build(settings: Settings) -> gr.Blocks:
    """Build the page for `settings`, with a run of its own; `mount` is what a server needs."""
    return _blocks(App.start(settings))


def mount(server: FastAPI, settings: Settings, app: App | None = None) -> FastAPI:
    """Put the web app on `server`: the page at `/`, live views at `/live`, results at `/result/...`.

    Who is let in, and with what, is not its business: see `shared.doors`. Call it last: the page answers
    every address that nothing before it has taken. The run's folder is deleted when the server's lifespan
    ends. `app` is the run, where it has started already.
    """
    app = app or App.start(settings)
    bounded_parts.install()
    most = int(settings.max_megabytes * 1024 * 1024)
    blocks = _blocks(app, lambda: server.state.service)

    app.live.add_routes(server)
    fetching.add_routes(server, framed=is_space())
    header.add_routes(server)
    naming.add_routes(server)
    examples.add_routes(server)

    # A signal tells the jobs at once: when the pages' connections are cut, it would look as if nobody waited.
    server.state.tell_jobs = lambda: app.jobs.tell(settings.partial_results)
    inner = server.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[Any]:
        try:
            async with inner(application) as state:
                yield state
        finally:
            await app.close()

    server.router.lifespan_context = lifespan
    gr.mount_gradio_app(
        server,
        blocks,
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        root_path=settings.root_path or None,
        max_file_size=most,
        i18n=blocks.i18n_instance,
        run_history=False,
        footer_links=[],
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        theme=theme.theme(),
        css=theme.css(),
        head=theme.head(settings),
    )
    return server
