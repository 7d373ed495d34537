"""A batch of videos that is analysed and followed to its end, as the Video page does."""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from threading import Semaphore, Thread

from webapp.settings import Settings
from webapp.shared.engine import Engine
from webapp.shared.jobs import Job
from webapp.video.batch import Batch, follow, start


def analyse_batch(
    batch: Batch,
    job: Job,
    engine: Engine,
    settings: Settings,
    done: Callable[[Sequence[Path]], None],
    slots: Semaphore | None = None,
) -> Generator[Batch, None, None]:
    """Begin to analyse a batch; gives it again and again. Closed early, it abandons the job and waits."""
    job.work = batch
    return _followed(job, start(batch, job, engine, settings, done, slots))


def _followed(job: Job, worker: Thread) -> Generator[Batch, None, None]:
    try:
        yield from follow(job)
    finally:
        if worker.is_alive():
            job.abandoned = True
            job.stop.set()
            worker.join()
