"""What a format of results is: how it is called, how it is written record by record, how it is read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emotion_core.results.record import Record
from emotion_core.results.whole import Growing, Whole
from emotion_core.types import EmotionError

Reader = Callable[[Path, list[str]], dict[str, Any]]
"""Gives the columns of a file by name, all of one length; remarks on the file join the list."""


UNFINISHED = "the file was not finished: it is read up to its last whole record"
"""The remark of a reader on a file without its end."""


class Writer(ABC):
    """Writes the records of one file as they come; made with its path, the labels of the model, and extras.

    The path is that of an empty file, which may be renamed while it is open.

    Every method but `discard` raises OSError where the file can't be written. `about` is what is known of the
    source and the model, as the summary has it; whoever makes the writer sets it.
    """

    about: Mapping[str, Any] = {}

    @abstractmethod
    def write(self, record: Record) -> None:
        """Take in the next record."""

    @abstractmethod
    def flush(self) -> None:
        """Hand what there is to the operating system, where the format can be read without its end."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file and let go of it, also where that fails."""

    @abstractmethod
    def discard(self) -> None:
        """Let go of the file without finishing it; it is deleted next."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of results file.

    Args:
        name: what a user types, and the key of the file among a recording's paths.
        label: what a person reads on a link; the same in all languages.
        about: what it holds and what it is for, one line.
        writer: opens a file for the labels of a model and, if given, names in `results.extras.EXTRAS`.
        reader: reads a whole file; it may import pandas, which a writer of the base may not. None for a
            format that holds less than the records, so that `read_results` could not give them back.
        endings: of its files, with the dot; the first is the one written.
        needs: packages that it imports beyond those of the base, by the names that pip knows.
        usual: whether the web app writes it for every result without being asked.
        whole: writes a recording that is there as a whole, where the format needs it so.
        readable_while_written: whether what is flushed can be read without the end of the file. Such a file
            has its name from the first frame on, and a killed run leaves one that can be read.
    """

    name: str
    label: str
    about: str
    writer: Callable[..., Writer]
    reader: Reader | None
    endings: tuple[str, ...]
    needs: tuple[str, ...] = ()
    readable_while_written: bool = True
    usual: bool = True
    whole: Callable[[Whole, Path], None] | None = None

    def __post_init__(self) -> None:
        if not self.endings or any(ending != f".{ending[1:].lower()}" for ending in self.endings):
            raise ValueError(f"endings are in small letters and begin with a dot, not {self.endings}")

    @property
    def missing(self) -> list[str]:
        """The packages in `needs` that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]

    def require(self) -> None:
        """Raise EmotionError where a package is missing; it says how to install it."""
        if missing := self.missing:
            raise EmotionError(
                f"{self.label} files need what is not installed here: pip install {' '.join(missing)}"
            )


class WholeWriter(Writer):
    """Keeps the columns, 8 bytes a value, and writes them at the end; a killed run leaves an empty file."""

    def __init__(
        self,
        path: Path,
        labels: Sequence[str],
        extras: Sequence[str] = (),
        *,
        write: Callable[[Whole, Path], None],
    ) -> None:
        self._path, self._write = path, write
        self._kept = Growing(labels, extras)

    def write(self, record: Record) -> None:
        """Take in a record."""
        self._kept.add(record)

    def flush(self) -> None:
        """Do nothing: the file is still empty."""

    def close(self) -> None:
        """Write the file."""
        self._write(self._kept.whole(self.about, self._path), self._path)

    def discard(self) -> None:
        """Do nothing: the file is still empty."""


def exported(
    name: str,
    label: str,
    about: str,
    write: Callable[[Whole, Path], None],
    ending: str,
    needs: tuple[str, ...] = (),
) -> Format:
    """Return a format of another tool, written from a whole recording and not read back as records."""
    return Format(
        name,
        label,
        about,
        partial(WholeWriter, write=write),
        None,
        (ending,),
        needs,
        readable_while_written=False,
        usual=False,
        whole=write,
    )
