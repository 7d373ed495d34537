"""Every page and control of the dashboard by Streamlit's AppTest: no exception, and what is said is right."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from emotion_core.analytics import sample
from emotion_core.labels import DISCLAIMER, VALENCE_AROUSAL_SOURCE
from tests.tables import records_of, rows_of, write_json
from webapp.dashboard import links, opening, state
from webapp.dashboard.pages import PAGES
from webapp.shared.visitor import COOKIE, Visitor

ROOT = Path(__file__).resolve().parent.parent
TITLES = {name: page.title for name, page in PAGES.items()}
Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Open:
    """Open a page of the dashboard; keywords stand in the address, `folder` is the results folder."""

    def run(page: str = "files", *, folder: Path | None = None, **query: Any) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py"])
        if folder is not None:
            monkeypatch.setenv(state.FOLDER_VARIABLE, str(folder))
        app = AppTest.from_file(str(ROOT / "webapp" / "dashboard" / "app.py"), default_timeout=90)
        for name, value in query.items():
            app.query_params[name] = value
        if page != "files":
            app.query_params["page"] = page
        app.run()
        return good(app, TITLES[page])

    return run


def good(app: AppTest, title: str | None = None) -> AppTest:
    """The page drew without an exception, and it is the one asked for."""
    assert not app.exception, app.exception[0].message
    if title is not None:
        assert [t.value for t in app.title] == [title]
    return app


def said(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.warning, *app.info, *app.error]
    return "\n".join(str(part.value) for part in parts)


def kept(app: AppTest) -> dict[str, Any]:
    return {name: values for name, values in dict(app.query_params).items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A results folder with a short talk of two people."""
    place = tmp_path / "results"
    place.mkdir()
    write_json(sample.make_recording(20, 2), place / "talk_results.json")
    return place


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


# -- controls


def test_sidebar_controls(open_page: Open, folder: Path) -> None:
    app = open_page("overview", folder=folder, open="talk_results.json")
    app.multiselect(key="who").set_value([2]).run()
    assert {m.label: m.value for m in good(app).metric}["People"] == "1"
    app.slider(key="t").set_value((5.0, 10.0)).run()
    assert {m.label: m.value for m in good(app).metric}["Length"] == "5.0 s"
    assert kept(app)["who"] in ("2", ["2"]) and kept(app)["t"] == ["5", "10"]
    app.multiselect(key="who").set_value([]).run()
    assert "Choose at least one person" in said(good(app))


def test_another_file_starts_afresh(open_page: Open, folder: Path) -> None:
    write_json(sample.make_recording(8, 1), folder / "short_results.json")
    app = open_page("timeline", folder=folder, open=["talk_results.json", "short_results.json"])
    app.selectbox(key="file").set_value("talk_results.json").run()
    app.multiselect(key="who").set_value([2]).run()
    app.slider(key="t").set_value((12.0, 18.0)).run()
    good(app)
    app.selectbox(key="file").set_value("short_results.json").run()
    good(app, "Timeline")
    assert app.multiselect(key="who").value == [1]
    assert app.slider(key="t").value == (0.0, 8.0)


def test_timeline_controls(open_page: Open, folder: Path) -> None:
    app = open_page("timeline", folder=folder, open="talk_results.json")
    for kind in ("lines", "none", "stacked"):
        app.segmented_control(key="kind").set_value(kind).run()
        good(app)
    app.selectbox(key="person").set_value(2).run()
    app.slider(key="band").set_value(0.0).run()
    app.toggle(key="marks").set_value(True).run()
    good(app)
    assert kept(app)["person"] in ("2", ["2"]) and kept(app)["marks"] in ("1", ["1"])


def test_plane_controls(open_page: Open) -> None:
    app = open_page("plane", made="study")
    for kind in ("Density", "Animation", "Trajectory"):
        app.segmented_control(key="plane").set_value(kind).run()
        good(app)
    other = app.multiselect(key="overlay").options[3]
    app.multiselect(key="overlay").set_value([other]).run()
    app.slider(key="smooth").set_value(3.0).run()
    app.slider(key="centre").set_value(0.0).run()
    assert kept(good(app))["overlay"] in (other, [other])


def test_people_controls(open_page: Open, folder: Path) -> None:
    app = open_page("people", folder=folder, open="talk_results.json")
    shown = {m.label: m.value for m in app.metric}
    assert shown["Best lag"] == "+1.2 s"
    app.selectbox(key="first").set_value(2).run()
    assert "two different people" in said(good(app))
    app.selectbox(key="second").set_value(1).run()
    assert {m.label: m.value for m in good(app).metric}["Best lag"] == "-1.2 s"
    app.segmented_control(key="of").set_value("arousal").run()
    app.slider(key="window").set_value(60.0).run()
    good(app)
    app.slider(key="window").set_value(5.0).run()
    app.slider(key="reach").set_value(2.0).run()
    app.selectbox(key="moves").set_value(2).run()
    good(app)


def test_compare_controls(open_page: Open) -> None:
    app = open_page("compare", made="study")
    assert app.selectbox(key="group_a").value == "A" and app.selectbox(key="group_b").value == "B"
    assert any("6 files" in warning.value for warning in app.warning)
    app.selectbox(key="group_b").set_value("A").run()
    assert "two different groups" in said(good(app))
    app.text_input(key="pattern").set_value("no tag").run()
    assert any("{tag}" in error.value for error in good(app).error)
    app.text_input(key="pattern").set_value("*_{tag}_results").run()
    good(app)
    table = "file,tag\n" + "\n".join(f"MADE-UP_A_{i:02d},{'one' if i < 4 else 'two'}" for i in range(1, 7))
    app.file_uploader(key="tags").upload("tags.csv", table.encode(), "text/csv").run()
    assert app.selectbox(key="group_a").options == ["one", "two"]
    assert any("only 3 files" in warning.value for warning in good(app).warning)
    app.file_uploader(key="tags").upload("tags.csv", b"\xff\xfe\x00", "text/csv").run()
    assert good(app).error


def test_moments_controls_and_notes(open_page: Open, folder: Path) -> None:
    app = open_page("moments", folder=folder, open="talk_results.json")
    assert "Candidates only" in said(app)
    app.segmented_control(key="kinds").set_value(["Peak"]).run()
    assert {m.label: m.value for m in good(app).metric}["Changes"] == "0"
    app.slider(key="sensitivity").set_value(3.0).run()
    app.slider(key="count").set_value(5).run()
    assert int({m.label: m.value for m in good(app).metric}["Peaks"]) <= 5
    app.button(key="save_notes").click().run()
    good(app)
    saved = folder / "talk_moments.csv"
    assert saved.is_file()
    # A note made earlier is there again, also when the moment itself is not found any more.
    saved.write_text("kind,face,time,what,label,note\nOwn,1,3.5,a laugh,confirmed,see the eyes\n")
    app = open_page("moments", folder=folder, open="talk_results.json")
    table = app.data_editor[0].value
    assert table.loc[table["kind"] == "Own", "note"].tolist() == ["see the eyes"]
    assert len(table) > 1


def test_notes_of_an_upload_are_not_written_to_the_server(open_page: Open) -> None:
    app = open_page("moments", made="conversation")
    assert not [button for button in app.button if button.key == "save_notes"]


def test_a_large_file_is_announced_while_it_is_read(
    open_page: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[list[str]] = []
    real = state.st.dataframe
    monkeypatch.setattr(
        state.st, "dataframe", lambda t, **k: (shown.append(list(t.columns)), real(t, **k))[1]
    )
    monkeypatch.setattr(opening, "LARGE", 100)
    (folder / "half_results.json").write_text("[" + "x" * 200)
    app = open_page(folder=folder, open=["talk_results.json", "half_results.json"])
    assert shown[:2] == [["File", "Size"]] * 2 and shown[2][:2] == ["File", "Records"]
    assert len(shown) == 3 and len(app.dataframe) == 1 and "Reading" not in said(app)  # nothing of it stays


def test_a_link_restores_the_view(open_page: Open, folder: Path) -> None:
    app = open_page(
        "timeline",
        folder=folder,
        open="talk_results.json",
        who=["2"],
        t=["3", "9"],
        kind="lines",
        band="4",
        marks="1",
        file="talk_results.json",
    )
    assert app.multiselect(key="who").value == [2]
    assert app.slider(key="t").value == (3.0, 9.0)
    assert app.segmented_control(key="kind").value == "lines"
    assert app.slider(key="band").value == 4.0
    assert app.toggle(key="marks").value is True


@pytest.mark.parametrize(
    "query",
    [
        {"t": ["x", "y"]},
        {"t": ["-5", "1e9"]},
        {"t": "nan"},
        {"t": ["nan", "nan"]},
        {"who": ["99", "<b>"]},
        {"kind": "???", "band": "-7", "person": "55"},
        {"page_": "../../etc", "file": "nothing"},
        {"result": "guess"},
    ],
)
def test_a_hand_made_link_breaks_nothing(open_page: Open, folder: Path, query: dict[str, Any]) -> None:
    app = open_page("timeline", folder=folder, open="talk_results.json", **query)
    assert good(app)


def test_export(open_page: Open, folder: Path) -> None:
    app = open_page("export", folder=folder, open="talk_results.json", who="1", t=["2", "8"])
    assert {button.key for button in app.get("download_button")} >= {"report", "selection"}
    link = app.code[0].value
    assert "page=timeline" in link and "open=talk_results.json" in link and "who=1" in link and "t=8" in link


# -- results of the web app


def test_a_result_of_the_web_app(open_page: Open, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(opening.st.context), "cookies", {COOKIE: "m" * 32})
    token = links.publish(folder / "talk_results.json", owner=Visitor.from_values("m" * 32))
    app = open_page("overview", result=token)
    assert {m.label: m.value for m in app.metric}["People"] == "2"
    owned = links.publish(folder, owner=Visitor.from_values("a" * 32))
    app = open_page(result=owned)
    assert "another browser" in said(app) and not app.metric
