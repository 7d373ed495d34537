"""Objects in the web app: nothing is downloaded before a visitor has agreed, however it is asked for."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import WebSocketTestSession

from emotion_core import objects
from emotion_core.types import EmotionError
from tests.batches import analyse_batch
from tests.test_objects import answer as boxes
from tests.test_objects import archive, tiny_model
from tests.test_webapp_live import Door, frame_of
from webapp.live.socket import LiveServer
from webapp.settings import Settings
from webapp.shared import store
from webapp.shared.engine import Engine
from webapp.shared.i18n import LANGUAGES, Text
from webapp.shared.jobs import Jobs
from webapp.shared.object_model import ObjectModel, facts
from webapp.video.batch import Batch, VideoOptions, items_of


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no npm, and on this machine, where the registry would be, a model that sees a cup."""
    model = tiny_model(tmp_path / "m.onnx", boxes((32, 32, 16, 16, 0, 0.9)), names="{0:'cup',1:'b',2:'c'}")
    package = tmp_path / "package.tgz"
    package.write_bytes(archive(model.read_bytes()))
    monkeypatch.setattr(objects, "TARBALL", package.as_uri())
    monkeypatch.setattr(objects, "DEFAULT_SHA256", hashlib.sha256(model.read_bytes()).hexdigest())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EMOTION_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_names_model_size_licence_and_host(language: str) -> None:
    asked = Text(language)("objects.ask", **facts())
    assert all(fact in asked for fact in ("YOLOv8n", "12.8 MB", "AGPL-3.0", "registry.npmjs.org"))


def test_the_detector_is_fetched_by_agreement_only(cache: Path) -> None:
    model = ObjectModel(Settings())
    assert model.is_missing()
    with pytest.raises(EmotionError):
        model.detector()
    assert not cache.exists()
    model.fetch().result(60)
    assert not model.is_missing() and cache.is_dir()
    assert [found.label for found in model.detector()(np.zeros((64, 64, 3), np.uint8))] == ["cup"]


def test_a_download_that_fails_can_be_tried_again_and_one_that_is_over_leaves_no_thread(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, there, before = ObjectModel(Settings()), objects.TARBALL, set(threading.enumerate())
    monkeypatch.setattr(objects, "TARBALL", (cache.parent / "gone.tgz").as_uri())
    with pytest.raises(EmotionError, match="could not be fetched"):
        model.fetch().result(60)
    monkeypatch.setattr(objects, "TARBALL", there)
    model.fetch().result(60)
    model.close()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("off", [True, False])
def test_where_objects_are_off_or_brought_along_there_is_nothing_to_ask(cache: Path, off: bool) -> None:
    settings = Settings(objects=False) if off else Settings(objects_model=cache.parent / "m.onnx")
    model = ObjectModel(settings)
    assert not model.is_missing()
    model.fetch().result(60)
    assert not cache.exists()


@pytest.fixture
def door(cache: Path) -> Iterator[Door]:
    space = store.Workspace(keep_minutes=5)
    opened = Door(LiveServer(Engine(Settings()), Settings()))
    with opened.client:
        yield opened
    space.close()


def until(socket: WebSocketTestSession, kind: str) -> dict[str, Any]:
    """Give the next message of a kind; what comes before it is passed over."""
    while (message := json.loads(socket.receive_text()))["type"] != kind:
        assert message["type"] != "refused", message
    return dict(message)


@pytest.mark.weights
def test_the_live_view_asks_first_and_fetches_for_no_other_answer(
    door: Door, cache: Path, astronaut: np.ndarray
) -> None:
    wish = {"type": "config", "smoothing": 5, "threshold": 0, "objects": True}
    with door.view() as socket:
        until(socket, "ready")
        for other in ({}, {"agreed": False}, {"agreed": "true"}, {"agreed": 1}, {"agreed": None}):
            socket.send_json({"type": "fetch-objects", **other})
        socket.send_json(wish)
        # The search runs beside the pictures, and its end is told after one of them.
        for number in range(60):
            socket.send_bytes(frame_of(astronaut, number))
            if (asked := json.loads(socket.receive_text()))["type"] == "objects":
                break
            time.sleep(0.02)
        assert asked["state"] == "ask" and asked["facts"] == facts()
        assert not cache.exists()
        socket.send_json({"type": "fetch-objects", "agreed": True})
        assert until(socket, "objects")["state"] == "fetching"
        assert until(socket, "objects")["state"] == "ready"
        socket.send_json(wish)
        for number in range(100, 160):
            socket.send_bytes(frame_of(astronaut, number))
            if "objects" in (found := until(socket, "faces")):
                break
        assert [thing["label"] for thing in found["objects"]] == ["cup"]


@pytest.mark.weights
def test_a_video_is_analysed_without_objects_that_nobody_agreed_to(
    cache: Path, workspace: store.Workspace, talking_clip: Path
) -> None:
    upload = workspace.uploads / talking_clip.name
    upload.write_bytes(talking_clip.read_bytes())
    text, jobs = Text("en"), Jobs()
    batch = Batch(items_of([upload], text), VideoOptions(objects=True), text)
    for _ in analyse_batch(batch, jobs.begin("me"), Engine(Settings()), Settings(), lambda paths: None):
        pass
    assert batch.items[0].state == "done" and batch.notices == [text("error.objects")]
    assert not cache.exists()
