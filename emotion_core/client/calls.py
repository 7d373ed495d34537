"""What both clients say and understand: calls, their answers, and what an error means."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from emotion_core.streaming import PROTOCOL
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    import httpx

TIMEOUT = 120.0
"""Seconds that an answer may take."""
TRIES = 4
"""How often a call is made that may be repeated, or that the server asks to make later."""
MOST_WAIT = 60
"""Seconds that a client waits because the server asks it to; longer ones become an error."""
PART_BYTES = 8_000_000
"""Bytes of one part of a large file."""
LARGE = 64_000_000
"""Files from this size on are sent in parts, so that a broken connection costs one part."""
MOST_MISSING = 120
"""Times that a server which is gone is looked for, twice a second, while a job is waited for."""

_PART = {"Content-Type": "application/offset+octet-stream"}
_LATER = (429, 503)


@dataclass(frozen=True, slots=True)
class Job:
    """One video or picture that was sent: how far it is, and what was wrong.

    `state` is queued, running, done, partial (it ends early) or failed; `share` of the work that is done is
    in [0, 1], and None where nobody knows, as `seconds_left` is.
    """

    id: str
    name: str
    state: str
    share: float | None
    frames: int
    seconds_left: float | None
    error: str | None
    tries: int
    options: Mapping[str, Any]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Job:
        """Read what the server says of a job."""
        progress, error = said["progress"], said["error"]
        return cls(
            said["id"],
            said["name"],
            said["state"],
            progress["share"],
            progress["frames"],
            progress["seconds_left"],
            error["detail"] if error else None,
            said["tries"],
            said["options"],
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state not in ("queued", "running")

    def checked(self) -> Job:
        """Return the job; raises EmotionError where it has failed."""
        if self.state == "failed":
            raise EmotionError(f"{self.name}: {self.error}")
        return self


@dataclass(frozen=True, slots=True)
class Answer:
    """The faces of one picture of a stream.

    `stamp` is the sender's own, `frame` counts answers from 0, `dropped` the pictures that were overtaken
    since the last one, `milliseconds` are those of the model. A face is a dict with id, box (x, y, width,
    height in pixels), emotion, confidence, probabilities, valence, arousal and uncertain.
    """

    stamp: float | None
    frame: int
    width: int
    height: int
    milliseconds: float
    dropped: int
    faces: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, text: str | bytes) -> Answer:
        """Read an answer; raises EmotionError where the server refuses."""
        said = heard(text)
        return cls(
            said["stamp"],
            said["frame"],
            said["width"],
            said["height"],
            said["ms"],
            said["dropped"],
            tuple(said["faces"]),
        )


def heard(text: str | bytes) -> dict[str, Any]:
    """Read a message of a stream; raises EmotionError for a refusal."""
    said: dict[str, Any] = json.loads(text)
    if said["type"] == "refused":
        raise EmotionError(said["error"]["detail"])
    return said


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what may become of its answer."""

    method: str
    path: str
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def again(self) -> bool:
        """Whether a second one does no harm where nobody knows what became of the first."""
        return self.method in ("GET", "HEAD", "DELETE") or "Idempotency-Key" in self.given.get("headers", {})

    def wait(self, answer: httpx.Response) -> float | None:
        """Return the seconds after which the server wants to be asked again; None where it has answered."""
        if answer.status_code not in _LATER:
            return None
        text = answer.headers.get("retry-after", "1")
        seconds = int(text) if text.isdigit() else 1
        return seconds if seconds <= MOST_WAIT else None

    def check(self, answer: httpx.Response) -> httpx.Response:
        """Return the answer; raises EmotionError with the server's line where it is an error."""
        if answer.is_success:
            return answer
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"{answer.status_code} {answer.reason_phrase}"
        raise EmotionError(f"{self.method} {self.path}: {detail}" if self.method else str(detail))


def json_call(source: str, value: str, options: Mapping[str, Any], key: str | None) -> Call:
    """Return the call that has a file of the server analysed: `source` is "library" or "upload"."""
    return Call("POST", "/analyses", {"json": {source: value, **options}, "headers": _key(key)})


@contextmanager
def file_call(path: Path, options: Mapping[str, Any], key: str | None) -> Iterator[Call]:
    """Yield the call that sends a file to be analysed; it is open meanwhile."""
    fields = {name: _text(value) for name, value in options.items()}
    with _opened(path) as file:
        given = {"files": [("file", (path.name, file))], "data": fields, "headers": _key(key)}
        yield Call("POST", "/analyses", given)


@contextmanager
def faces_call(pictures: Sequence[str | os.PathLike[str] | bytes]) -> Iterator[Call]:
    """Yield the call that sends pictures: files, or the bytes of files."""
    with ExitStack() as stack:
        files: list[tuple[str, tuple[str, Any]]] = []
        for number, picture in enumerate(pictures, 1):
            if isinstance(picture, bytes):
                files.append(("file", (f"picture {number}", picture)))
            else:
                path = Path(picture)
                files.append(("file", (path.name, stack.enter_context(_opened(path)))))
        yield Call("POST", "/faces", {"files": files})


def faces_of(said: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the faces of each picture; raises EmotionError for the first that could not be read."""
    for picture in said["pictures"]:
        if picture["error"]:
            raise EmotionError(picture["error"]["detail"])
    return [picture["faces"] for picture in said["pictures"]]


def begin_call(name: str, size: int) -> Call:
    """Return the call that begins an upload in parts."""
    encoded = base64.b64encode(name.encode()).decode()
    return Call(
        "POST",
        "/uploads",
        {"headers": {"Upload-Length": str(size), "Upload-Metadata": f"filename {encoded}"}},
    )


def part_call(id: str, at: int, part: bytes) -> Call:
    """Return the call that sends a part which begins at byte `at`."""
    return Call("PATCH", f"/uploads/{id}", {"content": part, "headers": {**_PART, "Upload-Offset": str(at)}})


def results_call(id: str, face: int | None, start: float | None, end: float | None) -> Call:
    """Return the call for the records of a job."""
    given = {"face": face, "from": start, "to": end}
    params = {name: value for name, value in given.items() if value is not None}
    return Call("GET", f"/analyses/{id}/results", {"params": params})


def file_of(id: str, what: str) -> Call:
    """Return the call for one of a job's files: video, report, summary, or a format of results."""
    if what in ("video", "report", "summary"):
        return Call("GET", f"/analyses/{id}/{what}")
    return Call("GET", f"/analyses/{id}/results", {"params": {"format": what}})


def size_of(path: Path) -> int:
    """Return the bytes of a file; raises EmotionError where there is none."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise EmotionError(f"{path} can't be read ({error.strerror}): check the path") from error


def job_in(line: str) -> Job | None:
    """Return the job that a line of server-sent events holds; None for any other line."""
    said = json.loads(line[6:]) if line.startswith("data: {") else None
    return Job.of(said) if said else None


def http_options(url: str, token: str | None, timeout: float) -> dict[str, Any]:
    """Return what an HTTP client of either kind is made with."""
    return {"base_url": f"{_checked(url)}/api/v1", "headers": _bearer(token), "timeout": timeout}


def stream_url(url: str, *, newest: bool) -> str:
    """Return the address of a stream that reads each picture, or the newest only."""
    return f"{url.rstrip('/')}/api/v1/stream{'' if newest else '?frames=all'}".replace("http", "ws", 1)


def socket_options(token: str | None, timeout: float) -> dict[str, Any]:
    """Return what a WebSocket of either kind is opened with."""
    return {
        "additional_headers": _bearer(token),
        "subprotocols": [PROTOCOL],
        "max_size": None,
        "compression": None,
        "open_timeout": timeout,
    }


def needs(module: str) -> Any:
    """Import what the extra brings; raises EmotionError, which says how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise EmotionError(
            "the client needs more packages: pip install 'emotion-recognition[client]'"
        ) from error


def unreached(url: str, error: BaseException) -> EmotionError:
    """Say that the server did not answer."""
    return EmotionError(f"{url} does not answer ({error or type(error).__name__}): check that it runs")


def _checked(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise EmotionError(f"{url!r} is no address of a server: give one such as http://127.0.0.1:7860")
    return url.rstrip("/")


def _bearer(token: str | None) -> dict[str, str]:
    token = (token or "").strip()  # one that was read from a file often ends in a line's end
    return {"Authorization": f"Bearer {_sendable(token, 'the token')}"} if token else {}


def _key(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": _sendable(key, "the key")} if key else {}


def _sendable(text: str, what: str) -> str:
    """Return what may stand in a header; the message of the error does not hold it, as it may be a secret."""
    if not text.isascii() or not text.isprintable():
        raise EmotionError(f"{what} may hold plain letters, digits and signs (ASCII) only: check it")
    return text


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise EmotionError(f"{path} can't be read ({error.strerror}): check the path") from error
    with file:
        yield file
