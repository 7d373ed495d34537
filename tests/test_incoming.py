"""What a request names, brings and takes, tried on the running application with files that the tests make."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.process import status_mb
from benchmarks.serving import Visitor, file_data, healthy, running
from webapp.shared.gate import NOT_YOURS

SECRET = "violet-heron-4711"
Server = tuple[str, "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--visitor-files", "5", "--visitor-gigabytes", "0.02") as both:
        yield both


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return Visitor(server[0])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.new("RGB", (64, 48), (90, 90, 90)).save(path)
    return path


def _file(folder: Path) -> str:
    path = folder / "notes.mp4"
    path.write_text(SECRET * 50)
    return str(path)


def _pipe(folder: Path) -> str:
    path = folder / "pipe.mp4"
    os.mkfifo(path)
    return str(path)


def _socket(folder: Path) -> str:
    path = folder / "s.mp4"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))
    return str(path)


def _link(folder: Path) -> str:
    path = folder / "link.mp4"
    path.symlink_to(_file(folder))
    return str(path)


FOREIGN: dict[str, Callable[[Path], str]] = {
    "file": _file,
    "pipe": _pipe,
    "socket": _socket,
    "link": _link,
    "folder": str,
    "device": lambda folder: "/dev/zero",
    "camera": lambda folder: "/dev/video0",
    "address": lambda folder: "http://127.0.0.1:9/a.mp4",
    "relative": lambda folder: os.path.relpath(_file(folder)),
    "file address": lambda folder: f"file://{_file(folder)}",
}


def _endpoints(visitor: Visitor, page: str) -> list[tuple[str, dict[str, Any]]]:
    """Give every way of the interface to call a handler for `page`, with a body that lacks its data."""
    calls: list[tuple[str, dict[str, Any]]] = []
    for one in visitor.config["dependencies"]:
        known = {"fn_index": one["id"], "session_hash": page}
        calls.append(("/gradio_api/queue/join", known))
        for way in ("run", "api", "call", "call/v2"):
            calls.append((f"/gradio_api/{way}/{one['api_name']}", known))
    calls += [
        ("/gradio_api/component_server", {"fn_name": "x", "component_id": 1, "session_hash": page}),
        ("/gradio_api/stream/some-event", {"session_hash": page}),
        ("/gradio_api/process_recording", {}),
        ("//gradio_api/queue/join", {"fn_index": 1, "session_hash": page}),
    ]
    return calls


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_a_visitor_did_not_upload_is_refused_everywhere(
    server: Server, visitor: Visitor, kind: str, tmp_path: Path
) -> None:
    named = FOREIGN[kind](tmp_path)
    shapes = ([file_data(named)], [[file_data(named)]], [{"a": [{"path": named}]}], [[named]], [named])
    tried = confined = 0
    start, (_, *others) = visitor.analysis(None)
    # A page of its own: one of another browser would be refused before any file is looked at.
    for address, body in _endpoints(visitor, f"page {kind}"):
        for shape in shapes[:3]:
            more = others if body.get("fn_index") == start else []
            # A handler that waits for the file would run into this time limit.
            answer = visitor.web.post(address, json={**body, "data": [*shape, *more]}, timeout=10)
            assert answer.status_code in (400, 403, 404, 405, 422), (address, answer.text)
            assert SECRET not in answer.text and NOT_YOURS not in answer.text
            tried += 1
            confined += answer.status_code == 403
    assert tried > 100 and confined > 20
    for address in (f"/gradio_api/file={named}", f"/gradio_api/proxy={named}", f"/gradio_api/file/{named}"):
        answer = visitor.web.get(address, timeout=10)
        assert answer.status_code == 404 and SECRET not in answer.text, address
    for shape in shapes[3:]:  # a bare name is no file for any handler
        said = visitor.press(*visitor.analysis(*shape), session=f"bare {kind}")
        assert SECRET not in said and "/result/" not in said
    assert healthy(server[0])


def test_an_upload_belongs_to_the_browser_that_sent_it(server: Server, picture: Path) -> None:
    mine, other = Visitor(server[0]), Visitor(server[0])
    path = mine.upload(picture).json()[0]
    finder = max(d["id"] for d in mine.config["dependencies"] if len(d["inputs"]) == 1 and d["queue"])
    body = {"fn_index": finder, "data": [[file_data(path)]], "session_hash": "mine"}
    theirs = {**body, "session_hash": "theirs"}  # a page belongs to one browser too
    for one in (mine, other):  # nobody fetches an upload back
        assert one.web.get(f"/gradio_api/file={path}").status_code == 404
    assert other.web.post("/gradio_api/queue/join", json=theirs).status_code == 403
    aside = {**theirs, "data": [[file_data(f"{Path(path).parent}/../../uploads/x/../{path}")]]}
    assert other.web.post("/gradio_api/queue/join", json=aside).status_code == 403
    assert mine.web.post("/gradio_api/queue/join", json=body).status_code == 200
    # Who sends the same file has it too.
    assert other.upload(picture).json() == [path]
    assert other.web.post("/gradio_api/queue/join", json=theirs).status_code == 200


def test_uploads_of_one_visitor_are_bounded_and_the_page_says_so(
    server: Server, visitor: Visitor, tmp_path: Path
) -> None:
    paths = []
    for number in range(12):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(os.urandom(3_000_000))
        paths.append(Path(visitor.upload(path).json()[0]))
    there = [path.exists() for path in paths]
    assert there == [False] * 7 + [True] * 5  # 0.02 GB would hold six, five is the limit
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(9_000_000))
    paths.append(Path(visitor.upload(big).json()[0]))
    assert sum(path.stat().st_size for path in paths if path.exists()) <= 20_000_000
    visitor.web.headers["accept-language"] = "de"
    said = visitor.press(*visitor.analysis([file_data(paths[-1])]), session="room")
    assert "ältere" in said.encode().decode("unicode_escape", "replace") or "älteren Uploads" in said


def test_an_upload_beyond_all_room_is_refused_and_leaves_nothing(server: Server, visitor: Visitor) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
        for _ in range(40):
            yield os.urandom(1_000_000)

    kind = {"content-type": "multipart/form-data; boundary=b"}
    assert visitor.web.post("/gradio_api/upload", content=endless(), headers=kind).status_code == 413
    with _raw(server[0]) as line:
        line.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n"
        )
        line.sendall(b"Content-Type: multipart/form-data; boundary=b\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 413")
    left = list(Path("/tmp").glob(f"emotion-app-{server[1].pid}-*/uploads/tmp*"))
    assert left == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"[" * 290_000, "application/json", 400),
        (b'{"a":' * 50_000, "application/json", 400),
        (b'{"data": "' + b"x" * 2_000_000 + b'"}', "application/json", 413),
        (b"\xff\xfe{}", "application/json", 400),
        (b"[" + b"[]," * 90_000 + b"[]]", "application/json", 400),
        (b"username=" + b"x" * 2_000_000, "application/x-www-form-urlencoded", 413),
    ],
    ids=["deep list", "deep object", "long", "no text", "many lists", "long form"],
)
def test_bodies_that_are_refused_take_little_memory(
    server: Server, visitor: Visitor, body: bytes, kind: str, status: int
) -> None:
    before = status_mb(server[1].pid)
    for _ in range(5):
        answer = visitor.web.post("/gradio_api/queue/join", content=body, headers={"content-type": kind})
        assert answer.status_code == status
    assert status_mb(server[1].pid, "VmRSS") < before + 100
    assert healthy(server[0])


def test_an_endless_text_field_of_an_upload_is_refused(server: Server, visitor: Visitor) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\n'
    kind = {"content-type": "multipart/form-data; boundary=b"}
    before = status_mb(server[1].pid)
    answer = visitor.web.post("/gradio_api/upload", content=head + b"x" * 15_000_000, headers=kind)
    assert answer.status_code == 400 and status_mb(server[1].pid) < before + 100


def _raw(base: str) -> socket.socket:
    host, _, port = base.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def _cut_off(line: socket.socket, drip: bytes) -> bytes:
    """Send `drip` again and again; gives what the server said before it hung up."""
    line.settimeout(1.0)
    said = b""
    for _ in range(90):
        try:
            piece = line.recv(1000)
        except TimeoutError:
            line.sendall(drip)
            continue
        except ConnectionError:
            return said
        said += piece
        if not piece:
            return said
    raise AssertionError("the server is still listening")


def test_slow_headers_and_bodies_are_cut_off_and_others_are_served_meanwhile(server: Server) -> None:
    lines = [_raw(server[0]) for _ in range(20)]
    with _raw(server[0]) as headers, _raw(server[0]) as body:
        headers.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        body.sendall(
            b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n"
        )
        assert healthy(server[0])
        assert _cut_off(headers, b"X: y\r\n") == b""
        with contextlib.suppress(BrokenPipeError):
            assert _cut_off(body, b" ").startswith(b"HTTP/1.1 408")
    for line in lines:  # those who said nothing at all
        assert _cut_off(line, b"") == b""
        line.close()


def test_long_headers_and_messages_end_the_connection(server: Server) -> None:
    with _raw(server[0]) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 60_000)
        assert line.recv(1000).startswith(b"HTTP/1.1 4")
    address = server[0].replace("http", "ws", 1) + "/dashboard/_stcore/stream"
    with connect(address, origin=Origin(server[0]), max_size=None) as live:
        with pytest.raises(ConnectionClosed) as closed:
            live.send(b"x" * 5_000_000)
            live.recv(timeout=20)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
    assert healthy(server[0])
