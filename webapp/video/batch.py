"""What the video tab does, without Gradio: check, analyse one after the other, report progress, clean up."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.results.formats import FORMATS, usual
from emotion_core.shortage import give_back
from emotion_core.types import EmotionError
from webapp.shared import owners, parts, store
from webapp.shared.checks import open_video
from webapp.shared.logs import tell
from webapp.shared.report_file import write_report
from webapp.shared.store import dashboard_link, link
from webapp.shared.visitor import NOBODY, Visitor
from webapp.video.result import result_html

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from emotion_core.overlay.style import DrawStyle
    from emotion_core.video.part import Part
    from emotion_core.video.reader import Frames
    from webapp.settings import Settings
    from webapp.shared.engine import Engine
    from webapp.shared.i18n import Text
    from webapp.shared.jobs import Job

_MOST_FPS = 120.0  # frames a second of what is still believed to be a clock
logger = logging.getLogger(__name__)

POLL_SECONDS = 0.3
MOST_FILES = 20
_NICENESS = 5  # of a video's thread, so that live views stay smooth beside it


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """What a visitor chose for the videos of one job."""

    smoothing: int = 5
    threshold: float = 0.0
    objects: bool = False
    hide_faces: bool = False
    style: DrawStyle | None = None
    part: Part | None = None
    extras: tuple[str, ...] = ()


@dataclass(slots=True)
class Item:
    """One video of a job: `state` is waiting, reading, running, done, partial, cancelled or failed."""

    path: Path
    name: str
    state: str = "waiting"
    share: float | None = None  # of the work that is done, in [0, 1]; None where nobody knows
    frames: int = 0
    fps: float = 0.0
    left: float | None = None  # seconds
    problem: str | None = None
    token: str | None = None
    html: str = ""


@dataclass(slots=True)
class Batch:
    """The videos of one job, and the browser that asked."""

    items: list[Item]
    options: VideoOptions
    text: Text
    owner: Visitor = NOBODY
    notices: list[str] = field(default_factory=list)


def start(
    batch: Batch,
    job: Job,
    engine: Engine,
    settings: Settings,
    done: Callable[[Sequence[Path]], None],
    slots: threading.Semaphore | None = None,
) -> threading.Thread:
    """Begin to analyse the videos of `batch` one after the other; gives the job's thread.

    A problem with one video is written on its item and the others go on. Setting `job.stop` ends the
    running analysis within a few frames and keeps what it has, unless the job is abandoned. However it ends,
    `done` gets the uploads to delete. Each video waits for one of `slots`, where they are given.
    """
    job.worker = threading.Thread(
        target=_work, args=(batch, job, engine, settings, done, slots), name="video", daemon=True
    )
    job.worker.start()
    return job.worker


def follow(job: Job) -> Generator[Batch, None, None]:
    """Yield a job's batch again and again until it has ended; to stop following it ends nothing."""
    while job.worker is not None and job.worker.is_alive():
        yield job.work
        job.worker.join(POLL_SECONDS)
    yield job.work


def _work(
    batch: Batch,
    job: Job,
    engine: Engine,
    settings: Settings,
    done: Callable[[Sequence[Path]], None],
    slots: threading.Semaphore | None,
) -> None:
    """Do a whole job on its own thread, so that it cleans up even where nobody asks for it any more."""
    slots = slots or threading.Semaphore()
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    try:
        for item in batch.items:
            while not job.stop.is_set():
                if slots.acquire(timeout=POLL_SECONDS):
                    try:
                        item.state = "reading"
                        _analyse_safely(item, batch, job, engine, settings)
                    finally:
                        slots.release()
                    break
            else:
                item.state = "cancelled"
    finally:
        done([item.path for item in batch.items])


def _analyse_safely(item: Item, batch: Batch, job: Job, engine: Engine, settings: Settings) -> None:
    """Analyse one video; whatever goes wrong ends up as a line on the item, the details in the log."""
    began, wrong = time.monotonic(), None
    try:
        _analyse(item, batch, job, engine, settings)
    except EmotionError as problem:
        wrong = type(problem).__name__
        item.state, item.problem = "failed", str(problem)
    except Exception as error:  # a bug in here may not take the page down: it is logged, and said
        logger.exception("analysing a video failed")
        wrong = type(error).__name__
        item.state, item.problem = "failed", batch.text("error.inside")
    give_back()  # what the codecs and the report took, too
    took = round(time.monotonic() - began, 3)
    tell("job", page=True, state=item.state, seconds=took, frames=item.frames, error=wrong)
    if item.token and (item.state in {"failed", "cancelled"} or job.abandoned):
        store.discard(item.token)
        item.token = None
    elif item.token:
        store.settle(item.token)
        if gone := store.news(batch.owner.key):
            batch.notices.append(batch.text("limit.results", n=gone))


def _analyse(item: Item, batch: Batch, job: Job, engine: Engine, settings: Settings) -> None:
    with open_video(item.path, settings, batch.text, batch.options.part) as reader:
        _read(reader, item, batch, job, engine, settings)


def _read(reader: Frames, item: Item, batch: Batch, job: Job, engine: Engine, settings: Settings) -> None:
    from emotion_core.analysis import analyze
    from emotion_core.overlay.draw import DrawStyle
    from emotion_core.results.recording import read_results

    text, options = batch.text, batch.options
    objects = None
    if options.objects:
        try:
            objects = engine.objects.detector()
        except EmotionError as problem:
            logger.warning("%s", problem)
            if text("error.objects") not in batch.notices:
                batch.notices.append(text("error.objects"))
    item.token, folder = owners.new_folder(batch.owner)
    most_frames = settings.max_minutes * 60 * _MOST_FPS

    def on_progress(done: int, total: int | None, fps: float, left: float | None) -> None:
        item.state, item.frames, item.fps, item.left = "running", done, fps, left
        item.share = min(1.0, done / total) if total else None

    def should_stop() -> bool:
        # A file may run on for longer than its clock says; for longer than it states, the reader looks out.
        return job.stop.is_set() or item.frames > most_frames

    outcome = analyze(
        reader,
        recognizer=engine.detailed if "blendshapes" in options.extras else engine.recognizer,
        output_dir=folder,
        smoothing=options.smoothing,
        threshold=options.threshold,
        objects=objects,
        formats=usual(),
        style=replace(options.style or DrawStyle(), hide_faces=options.hide_faces, language=text.language),
        extras=options.extras,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    if job.rescue is not None and not outcome.complete:
        store.rescue(item.token, job.rescue)
    if job.abandoned:
        item.state = "cancelled"
        return
    paths: dict[str, Path] = dict(outcome.paths)
    if not outcome.complete and not outcome.summary.get("frames"):
        item.state = "cancelled"
        return
    paths["report"] = write_report(paths["json"], outcome.summary, item.path.stem, text.language)
    order = ("video", *FORMATS, "summary", "report")
    files = [link(item.token, paths[kind], kind) for kind in order if kind in paths]
    why: str | None = None
    if not outcome.complete:
        why = text("video.stopped", time=parts.clock(outcome.summary["seconds"]))
        if outcome.message and not job.stop.is_set():
            why += " " + outcome.message
    if remarks := outcome.summary.get("remarks"):
        why = " ".join([*([why] if why else []), *(f"{remark}." for remark in remarks)])
    item.html = result_html(
        read_results(paths["json"]),
        outcome.summary,
        files,
        text,
        dashboard=f"dashboard/?result={item.token}",
        problem=why,
        token=item.token,
    )
    item.share = 1.0
    item.state = "done" if outcome.complete else "partial"


def queue_html(batch: Batch) -> str:
    """Return the list of a job's videos with how far each is."""
    text = batch.text
    rows = [parts.note(notice) for notice in batch.notices]
    for item in batch.items:
        share = item.share if item.share is not None else (0.0 if item.state != "running" else 0.5)
        track = (
            f'<div class="track"><span style="width:{share * 100:.1f}%"></span></div>'
            if item.state in {"reading", "running"}
            else ""
        )
        problem = f'<p class="problem" role="alert">{escape(item.problem)}</p>' if item.problem else ""
        rows.append(
            f'<div class="job {item.state}" data-state="{item.state}"><span class="name">'
            f'{escape(item.name)}</span><span class="state">{escape(_state(item, text))}</span>'
            f"{track}{problem}</div>"
        )
    if len(tokens := [item.token for item in batch.items if item.html and item.token]) > 1:
        rows.append(
            f'<div class="downloads"><a class="download strong" href="{escape(dashboard_link(tokens))}" '
            f'target="_blank" rel="noopener">{escape(text("video.dashboard.all", n=len(tokens)))}</a></div>'
        )
    return f'<div class="queue">{"".join(rows)}</div>'


def _state(item: Item, text: Text) -> str:
    if item.state == "running" and item.share is not None and item.left is not None:
        return text(
            "video.progress",
            percent=round(item.share * 100),
            fps=round(item.fps),
            left=parts.clock(item.left),
        )
    if item.state == "running":
        return text("video.progress.unknown", frames=item.frames, fps=round(item.fps))
    return text(f"video.{item.state}")


def part_of(start: str, end: str, every: float | None, text: Text) -> Part | None:
    """Read what of each video is to be analysed, None for all of it; raises EmotionError for what is no part.

    `start` and `end` are times as 1:30, or empty; `every` so many pictures one is read.
    """
    from emotion_core.video.part import Part, moment

    times = []
    for words in (start.strip(), end.strip()):
        try:
            times.append(moment(words) if words else None)
        except EmotionError:
            raise EmotionError(text("error.time", value=words[:40])) from None
    first, last = times[0] or 0.0, times[1]
    if last is not None and last <= first:
        raise EmotionError(text("error.order"))
    part = Part(first, last, max(1, round(every or 1)))
    return None if part.is_whole else part


def style_of(look: str, *, bars: bool, va: bool, points: bool, pose: bool) -> DrawStyle:
    """Return what is drawn: a look of `overlay.elements.LOOKS`, "full" for any other word, and more."""
    from emotion_core.overlay.elements import LOOKS, of_look
    from emotion_core.overlay.style import DrawStyle

    more = {name for name, on in (("landmarks", points), ("pose", pose)) if on}
    return DrawStyle(of_look(look if look in LOOKS else "full") | more, bars=bars, va=va)


def items_of(paths: Sequence[str | Path] | None, text: Text) -> list[Item]:
    """Turn uploads into items; raises EmotionError where there are none, or too many."""
    if not paths:
        raise EmotionError(text("video.none"))
    if len(paths) > MOST_FILES:
        raise EmotionError(text("error.many", n=len(paths), limit=MOST_FILES))
    return [Item(Path(path), Path(path).name) for path in paths]
