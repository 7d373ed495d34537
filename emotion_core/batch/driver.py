"""Handing files out: one at a time to each worker, and what is done when one dies or a disk is full.

Every task is bound to one worker and never moves: Dask itself would give what a dead worker had to the next
one, and the next. Whether a file is read again is decided here, by how often it was tried.
"""

import queue
import time
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Any

from emotion_core.batch import cluster
from emotion_core.batch import worker as worker_side
from emotion_core.batch.manifest import ASIDE, Counts, Entry, Manifest
from emotion_core.batch.messages import Greeting, Hello, Job, Outcome
from emotion_core.batch.settings import Settings
from emotion_core.batch.study import Study
from emotion_core.types import EmotionError
from emotion_core.version import VERSION

LOOK_SECONDS = 1.0
"""How often is looked for workers that have come or gone, and told how far it is."""
SILENCE = 60.0
"""Seconds for which a scheduler may be too busy to answer."""
PATIENCE = 300.0
"""Seconds for which this machine may be without a worker, at the start or after one has died."""
_GATHER = 30.0  # seconds to wait for the few figures of a task that has ended
_LAST = ("full", "stopped")  # outcomes after which no file is begun any more
DIED = "a worker died while it read this file"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: files by their state, workers that take part, seconds left (None: unknown)."""

    counts: Counts
    workers: int
    seconds_left: float | None


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker: `home` names its process once it was greeted; `task` is what it is at."""

    address: str
    home: str
    ready: bool = False
    refused: bool = False
    task: Any = None
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a batch is run by: `tries` is how often a file is begun at most, `threads` are those of a worker.

    `own` says that the workers are this machine's, so that they must come soon.
    """

    settings: Settings
    weights: str
    run: str
    tries: int
    threads: int
    own: bool


class Driver:
    """Works a manifest off on the workers of a Dask client."""

    def __init__(
        self,
        client: Any,
        study: Study,
        manifest: Manifest,
        terms: Terms,
        tell: Callable[[Progress], None],
        note: Callable[[str], None],
    ) -> None:
        self._client, self._study, self._manifest, self._terms = client, study, manifest, terms
        self._tell, self._note = tell, note
        self._workers: dict[str, _Worker] = {}
        self._ended: queue.SimpleQueue[tuple[_Worker, Any]] = queue.SimpleQueue()
        self._begun = self._looked = self._answered = self._seen = time.monotonic()
        self._worked = False  # whether any worker could take part
        self._at_first = manifest.counts()
        self._ending = ""

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Read all files that wait, or until `should_stop`; what is in work then waits again.

        Raises:
            EmotionError: where the disk is full, no worker can work, or the scheduler is gone.
        """
        try:
            self._look()
            while not should_stop() and not self._ending:
                self._hand_out()
                if not any(one.entry for one in self._workers.values()) and not self._manifest.counts().left:
                    return
                self._hear()
                if time.monotonic() - self._looked >= LOOK_SECONDS:
                    self._look()
        finally:
            for one in self._workers.values():
                if one.entry is not None:
                    self._manifest.give_back(one.entry.number)
                self._let_go(one)
        if self._ending:
            raise EmotionError(self._ending)

    # -- workers

    def _look(self) -> None:
        """See which workers have come and gone, and tell how far it is."""
        self._looked = now = time.monotonic()
        there = self._addresses()
        for address in set(self._workers) - there:
            self._lost(self._workers.pop(address))
        for address in sorted(there - set(self._workers)):
            self._workers[address] = self._welcome(address)
        mine = [one for one in self._workers.values() if not one.refused]
        self._seen = now if mine else self._seen
        if self._workers and not mine and not self._worked:
            raise EmotionError("none of the workers can take part (see above): nothing is read")
        if self._terms.own and now - self._seen > PATIENCE:
            raise EmotionError(f"no worker has started for {PATIENCE:.0f} s: use fewer of them")
        cluster.forget_keys()
        counts = self._manifest.counts()
        self._tell(Progress(counts, len(mine), self._left(counts, now)))

    def _addresses(self) -> set[str]:
        """Return the addresses of all workers; those known while the scheduler does not answer."""
        now = time.monotonic()
        try:
            found = set(self._client.nthreads())
        except (OSError, TimeoutError, RuntimeError, CancelledError) as error:
            if self._client.status != "closed" and now - self._answered < SILENCE:
                return set(self._workers)
            raise EmotionError(
                "the scheduler is gone: start it and call again, what is done is kept"
            ) from error
        self._answered = now
        return found

    def _left(self, counts: Counts, now: float) -> float | None:
        """Return the seconds left: the share that is done, of the files and of their bytes, took so long."""
        files, size = self._at_first.left, self._at_first.bytes_left
        done = (
            ((files - counts.left) / files + (size - counts.bytes_left) / size) / 2 if files and size else 0
        )
        return (now - self._begun) * (1 - done) / done if done > 0 else None

    def _welcome(self, address: str) -> _Worker:
        one = _Worker(address, uuid.uuid4().hex)
        terms = self._terms
        out = str(self._study.out.resolve())
        self._send(
            one, worker_side.greet, Hello(out, terms.run, one.home, terms.settings, terms.threads, VERSION)
        )
        return one

    def _send(self, one: _Worker, function: Callable[..., Any], message: Any) -> None:
        key = f"{function.__name__}-{uuid.uuid4().hex}"  # which says nothing of the file: Dask may log it
        one.task = self._client.submit(
            function,
            message,
            key=key,
            workers=[one.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        one.task.add_done_callback(lambda task: self._ended.put((one, task)))

    def _let_go(self, one: _Worker) -> None:
        """Have Dask forget what a worker was at."""
        task, one.task, one.entry = one.task, None, None
        if task is not None:
            task.release()

    def _lost(self, one: _Worker) -> None:
        """Charge the file that a worker was at when it died, and nothing else."""
        entry = one.entry
        self._let_go(one)
        if entry is not None:
            self._note(f"{entry.path}: {DIED}")
            self._again(entry, DIED)

    # -- files

    def _hand_out(self) -> None:
        for one in self._workers.values():
            if one.ready and one.task is None:
                entry = self._manifest.take()
                if entry is None:
                    return
                one.entry = entry
                room = self._study.room(self._terms.run, entry.number, entry.tries)
                job = Job(entry.number, entry.path, entry.name, str(room.resolve()), one.home, entry.known)
                self._send(one, worker_side.work, job)

    def _hear(self) -> None:
        """Wait for the next task that ends, at most until it is time to look again."""
        patience = max(0.01, LOOK_SECONDS - (time.monotonic() - self._looked))
        try:
            one, task = self._ended.get(timeout=patience)
        except queue.Empty:
            return
        if one.task is not task:
            return  # let go before
        answer, problem = self._answer(task)
        entry = one.entry
        self._let_go(one)
        if entry is None:
            self._greeted(one, answer, problem)
        elif isinstance(answer, Outcome) and answer.state != "stranger":
            if answer.state not in _LAST:
                self._hand_out()  # the worker need not wait until what it wrote is in its place
            self._take_in(entry, answer)
        elif answer is None and problem:
            self._take_in(entry, Outcome("again", problem))
        else:  # its worker is dead, whether or not another process has its address now
            self._workers.pop(one.address, None)
            self._note(f"{entry.path}: {DIED}")
            self._again(entry, DIED)

    def _answer(self, task: Any) -> tuple[Any, str]:
        """Return what a task gave, or None and why; no reason where its worker has died."""
        from distributed.scheduler import KilledWorker, NoWorkerError

        error: BaseException | None = None
        try:
            if task.status == "finished":
                return task.result(timeout=_GATHER), ""
            if task.status == "error":
                error = task.exception(timeout=_GATHER)
        except (OSError, TimeoutError, CancelledError, KilledWorker):
            return None, ""  # the worker has died with what it had to say
        if error is None or isinstance(error, (KilledWorker, NoWorkerError)):
            return None, ""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ModuleNotFoundError):
            cause = cause.__cause__
        if cause is not None:
            # The scheduler looks into what it passes on, so it needs the program as its workers do.
            return None, f"it or its scheduler has no module {cause.name}: install this program there"
        return None, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"

    def _greeted(self, one: _Worker, answer: Any, problem: str) -> None:
        if not isinstance(answer, Greeting):
            if problem:
                one.refused = True
                self._note(f"the worker at {one.address} can't take part: {problem}")
            return  # else it has died, which the next look finds
        problem = answer.problem
        if not problem and answer.weights != self._terms.weights:
            problem = "it has other weights"
        one.ready, one.refused = not problem, bool(problem)
        self._worked = self._worked or one.ready
        if problem:
            self._note(f"a worker on {answer.host} can't take part: {problem}")

    def _take_in(self, entry: Entry, outcome: Outcome) -> None:
        study, manifest = self._study, self._manifest
        if outcome.state in ("done", "partial"):
            room = study.room(self._terms.run, entry.number, entry.tries)
            try:
                study.take_in(entry.name, room, outcome, self._terms.settings.formats)
            except OSError as error:
                # The worker wrote it, and this program can't find it or move it.
                self._again(entry, f"its outputs can't be moved ({error.strerror or error})")
                return
            manifest.finish(entry.number, outcome)
        elif outcome.state == "same":
            manifest.still(entry.number, outcome)
        elif outcome.state == "again":
            self._again(entry, outcome.error)
        elif outcome.state in ("full", "stopped"):
            manifest.give_back(entry.number)
            self._ending = outcome.error or "another run has taken this study over"
        else:
            self._end(entry, outcome)

    def _again(self, entry: Entry, why: str) -> None:
        """Try a file once more, or set it aside where that was the last time."""
        if entry.tries < self._terms.tries:
            self._manifest.give_back(entry.number, why, blame=True)
            return
        times = "once" if entry.tries == 1 else f"{entry.tries} times"
        self._end(entry, Outcome(ASIDE, f"{why}; set aside, tried {times}"))

    def _end(self, entry: Entry, outcome: Outcome) -> None:
        """Note that a file has no results; those of what it was before are taken out of the study."""
        self._study.forget(entry.name)
        self._manifest.finish(entry.number, _with_facts(entry, outcome))


def _with_facts(entry: Entry, outcome: Outcome) -> Outcome:
    """Keep size and time of a file as they were listed where its outcome does not say."""
    if outcome.mtime:
        return outcome
    return replace(outcome, size=entry.size, mtime=entry.mtime)
