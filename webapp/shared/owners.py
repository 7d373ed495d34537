"""Whose a result is: only the browser that made it may fetch its files, or open it in the dashboard.

The one registry of both: the token of a result's folder (`store`) and the names of its visitors. The app and
the dashboard run in one process, so it is a dictionary, and nothing a browser sends is ever used as a path.
The token alone opens nothing.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from webapp.shared import store

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.shared.visitor import Visitor

_owners: dict[str, frozenset[str]] = {}
_lock = threading.Lock()


def new_folder(visitor: Visitor) -> tuple[str, Path]:
    """Make an empty folder for one result of `visitor`; gives its token and its path."""
    token, folder = store.new_folder(visitor.key)
    with _lock:
        for gone in [t for t in _owners if store.folder_of(t) is None]:
            del _owners[gone]
        _owners[token] = visitor.names
    return token, folder


def is_own(token: str, visitor: Visitor) -> bool:
    """Return whether `visitor` made the result `token`, or was given it by who did."""
    with _lock:
        return visitor.is_one_of(_owners.get(token, frozenset()))


def folder_of(token: str, visitor: Visitor) -> Path | None:
    """Return the folder of `token`, or None: an unknown token, another visitor's, or a result now gone."""
    return store.folder_of(token) if is_own(token, visitor) else None


def share(token: str, *, owner: Visitor, to: Visitor) -> bool:
    """Let another window of the same person have `token`; False where it isn't `owner`'s to give."""
    with _lock:
        names = _owners.get(token, frozenset())
        if not owner.is_one_of(names) or store.folder_of(token) is None:
            return False
        _owners[token] = names | to.names
    return True


def tokens_of(visitor: Visitor) -> list[str]:
    """Return the tokens of all results of `visitor` that are still there, the newest first."""
    with _lock:
        tokens = [token for token, names in _owners.items() if visitor.is_one_of(names)]
    return [token for token in reversed(tokens) if store.folder_of(token) is not None]


def discard(token: str, visitor: Visitor) -> bool:
    """Delete one result of `visitor`; False where it isn't theirs, or is gone."""
    if folder_of(token, visitor) is None:
        return False
    store.discard(token)
    return True


def forget(visitor: Visitor) -> int:
    """Delete every result of `visitor`, who has logged out; gives how many there were."""
    with _lock:
        tokens = [token for token, names in _owners.items() if visitor.is_one_of(names)]
        for token in tokens:
            del _owners[token]
    for token in tokens:
        store.discard(token)
    return len(tokens)
