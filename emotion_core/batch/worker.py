"""What a worker does: it is greeted once, keeps one recognizer, and reads one file after the other.

A process that was not greeted reads nothing: Dask may start a new one in the place of one that has died, and
give it the very file that the other has died of.
"""

import shutil
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotion_core.batch import figures
from emotion_core.batch.messages import Greeting, Hello, Job, Outcome
from emotion_core.batch.settings import Settings
from emotion_core.batch.study import is_full, runs_on
from emotion_core.files import sha256_of
from emotion_core.results.names import OVERLAY
from emotion_core.shortage import OUT_OF_MEMORY, is_out_of_memory
from emotion_core.types import EmotionError
from emotion_core.version import VERSION

_ASK = 0.5  # seconds between two looks whether the call that wants this still lives


class Home:
    """This process as a worker: what it was told, and the models that it has loaded for that."""

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self._tools: tuple[Settings, int, Any, Any] | None = None

    def settle(self, hello: Hello) -> str:
        """Take in the first word and load the models; returns the hash of the weights."""
        if self._tools is None or self._tools[:2] != (hello.settings, hello.threads):
            self._tools = None
            self._tools = (hello.settings, hello.threads, *_load(hello.settings, hello.threads))
        self.hello = hello
        return str(self._tools[2].metadata["sha256"])

    @property
    def tools(self) -> tuple[Any, Any]:
        """The recognizer, and what finds objects or None."""
        assert self._tools is not None
        return self._tools[2], self._tools[3]


HOME = Home()


def _load(settings: Settings, threads: int) -> tuple[Any, Any]:
    import cv2

    from emotion_core.command.memory import keep_large_blocks
    from emotion_core.objects import ObjectDetector
    from emotion_core.recognizer import Recognizer

    keep_large_blocks()
    cv2.setNumThreads(threads)  # of its own accord it takes all cores, in every worker
    recognizer = Recognizer.from_pretrained(
        settings.weights,
        backend=settings.backend,
        device=settings.device,
        threads=threads,
        detector=settings.detector,
        every_frame=settings.every_frame,
        reidentify=settings.reidentify,
        blendshapes="blendshapes" in settings.extras,
    )
    objects = None if settings.objects is None else ObjectDetector.load(settings.objects, threads=threads)
    return recognizer, objects


def greet(hello: Hello) -> Greeting:
    """Answer the first word: load the models, and say what keeps this worker from its work."""
    host = socket.gethostname()
    if hello.version != VERSION:
        return Greeting(host, problem=f"it has version {VERSION} of this program, not {hello.version}")
    if not runs_on(Path(hello.out), hello.run):
        return Greeting(host, problem=f"it does not see the folder {hello.out}, which all workers share")
    try:
        return Greeting(host, HOME.settle(hello))
    except (EmotionError, OSError, ImportError) as error:
        return Greeting(host, problem=str(error))


def work(job: Job) -> Outcome:
    """Read one file into its folder, and say what came of it; the outputs stay there."""
    hello = HOME.hello
    if hello is None or hello.home != job.home:
        return Outcome("stranger")
    begun = time.monotonic()
    path, folder = Path(job.path), Path(job.folder)
    facts: dict[str, Any] = {}
    try:
        stat = path.stat()
        facts = {"size": stat.st_size, "mtime": stat.st_mtime_ns, "sha256": sha256_of(path)}
        if facts["sha256"] == job.known:
            return Outcome("same", **facts)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        outcome = _read(job, hello, facts)
    except Exception as error:
        problem = _failed(error)
        if problem is None:
            raise
        outcome = replace(problem, **facts)
    if outcome.state not in ("done", "partial"):
        shutil.rmtree(folder, ignore_errors=True)
    return replace(outcome, seconds=time.monotonic() - begun)


def _read(job: Job, hello: Hello, facts: dict[str, Any]) -> Outcome:
    from emotion_core.analysis import analyze, plan
    from emotion_core.overlay.elements import defaults
    from emotion_core.overlay.style import DrawStyle
    from emotion_core.video.source import identify

    settings = hello.settings
    place = identify(job.path, max_pixels=settings.max_pixels)
    ending = ".jpg" if place.kind == "picture" else ".mp4"
    # Only a second file of one name is called otherwise: then NAME has more behind it than the source's own.
    named = {} if job.name == place.stem else {"output": Path(job.folder, f"{job.name}{OVERLAY}{ending}")}
    planned = plan(
        place,
        output_dir=job.folder,
        formats=tuple(dict.fromkeys((*settings.formats, "parquet"))),
        write_video=settings.annotate,
        part=settings.part,
        **named,
    )
    recognizer, objects = HOME.tools
    lease = _Lease(hello)
    result = analyze(
        planned,
        recognizer=recognizer,
        objects=objects,
        smoothing=settings.smoothing,
        threshold=settings.threshold,
        style=DrawStyle(settings.overlay or defaults(), language=settings.language),
        extras=settings.extras,
        should_stop=lease.is_over,
    )
    if lease.over:
        return Outcome("stopped")
    if OUT_OF_MEMORY in result.message:
        return Outcome("again", OUT_OF_MEMORY)
    summary = result.summary
    return Outcome(
        "done" if result.complete else "partial",
        "" if result.complete else str(summary.get("message") or result.message),
        **facts,
        frames=int(summary["frames"]),
        length=float(summary["seconds"]),
        files=tuple(sorted(file.name for file in result.paths.values())),
        whole=figures.whole(summary),
        people=tuple(figures.person(face) for face in summary["faces"]),
    )


def _failed(error: Exception) -> Outcome | None:
    """Return what an error makes of a file; None for a fault of this program."""
    if is_full(error):
        return Outcome("full", str(error))
    if is_out_of_memory(error):
        return Outcome("again", OUT_OF_MEMORY)
    if isinstance(error, OSError):
        return Outcome("again", f"{error.filename or 'a file'}: {error.strerror or error}")
    if isinstance(error, EmotionError):
        return Outcome("again" if isinstance(error.__cause__, OSError) else "failed", str(error))
    return None


class _Lease:
    """Asks now and then whether anybody still waits for this file."""

    def __init__(self, hello: Hello) -> None:
        self._out, self._run = Path(hello.out), hello.run
        self._asked = time.monotonic()
        self.over = False

    def is_over(self) -> bool:
        now = time.monotonic()
        if now - self._asked >= _ASK:
            self._asked = now
            self.over = not runs_on(self._out, self._run)
        return self.over
