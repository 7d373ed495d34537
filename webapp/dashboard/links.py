"""Which results this process may show to whom: an unguessable token for each, bound to one browser.

The video tab publishes a finished result and opens the dashboard with the token; the dashboard asks for
the path behind it. Both run in the same process, so the registry is a dictionary, and nothing a browser
sends is ever used as a path.
"""

import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

COOKIE = "emotion_browser"
"""The cookie that the server gives each browser; its value is the `owner` of what that browser makes."""


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    owner: str | None


_entries: dict[str, _Entry] = {}
_lock = threading.Lock()


def publish(path: str | Path, *, owner: str | None = None) -> str:
    """Give a new token for a result: its `*_results.json` file or the folder that holds it.

    `owner` is the value of the `COOKIE` of the browser that made the result; only that browser can
    open it then. Without one (a browser that keeps no cookies) the token alone opens it. Raises
    FileNotFoundError where there is nothing at `path`.
    """
    resolved = Path(path).resolve(strict=True)
    token = secrets.token_urlsafe(32)
    with _lock:
        _entries[token] = _Entry(resolved, owner or None)
    return token


def resolve(token: str, *, owner: str | None = None) -> Path | None:
    """Give the path behind `token`, or None: an unknown token, another browser's, or a result now gone."""
    with _lock:
        entry = _entries.get(token)
    if entry is None or (
        entry.owner is not None and not secrets.compare_digest(entry.owner.encode(), (owner or "").encode())
    ):
        return None
    if not entry.path.exists():
        forget(entry.path)
        return None
    return entry.path


def forget(path: str | Path) -> int:
    """Withdraw every token of `path` and of what lies below it; gives how many there were."""
    gone = Path(path).resolve()
    with _lock:
        tokens = [t for t, e in _entries.items() if e.path == gone or gone in e.path.parents]
        for token in tokens:
            del _entries[token]
    return len(tokens)
