"""The live view's WebSocket with real weights: viewers, recordings, and what ends a view."""

import asyncio
import errno
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession

from emotion_core.labels import EMOTIONS
from emotion_core.results.formats import FORMATS, usual
from emotion_core.types import Frame
from tests.test_webapp_live_state import face, jpeg
from webapp.live import recorder as live_record
from webapp.live.socket import WORKERS, LiveServer
from webapp.live.tab import html
from webapp.settings import Settings
from webapp.shared import store
from webapp.shared.engine import Engine
from webapp.shared.visitor import NOBODY

PATIENCE = 120  # seconds, for machines that are busy with something else


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = Engine(Settings())
    engine.recognizer.classify([np.zeros((96, 96, 3), np.uint8)])  # the first answer takes longest
    return engine


@pytest.fixture
def server(engine: Engine) -> Iterator[LiveServer]:
    space = store.Workspace(keep_minutes=5)
    yield LiveServer(engine, Settings(max_viewers=2, idle_seconds=20))
    space.close()


class Door:
    """Where viewers come in, and leave as browsers do: the server is done with them when the block ends.

    A bare `websocket_connect` of the test client cancels the server's side at once when its block ends, in
    the middle of whatever it does, as no real server does with a viewer who leaves.
    """

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.ended: dict[str, threading.Event] = {}
        app = FastAPI()
        app.add_api_websocket_route("/live", self._live)
        self.client = TestClient(app)

    async def _live(self, socket: WebSocket) -> None:
        try:
            await self.server.serve(socket)
        finally:
            self.ended[socket.query_params["ticket"]].set()

    @contextmanager
    def view(self, ticket: str | None = None, **headers: str) -> Iterator[WebSocketTestSession]:
        ticket = ticket or self.server.tickets.give(NOBODY, consent=True) or ""
        ended = self.ended[ticket] = threading.Event()
        with self.client.websocket_connect(f"/live?ticket={ticket}", headers=headers) as socket:
            yield socket
            socket.close()
            assert ended.wait(PATIENCE)


@pytest.fixture
def door(server: LiveServer) -> Iterator[Door]:
    opened = Door(server)
    with opened.client:
        yield opened


def frame_of(image: np.ndarray, number: int) -> bytes:
    return struct.pack(">I", number) + jpeg(image)


def answer(socket: Any, kind: str) -> dict[str, Any]:
    """Give the next message of a kind; others on the way are passed over."""
    for _ in range(50):
        message: dict[str, Any] = socket.receive_json()
        if message["type"] == kind:
            return message
    raise AssertionError(f"no {kind}")


@pytest.mark.weights
def test_a_viewer_sees_their_face(door: Door, server: LiveServer, astronaut: np.ndarray) -> None:
    with door.view() as socket:
        ready = answer(socket, "ready")
        assert ready["labels"] == list(EMOTIONS) and ready["colors"]["Happy"] == "#F0B400"
        socket.send_bytes(frame_of(astronaut, 41))
        message = answer(socket, "faces")
        assert message["seq"] == 41
        (found,) = message["faces"]
        x, y, width, height = found["box"]
        assert x < 224 < x + width and y < 110 < y + height  # the astronaut's nose
        assert "lm" not in found
        socket.send_json({"type": "config", "smoothing": 1, "threshold": 0.999, "landmarks": True})
        socket.send_bytes(frame_of(astronaut, 42))
        (found,) = answer(socket, "faces")["faces"]
        assert found["u"] == 1 and len(found.get("lm", [0] * 100)) == 100
    assert server.viewers == set()


@pytest.mark.weights
def test_two_viewers_share_nothing(door: Door, astronaut: np.ndarray) -> None:
    empty = np.full((240, 320, 3), 90, np.uint8)
    with (
        door.view() as one,
        door.view() as two,
    ):
        answer(one, "ready"), answer(two, "ready")
        for number in range(4):
            one.send_bytes(frame_of(astronaut, number))
            two.send_bytes(frame_of(empty, 100 + number))
            seen, nothing = answer(one, "faces"), answer(two, "faces")
            assert seen["seq"] == number and [f["id"] for f in seen["faces"]] == [1]
            assert nothing["seq"] == 100 + number and nothing["faces"] == []
        # A third is told that the server is full; the two go on.
        with door.view() as three:
            assert answer(three, "refused")["reason"] == "full"
        one.send_bytes(frame_of(astronaut, 9))
        assert answer(one, "faces")["seq"] == 9
    with door.view() as again:
        answer(again, "ready")  # a place became free


@pytest.mark.weights
def test_of_pictures_that_pile_up_only_the_newest_is_looked_at(
    door: Door, server: LiveServer, astronaut: np.ndarray
) -> None:
    with door.view() as socket:
        answer(socket, "ready")
        free = threading.Event()
        for _ in range(WORKERS):
            server._worker.submit(free.wait, PATIENCE)  # busy with somebody else's pictures
        for number in range(30):
            socket.send_bytes(frame_of(astronaut, number))
        socket.send_json({"type": "forget"})
        answer(socket, "baseline")  # so all that was sent before has come in
        free.set()
        seen = [answer(socket, "faces")["seq"]]
        while seen[-1] != 29:
            seen.append(answer(socket, "faces")["seq"])
        assert len(seen) <= 2  # one that was already in line, and the newest; the others were dropped


@pytest.mark.weights
def test_recording_keeps_results_and_no_picture(door: Door, astronaut: np.ndarray) -> None:
    with door.view() as socket:
        answer(socket, "ready")
        socket.send_json({"type": "record", "on": True})
        assert answer(socket, "recording")["state"] == "started"
        for number in range(5):
            socket.send_bytes(frame_of(astronaut, number))
            answer(socket, "faces")
        socket.send_json({"type": "record", "on": False})
        saved = answer(socket, "recording")
        assert saved["state"] == "saved"
        assert [f["kind"] for f in saved["files"]] == [*usual(), "summary", "report"]
        assert "parquet" in usual()
        token = saved["files"][0]["url"].split("/")[1]
        assert saved["dashboard"] == f"dashboard/?result={token}"
        folder = store.folder_of(token)
        assert folder is not None
        records = json.loads((folder / saved["files"][0]["name"]).read_text())
        assert [r["frame"] for r in records] == [0, 1, 2, 3, 4]
        assert records[0]["time"] == 0.0 and list(records[0])[:5] == [
            "frame", "emotion", "confidence", "valence", "arousal",
        ]  # fmt: skip
        endings = {FORMATS[name].endings[0] for name in usual()}
        assert {p.suffix for p in folder.iterdir()} == {".html", *endings}
        socket.send_json({"type": "record", "on": True})
        answer(socket, "recording")
        socket.send_json({"type": "record", "on": False})
        assert answer(socket, "recording")["state"] == "empty"


@pytest.mark.weights
def test_the_picture_goes_on_while_a_recording_is_saved(
    door: Door, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    real = live_record.write_report

    def slowly(path: Path, *rest: Any) -> Path:
        assert free.wait(PATIENCE)
        return real(path, *rest)

    monkeypatch.setattr(live_record, "write_report", slowly)
    with door.view() as socket:
        begin_recording(socket, astronaut, 0)
        socket.send_json({"type": "record", "on": False})
        for number in range(1, 5):
            socket.send_bytes(frame_of(astronaut, number))
            assert answer(socket, "faces")["seq"] == number
        free.set()
        assert answer(socket, "recording")["state"] == "saved"


@pytest.mark.weights
def test_a_recording_that_can_not_be_saved_says_so_and_the_picture_goes_on(
    door: Door, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Path:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(live_record, "write_report", full)
    with door.view() as socket:
        begin_recording(socket, astronaut, 0)
        socket.send_json({"type": "record", "on": False})
        assert answer(socket, "recording")["state"] == "failed"
        socket.send_bytes(frame_of(astronaut, 1))
        answer(socket, "faces")
    assert files_left() == []


def begin_recording(socket: Any, picture: np.ndarray, number: int) -> None:
    """Wait for the view, start a recording, and have one picture read for it."""
    answer(socket, "ready")
    socket.send_json({"type": "record", "on": True})
    answer(socket, "recording")
    socket.send_bytes(frame_of(picture, number))
    answer(socket, "faces")


def files_left() -> list[Path]:
    root = store.root()
    assert root is not None
    return list(root.rglob("*"))


@pytest.mark.weights
def test_leaving_while_recording_leaves_no_file(door: Door, astronaut: np.ndarray) -> None:
    with door.view() as socket:
        begin_recording(socket, astronaut, 1)
        assert files_left()
    assert files_left() == []


def test_a_recording_given_up_while_its_report_is_written_leaves_no_file(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = live_record.LiveRecorder(60, EMOTIONS)
    recorder.append(Frame(np.zeros((90, 90, 3), np.uint8), 0, 0.0), [face()])
    real = live_record.write_report

    def slowly(path: Path, *rest: Any) -> Path:
        report = real(path, *rest)
        recorder.discard()
        report.parent.mkdir()
        report.touch()
        return report

    monkeypatch.setattr(live_record, "write_report", slowly)
    recorder.finish({})
    assert files_left() == []


@pytest.mark.weights
@pytest.mark.parametrize("saving", [False, True])
def test_a_view_that_is_cut_off_while_recording_leaves_no_file(
    server: LiveServer, astronaut: np.ndarray, saving: bool
) -> None:
    """As when the server is stopped: the task is cancelled, and cancelled again while it cleans up."""
    sent: asyncio.Queue[Any] = asyncio.Queue()
    told: asyncio.Queue[Any] = asyncio.Queue()
    query = f"ticket={server.tickets.give(NOBODY, consent=True)}".encode()
    scope = {"type": "websocket", "path": "/live", "headers": [], "query_string": query}
    free = threading.Event()

    async def until(kind: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while f'"type":"{kind}"' not in (await told.get()).get("text", ""):
                pass

    async def cut_off() -> None:
        task = asyncio.create_task(server.serve(WebSocket(scope, sent.get, told.put)))
        sent.put_nowait({"type": "websocket.connect"})
        await until("ready")
        sent.put_nowait({"type": "websocket.receive", "text": '{"type": "record", "on": true}'})
        await until("recording")
        sent.put_nowait({"type": "websocket.receive", "bytes": frame_of(astronaut, 1)})
        await until("faces")
        assert files_left()
        server._side.submit(free.wait, PATIENCE)  # nothing that waits in line for this thread gets done
        if saving:
            sent.put_nowait({"type": "websocket.receive", "text": '{"type": "record", "on": false}'})
            (viewer,) = server.viewers
            while viewer.recorder is not None:
                await asyncio.sleep(0.01)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        with suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(cut_off())
    finally:
        free.set()
    assert files_left() == [] and server.viewers == set()


@pytest.mark.weights
@pytest.mark.parametrize("data", [b"\0\0\0\1" + b"no jpeg" * 20, b"\0", b"\0\0\0\1" + bytes(1_600_000)])
def test_what_is_no_picture_ends_the_view_with_a_reason(door: Door, server: LiveServer, data: bytes) -> None:
    with door.view() as socket:
        answer(socket, "ready")
        socket.send_bytes(data)
        assert answer(socket, "refused")["reason"] == "picture"
    assert server.viewers == set()


@pytest.mark.weights
def test_commands_that_make_no_sense_are_ignored(door: Door, astronaut: np.ndarray) -> None:
    with door.view() as socket:
        answer(socket, "ready")
        odd = ("{", "[]", "3", '"x"', "{}", "[" * 1900, '{"type":' * 230, '{"type": "launch"}')
        for text in (*odd, '{"type": "config", "smoothing": -3}', '{"type": "config", "smoothing": 1e999}'):
            socket.send_text(text)
        socket.send_json({"type": "calibrate", "face": None})
        assert answer(socket, "baseline")["state"] == "noface"
        socket.send_bytes(frame_of(astronaut, 5))
        assert answer(socket, "faces")["seq"] == 5


def test_no_ticket_no_view(door: Door) -> None:
    with door.view("guess") as socket:
        assert answer(socket, "refused")["reason"] == "ticket"


@pytest.mark.weights
def test_a_viewer_who_says_nothing_is_let_go(engine: Engine, tmp_path: Path) -> None:
    server = LiveServer(engine, Settings(idle_seconds=5))
    object.__setattr__(server.settings, "idle_seconds", 0.3)  # below what the flag allows
    door = Door(server)
    with door.client, door.view() as socket:
        answer(socket, "ready")
        assert answer(socket, "refused")["reason"] == "idle"
    assert server.viewers == set()


@pytest.mark.weights
def test_readings_go_where_the_operator_sends_them_and_the_page_says_so(
    engine: Engine, astronaut: np.ndarray
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE)
        settings = Settings(send=(f"udp://127.0.0.1:{receiver.getsockname()[1]}",))
        assert "live.consent.sent" in html(settings) and "live.consent.sent" not in html(Settings())
        opened, before = Door(LiveServer(engine, settings)), time.time()
        with opened.client:
            for number in (1, 2):
                with opened.view() as view:
                    view.send_bytes(frame_of(astronaut, 1))
                    answer(view, "faces")
                    record = json.loads(receiver.recv(65535))
                    assert record["viewer"] == number and record["emotion"] == "Happy"
                    assert before <= record["at"] <= time.time()
        opened.server.sending.close()
