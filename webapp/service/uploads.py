"""Large files in parts, as tus 1.0 asks: what has come stays, and the sender goes on where it broke off."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from webapp.service.folder import is_id, new_id, plain_name
from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

    from webapp.service.callers import Caller
    from webapp.service.folder import DataFolder
    from webapp.service.ledger import Ledger
    from webapp.settings import Settings

GONE = "There is no such upload: it was used, deleted, or nothing came for it for too long."


class PartUploads:
    """The uploads that are on their way, each a file that grows."""

    def __init__(self, folder: DataFolder, ledger: Ledger, settings: Settings) -> None:
        self._folder = folder
        self._ledger = ledger
        self._most = int(settings.max_megabytes * 1024**2)
        self._megabytes = settings.max_megabytes

    def check(self, length: int) -> None:
        """Raise ProblemError 413 or 422 for a length that is not taken."""
        if length > self._most:
            raise ProblemError(413, f"The file is larger than {self._megabytes:g} MB: make it smaller.")
        if length < 1:
            raise ProblemError(422, "Upload-Length: the file is empty.")

    def begin(self, caller: Caller, name: str, length: int) -> str:
        """Begin an upload of `length` bytes, which `check` has let through; gives its id."""
        made = new_id()
        name = plain_name(name)
        self._folder.upload(made).mkdir(mode=0o700)
        (self._folder.upload(made) / name).touch()
        self._ledger.begin_upload(made, caller.owner, caller.counted, name, length)
        return made

    def state(self, caller: Caller, id: str) -> tuple[int, int, str]:
        """Return how many bytes have come, of how many, and the file's name; raises ProblemError 404."""
        found = self._ledger.upload(id) if is_id(id) else None
        if found is None or not caller.may_see(found[0]):
            raise ProblemError(404, GONE)
        try:
            here = (self._folder.upload(id) / found[1]).stat().st_size
        except FileNotFoundError:
            raise ProblemError(404, GONE) from None
        return here, found[2], found[1]

    @contextmanager
    def part(self, caller: Caller, id: str, offset: int) -> Iterator[_Part]:
        """Open an upload for the part that begins at `offset`; raises ProblemError 404, and 409 elsewhere."""
        _, length, name = self.state(caller, id)
        with (self._folder.upload(id) / name).open("ab", buffering=0) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                line = "Another request sends a part of this upload: wait until it ends."
                raise ProblemError(409, line) from None
            here = file.tell()
            if offset != here:
                raise ProblemError(409, f"The upload goes on at byte {here}, not at {offset}.")
            self._ledger.touch_upload(id)
            yield _Part(file, here, length)

    def whole(self, caller: Caller, id: str) -> tuple[Path, str]:
        """Return file and name of a finished upload; raises ProblemError 404, and 409 before its end."""
        here, length, name = self.state(caller, id)
        if here != length:
            raise ProblemError(409, f"Only {here} of {length} bytes have come: send the rest first.")
        return self._folder.upload(id) / name, name

    def move(self, id: str, target: Path) -> None:
        """Give the file of an upload its place with the analysis; raises ProblemError 404 the second time."""
        if not self._ledger.end_upload(id):
            raise ProblemError(404, GONE)
        target.parent.mkdir(mode=0o700, parents=True)
        next(self._folder.upload(id).iterdir()).rename(target)
        self._folder.remove_upload(id)

    def delete(self, caller: Caller, id: str) -> None:
        """Throw an upload away; raises ProblemError 404."""
        self.state(caller, id)
        self._ledger.end_upload(id)
        self._folder.remove_upload(id)


class _Part:
    """The end of a file that grows."""

    def __init__(self, file: FileIO, offset: int, length: int) -> None:
        self._file = file
        self.offset = offset
        self._length = length

    def write(self, data: bytes) -> None:
        """Append bytes; raises ProblemError 413 beyond the length that was said."""
        if self.offset + len(data) > self._length:
            raise ProblemError(413, f"More came than the {self._length} bytes that were announced.")
        rest = memoryview(data)
        while rest:  # a disk that fills up takes a part, and complains at the next one
            rest = rest[self._file.write(rest) :]
        self.offset += len(data)
