"""The running analyses of each browser, so that they can be cancelled, found again, and never outlive it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webapp.shared.visitor import NOBODY, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterable

RETURN_SECONDS = 20.0
"""How long a job goes on without a page of its browser: a page that is loaded anew finds it again."""


@dataclass(eq=False, slots=True)
class Job:
    """One press of "Analyse": when `stop` is set its work ends soon; `abandoned` says nobody waits for it.

    `pages` are the sessions that show it and may cancel it, `work` is what it works on and `owner` whose it
    is. `rescue` is a folder for what the job has when the app is stopped in its middle.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    rescue: Path | None = None
    worker: threading.Thread | None = None
    pages: set[str] = field(default_factory=set)
    work: Any = None
    owner: Visitor = NOBODY


class Jobs:
    """All running jobs.

    `slots` is how many files are analysed at once: a job takes a slot for each of its files, so that two
    visitors with many files take turns.
    """

    def __init__(self, at_once: int = 1) -> None:
        self.slots = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._jobs: list[Job] = []
        self._closed = False

    def begin(self, session: str, owner: Visitor = NOBODY, work: Any = None) -> Job:
        """Note a new job of a session; gives it."""
        job = Job(pages={session}, owner=owner, work=work)
        with self._lock:
            if self._closed:
                job.stop.set()
            self._jobs.append(job)
        return job

    def end(self, session: str, job: Job) -> None:
        """Forget a job that has ended."""
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)

    def come_back(self, session: str, visitor: Visitor) -> list[Job]:
        """Return the running jobs of a visitor, whose page `session`, just opened, shows them from now on."""
        with self._lock:
            jobs = [j for j in self._jobs if visitor.is_one_of(j.owner.names) and not j.abandoned]
            for job in jobs:
                job.pages.add(session)
        return jobs

    def cancel(self, session: str) -> int:
        """Ask every job of a session to stop and keep what it has; gives how many there are."""
        with self._lock:
            jobs = [job for job in self._jobs if session in job.pages]
        for job in jobs:
            job.stop.set()
        return len(jobs)

    def running(self) -> int:
        """Return how many jobs run, over all sessions."""
        with self._lock:
            return len(self._jobs)

    def leave(self, session: str, patience: float = 0.0) -> None:
        """Stop the jobs that only a closed page showed, unless another shows them within `patience` s."""
        with self._lock:
            jobs = [job for job in self._jobs if session in job.pages]
            for job in jobs:
                job.pages.discard(session)
        if not jobs:
            return
        if patience > 0:
            timer = threading.Timer(patience, self._give_up, (jobs,))
            timer.daemon = True
            timer.start()
        else:
            self._give_up(jobs)

    def _give_up(self, jobs: Iterable[Job]) -> None:
        with self._lock:
            lost = [job for job in jobs if not job.pages]
            for job in lost:
                job.abandoned = True
        for job in lost:
            job.stop.set()

    def tell(self, rescue: Path | None = None) -> list[Job]:
        """Tell every job that the app stops, and where to put what it has (nowhere: None); gives the jobs."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs)
        for job in jobs:
            job.rescue = rescue
            job.stop.set()
        return jobs

    def close(self, rescue: Path | None = None, wait: float = 3.0) -> None:
        """Stop every job, because the app stops, and wait up to `wait` seconds for them to let go."""
        jobs = self.tell(rescue)
        until = time.monotonic() + wait
        for job in jobs:
            if job.worker is not None:
                job.worker.join(max(0.0, until - time.monotonic()))
