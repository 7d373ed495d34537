"""Files: the cache folder, hashes, and what keeps a file from being written."""

import errno
import hashlib
import os
import stat
from pathlib import Path


def cache_dir() -> Path:
    """Give the folder for things that can be fetched again; EMOTION_CACHE chooses another."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("EMOTION_CACHE") or Path(base) / "emotion-recognition")


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file in lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        return f"the disk is full while writing {path.name}: make room, or choose another place with --output"
    if code == errno.EFBIG:
        return (
            f"{path.name} grows beyond the size that is allowed here: raise the limit or choose another place"
        )
    if code == errno.ENOENT:
        return f"the folder {path.parent} does not exist: create it first, or choose another place"
    reason = getattr(error, "strerror", None) or str(error)
    return f"{path} can't be written ({reason}): choose another place"
