"""The picture tab's work without a browser."""

import json
import re
import zipfile
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

import main
from emotion_core.analytics import loading
from emotion_core.results.formats import usual
from emotion_core.results.recording import read_results
from webapp.model.tab import facts_html, model_card, page_html
from webapp.picture.marks import mark_all
from webapp.settings import Settings
from webapp.shared import store
from webapp.shared.engine import Engine
from webapp.shared.i18n import Text
from webapp.shared.zero_gpu import gpu

EN = Text("en")


@pytest.mark.weights
def test_pictures_come_back_marked_with_table_and_files(
    engine: Engine, workspace: store.Workspace, astronaut_path: Path, zidane_path: Path, tmp_path: Path
) -> None:
    blank = tmp_path / "blank <i>.png"
    Image.new("RGB", (200, 150), "gray").save(blank)
    text = tmp_path / "not.jpg"
    text.write_text("no picture")
    twin = tmp_path / "sub"
    twin.mkdir()
    (twin / "astronaut.png").write_bytes(astronaut_path.read_bytes())
    html = mark_all(
        [astronaut_path, zidane_path, blank, text, twin / "astronaut.png"], engine, Settings(), EN
    )
    assert html.count("<img") == 4 and "not.jpg is not a picture" in html
    assert "No face was found in this picture" in html and "<i>" not in html
    assert "Apparent expression" in html
    [token] = set(re.findall(r"result/([^/]+)/", html))
    assert f'href="dashboard/?result={token}"' in html
    folder = store.folder_of(token)
    assert folder is not None
    faces = {}
    for name in ("astronaut", "astronaut_2", "zidane", "blank <i>"):
        # The dashboard reads each by this.
        results = loading.read(folder / f"{name}_results.json", name=f"{name}_results.json")
        faces[name] = results.frame["face"].notna().sum()
    assert faces == {"astronaut": 1, "astronaut_2": 1, "zidane": 2, "blank <i>": 0}
    with zipfile.ZipFile(folder / "pictures.zip") as archive:
        assert archive.testzip() is None
        packed = set(archive.namelist())
    assert packed == {path.name for path in folder.iterdir()} - {"pictures.zip"}
    assert all(f"result/{token}/{quote(name)}" in html for name in packed)


@pytest.mark.weights
def test_what_is_downloaded_is_what_the_command_line_writes(
    engine: Engine, workspace: store.Workspace, zidane_path: Path, tmp_path: Path
) -> None:
    html = mark_all([zidane_path], engine, Settings(), EN)
    [token] = set(re.findall(r"result/([^/]+)/", html))
    ours = store.folder_of(token)
    assert ours is not None
    words = ["--video", str(zidane_path), "--output", str(tmp_path), "--no-objects"]
    assert main.main([*words, "--format", ",".join(usual())]) == 0
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {path.name for path in ours.iterdir()}
    assert "zidane_emotions.jpg" in written and "zidane_results.csv" in written
    for name in written - {"zidane_summary.json"}:
        if not name.endswith((".parquet", ".sav")):  # which note when they were made
            assert (ours / name).read_bytes() == (tmp_path / name).read_bytes(), name
    one, other = (json.loads((place / "zidane_summary.json").read_text()) for place in (ours, tmp_path))
    assert one["source"].pop("path") is None  # where uploads lie is the server's own business
    assert other["source"].pop("path").endswith("zidane.jpg")
    assert {**one, "made": ""} == {**other, "made": ""}


@pytest.mark.weights
def test_pictures_are_read_as_they_are_seen(
    engine: Engine, workspace: store.Workspace, astronaut: np.ndarray, tmp_path: Path
) -> None:
    turned = Image.fromarray(astronaut).rotate(90)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    clear = Image.new("RGBA", (80, 60), (0, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    moving = [Image.fromarray(astronaut), Image.new("RGB", (512, 512))]
    moving[0].save(tmp_path / "moving.gif", save_all=True, append_images=moving[1:])
    large = Image.fromarray(astronaut).resize((3000, 3000))
    large.save(tmp_path / "large.avif")
    names = ("turned.jpg", "clear.png", "moving.gif", "large.avif")
    html = mark_all([tmp_path / name for name in names], engine, Settings(), EN)
    folder = store.folder_of(re.findall(r"result/([^/]+)/", html)[0])
    assert folder is not None
    for name, count in (("turned", 1), ("clear", 0), ("moving", 1), ("large", 1)):
        table = read_results(folder / f"{name}_results.json")
        assert (len(table), table["face"].notna().sum()) == (1, count), name
    assert (np.asarray(Image.open(folder / "clear_emotions.jpg")) == 255).all()
    assert "its first frame" in html
    summary = json.loads((folder / "moving_summary.json").read_text())
    assert (summary["source"]["name"], summary["source"]["kind"]) == ("moving.gif", "picture")
    # The page shows a smaller copy of what is larger than a screen.
    assert Image.open(folder / "large_emotions.jpg").size == (3000, 3000)
    assert "large_emotions_small.jpg" in html
    assert max(Image.open(folder / "large_emotions_small.jpg").size) == 2400


def test_a_damaged_picture_is_said_in_the_readers_language(
    workspace: store.Workspace, astronaut_path: Path, tmp_path: Path
) -> None:
    Image.open(astronaut_path).save(tmp_path / "whole.jpg")
    Image.open(astronaut_path).convert("P").save(tmp_path / "whole.gif")
    for name in ("cut.jpg", "cut.gif"):
        (tmp_path / name).write_bytes((tmp_path / f"whole{name[3:]}").read_bytes()[:900])
        html = mark_all([tmp_path / name], Engine(Settings()), Settings(), Text("de"))
        assert name in html and "kein lesbares Bild" in html
    assert list(workspace.results.iterdir()) == []


def test_nothing_good_leaves_nothing_behind(workspace: store.Workspace, tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    html = mark_all([empty], Engine(Settings()), Settings(), EN)
    assert "0 bytes" in html
    assert list(workspace.results.iterdir()) == []
    assert "Choose a picture" in mark_all([], Engine(Settings()), Settings(), EN)
    assert "31 files" in mark_all([empty] * 31, Engine(Settings()), Settings(), EN)


@pytest.mark.weights
def test_the_model_page_tells_the_weights(engine: Engine) -> None:
    facts = facts_html(engine, EN)
    assert engine.metadata["sha256"] in facts and "Happy" in facts
    page = page_html(engine, Text("fr"))
    assert "Ce que ce n&#x27;est pas" in page and "art. 5" in page and "from_pretrained" in page


def test_the_model_card_is_shown_without_its_front_matter(tmp_path: Path) -> None:
    path = tmp_path / "MODEL_CARD.md"
    path.write_text("---\nlicense: mit\n---\n# Card\n![x](docs/x.png)\n[a](b.md) [c](https://d.e)")
    assert model_card(path) == "# Card\n\na [c](https://d.e)"
    assert model_card(tmp_path / "none.md") == ""


def test_zero_gpu_is_a_no_op_elsewhere() -> None:
    def work(x: int) -> int:
        return x + 1

    assert gpu(work) is work
