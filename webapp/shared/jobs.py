"""The running analyses of each browser session, so that they can be cancelled and never outlive it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(eq=False, slots=True)
class Job:
    """One press of "Analyse": when `stop` is set its work ends soon; `abandoned` says nobody waits for it.

    `rescue` is a folder for what the job has when the app is stopped in its middle.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    rescue: Path | None = None
    worker: threading.Thread | None = None


class Jobs:
    """All running jobs by browser session.

    `slots` is how many files are analysed at once: a job takes a slot for each of its files, so that two
    visitors with many files take turns.
    """

    def __init__(self, at_once: int = 1) -> None:
        self.slots = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._jobs: dict[str, set[Job]] = defaultdict(set)
        self._closed = False

    def begin(self, session: str) -> Job:
        """Note a new job of a session."""
        job = Job()
        with self._lock:
            if self._closed:
                job.stop.set()
            self._jobs[session].add(job)
        return job

    def end(self, session: str, job: Job) -> None:
        """Forget a job that has ended."""
        with self._lock:
            self._jobs[session].discard(job)
            if not self._jobs[session]:
                del self._jobs[session]

    def cancel(self, session: str) -> int:
        """Ask every job of a session to stop and keep what it has; gives how many there are."""
        with self._lock:
            jobs = list(self._jobs.get(session, ()))
        for job in jobs:
            job.stop.set()
        return len(jobs)

    def running(self) -> int:
        """Return how many jobs run, over all sessions."""
        with self._lock:
            return sum(len(jobs) for jobs in self._jobs.values())

    def leave(self, session: str) -> None:
        """Stop the jobs of a session whose page was closed."""
        with self._lock:
            jobs = list(self._jobs.get(session, ()))
        for job in jobs:
            job.abandoned = True
            job.stop.set()

    def tell(self, rescue: Path | None = None) -> list[Job]:
        """Tell every job that the app stops, and where to put what it has (nowhere: None); gives the jobs."""
        with self._lock:
            self._closed = True
            jobs = [job for group in self._jobs.values() for job in group]
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
