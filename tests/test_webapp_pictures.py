"""The picture tab's work without a browser."""

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from webapp.model.tab import facts_html, model_card, page_html
from webapp.picture.marks import mark_all, read_upright
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
    token = re.findall(r"result/([^/]+)/", html)[0]
    folder = store.folder_of(token)
    assert folder is not None
    rows = json.loads((folder / "pictures_faces.json").read_text())
    counts = {name: sum(r["picture"] == name and r["face"] is not None for r in rows) for name in (
        "astronaut.png", "zidane.jpg", "blank <i>.png")}  # fmt: skip
    assert counts == {"astronaut.png": 2, "zidane.jpg": 2, "blank <i>.png": 0}
    with (folder / "pictures_faces.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(rows) and "p_Happy" in table[0]
    with zipfile.ZipFile(folder / "pictures_marked.zip") as archive:
        names = archive.namelist()
        assert len(names) == 4 and archive.testzip() is None
        marked = np.asarray(Image.open(io.BytesIO(archive.read("zidane_marked.jpg"))))
    assert marked.shape == (720, 1280, 3)
    assert np.abs(marked.astype(int) - np.asarray(Image.open(zidane_path)).astype(int)).max() > 100


def test_nothing_good_leaves_nothing_behind(workspace: store.Workspace, tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    html = mark_all([empty], Engine(Settings()), Settings(), EN)
    assert "0 bytes" in html
    assert list(workspace.results.iterdir()) == []
    assert "Choose a picture" in mark_all([], Engine(Settings()), Settings(), EN)
    assert "31 files" in mark_all([empty] * 31, Engine(Settings()), Settings(), EN)


def test_pictures_are_read_as_they_are_seen(tmp_path: Path) -> None:
    turned = Image.new("RGB", (60, 30), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert read_upright(tmp_path / "turned.jpg").shape == (60, 30, 3)
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_upright(tmp_path / "clear.png") == 255).all()
    Image.new("L", (40, 20), 7).save(tmp_path / "gray.png")
    assert (read_upright(tmp_path / "gray.png") == 7).all()
    cut = (tmp_path / "turned.jpg").read_bytes()[:-200]
    (tmp_path / "cut.jpg").write_bytes(cut[:400])
    with pytest.raises((OSError, ValueError, SyntaxError)):
        read_upright(tmp_path / "cut.jpg")


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
