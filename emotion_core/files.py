"""Files: the cache folder, hashes, and what keeps a file from being written."""

import errno
import hashlib
import os
from pathlib import Path


def weights_dir() -> Path:
    """Give the folder of the model files: inside an installed package, or `assets/weights` of the source."""
    package = Path(__file__).resolve().parent
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "assets" / "weights"


def card_path() -> Path:
    """Give the path of MODEL_CARD.md, which travels with the weights."""
    inside = weights_dir() / "MODEL_CARD.md"
    return inside if inside.is_file() else Path(__file__).resolve().parents[1] / "MODEL_CARD.md"


def cache_dir() -> Path:
    """Give the folder for things that can be fetched again; EMOTION_CACHE chooses another."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("EMOTION_CACHE") or Path(base) / "emotion-recognition")


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file in lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
