"""The log for machines: one line of JSON for what has happened, and nothing in it about anybody."""

import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from emotion_core.client import Client
from emotion_core.types import EmotionError
from tests.serving import GUEST, LAB, serving
from webapp.settings import Settings
from webapp.shared import logs
from webapp.shared.access import rule_of


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def waited_for(path: Path, event: str, count: int = 1) -> list[dict[str, Any]]:
    """Give the lines of an event, once there are as many as expected."""
    until = time.monotonic() + 60
    while len(found := [line for line in lines_of(path) if line["event"] == event]) < count:
        assert time.monotonic() < until, lines_of(path)
        time.sleep(0.1)
    return found


@pytest.mark.weights
def test_a_running_server_tells_what_it_did_and_of_nobody(
    root: Path, tmp_path: Path, talking_clip: Path, astronaut_path: Path
) -> None:
    clip = tmp_path / "private-name.mp4"
    shutil.copy(talking_clip, clip)
    log = tmp_path / "log.ndjson"
    with serving(root, tmp_path, "--log", str(log), "--proxies", "127.0.0.1") as server:
        with Client(server.url, LAB) as client:
            job = client.analyze(clip, video=False)
            client.results(job.id)
            (answer,) = client.stream([(_jpeg(astronaut_path), 1.0)])
            bad = tmp_path / "secret-note.mp4"
            bad.write_text("no video, but long enough to be looked at")
            with pytest.raises(EmotionError):
                client.submit(bad)
        with server.client() as lab:
            refused = lab.get("/analyses/private-id")
            named = lab.get(
                "/model", headers={"x-request-id": "balancer-0123456789", "x-forwarded-for": "203.0.113.9"}
            )
            assert named.headers["x-request-id"] == "balancer-0123456789"
            assert len(lab.get("/model", headers={"x-request-id": "a b"}).headers["x-request-id"]) == 32
            assert lab.request("SNOOP", "/model").status_code == 405
        with server.client(None) as stranger:
            assert stranger.get("/model").status_code == 401
        assert httpx.get(f"{server.url}/result/abc/private-name.html").status_code == 401
        with (
            pytest.raises(Exception, match="403"),
            connect(server.url.replace("http", "ws", 1) + "/live?ticket=secret"),
        ):
            pass
        waited_for(log, "socket", 2)
    every = lines_of(log)
    text = log.read_text("utf-8")
    for word in (
        "private",
        "secret",
        "127.0.0.1",
        "203.0.113.9",
        LAB,
        GUEST,
        "lab-token",
        job.id,
        str(tmp_path),
    ):
        assert word not in text, word
    assert [line["event"] for line in every][:1] == ["start"] and every[-1]["event"] == "stop"
    by_id = {line["request"]: line for line in every if "request" in line}
    said = by_id[refused.headers["x-request-id"]]
    assert refused.json()["request_id"] == said["request"]
    assert (said["route"], said["status"], said["method"]) == ("/api/v1/analyses/{id}", 404, "GET")
    assert by_id["balancer-0123456789"]["route"] == "/api/v1/model"
    sent, failed = (line for line in every if line.get("method") == "POST")
    assert (sent["status"], failed["status"]) == (202, 422)
    (done,) = (line for line in every if line["event"] == "job")
    assert (done["job"], done["state"], done["frames"], done["tries"]) == (sent["job"], "done", 50, 1)
    stream, closed = (line for line in every if line["event"] == "socket")
    assert (stream["route"], stream["frames"], stream["status"]) == ("/api/v1/stream", 1, 101)
    assert answer.faces and stream["model_ms"] > 0 and closed["status"] == 403 and closed["route"] == "/live"
    assert {line["method"] for line in every if line["event"] == "request"} <= {"GET", "POST", "other"}


def _jpeg(path: Path) -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.open(path).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def formatted(logger: str, text: str, *given: object, error: BaseException | None = None) -> dict[str, Any]:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(logger, logging.WARNING, "/home/ada/a.py", 7, text, given, info)
    return dict(json.loads(logs.JsonLines().format(record)))


def test_of_other_records_only_numbers_and_kinds_are_told() -> None:
    said = formatted(
        "webapp.x", "%s can't be read for %d seconds: %s", Path("/home/ada/x"), 3, EmotionError("ada")
    )
    assert said["message"].endswith("Path> can't be read for 3 seconds: <EmotionError>")
    assert formatted("webapp.x", "%d of them", "ada")["message"] == "%d of them"
    assert "message" not in formatted("other", "ada's file")
    try:
        try:
            raise FileNotFoundError("/home/ada/x")
        except FileNotFoundError as cause:
            raise ValueError("ada") from cause
    except ValueError as caught:
        said = formatted("other", "it failed", error=caught)
    assert (said["error"], said["cause"]) == ("ValueError", "FileNotFoundError")
    assert "test_logs:" in said["trace"][-1] and "ada" not in json.dumps(said)


def test_a_request_has_one_id_and_what_it_started_has_none_after_it() -> None:
    import contextvars

    assert logs.request_id() is None
    with logs.answering() as now:
        context = contextvars.copy_context()
        logs.note(frames=3)
        assert logs.request_id() == now.id == context.run(logs.request_id) and now.facts == {"frames": 3}
    assert context.run(logs.request_id) is None and logs.request_id() is None
    logs.note(frames=4)
    context.run(logs.note, frames=5)
    assert now.facts == {"frames": 3}


def test_a_rule_names_no_address() -> None:
    for path in (
        "/result/abc/ada.html",
        "/gradio_api/file=/home/ada",
        "/api/v1/analyses/ada",
        "/ada",
        "/open/ada",
    ):
        assert "ada" not in rule_of(path) and rule_of(path).endswith("*")
    assert rule_of("/") == "/" and rule_of("/live") == "/live"


def test_a_log_that_cannot_be_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(EmotionError, match="create it first"):
        Settings(log=tmp_path / "none" / "log")
    with pytest.raises(EmotionError, match="choose another log"):
        logs.set_up(tmp_path)
