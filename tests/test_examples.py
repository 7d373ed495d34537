"""The examples to try the app with: small, said whose they are, made again by the script, and with faces."""

import runpy
from html import escape
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from emotion_core.recognizer import Recognizer
from emotion_core.session import Session
from emotion_core.video.reader import frames
from webapp.shared import examples, i18n
from webapp.shared.examples import EXAMPLES, FOLDER

FACES = {"zoom.mp4": 1, "pair.mp4": 2, "dim.mp4": 1, "collins.jpg": 1, "hopper.jpg": 1, "together.jpg": 2}


def pictures(path: Path, every: int = 50) -> list[np.ndarray]:
    """A picture, or every so many frames of a clip."""
    if path.suffix == ".jpg":
        return [np.asarray(Image.open(path).convert("RGB"))]
    with frames(path) as reader:
        return [frame.image for frame in reader if frame.index % every == 0]


def test_they_are_few_small_and_said_whose_they_are() -> None:
    files = {path.name for path in FOLDER.iterdir()} - {"README.md"}
    assert files == set(FACES) == {example.name for example in EXAMPLES}
    assert sum((FOLDER / name).stat().st_size for name in files) < 600_000
    said = (FOLDER / "README.md").read_text("utf-8")
    assert all(name in said for name in files) and said.count("public domain: ") == 2


def test_the_script_makes_them(root: Path) -> None:
    pytest.importorskip("skimage")
    pytest.importorskip("matplotlib")
    script = runpy.run_path(str(root / ".ci" / "examples.py"))
    photographs = [script["photograph"](name) for name in ("collins", "hopper")]
    made = {f"{name}.jpg": [np.asarray(i)] for name, i in script["pictures"](*photographs).items()}
    for name in script["CLIPS"]:
        made[f"{name}.mp4"] = [script["frame"](name, number, *photographs) for number in (0, 50, 100)]
    assert set(made) == set(FACES)
    for name, images in made.items():
        for one, other in zip(images, pictures(FOLDER / name), strict=True):
            assert np.abs(one.astype(int) - other.astype(int)).mean() < 8, (
                name
            )  # H.264 leaves some of the detail out


@pytest.mark.weights
@pytest.mark.parametrize("name", FACES)
def test_every_face_of_them_is_found(name: str) -> None:
    recognizer = Recognizer.from_pretrained()
    for image in pictures(FOLDER / name):
        assert len(recognizer(image, Session())) == FACES[name]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_their_buttons_speak_the_visitors_language(language: str) -> None:
    text = i18n.Text(language)
    for tab in ("video", "picture"):
        made = examples.buttons(tab, text)
        assert made.count("<button") == 3 and escape(text("try.title")) in made
        assert all(escape(text(example.key)) in made for example in EXAMPLES if example.tab == tab)


def test_only_examples_are_sent_and_a_player_gets_parts() -> None:
    app = FastAPI()
    examples.add_routes(app)
    client = TestClient(app)
    for example in EXAMPLES:
        assert client.get(f"/examples/{example.name}").content == (FOLDER / example.name).read_bytes()
    part = client.get("/examples/zoom.mp4", headers={"Range": "bytes=0-99"})
    assert part.status_code == 206 and len(part.content) == 100
    for name in ("README.md", "..%2Fapp.css", "nothing.mp4"):
        assert client.get(f"/examples/{name}").status_code == 404
