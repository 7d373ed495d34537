"""`SHA256SUMS`: what the weights of a folder must be, in the form that `sha256sum -c SHA256SUMS` reads.

`python -m emotion_core.hashes [FOLDER]` writes it anew for all weights of a folder; whatever exports or saves
weights keeps it up to date.
"""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from emotion_core.ending import run
from emotion_core.files import sha256_of, weights_dir, written_beside
from emotion_core.types import EmotionError

NAME = "SHA256SUMS"
SHIPPED = weights_dir().resolve()
"""The folder whose weights must be listed; elsewhere, as in a cache of an earlier version, they may be."""

_ENDINGS = (".onnx", ".safetensors", ".task")


def verified(path: Path) -> Path:
    """Return `path` when its content is the listed one; a file is read once a process, 2 ms a megabyte.

    Raises:
        EmotionError: where the file was changed, or is one of the shipped folder that nobody listed.
    """
    expected = read(path.parent).get(path.name)
    if expected is None:
        if path.parent.resolve() == SHIPPED:
            raise EmotionError(f"{path} is not listed in {NAME}: {_advice(path)}")
        return path
    stat = path.stat()
    if _hash(path, stat.st_size, stat.st_mtime_ns) != expected:
        raise EmotionError(f"{path} was changed, it is not the file that {NAME} lists: {_advice(path)}")
    return path


def read(folder: Path) -> dict[str, str]:
    """Read the listed hashes of a folder by file name; none where there is no list.

    Raises:
        EmotionError: where the list can't be read.
    """
    place = folder / NAME
    try:
        lines = place.read_text("utf-8").splitlines()
        pairs = [line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#")]
        return {name.lstrip("*"): digest.lower() for digest, name in pairs}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EmotionError(f"{place} can't be read ({error}): {_advice(place)}") from error


def note(*paths: Path, known_only: bool = False) -> None:
    """List files as they are now; `known_only` updates those that are listed and adds none."""
    folder = paths[0].parent
    if known_only:
        listed = read(folder)
        paths = tuple(path for path in paths if path.name in listed)
    if not paths:
        return
    fresh = {path.name: sha256_of(path) for path in paths}
    with written_beside(folder / NAME) as part:
        lines = [f"{digest}  {name}\n" for name, digest in sorted((read(folder) | fresh).items())]
        part.write_text("".join(lines), encoding="utf-8")


def _advice(path: Path) -> str:
    return (
        "get it back (git checkout -- assets, or fetch it again); if the change is yours, run: "
        f"python -m emotion_core.hashes {path.parent}"
    )


@functools.lru_cache(maxsize=64)
def _hash(path: Path, size: int, changed: int) -> str:
    return sha256_of(path)


def main(words: Sequence[str]) -> int:
    """Write the list of a folder (the shipped one by default) anew; return the exit code."""
    folder = Path(words[0]) if words else SHIPPED
    if len(words) > 1 or not folder.is_dir():
        print(
            "usage: python -m emotion_core.hashes [FOLDER]   write SHA256SUMS of its weights", file=sys.stderr
        )
        return 2
    weights = sorted(path for path in folder.iterdir() if path.suffix in _ENDINGS)
    if not weights:
        print(f"emotion_core.hashes: there are no weights in {folder}", file=sys.stderr)
        return 1
    (folder / NAME).unlink(missing_ok=True)  # what is gone is not listed any more
    note(*weights)
    print((folder / NAME).read_text("utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(run("emotion_core.hashes", lambda: main(sys.argv[1:])))
