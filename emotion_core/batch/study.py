"""Where the parts of a study lie in its folder, and how a finished file takes its place among them."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emotion_core.batch.messages import Outcome
from emotion_core.files import held
from emotion_core.results.names import OVERLAY, RESULTS, SUMMARY
from emotion_core.types import EmotionError

MANIFEST, SUMMARIES = "manifest", "summary"
"""The tables of a study, each as .csv and .parquet: a row per file, and one per file and face."""
RESULTS_FOLDER, DATASET = "results", "dataset"
"""Folders of a study: the outputs of each file, and the records of all as one Parquet data set."""
PARTITION = "file"
"""The column by which the data set is partitioned."""
LISTED = "list_"
"""Before the names of columns that a list of files has brought."""
RUN = ".batch"
"""The file that says which call writes the study; it is locked as long as that one lives."""

_WORK = ".work-"
_UNSAFE = re.compile(r'[%=:*?"<>|\\\x00-\x1f]')  # what separates names, or what some system does not take
_LIKE_A_NUMBER = re.compile(r"[\W\d_extz]*|true|false|nan|inf|infinity|null|none", re.IGNORECASE)  # or a time


class Study:
    """The folder of a study; only the program that hands files out changes it."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.manifest = out / f"{MANIFEST}.sqlite"
        self.results = out / RESULTS_FOLDER
        self.dataset = out / DATASET

    @contextmanager
    def written(self, run: str) -> Iterator[None]:
        """Hold the study for the call `run`; what a killed one left half done is removed.

        Raises:
            EmotionError: where another call writes this study, or nothing can be written there.
        """
        try:
            for folder in (self.out, self.results, self.dataset):
                folder.mkdir(parents=True, exist_ok=True)
            with held(self.out / RUN) as file:
                file.write_text(json.dumps({"run": run}), "utf-8")
                self._sweep()
                try:
                    yield
                finally:
                    self.end()
                    self._sweep()
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise EmotionError(
                f"{self.out} can't hold a study ({error.strerror}): choose another folder", ("output",)
            ) from error

    def end(self) -> None:
        """Have the workers stop that still read for this call."""
        (self.out / RUN).write_text("{}", "utf-8")

    def _sweep(self) -> None:
        for folder in self.out.glob(f"{_WORK}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def room(self, run: str, number: int, attempt: int) -> Path:
        """Return the folder of one try at a file, which no other try of any call has.

        It lies as deep as `results`, so that a summary's path to its source holds in both.
        """
        return self.out / f"{_WORK}{run[:8]}-{number}-{attempt}"

    def has(self, name: str) -> bool:
        """Tell whether the results of a file are here."""
        return (self.results / f"{name}{RESULTS}.json").is_file() and self.partition(name).is_file()

    def partition(self, name: str) -> Path:
        """Return the part of the data set that holds the records of NAME."""
        return self.dataset / f"{PARTITION}={_UNSAFE.sub(_quoted, key_of(name))}" / "part-0.parquet"

    def take_in(self, name: str, room: Path, outcome: Outcome, formats: tuple[str, ...]) -> None:
        """Move what a worker wrote to its places; each file is there whole or not at all."""
        mine = set(outcome.files)
        table = f"{name}{RESULTS}.parquet"
        if "parquet" in formats:
            _second(room / table, self.results / table)
        place = self.partition(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(room / table, place)
        for file in sorted(mine - {table}):
            os.replace(room / file, self.results / file)
        kept = mine if "parquet" in formats else mine - {table}
        self._remove(name, keep=kept)
        shutil.rmtree(room, ignore_errors=True)

    def forget(self, name: str) -> None:
        """Remove the outputs of a file, which belong to what it was once."""
        self._remove(name, keep=set())
        self.partition(name).unlink(missing_ok=True)
        if self.partition(name).parent.is_dir():
            self.partition(name).parent.rmdir()

    def _remove(self, name: str, *, keep: set[str]) -> None:
        for end in _endings():
            file = f"{name}{end}"
            if file not in keep:
                (self.results / file).unlink(missing_ok=True)


def key_of(name: str) -> str:
    """Return the value of the partition of NAME: a text that no reader takes for a number or a date."""
    return f"{name}_file" if _LIKE_A_NUMBER.fullmatch(name) else name


def is_part_of_study(path: Path, root: Path) -> bool:
    """Tell whether a file below `root` belongs to a study without being the results of one file."""
    parts = path.relative_to(root).parts
    if any(part.startswith((f"{PARTITION}=", _WORK)) for part in parts[:-1]):
        return True
    return path.stem in (MANIFEST, SUMMARIES) and (path.parent / f"{MANIFEST}.sqlite").is_file()


def runs_on(out: Path, run: str) -> bool:
    """Tell whether the call `run` still wants what its workers do; a drive that answers late is no reason."""
    try:
        return bool(json.loads((out / RUN).read_text("utf-8")).get("run") == run)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True


def is_full(error: BaseException) -> bool:
    """Tell whether a full disk is behind an error."""
    seen: BaseException | None = error
    while seen is not None:
        if getattr(seen, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        seen = seen.__cause__
    return False


def _quoted(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _second(file: Path, target: Path) -> None:
    """Give a file a second name, or a copy where the drive knows only one."""
    target.unlink(missing_ok=True)
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def _endings() -> list[str]:
    from emotion_core.results.formats import FORMATS

    results = [f"{RESULTS}{ending}" for one in FORMATS.values() for ending in one.endings]
    return [*results, f"{SUMMARY}.json", f"{OVERLAY}.mp4", f"{OVERLAY}.jpg"]
