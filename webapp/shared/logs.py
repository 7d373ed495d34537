"""The log for machines: a line of JSON for each request, socket and job, with nothing in it about anybody.

What is written is chosen here, so that no name of a file, address or secret can slip in: facts that this app
names itself; of other records the place in the code, the numbers and the kinds of errors, not their texts.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import secrets
import sys
import traceback
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STANDARD_ERROR = "-"
"""What names the standard error in place of a file."""
_OWN = ("webapp", "emotion_core")  # their texts are constants, so only what is put into them is left out
_events = logging.getLogger("webapp.events")


@dataclass(slots=True)
class Answering:
    """A request or a socket while it is answered: its id, and what its line will say."""

    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    over: bool = False  # what it has started may go on in its context, and is no part of it any more


_current: ContextVar[Answering | None] = ContextVar("answering", default=None)


def request_id() -> str | None:
    """Return the id of the request that is being answered; None outside one."""
    now = _current.get()
    return None if now is None or now.over else now.id


def note(**facts: Any) -> None:
    """Add facts to the line of the request or socket that is being answered; outside one they are lost."""
    now = _current.get()
    if now is not None and not now.over:
        now.facts.update(facts)


@contextlib.contextmanager
def answering(given: str | None = None) -> Iterator[Answering]:
    """Give what is done meanwhile, in threads and tasks too, one id: `given`, or a new one."""
    now = Answering(given or secrets.token_hex(16))
    before = _current.set(now)
    try:
        yield now
    finally:
        now.over = True
        _current.reset(before)


def tell(event: str, **facts: Any) -> None:
    """Write a line about something that has ended; facts that are None are left out."""
    if _events.isEnabledFor(logging.INFO):
        _events.info(event, extra={"facts": facts})


class JsonLines(logging.Formatter):
    """Makes a line of JSON of a record: time in UTC, level, event, the request's id and the facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": at.replace("+00:00", "Z"), "level": record.levelname.lower()}
        if record.name == _events.name:
            line |= {"event": record.msg, **getattr(record, "facts", {})}
        else:
            line |= {"event": "log", "logger": record.name, "at": f"{record.module}:{record.lineno}"}
            line["request"] = request_id()
            if record.name.partition(".")[0] in _OWN:
                line["message"] = _text(record)
            if record.exc_info and record.exc_info[1] is not None:
                line |= _error(record.exc_info[1])
        kept = {name: value for name, value in line.items() if value is not None}
        return orjson.dumps(kept, default=lambda value: type(value).__name__).decode()


def _text(record: logging.LogRecord) -> str:
    """Return the text of a record with its numbers; of everything else that is put in, only the kind."""
    given = record.args if isinstance(record.args, tuple) else ()
    shown = tuple(v if isinstance(v, int | float) else f"<{type(v).__name__}>" for v in given)
    try:
        return str(record.msg) % shown
    except (TypeError, ValueError):
        return str(record.msg)


def _error(error: BaseException) -> dict[str, Any]:
    """Return the kind of an error and the way to it; its text may name anything."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    lines = [line for _, line in traceback.walk_tb(error.__traceback__)]
    way = [f"{f.f_globals.get('__name__')}:{line}" for f, line in zip(frames, lines, strict=True)]
    cause = error.__cause__ or error.__context__
    return {"error": type(error).__name__, "cause": cause and type(cause).__name__, "trace": way[-12:]}


def set_up(target: Path) -> None:
    """Write the lines to a file, which may be moved away meanwhile, or to the standard error.

    With a file, warnings stay on the standard error, too, as they are. Raises EmotionError where the file
    can't be written.
    """
    root = logging.getLogger()
    handler: logging.Handler
    if str(target) == STANDARD_ERROR:
        handler = logging.StreamHandler(sys.stderr)
    else:
        try:
            handler = logging.handlers.WatchedFileHandler(target, encoding="utf-8")
        except OSError as error:
            raise EmotionError(
                f"{target} can't be written ({error.strerror}): choose another log."
            ) from error
        plain = logging.StreamHandler(sys.stderr)
        plain.setLevel(logging.WARNING)
        root.addHandler(plain)
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    _events.setLevel(logging.INFO)
