"""Which files a visitor may name: their own uploads, and nothing else of this machine.

The one place that every path from outside passes. It knows what arrived from whom, so it depends neither on
the web framework's state nor on what a folder happens to hold.
"""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.files import no_plain_file
from webapp.shared.shelf import Room, Shelf
from webapp.shared.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PARKED: dict[str, Path] = {}
_lock = threading.Lock()
PARKED = b"emotion-upload:"
"""How the stand-in of a parked upload begins; its token follows."""


def owner_of(visitor: Visitor, host: str | None) -> str:
    """Return who a request is from: the browser, where it can be known again, else its address."""
    return visitor.key or f"address:{host or ''}"


def owner_of_request(request: Any) -> str:
    """Return who a request of Gradio's is from."""
    client = getattr(request, "client", None)
    return owner_of(Visitor.of(request), getattr(client, "host", None))


class Uploads:
    """The uploads of one run of the app, below `folder`, by the visitor whom they came from."""

    def __init__(self, folder: Path, room: Room) -> None:
        self.folder = Path(os.path.realpath(folder))
        self.shelf = Shelf(room, lambda path: path.unlink(missing_ok=True))
        self._numbers = itertools.count()

    def arriving(self) -> Path:
        """Return a name for what is still on its way, under which the shelf counts it."""
        return self.folder / f"arriving-{next(self._numbers)}"

    def arrived(self, owner: str, path: str | Path) -> None:
        """Note a file that has just come from `owner`; what lies elsewhere is not one."""
        real = Path(os.path.realpath(path))
        if self.folder in real.parents and real.is_file():
            self.shelf.put(owner, real, real.stat().st_size)
            self.shelf.trim()

    def own(self, owner: str, path: str) -> Path | None:
        """Give the file that `path` names where it is an upload of `owner`, else None; nothing is opened."""
        if not path or "\0" in path or not os.path.isabs(path):
            return None
        try:
            real = Path(os.path.realpath(path))
            inside = self.folder in real.parents and self.shelf.owns(owner, real)
            return real if inside and no_plain_file(real) is None else None
        except OSError:
            return None

    def all_own(self, owner: str, paths: Sequence[str] | None) -> list[str]:
        """Return those of `paths` that are uploads of `owner`, in order."""
        return [path for path in paths or [] if self.own(owner, path) is not None]

    def claim(self, owner: str, page: str, paths: Iterable[str | Path]) -> None:
        """Note that an open page wants uploads of `owner`: they go with it, or when it has done with them."""
        self.shelf.claim(owner, page, _real(paths))

    def done(self, owner: str, page: str, paths: Iterable[str | Path]) -> None:
        """Note that a page has done with uploads of `owner`, which go where nobody else wants them.

        The framework stores equal files of two visitors once: such a one stays for the other. Its folder
        stays anyway: the same file may be on its way there again.
        """
        self.shelf.let_go(owner, page, _real(paths))

    def leave(self, page: str) -> None:
        """Note that a page was closed; what a job of its still works on goes when that has ended."""
        self.shelf.leave(page)

    def hold(self, paths: Iterable[str | Path]) -> None:
        """Keep uploads for as long as they are worked on."""
        self.shelf.hold(_real(paths))

    def free(self, paths: Iterable[str | Path]) -> None:
        """Let go of uploads that were held."""
        self.shelf.free(_real(paths))


def _real(paths: Iterable[str | Path]) -> list[Path]:
    return [Path(os.path.realpath(path)) for path in paths]


def park(path: Path) -> bytes:
    """Put a file by, and give its stand-in: few bytes to hand on, and not to be guessed."""
    token = secrets.token_urlsafe(24)
    with _lock:
        for gone in [key for key, place in _PARKED.items() if not place.exists()]:
            del _PARKED[gone]
        _PARKED[token] = path
    return PARKED + token.encode()


def fetch(stand_in: bytes) -> Path | None:
    """Return the file behind a stand-in, once; None for anything else."""
    if not stand_in.startswith(PARKED):
        return None
    with _lock:
        return _PARKED.pop(stand_in.removeprefix(PARKED).decode("ascii", "replace"), None)
