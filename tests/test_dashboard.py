"""Every page of the dashboard by Streamlit's AppTest, with every kind of file: what is said is right."""

import json
import math
from pathlib import Path

import pytest

from emotion_core.labels import DISCLAIMER, VALENCE_AROUSAL_SOURCE
from tests.dashboards import Open, good, kept, opener, results_folder, said
from tests.tables import records_of, rows_of, write_json
from webapp.dashboard import state
from webapp.dashboard.pages import PAGES

TITLES = {name: page.title for name, page in PAGES.items()}


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return results_folder(tmp_path)


# -- pages


@pytest.mark.parametrize("page", list(TITLES))
def test_every_page_says_what_to_do_without_a_file(open_page: Open, page: str) -> None:
    app = open_page(page)
    if page == "files":
        assert app.button(key="make_conversation")
    else:
        assert "Load at least two files" in said(app) or "No file is loaded" in said(app)


@pytest.mark.parametrize("page", list(TITLES))
def test_every_page_of_a_folder_file(open_page: Open, folder: Path, page: str) -> None:
    app = open_page(page, folder=folder, open="talk_results.json")
    text = said(app)
    assert DISCLAIMER in text and VALENCE_AROUSAL_SOURCE in text
    charts = {"files": 1, "overview": 2, "timeline": 1, "plane": 2, "people": 6, "compare": 0}
    charts |= {"moments": 1}
    assert len(app.get("plotly_chart")) == charts.get(page, 0)
    assert kept(app)["open"] in ("talk_results.json", ["talk_results.json"])
    assert "made-up" not in text.lower()


@pytest.mark.parametrize("page", ["overview", "plane", "compare"])
def test_several_files(open_page: Open, page: str) -> None:
    app = open_page(page, made="study")
    assert len(app.get("plotly_chart")) == 4 if page != "plane" else 2
    assert "Made-up" in said(app)


# -- loading


def test_a_sample_is_made_and_marked(open_page: Open) -> None:
    app = open_page()
    app.button(key="make_conversation").click().run()
    good(app)
    assert app.dataframe[0].value["File"].tolist() == ["MADE-UP_conversation_results"]
    assert "made-up sample" in app.dataframe[0].value["Remarks"][0]
    app.button(key="make_study").click().run()
    assert len(good(app).dataframe[0].value) == 13
    app.button(key="make_study").click().run()
    assert len(good(app).dataframe[0].value) == 13


def test_files_are_chosen_from_the_folder(open_page: Open, folder: Path) -> None:
    write_json(rows_of("HHNN"), folder / "more_results.json")
    app = open_page(folder=folder)
    chooser = app.multiselect(key="from_folder")
    assert chooser.options == ["more_results.json", "talk_results.json"]
    chooser.set_value(["more_results.json"])
    app.run().button(key="load_folder").click().run()
    assert good(app).dataframe[0].value["Records"].tolist() == [4]
    assert app.multiselect(key="from_folder").options == ["talk_results.json"]


def test_uploads_of_the_same_name_are_told_apart(open_page: Open, tmp_path: Path) -> None:
    app = open_page()
    data = write_json(rows_of("HHNN"), tmp_path / "a.json").read_bytes()
    for _ in range(2):
        app.file_uploader[0].upload("talk_results.json", data, "application/json").run()
        good(app)
    assert app.dataframe[0].value["File"].tolist() == ["talk_results.json", "talk_results.json (2)"]


def _damaged() -> dict[str, bytes]:
    records = records_of(rows_of("H" * 12))
    whole = json.dumps(records).encode()
    odd = json.loads(whole)
    odd[1]["valence"], odd[2]["arousal"], odd[3]["confidence"] = 7.3, math.nan, math.inf
    backwards = json.loads(whole)
    for number, record in enumerate(backwards):
        record["time"] = 10 - number / 10
    return {
        "shape.json": b'{"results": {"a": 1}}',
        "half_results.json": whole[: len(whole) // 2],
        "odd_results.json": json.dumps(odd).encode(),
        "backwards_results.json": json.dumps(backwards).encode(),
        "nothing_results.json": b"[]",
        "empty_results.json": b"",
        "nobody_results.json": json.dumps(records_of(rows_of("....."))).encode(),
        "binary.parquet": b"PAR1 is not enough",
        "words.csv": b"a,b\n1,2\n",
    }


def test_the_table_of_bad_input(open_page: Open) -> None:
    app = open_page()
    for name, data in _damaged().items():
        app.file_uploader[0].upload(name, data, "application/octet-stream").run()
        good(app, "Files")
    loaded = app.dataframe[0].value.set_index("File")
    assert set(loaded.index) == {
        "half_results.json",
        "odd_results.json",
        "backwards_results.json",
        "nobody_results.json",
    }
    assert loaded.loc["odd_results.json", "Left out"] == 3
    assert "not finished" in str(loaded.loc["half_results.json", "Remarks"])
    assert "backwards" in str(loaded.loc["backwards_results.json", "Remarks"])
    assert "no face was found" in str(loaded.loc["nobody_results.json", "Remarks"])
    warnings = [warning.value for warning in app.warning]
    assert len(warnings) == 5
    for name in ("shape.json", "nothing_results.json", "empty_results.json", "binary.parquet", "words.csv"):
        assert any(name in warning for warning in warnings), name
    assert not any("Traceback" in warning or "/tmp" in warning for warning in warnings)
    app.button(key="clear").click().run()
    assert not good(app).warning


def test_a_500_mb_file_and_a_path_outside_leave_the_rest_working(open_page: Open, folder: Path) -> None:
    with (folder / "huge_results.json").open("wb") as file:
        file.truncate(500 * 1024 * 1024)
    (folder.parent / "secret_results.json").write_text("[]")
    wanted = ["talk_results.json", "huge_results.json", "../secret_results.json", "gone.json"]
    app = open_page(folder=folder, open=wanted)
    assert app.dataframe[0].value["File"].tolist() == ["talk_results.json"]
    text = said(app)
    assert "524 MB" in text and "outside the results folder" in text and "not in the results folder" in text


def test_an_open_link_without_a_folder_says_so(open_page: Open) -> None:
    assert "upload the file" in said(open_page(open="talk_results.json"))


def test_a_link_to_an_upload_asks_for_it(open_page: Open) -> None:
    app = open_page("timeline", file="talk_results.json", kind="lines")
    app.query_params["page"] = "files"
    assert "No file is loaded" in said(app)
    assert kept(app).get("kind") in ("lines", ["lines"])


@pytest.mark.parametrize("page", ["overview", "timeline", "plane", "people", "moments", "export"])
def test_only_no_face(open_page: Open, tmp_path: Path, page: str) -> None:
    write_json(rows_of("." * 50), tmp_path / "nobody_results.json")
    app = open_page(page, folder=tmp_path, open="nobody_results.json")
    if page != "export":
        assert "No face was found" in said(app)


@pytest.mark.parametrize("page", ["overview", "timeline", "people", "moments"])
def test_two_hundred_people(open_page: Open, tmp_path: Path, page: str) -> None:
    import pandas as pd

    crowd = pd.concat([rows_of("HHNNSSHHNNSS" * 3, face=face) for face in range(1, 201)])
    write_json(crowd.sort_values(["time", "face"]), tmp_path / "crowd_results.json")
    app = open_page(page, folder=tmp_path, open="crowd_results.json")
    assert len(app.multiselect(key="who").value) == state.SHOWN_PEOPLE
    assert "200 people" in said(app)
    app.multiselect(key="who").set_value(list(range(1, 31)))
    good(app.run(), TITLES[page])


def test_one_single_frame(open_page: Open, tmp_path: Path) -> None:
    write_json(rows_of("H"), tmp_path / "one_results.json")
    for page in ("overview", "timeline", "plane", "people", "moments", "export"):
        open_page(page, folder=tmp_path, open="one_results.json")


def test_the_bare_five_key_list(open_page: Open, tmp_path: Path) -> None:
    records = [
        {
            "frame": i,
            "emotion": "Happy" if i % 40 < 20 else "Sad",
            "confidence": 0.9,
            "valence": 0.5,
            "arousal": 0.6,
        }
        for i in range(200)
    ]
    (tmp_path / "old.json").write_text(json.dumps(records))
    for page in ("overview", "timeline", "plane", "people", "moments"):
        open_page(page, folder=tmp_path, open="old.json")
