"""A batch from its list of files to its tables."""

import uuid
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from emotion_core.batch import cluster, tables
from emotion_core.batch.driver import Driver, Progress, Terms
from emotion_core.batch.manifest import Counts, Manifest
from emotion_core.batch.messages import Listed
from emotion_core.batch.settings import Settings
from emotion_core.batch.study import Study
from emotion_core.results.formats import check

TRIES = 2
"""How often a file is begun before it is set aside."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a batch came to: its files by state, and path, state and error of the first that are not whole.

    `others` counts files of earlier calls in the same study that have results by other settings.
    """

    counts: Counts
    troubled: tuple[tuple[str, str, str], ...]
    others: int
    stopped: bool


def run(
    sources: Iterable[Listed],
    out: Path,
    settings: Settings,
    *,
    workers: int | None = None,
    address: str | None = None,
    tries: int = TRIES,
    again: bool = False,
    tell: Callable[[Progress], None] = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Ended:
    """Read many files into a study, on the processes of this machine or of a Dask cluster.

    Call it again with the same `out` and it reads only what is left, or has changed since: a file, the
    settings, the weights, or results that somebody has removed. A kill at any moment loses no finished file.

    Args:
        sources: absolute paths, each with what a list says of it; they are asked for once.
        out: the folder of the study, made where there is none; workers elsewhere must see the same one.
        settings: how files are read.
        workers: processes of this machine; as many as there are cores where None.
        address: a scheduler elsewhere, or its file; then `workers` is not used.
        tries: how often a file is begun that kills its worker, or fails by the machine's fault.
        again: whether files that have failed before are read again though nothing has changed.
        tell: called once a second.
        note: called with one line about what a user should know.
        should_stop: asked all the time; True ends the batch and leaves the rest for the next call.

    Returns:
        What it came to.

    Raises:
        EmotionError: where nothing can be read or written; what is done is kept.
    """
    formats = tuple(dict.fromkeys((*settings.formats, "parquet")))
    check(formats)
    cluster.require()
    study, name, weights = Study(out), uuid.uuid4().hex, settings.weights_hash()
    count = max(1, workers or cluster.cores())
    threads = max(1, cluster.cores() // count) if address is None else 1
    with study.written(name), closing(Manifest(study.manifest, settings.digest(), weights)) as manifest:
        manifest.take_list(sources, study.has, again=again)
        stopped = False
        if left := manifest.counts().left:
            terms = Terms(settings, weights, name, max(1, tries), threads, own=address is None)
            opened = (
                cluster.own(min(count, left), threads)
                if address is None
                else cluster.elsewhere(address, note)
            )
            with opened as client:
                try:
                    Driver(client, study, manifest, terms, tell, note).run(should_stop)
                    stopped = should_stop()
                finally:
                    study.end()  # workers stop at what nobody waits for
                    tables.write(study, manifest)
        else:
            tables.write(study, manifest)
        return Ended(manifest.counts(), tuple(manifest.troubled(20)), manifest.others(), stopped)
