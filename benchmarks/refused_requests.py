"""Requests made to be too much, or to name what is not theirs, sent to the running application."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.process import high_water
from benchmarks.refused import Refused, reset_peak
from benchmarks.serving import Visitor, file_data, running

_SECRET = "teal-otter-2207"
_FORM = {"content-type": "multipart/form-data; boundary=b"}
_JSON = {"content-type": "application/json"}


def raw(base: str) -> socket.socket:
    """Open a plain connection to the application."""
    host, _, port = base.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def foreign(folder: Path) -> dict[str, str]:
    """Make what a visitor may not name, and give its names: a file, a pipe, a socket, a link, and so on."""
    folder.mkdir(exist_ok=True)
    (folder / "notes.mp4").write_text(_SECRET * 50)
    os.mkfifo(folder / "pipe.mp4")
    (folder / "link.mp4").symlink_to(folder / "notes.mp4")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket.mp4"))
    names = {"file": "notes.mp4", "pipe": "pipe.mp4", "link": "link.mp4", "socket": "socket.mp4"}
    named = {kind: str(folder / name) for kind, name in names.items()}
    return named | {"folder": str(folder), "device": "/dev/zero", "address": "http://127.0.0.1:9/a.mp4"}


def _post(body: bytes, headers: dict[str, str], where: str = "queue/join") -> Callable[[Visitor], str]:
    def send(visitor: Visitor) -> str:
        answer = visitor.web.post(f"/gradio_api/{where}", content=body, headers=headers)
        return f"{answer.status_code} {answer.text[:80]}"

    return send


def _header(visitor: Visitor) -> str:
    said = b""
    with raw(visitor.base) as line, contextlib.suppress(ConnectionError):
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        for number in range(2000):
            line.sendall(b"X-%d: " % number + b"y" * 50_000 + b"\r\n")
        said = line.recv(100)
    return said.partition(b"\r\n")[0].decode() or "cut off"


def _endless(visitor: Visitor) -> str:
    def pieces() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
        for _ in range(60):
            yield os.urandom(1_000_000)

    answer = visitor.web.post("/gradio_api/upload", content=pieces(), headers=_FORM)
    return f"{answer.status_code} {answer.text[:80]}"


def _socket(path: str, pieces: int, size: int) -> Callable[[Visitor], str]:
    def send(visitor: Visitor) -> str:
        address = visitor.base.replace("http", "ws", 1) + path
        piece = b"x" * size
        try:
            with connect(address, origin=Origin(visitor.base), max_size=None) as line:
                line.send(piece if pieces == 1 else (piece for _ in range(pieces)))
                line.recv(timeout=20)
                line.recv(timeout=20)
        except (ConnectionClosed, ConnectionError, TimeoutError) as closed:
            return str(closed)
        return ""

    return send


REQUESTS: dict[str, Callable[[Visitor], str]] = {
    "100 MB of headers": _header,
    "2 MB of JSON": _post(b'{"data":"' + b"x" * 2_000_000 + b'"}', _JSON),
    "40 MB of JSON": _post(b'{"data":"' + b"x" * 40_000_000 + b'"}', _JSON),
    "JSON of 290,000 levels": _post(b"[" * 290_000, _JSON),
    "JSON of 90,000 lists": _post(b"[" + b"[]," * 90_000 + b"[]]", _JSON),
    "text field of 15 MB in an upload": _post(
        b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\n' + b"x" * 15_000_000, _FORM, "upload"
    ),
    "upload of 60 MB where 20 are allowed": _endless,
    "dashboard message of 50 MB": _socket("/dashboard/_stcore/stream", 1, 50_000_000),
    "dashboard message of 100,000 pieces": _socket("/dashboard/_stcore/stream", 100_000, 0),
    "live message of 50 MB": _socket("/live?ticket=x", 1, 50_000_000),
}
"""Requests that must be refused, and how each is sent; the answer is what was said."""


def measure_requests(folder: Path) -> Iterator[Refused]:
    """Send each of `REQUESTS`, and requests that name what is not theirs, to the application."""
    with running("--visitor-gigabytes", "0.02") as (base, app):
        visitor = Visitor(base)
        for _ in range(3):
            visitor.web.get("/")
        time.sleep(5)  # the weights load meanwhile
        for kind, send in REQUESTS.items():
            before = reset_peak(app.pid)
            start = time.perf_counter()
            said = send(visitor)
            yield Refused(kind, said, high_water(app.pid) - before, time.perf_counter() - start)
        for kind, named in foreign(folder / "foreign").items():
            handler, data = visitor.analysis([file_data(named)])
            body = {"fn_index": handler, "data": data, "session_hash": "s"}
            before = reset_peak(app.pid)
            start = time.perf_counter()
            answer = visitor.web.post("/gradio_api/queue/join", json=body)
            seconds = time.perf_counter() - start
            if _SECRET in answer.text:
                raise RuntimeError(f"naming a {kind} gave its contents away")
            said = f"{answer.status_code} {answer.text}"
            yield Refused(f"request that names a {kind}", said, high_water(app.pid) - before, seconds)
        begun = time.perf_counter()
        app.terminate()
        app.wait(30)
        yield Refused("SIGTERM after all this", f"exit code {app.returncode}", 0, time.perf_counter() - begun)
