"""Which results this process may show to whom: an unguessable token for each, bound to one browser.

The video tab publishes a finished result and opens the dashboard with the token; the dashboard asks for
the path behind it. Both run in the same process, so the registry is a dictionary, and nothing a browser
sends is ever used as a path.
"""

import secrets
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from webapp.shared.visitor import Visitor


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    owners: frozenset[str]


_entries: dict[str, _Entry] = {}
_lock = threading.Lock()


def publish(path: str | Path, *, owner: Visitor) -> str:
    """Give a new token for a result: its `*_results.json` file or the folder that holds it.

    Only the browser of `owner`, who made the result, can open it then; the token alone opens nothing. Raises
    FileNotFoundError where there is nothing at `path`.
    """
    resolved = Path(path).resolve(strict=True)
    token = secrets.token_urlsafe(32)
    with _lock:
        for old in [t for t, e in _entries.items() if not e.path.exists()]:
            del _entries[old]
        _entries[token] = _Entry(resolved, owner.names)
    return token


def resolve(token: str, *, owner: Visitor) -> Path | None:
    """Give the path behind `token`, or None: an unknown token, another browser's, or a result now gone."""
    with _lock:
        entry = _entries.get(token)
    if entry is None or not owner.is_one_of(entry.owners):
        return None
    if not entry.path.exists():
        forget(entry.path)
        return None
    return entry.path


def share(token: str, *, owner: Visitor, to: Visitor) -> bool:
    """Let another window of the same person open `token`; False where it isn't `owner`'s to give."""
    if resolve(token, owner=owner) is None:
        return False
    with _lock:
        entry = _entries.get(token)
        if entry is not None:
            _entries[token] = replace(entry, owners=entry.owners | to.names)
    return entry is not None


def forget(path: str | Path) -> int:
    """Withdraw every token of `path` and of what lies below it; gives how many there were."""
    gone = Path(path).resolve()
    with _lock:
        tokens = [t for t, e in _entries.items() if e.path == gone or gone in e.path.parents]
        for token in tokens:
            del _entries[token]
    return len(tokens)
