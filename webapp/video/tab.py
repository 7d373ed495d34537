"""The video tab: upload, queue with progress, result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from emotion_core.overlay.elements import LOOKS
from emotion_core.types import EmotionError
from webapp.shared import examples, owners, parts
from webapp.shared.i18n import Text
from webapp.shared.object_model import facts
from webapp.shared.upload_box import upload_box
from webapp.shared.uploads import owner_of_request
from webapp.shared.visitor import Visitor
from webapp.video import batch as handlers
from webapp.video import kept

if TYPE_CHECKING:
    from webapp.app import App
    from webapp.shared.jobs import Job


def _hint(app: App, text: Text) -> str:
    s = app.settings
    words = text(
        "video.upload.hint",
        minutes=f"{s.max_minutes:g}",
        megabytes=f"{s.max_megabytes:g}",
        keep=f"{s.keep_minutes:g}",
    )
    return f'<p class="hint">{words}</p>'


def _empty(text: Text) -> str:
    more = examples.buttons("video", text)
    return parts.empty(text("video.empty"), text("video.empty.title"), more)


def _film() -> str:
    """Return the button that records with the webcam, and what shows while it does."""
    return (
        '<div class="film" data-film><button type="button" class="download" data-film-start '
        'data-i18n="clip.camera"></button><div data-film-stage hidden><video data-film-view autoplay muted '
        'playsinline data-i18n-label="clip.camera"></video><div class="film-row">'
        "<output data-film-time>0:00</output>"
        '<button type="button" class="download strong" data-film-use data-i18n="clip.camera.use"></button>'
        '<button type="button" class="download" data-film-discard data-i18n="clip.camera.discard"></button>'
        "</div>"
        '<p class="hint" data-i18n="clip.camera.hint"></p></div>'
        '<p class="note bad" role="alert" data-film-problem hidden></p></div>'
    )


def _looks(text: Text) -> list[tuple[str, str]]:
    return [(text(f"clip.look.{look}"), look) for look in LOOKS]


def build(app: App, blocks: gr.Blocks, say: Callable[[str], Any]) -> None:
    """Put the video tab's parts into the Blocks that are being built."""
    uploads = app.workspace.incoming
    raw: dict[str, Any] = {"padding": False, "apply_default_css": False, "js_on_load": None}
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            files = upload_box(label=say("video.upload"), elem_id="video-files")
            gr.HTML(_film(), **raw)
            hint = gr.HTML("", **raw)
            smoothing = gr.Slider(1, 30, 5, step=1, label=say("video.smoothing"), elem_id="video-smoothing")
            threshold = gr.Slider(0, 90, 0, step=1, label=say("video.threshold"), elem_id="video-threshold")
            objects = gr.Checkbox(
                False, label=say("video.objects"), visible=app.settings.objects, elem_id="video-objects"
            )
            hide = gr.Checkbox(False, label=say("video.hide"))
            look = gr.Radio(_looks(Text()), value="full", label=say("clip.look"), elem_id="video-look")
            with gr.Accordion(say("clip.drawn"), open=False, elem_id="video-drawn"):
                bars = gr.Checkbox(True, label=say("clip.bars"))
                va = gr.Checkbox(True, label=say("clip.va"))
                marks = gr.Checkbox(False, label=say("clip.points"))
                axes = gr.Checkbox(False, label=say("clip.pose"))
            with gr.Accordion(say("video.more.options"), open=False, elem_id="video-options"):
                with gr.Row():
                    begin = gr.Textbox(
                        "", label=say("video.from"), placeholder="0:00", min_width=100, elem_id="video-from"
                    )
                    end = gr.Textbox(
                        "", label=say("video.to"), placeholder="1:30", min_width=100, elem_id="video-to"
                    )
                every = gr.Slider(1, 30, 1, step=1, label=say("video.every"))
                pose = gr.Checkbox(False, label=say("video.with.pose"))
                shapes = gr.Checkbox(False, label=say("video.with.blendshapes"))
                points = gr.Checkbox(False, label=say("video.with.landmarks"))
            with gr.Column(visible=False, elem_id="video-objects-ask") as ask:
                ask_text = gr.HTML("", **raw)
                agree = gr.Button(say("objects.agree"), elem_id="video-objects-agree")
            with gr.Row():
                start = gr.Button(say("video.start"), variant="primary", elem_id="video-start")
                cancel = gr.Button(
                    say("video.cancel"), variant="stop", interactive=False, elem_id="video-cancel"
                )
            queue = gr.HTML("", elem_id="video-queue", **raw)
        with gr.Column(scale=3, min_width=320):
            with gr.Row(visible=False, elem_id="video-kept") as shelf:
                which = gr.Radio([], label=say("video.which"), elem_id="video-which", scale=4)
                delete = gr.Button(say("video.delete"), elem_id="video-delete", scale=0, min_width=150)
            result = gr.HTML("", elem_id="video-result", **raw)

    def uploaded(paths: list[str] | None, request: gr.Request) -> None:
        owner = owner_of_request(request)
        uploads.claim(owner, request.session_hash or "", uploads.all_own(owner, paths))

    def analyse(
        paths: list[str] | None,
        smoothing: float,
        threshold: float,
        objects: bool,
        hide: bool,
        begin: str,
        end: str,
        every: float,
        pose: bool,
        shapes: bool,
        points: bool,
        look: str,
        bars: bool,
        va: bool,
        marks: bool,
        axes: bool,
        request: gr.Request,
    ) -> Iterator[dict[Any, Any]]:
        text = Text.for_request(request)
        session = request.session_hash or ""
        owner = owner_of_request(request)
        paths = uploads.all_own(owner, paths)
        try:
            if app.jobs.running() >= app.settings.max_waiting:
                raise EmotionError(text("error.busy", n=app.jobs.running()))
            items = handlers.items_of(paths, text)
            part = handlers.part_of(begin, end, every, text)
        except EmotionError as problem:
            yield {queue: parts.note(str(problem), bad=True)}
            return
        wanted = {"pose": pose, "blendshapes": shapes, "landmarks": points}
        extras = tuple(name for name, on in wanted.items() if on)
        options = handlers.VideoOptions(
            int(smoothing),
            threshold / 100,
            bool(objects),
            bool(hide),
            handlers.style_of(look, bars=bool(bars), va=bool(va), points=bool(marks), pose=bool(axes)),
            part,
            extras,
        )
        batch = handlers.Batch(items, options, text, owner=Visitor.of(request))
        if gone := uploads.shelf.news(owner):
            batch.notices.append(text("limit.uploads", n=gone))
        uploads.hold(paths)
        job = app.jobs.begin(session, batch.owner, batch)

        def done(paths: Sequence[Path]) -> None:
            uploads.free(paths)
            uploads.done(owner, session, paths)
            app.jobs.end(session, job)

        handlers.start(batch, job, app.engine, app.settings, done, app.jobs.slots)
        yield {files: None}
        yield from progress(job)

    def progress(job: Job) -> Iterator[dict[Any, Any]]:
        """Show how far a job is, and each result as it comes, for as long as the page is there."""
        batch: handlers.Batch = job.work
        shown: set[str] = set()
        said = ""
        yield {
            start: gr.update(interactive=False),
            cancel: gr.update(interactive=True),
            queue: handlers.queue_html(batch),
        }
        for _ in handlers.follow(job):
            changes: dict[Any, Any] = {}
            now = handlers.queue_html(batch)
            if now != said:
                said = changes[queue] = now
            fresh = [i for i in batch.items if i.html and i.token and i.token not in shown]
            if fresh:
                choices = kept.results_of(batch.owner)
                changes[shelf] = gr.update(visible=bool(choices))
                if shown:  # the first is being watched: the others only join the choice
                    changes[which] = gr.update(choices=choices)
                else:
                    changes[which] = gr.update(choices=choices, value=fresh[0].token)
                    changes[result] = fresh[0].html
                shown.update(i.token for i in fresh if i.token)
            if changes:
                yield changes
        yield {start: gr.update(interactive=True), cancel: gr.update(interactive=False)}

    def back(request: gr.Request) -> Iterator[dict[Any, Any]]:
        """Show what this browser has here: its results, and how far its running jobs are."""
        visitor = Visitor.of(request)
        choices = kept.results_of(visitor)
        # In any case: Gradio empties the outputs of a generator that yields nothing.
        yield {shelf: gr.update(visible=bool(choices)), which: gr.update(choices=choices)}
        for job in app.jobs.come_back(request.session_hash or "", visitor):
            yield from progress(job)

    def asked(on: bool, request: gr.Request) -> dict[Any, Any]:
        words = Text.for_request(request)("objects.ask", **facts())
        return {ask: gr.update(visible=on and app.engine.objects.is_missing()), ask_text: parts.note(words)}

    def fetch(request: gr.Request) -> Iterator[dict[Any, Any]]:
        text = Text.for_request(request)
        words = text("objects.fetching", **facts())
        yield {ask_text: parts.note(words), agree: gr.update(interactive=False)}
        try:
            app.engine.objects.fetch().result()
        except EmotionError:
            words = text("objects.failed", **facts())
            yield {ask_text: parts.note(words, bad=True), agree: gr.update(interactive=True), objects: False}
        else:
            yield {ask: gr.update(visible=False), agree: gr.update(interactive=True)}

    def stop(request: gr.Request) -> None:
        app.jobs.cancel(request.session_hash or "")

    def choose(token: str | None, request: gr.Request) -> Any:
        if token is None:
            return gr.skip()
        text = Text.for_request(request)
        page = kept.page_of(token, Visitor.of(request), text)
        return page or parts.note(text("error.notyours"), bad=True)

    def forget(token: str | None, request: gr.Request) -> dict[Any, Any]:
        visitor = Visitor.of(request)
        if token is None or not owners.discard(token, visitor):
            return {which: gr.skip()}
        choices = kept.results_of(visitor)
        return {
            shelf: gr.update(visible=bool(choices)),
            which: gr.update(choices=choices, value=None),
            result: _empty(Text.for_request(request)),
        }

    def first(request: gr.Request) -> tuple[str, str, Any]:
        text = Text.for_request(request)
        return _hint(app, text), _empty(text), gr.update(choices=_looks(text))

    drawn = [look, bars, va, marks, axes]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    files.upload(uploaded, files, queue=False, **quiet)
    start.click(
        analyse,
        [files, smoothing, threshold, objects, hide, begin, end, every, pose, shapes, points, *drawn],
        [files, start, cancel, queue, shelf, which, result],
        concurrency_limit=None,  # jobs take turns by their slots, and say that they wait
        **quiet,
    )
    cancel.click(stop, queue=False, **quiet)
    objects.input(asked, objects, [ask, ask_text], queue=False, **quiet)
    agree.click(fetch, outputs=[ask, ask_text, agree, objects], concurrency_limit=None, **quiet)
    which.input(choose, which, result, queue=False, **quiet)
    delete.click(forget, which, [shelf, which, result], queue=False, **quiet)
    blocks.load(first, outputs=[hint, result, look], queue=False, **quiet).then(
        back, outputs=[start, cancel, queue, shelf, which, result], concurrency_limit=None, **quiet
    )
