"""Files: the cache folder, hashes, writing beside and renaming, and what keeps a file from being written."""

import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from emotion_core.types import EmotionError

try:
    import fcntl
except ImportError:  # Windows, which refuses to rename an open file; there nobody is told of a second run
    fcntl = None  # type: ignore[assignment]

_PATIENCE = 10.0  # seconds that a small file may keep another writer waiting
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF)
_GRACE = 0.2  # seconds: somebody who only asks whether a file is locked holds it for an instant


def weights_dir() -> Path:
    """Give the folder of the model files: inside an installed package, or `assets/weights` of the source."""
    package = Path(__file__).resolve().parent
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "assets" / "weights"


def card_path() -> Path:
    """Return the path of MODEL_CARD.md, which travels with the weights."""
    inside = weights_dir() / "MODEL_CARD.md"
    return inside if inside.is_file() else Path(__file__).resolve().parents[1] / "MODEL_CARD.md"


def cache_dir() -> Path:
    """Return the folder for things that can be fetched again; EMOTION_CACHE chooses another."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("EMOTION_CACHE") or Path(base) / "emotion-recognition")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Beside:
    """A file that grows beside its place, as `NAME.partial.EXT`, and takes its name when it is whole.

    While it grows it is locked, as long as this process lives and no longer: a second writer of the same file
    is told so, and what a killed run left is not locked, and overwritten. A kill is all that it guards
    against: after a power failure, the disk itself may have lost what was written last.

    Args:
        target: the name that the file will have.
        wait: seconds to wait for another writer of the same file.

    Raises:
        EmotionError: where another run is writing this file.
        OSError: where nothing can be written there.
    """

    def __init__(self, target: str | os.PathLike[str], *, wait: float = 0.0) -> None:
        self.target = Path(target)
        self.path = partial_name(self.target)
        self._handle: int | None = None
        self._growing = False
        until = time.monotonic() + max(wait, _GRACE)
        while not self._take():
            if time.monotonic() >= until:
                raise EmotionError(busy(self.target))
            time.sleep(0.05)
        self._growing = True

    def _take(self) -> bool:
        """Make the file, empty and locked; False where another writer has it."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        mine = False
        try:
            if not _lock(handle):
                return False
            if not _is_at(handle, self.path):
                return False  # its writer renamed or removed it between the two calls above
            if _is_locked(self.target):
                if not os.fstat(handle).st_size:
                    self.path.unlink()  # made here just now
                return False
            os.ftruncate(handle, 0)
            mine = fcntl is not None
            return True
        finally:
            if mine:
                self._handle = handle
            else:
                os.close(handle)

    def place(self) -> Path:
        """Return the file its name now, and go on writing it; `path` is that name from here on."""
        self.path.replace(self.target)
        self.path = self.target
        return self.target

    def commit(self) -> Path:
        """Return the finished file its name; the one that was there is gone."""
        self.place()
        return self.release()

    def release(self) -> Path:
        """Leave the file where it lies, for others to read and to replace; gives that place."""
        self._growing = False
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        return self.path

    def discard(self) -> None:
        """Remove what was written; nothing happens after `commit` or `release`."""
        if self._growing:
            self.path.unlink(missing_ok=True)
        self.release()


@contextlib.contextmanager
def held(path: Path) -> Iterator[Path]:
    """Hold a file, made where there is none, as this process's own; a killed process holds nothing any more.

    Raises:
        EmotionError: where a process that lives holds it.
        OSError: where it can't be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        until = time.monotonic() + _GRACE
        while not _lock(handle):
            if time.monotonic() >= until:
                raise EmotionError(
                    f"another run writes {path.parent}: wait until it ends, or choose another place"
                )
            time.sleep(0.05)
        yield path
    finally:
        os.close(handle)


@contextlib.contextmanager
def written_beside(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the path to write to; what lies there takes the place of `target` when the block ends well.

    Neither a failure nor a kill harms the file that was there or leaves half a file under its name.

    Raises:
        EmotionError: where another process keeps writing this file.
        OSError: where nothing can be written there.
    """
    beside = Beside(target, wait=_PATIENCE)
    try:
        yield beside.path
        beside.commit()
    finally:
        beside.discard()


def partial_name(target: Path) -> Path:
    """Return the name beside `target` under which it is written, with the same ending."""
    return target.with_name(f"{target.stem}.partial{target.suffix}")


def busy(target: Path) -> str:
    """Say in one line that another run is writing `target`."""
    where = f"another run is writing {target.name} in {target.parent}"
    return f"{where}: wait until it ends, or choose another place"


def is_being_written(target: Path) -> bool:
    """Tell whether a process that lives is writing `target`, under its name or beside it."""
    return any(_is_locked(path) for path in (target, partial_name(target)))


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        return not _lock(handle, shared=True)
    finally:
        os.close(handle)


def _lock(handle: int, *, shared: bool = False) -> bool:
    """Lock an open file for as long as it is open; False where somebody else has."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # A network drive may know no locks: nobody can be told of a second run then, but the rest works.
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def no_plain_file(path: Path) -> str | None:
    """Say what `path` is where it is no plain file: a folder, pipe, socket or device; None where it is one.

    Links are followed; nothing is opened, since opening a pipe waits for its other end.

    Raises:
        OSError: where there is nothing, or it can't be looked at.
    """
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return None
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"))
    return next((name for is_one, name in kinds if is_one(mode)), "device")


def disk_problem(path: Path, error: BaseException) -> str:
    """Say in one line why `path` can't be written."""
    code = getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full while writing {path.name}: make room, or choose another place"
    if code == errno.EFBIG:
        return (
            f"{path.name} grows beyond the size that is allowed here: raise the limit or choose another place"
        )
    if code == errno.ENOENT:
        return f"the folder {path.parent} does not exist: create it first, or choose another place"
    reason = getattr(error, "strerror", None) or str(error)
    return f"{path} can't be written ({reason}): choose another place"
