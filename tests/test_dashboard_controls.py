"""Every control of the dashboard by Streamlit's AppTest, links, exports and results of the web app."""

import gc
import shutil
from pathlib import Path
from typing import Any

import pytest

from emotion_core.analytics import sample
from tests.dashboards import Open, good, kept, opener, results_folder, said
from tests.tables import write_json
from webapp.dashboard import opening, state
from webapp.shared import owners
from webapp.shared.store import Workspace
from webapp.shared.visitor import COOKIE, Visitor


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return results_folder(tmp_path)


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
    link = app.text_area[0].value
    assert "page=timeline" in link and "open=talk_results.json" in link and "who=1" in link and "t=8" in link


# -- results of the web app


def test_a_result_of_the_web_app(
    open_page: Open, folder: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(opening.st.context), "cookies", {COOKIE: "m" * 32})
    token, place = owners.new_folder(Visitor.from_values("m" * 32))
    shutil.copy(folder / "talk_results.json", place / "talk_results.json")
    app = open_page("overview", result=token)
    assert {m.label: m.value for m in app.metric}["People"] == "2"
    # One of several pictures: all are open, the first is shown.
    shutil.copy(folder / "talk_results.json", place / "a_results.json")
    app = open_page("overview", result=token)
    assert app.selectbox(key="file").options == ["a", "talk"]
    assert app.selectbox(key="file").value == "a_results.json"
    owned, _ = owners.new_folder(Visitor.from_values("a" * 32))
    app = open_page(result=owned)
    assert "another browser" in said(app) and not app.metric


def test_an_uploaded_video_goes_with_the_session_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"x")
    session = {"videos": {"talk": state.KeptVideo(path)}}
    gc.collect()
    assert path.exists()
    session.clear()
    gc.collect()
    assert not path.exists()
