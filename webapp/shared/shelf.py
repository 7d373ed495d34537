"""What lies on disk for visitors, by visitor: bounded in number and size, the oldest goes first.

A thing that is in use is never taken away; a visitor whose things were is told so the next time. What pages
have claimed goes with the last of them. Nobody else says when a thing may go.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from webapp.settings import Settings


@dataclass(frozen=True, slots=True)
class Room:
    """How many things there may be, and how many bytes they may take: for one visitor, and for all."""

    files_each: int
    bytes_each: float
    files_all: int
    bytes_all: float

    @classmethod
    def of(cls, settings: Settings) -> Room:
        """Return what `settings` allow."""
        return cls(
            settings.visitor_files,
            settings.visitor_gigabytes * 1e9,
            settings.total_files,
            settings.total_gigabytes * 1e9,
        )


@dataclass(slots=True)
class _Thing:
    path: Path
    owner: str
    size: int
    pages: set[str] = field(default_factory=set)  # that want it still


class Shelf:
    """The files or folders of all visitors, oldest first; safe to use from several threads.

    `remove` deletes a thing, and is never called for one that another visitor has too.
    """

    def __init__(self, room: Room, remove: Callable[[Path], None]) -> None:
        self.room = room
        self._remove = remove
        self._lock = threading.RLock()
        self._things: dict[tuple[str, Path], _Thing] = {}
        self._held: Counter[Path] = Counter()
        self._last: set[Path] = set()  # let go of while they were held
        self._news: Counter[str] = Counter()

    def put(self, owner: str, path: Path, size: int = 0) -> None:
        """Note a thing of `owner`, or that it came again; `trim` lets older ones go for it."""
        with self._lock:
            before = self._things.pop((owner, path), None)
            pages = before.pages if before is not None else set()
            self._things[owner, path] = _Thing(path, owner, size, pages)

    def owns(self, owner: str, path: Path) -> bool:
        """Tell whether `path` is a thing of `owner`."""
        with self._lock:
            return (owner, path) in self._things

    def claim(self, owner: str, page: str, paths: Iterable[Path]) -> None:
        """Note that an open page wants things of `owner`, until it lets go of them or is closed."""
        with self._lock:
            for path in paths:
                if (thing := self._things.get((owner, path))) is not None:
                    thing.pages.add(page)

    def let_go(self, owner: str, page: str, paths: Iterable[Path]) -> None:
        """Note that a page has done with things of `owner`: each goes unless another page wants it.

        A thing that several visitors have goes with the last of them, one that is held when it is free.
        """
        with self._lock:
            self._leave(page, [t for path in set(paths) if (t := self._things.get((owner, path)))])

    def leave(self, page: str) -> None:
        """Note that a page was closed: what only it wanted goes, as by `let_go`."""
        with self._lock:
            self._leave(page, [thing for thing in self._things.values() if page in thing.pages])

    def _leave(self, page: str, things: list[_Thing]) -> None:
        for thing in things:
            thing.pages.discard(page)
            if not thing.pages:
                del self._things[thing.owner, thing.path]
                self._last.add(thing.path)
                self._remove_if_last(thing.path)

    def _remove_if_last(self, path: Path) -> None:
        if path in self._held or path not in self._last:
            return
        self._last.discard(path)
        if not any(key[1] == path for key in self._things):
            self._remove(path)

    def hold(self, paths: Iterable[Path]) -> None:
        """Keep things for as long as they are in use; `free` them as often as they are held."""
        with self._lock:
            self._held.update(paths)

    def free(self, paths: Iterable[Path]) -> None:
        """Let go of things that were held."""
        with self._lock:
            for path in paths:
                if path in self._held:
                    self._held[path] -= 1
                if self._held[path] <= 0:
                    del self._held[path]
                    self._remove_if_last(path)

    def resize(self, path: Path, size: int) -> None:
        """Note how large a thing has become."""
        with self._lock:
            for thing in self._things.values():
                if thing.path == path:
                    thing.size = size

    def forget(self, path: Path) -> None:
        """Forget a thing that somebody else has deleted, held or not."""
        with self._lock:
            self._held.pop(path, None)
            self._last.discard(path)
            for key in [key for key in self._things if key[1] == path]:
                del self._things[key]

    def paths(self) -> list[Path]:
        """Return all things, oldest first."""
        with self._lock:
            return list(dict.fromkeys(path for _, path in self._things))

    def news(self, owner: str | None) -> int:
        """Return how many things of `owner` had to go since this was last asked."""
        with self._lock:
            return self._news.pop(owner or "", 0)

    def make_room(self, owner: str, size: int = 0, files: int = 0) -> bool:
        """Delete the oldest until `files` more of `size` bytes of `owner` fit in; False where they can't."""
        with self._lock:
            self._forget_gone()
            own = [thing for thing in self._things.values() if thing.owner == owner]
            fits = self._shrink(own, self.room.files_each - files, self.room.bytes_each - size)
            everything = list(self._things.values())
            return self._shrink(everything, self.room.files_all - files, self.room.bytes_all - size) and fits

    def trim(self) -> None:
        """Let the oldest go where things have grown; a visitor's newest stays while all have room."""
        with self._lock:
            self._forget_gone()
            for owner in {thing.owner for thing in self._things.values()}:
                own = [thing for thing in self._things.values() if thing.owner == owner]
                newest = own[-1]
                self._shrink(own[:-1], self.room.files_each - 1, self.room.bytes_each - newest.size)
            self._shrink(list(self._things.values()), self.room.files_all, self.room.bytes_all)

    def _forget_gone(self) -> None:
        for key in [key for key in self._things if key[1] not in self._held and not key[1].exists()]:
            del self._things[key]

    def _shrink(self, things: list[_Thing], most_files: int, most_bytes: float) -> bool:
        count, size = len(things), sum(thing.size for thing in things)
        for thing in things:
            if count <= most_files and size <= most_bytes:
                break
            if thing.path in self._held:
                continue
            del self._things[thing.owner, thing.path]
            if not any(path == thing.path for _, path in self._things):
                self._remove(thing.path)
            self._news[thing.owner] += 1
            count, size = count - 1, size - thing.size
        return count <= most_files and size <= most_bytes
