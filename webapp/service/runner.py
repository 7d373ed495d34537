"""The threads that work the queue off: one leased job after the other, in turns with the pages' videos."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from typing import TYPE_CHECKING

from emotion_core.shortage import give_back
from emotion_core.types import EmotionError
from webapp.service.checks import in_library, look
from webapp.service.ledger import LEASE_SECONDS
from webapp.service.options import Options
from webapp.shared.logs import tell
from webapp.shared.problems import ProblemError
from webapp.shared.report_file import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.app import App
    from webapp.service.folder import DataFolder
    from webapp.service.ledger import Entry, Ledger
    from webapp.service.metrics import Metrics

logger = logging.getLogger(__name__)

PULSE_SECONDS = 1.0
"""How often a running job renews its lease, tells how far it is and hears that it was deleted."""
_POLL = 0.5  # seconds between two looks for a job that another process may have put in
_NICENESS = 5  # as the pages' videos, so that live views stay smooth beside it
INSIDE = "Something went wrong inside: the server's log has the details."


class Runner:
    """Works off the ledger with as many threads as the settings allow jobs at once."""

    def __init__(self, app: App, ledger: Ledger, folder: DataFolder, metrics: Metrics) -> None:
        self.metrics = metrics
        self.app = app
        self.ledger = ledger
        self.folder = folder
        self.wake = threading.Event()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"analyses-{number}", daemon=True)
            for number in range(app.settings.max_jobs)
        ]

    def start(self) -> None:
        """Begin to take jobs."""
        for thread in self._threads:
            thread.start()

    def tell(self) -> None:
        """Take no more jobs, and put those that run back into the queue."""
        self._stop.set()
        self.wake.set()

    @property
    def stopping(self) -> bool:
        """Whether no more jobs are taken."""
        return self._stop.is_set()

    def close(self, wait: float) -> None:
        """Stop, and wait up to `wait` seconds for every thread."""
        self.tell()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(wait)

    def _work(self) -> None:
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        slots = self.app.jobs.slots
        while not self._stop.is_set():
            self.wake.wait(_POLL)
            self.wake.clear()
            while not self._stop.is_set() and slots.acquire(timeout=_POLL):
                try:
                    job = self.ledger.claim(self.folder.worker, self.folder.is_dead)
                    if job is None:
                        break
                    self._run(job)
                except self.ledger.failures as error:
                    logger.warning("the queue can't be reached: %s", error)
                    break
                except Exception:  # a bug in here may not end the thread that all others wait for
                    logger.exception("working off the queue failed")
                    break
                finally:
                    slots.release()

    def _run(self, job: Entry) -> None:
        """Do one job; whatever goes wrong ends up in the ledger, the details in the log."""
        state, problem = "failed", None
        outputs: dict[str, Path] = {}
        pulse = _Pulse(self.ledger, job)
        began, wrong = time.time(), None
        try:
            with pulse:
                state, problem, outputs = self._analyse(job, pulse)
        except (EmotionError, ProblemError) as error:
            wrong = type(error).__name__
            problem = str(error).replace(f"{self.folder.outputs(job.id, job.tries)}/", "")
        except Exception as error:  # a bug in here may not take the others down: it is logged, and said
            logger.exception("an analysis failed")
            wrong, problem = type(error).__name__, INSIDE
        give_back()  # what the codecs and the report took, too
        self.metrics.frames("analyses", pulse.frames)
        if pulse.lost:
            state = "lost"
            self._let_go(job)
        elif self._stop.is_set() and state != "done":
            state = "queued"
            shutil.rmtree(self.folder.outputs(job.id, job.tries), ignore_errors=True)
            self.ledger.give_back(job)
        else:
            names = {kind: path.name for kind, path in outputs.items()}
            size = sum(path.stat().st_size for path in outputs.values())
            if self._finish(job, state, problem, names, size):
                self.folder.keep_only(job.id, job.tries if outputs else None)
            else:
                state = "lost"
                self._let_go(job)
        tell(
            "job",
            job=job.number,
            state=state,
            tries=job.tries,
            waited=round(began - job.created, 3),
            seconds=round(time.time() - began, 3),
            frames=pulse.frames,
            error=wrong,
        )

    def _finish(
        self, job: Entry, state: str, problem: str | None, outputs: dict[str, str], size: int
    ) -> bool:
        """Note how a job ended; a database that is away is waited for while the lease may last."""
        until = time.monotonic() + LEASE_SECONDS
        while True:
            try:
                return self.ledger.finish(job, state, problem=problem, outputs=outputs, size=size)
            except self.ledger.failures as error:
                if time.monotonic() > until or self._stop.is_set():
                    raise
                logger.warning("the end of an analysis could not be noted yet: %s", error)
                time.sleep(1.0)

    def _let_go(self, job: Entry) -> None:
        """Remove what was made for a job that was deleted, or that another worker has."""
        if self.ledger.get(job.id) is None:
            self.ledger.left(job)
            self.folder.remove(job.id)
        else:
            shutil.rmtree(self.folder.outputs(job.id, job.tries), ignore_errors=True)

    def _analyse(self, job: Entry, pulse: _Pulse) -> tuple[str, str | None, dict[str, Path]]:
        from emotion_core.analysis import analyze
        from emotion_core.overlay.elements import defaults
        from emotion_core.overlay.style import DrawStyle

        settings, engine = self.app.settings, self.app.engine
        options = Options.model_validate_json(job.options)
        source = self.folder.source(job.id, job.name)
        if job.library is not None and settings.library is not None:
            source = in_library(settings.library, job.library)
        seen = look(source, settings, options.pixels(settings))
        target = self.folder.outputs(job.id, job.tries)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(mode=0o700, parents=True)
        most = settings.max_minutes * 60 * max(seen.fps, 1.0) * 1.05
        outcome = analyze(
            seen.source,
            recognizer=engine.recognizer,
            output_dir=target,
            smoothing=options.smoothing,
            threshold=options.threshold,
            objects=engine.objects.detector() if options.objects else None,
            formats=options.formats(),
            write_video=options.video,
            style=DrawStyle(
                options.overlay or defaults(), hide_faces=options.hide_faces, language=options.language
            ),
            on_progress=pulse.note,
            # A file may run on for longer than it says.
            should_stop=lambda: pulse.lost or self._stop.is_set() or pulse.frames > most,
        )
        paths = dict(outcome.paths)
        if outcome.summary.get("frames"):
            paths["report"] = write_report(paths["json"], outcome.summary, seen.source.stem, options.language)
        if outcome.complete:
            return "done", None, paths
        why = str(outcome.summary.get("message") or "It ends early.")
        return ("partial" if "report" in paths else "failed"), why, paths


class _Pulse:
    """Tells the ledger of one job, every second, that its worker lives and how far it is."""

    def __init__(self, ledger: Ledger, job: Entry) -> None:
        self._ledger = ledger
        self._job = job
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self.frames = 0
        self._share: float | None = None
        self._fps: float | None = None
        self._left: float | None = None
        self.lost = False

    def __enter__(self) -> _Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def note(self, done: int, total: int | None, fps: float, left: float | None) -> None:
        """Take in what `analyze` tells."""
        self.frames, self._fps, self._left = done, fps, left
        self._share = min(1.0, done / total) if total else None

    def _beat(self) -> None:
        while not self._end.wait(PULSE_SECONDS):
            try:
                if not self._ledger.beat(self._job, self.frames, self._share, self._fps, self._left):
                    self.lost = True
                    return
            except self._ledger.failures as error:  # a full disk, say: the lease has time for more tries
                logger.warning("the lease of an analysis could not be renewed: %s", error)
