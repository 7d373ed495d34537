"""What goes between the program that hands files out and its workers: small, plain, and no results."""

from dataclasses import dataclass, field
from typing import Any

from emotion_core.batch.settings import Settings

Row = dict[str, Any]
"""Figures by the names of their columns."""

Listed = tuple[str, dict[str, str]]
"""The absolute path of a file, and what a list says of it under the names of its other columns."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first word to a worker: where the study lies and how files are read.

    `run` is the secret of this call in the study's folder; who reads it there sees the same folder. `home`
    becomes the name of the worker's process, so that one that has taken its address is not taken for it.
    """

    out: str
    run: str
    home: str
    settings: Settings
    threads: int
    version: str


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a worker answers: its weights and where it runs, or in `problem` why it can't work."""

    host: str
    weights: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read, as `name`, into `folder`.

    `known` is the SHA-256 of the content that the study has results of already, by the same settings; a file
    that still has it is not read again.
    """

    number: int
    path: str
    name: str
    folder: str
    home: str
    known: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job.

    `state` is "done", "partial" (the source ends early), "same" (nothing has changed), "failed" (of its own
    accord: another try would fail too), "again" (the machine was the reason), "full" (the disk), "stopped",
    or "stranger" (this process was never greeted: the one that was is dead). `size` (bytes) and `mtime` (ns)
    are the file's, from before it was read; `seconds` is how long it took and `length` what it lasts itself.
    """

    state: str
    error: str = ""
    sha256: str | None = None
    size: int = 0
    mtime: int = 0
    seconds: float = 0.0
    frames: int = 0
    length: float = 0.0
    files: tuple[str, ...] = ()
    whole: Row = field(default_factory=dict)
    people: tuple[Row, ...] = ()
