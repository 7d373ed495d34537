"""Dask: a cluster of this machine's own, closed to everybody else, or a scheduler that runs elsewhere."""

import contextlib
import json
import logging
import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from emotion_core.types import EmotionError

_STILL = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "2s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.client.scheduler-info-interval": "10s",
    "distributed.worker.memory.monitor-interval": "500ms",
}
"""What Dask does all the time by itself, done less often or not at all.

It looks a hundred times a second at what each worker runs, for pages that are off here, and each of its loops
wakes fifty times a second to see whether it is late. With one worker all of it took 5 % of a core.
"""

MISSING = "many files on many workers need Dask: pip install 'emotion-recognition[cluster]'"


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def require() -> Any:
    """Import Dask's `distributed` and return it; raises EmotionError where it is not installed."""
    try:
        import distributed
    except ImportError as error:
        raise EmotionError(MISSING) from error
    return distributed


@contextlib.contextmanager
def own(workers: int, threads: int) -> Iterator[Any]:
    """Yield a client of `workers` processes of this machine, of `threads` threads each.

    They listen on the loopback address only, and speak by TLS with keys that exist in memory alone: whoever
    reached a scheduler without could run programs in this user's name. Dask's pages are off.

    Raises:
        EmotionError: where Dask or what it encrypts with is missing, or no worker can be started.
    """
    distributed = require()
    import dask
    from distributed.security import Security
    from distributed.system import MEMORY_LIMIT

    try:
        security = Security.temporary()
    except ImportError as error:
        raise EmotionError(MISSING) from error
    scratch = tempfile.TemporaryDirectory(prefix="emotion-batch-", ignore_cleanup_errors=True)
    with scratch as folder, dask.config.set(settings(threads, folder)), _silence():
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            security=security,
            dashboard_address=None,
            # Its server for health and figures can't be left out; it is kept from Dask's usual port.
            scheduler_kwargs={
                "dashboard": False,
                "dashboard_address": "127.0.0.1:0",
                "extensions": _extensions(),
            },
            silence_logs=logging.CRITICAL,
            memory_limit=MEMORY_LIMIT // workers,
        )
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            client.register_plugin(_plugin())
            yield client


@contextlib.contextmanager
def elsewhere(address: str, note: Callable[[str], None]) -> Iterator[Any]:
    """Yield a client of a scheduler at an address, such as tls://head:8786, or of a scheduler's file.

    `note` is told where anybody who reaches that scheduler could run programs in this user's name.

    Raises:
        EmotionError: where Dask is missing, or nobody answers there.
    """
    distributed = require()
    where = _address(address)
    if not where.startswith("tls") and not re.search(r"(^|//)(127\.|localhost|\[::1\])", where):
        note(
            f"{where} is not encrypted: whoever reaches it can run programs as you (docs/cluster.md has TLS)"
        )
    with _silence():
        try:
            client = distributed.Client(where, set_as_default=False, timeout=20)
        except (OSError, ValueError, RuntimeError) as error:
            why = str(error).partition("\n")[0]
            raise EmotionError(
                f"no scheduler answers at {address} ({why}): start one, or check the address", ("cluster",)
            ) from error
        with client:
            yield client


def _address(named: str) -> str:
    """Return the address that is named, or stands in the scheduler's file of that name.

    What is wrong with it is found here: a client that can't even try would take long to be rid of.
    """
    from distributed.security import Security

    found = named
    if Path(named).is_file():
        try:
            found = str(json.loads(Path(named).read_text("utf-8"))["address"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise EmotionError(f"{named} is no file of a scheduler: check the path", ("cluster",)) from error
    if not re.fullmatch(r"((tcp|tls)://)?[^/\s]+:\d+", found):
        raise EmotionError(f"{named} is no address such as tls://head:8786, nor a file", ("cluster",))
    if found.startswith("tls") and Security().get_connection_args("client")["ssl_context"] is None:
        raise EmotionError(
            f"the scheduler at {found} speaks TLS, and this program has no certificate for it: name it in "
            "Dask's settings (docs/cluster.md)",
            ("cluster",),
        )
    return found


def settings(threads: int, folder: str) -> dict[str, Any]:
    """Return how Dask is set for workers of `threads` threads on this machine, with a scratch folder."""
    return {
        **_STILL,
        "temporary-directory": folder,
        # Results are a few figures: pictures fill a worker's memory, and can't be spilled to disk.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": 0.95,
        # A worker that has died is begun anew, and one that is not back after this is given up for good: the
        # usual 15 s are over before a busy machine has imported what a worker needs.
        "distributed.deploy.lost-worker-timeout": "1h",
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.admin.system-monitor.log-length": 60,
        # What it keeps of the past, a thousand bytes a file: nobody looks at it, and one file is as another.
        "distributed.admin.low-level-log-length": 100,
        "distributed.admin.log-length": 100,
        "distributed.nanny.pre-spawn-environ": {
            f"{name}_NUM_THREADS": threads for name in ("OMP", "MKL", "OPENBLAS")
        },
    }


def _extensions() -> dict[str, Any]:
    """Return what is built into the scheduler, without what keeps a line for every task there ever was."""
    from distributed.scheduler import DEFAULT_EXTENSIONS
    from distributed.spans import SpanMetadata, SpansSchedulerExtension

    class Spans(SpansSchedulerExtension):
        def observe_tasks(self, tss: Any, code: Any, span_metadata: Any) -> Any:
            return super().observe_tasks(tss, code, SpanMetadata(collections=[]))

    kept = {name: one for name, one in DEFAULT_EXTENSIONS.items() if name != "stealing"}  # tasks never move
    return kept | {"spans": Spans}


def forget_keys() -> None:
    """Empty what Dask keeps of the names of tasks: it remembers a hundred thousand, and none comes twice."""
    from dask.utils import key_split

    key_split.cache_clear()


def _plugin() -> Any:
    from distributed.diagnostics.plugin import WorkerPlugin

    class Calm(WorkerPlugin):
        """Leaves Ctrl-C to the program that the user sees: it ends the workers when it is ready."""

        name = "calm"

        def setup(self, worker: Any) -> None:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    return Calm()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask's own log off the terminal: a worker that dies is told of by whoever hands files out."""
    names = ("distributed", "tornado", "asyncio")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
