"""The researcher's pages: events, agreement, blind coding, marks, and files of other tools beside ours."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from emotion_core.analytics import blind, loading
from emotion_core.analytics.marks import read_marks
from emotion_core.analytics.signals import UNITS
from emotion_core.labels import BLENDSHAPES
from emotion_core.results.converting import read_any
from emotion_core.results.recording import Recording
from emotion_core.types import Box, EmotionError, Face, Frame, Gaze, Pose
from tests.dashboards import Open, good, opener, results_folder, said
from tests.tables import rows_of, write_json
from webapp.charts.responses import side_by_side
from webapp.charts.style import figure_data

CODED = "onset,duration,label,person\n0,4,Happy,1\n4,4,Sad,1\n2,5,Sad,2\n9,1,Happy,1\n12,3,Happy,1\n"
OPENFACE = "frame, face_id, timestamp, confidence, success, AU01_r, AU12_r\n" + "".join(
    f"{i + 1}, 0, {i / 30:.3f}, 0.98, 1, 0.{i % 10}, 1.{i % 7}\n" for i in range(600)
)
EVENTS = "onset,duration,name\n3,1,cat\n7,1,dog\n11,1,cat\n15,1,dog\n"


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = results_folder(tmp_path)
    (place / "coder.csv").write_text(CODED)
    (place / "openface.csv").write_text(OPENFACE)
    return place


@pytest.mark.parametrize("page", ["overview", "timeline", "plane", "people", "moments", "export"])
@pytest.mark.parametrize("file, origin", [("coder.csv", "a coding"), ("openface.csv", "OpenFace 2")])
def test_files_of_others_open_on_every_page(
    open_page: Open, folder: Path, page: str, file: str, origin: str
) -> None:
    app = open_page(page, folder=folder, open=file)
    assert f"Not read by this program: {origin}" in said(app)
    if page == "plane":
        assert "gives no valence and arousal" in said(app) and not app.get("plotly_chart")


def test_spans_of_people_that_overlap_stay_as_long_as_they_were(folder: Path) -> None:
    results = loading.read(folder / "coder.csv")
    assert results.frame["duration"].tolist() == [4, 5, 4, 1, 3] and results.people == [1, 2]
    assert results.origin == "a coding (table)" and results.frame["valence"].isna().all()
    assert loading.list_results(folder) == ["coder.csv", "openface.csv", "talk_results.json"]
    assert [name for name in loading.read(folder / "openface.csv").table if "AU" in name] == [
        "AU01_r",
        "AU12_r",
    ]


def test_agreement_of_a_coding_and_ours(open_page: Open, folder: Path) -> None:
    app = open_page(
        "agreement", folder=folder, open=["talk_results.json", "coder.csv"], file="talk_results.json"
    )
    text = said(app)
    assert "coder.csv**: a coding (table); measures emotion (what was coded)" in text
    assert "Emotion: Cohen's kappa is" in text and "Events: Event F1 is" in text
    assert len(app.get("plotly_chart")) == 1
    app.selectbox(key="rater_b").set_value("coder.csv")
    app.selectbox(key="person_b").set_value(2).run()
    assert good(app).dataframe[0].value["Person"].unique().tolist() == ["1=2"]


def test_a_tool_without_labels_is_said_and_its_columns_are_measures(open_page: Open, folder: Path) -> None:
    app = open_page(
        "agreement", folder=folder, open=["talk_results.json", "openface.csv"], file="talk_results.json"
    )
    assert "measure nothing that can be compared" in said(app)
    app = open_page("events", folder=folder, open="openface.csv")
    app.file_uploader(key="events_file").upload("events.csv", EVENTS.encode(), "text/csv").run()
    app.multiselect(key="measures").set_value(["AU12_r"]).run()
    assert "After cat, AU12_r departs from its baseline" in said(good(app))
    assert len(app.get("plotly_chart")) == 1


def test_events_of_a_file_are_averaged_and_compared(open_page: Open) -> None:
    app = open_page("events", made="study")
    assert "Upload a file of events" in said(app)
    app.file_uploader(key="events_file").upload("bad.csv", b"a,b\n1,2\n", "text/csv").run()
    assert "bad.csv has no column onset" in said(good(app))
    app.file_uploader(key="events_file").upload("events.csv", EVENTS.encode(), "text/csv").run()
    text = said(good(app))
    assert "After cat, valence departs from its baseline by up to" in text
    assert "valence: dog less cat is" in text and "permutation test" in text
    assert len(app.get("plotly_chart")) == 2
    app.text_input(key="event_groups").set_value("*_{tag}_*").run()
    assert "in group" in said(good(app))


def test_signals_are_shown_of_files_that_hold_them(open_page: Open, folder: Path) -> None:
    rng = np.random.default_rng(2)
    with Recording.create(folder / "signals_results.json", extras=("blendshapes", "pose", "gaze")) as made:
        for at in range(240):
            shut = 0.7 if at % 80 in (40, 41, 42, 43) else 0.05
            shapes = dict.fromkeys(BLENDSHAPES, 0.1) | {"eyeBlinkLeft": shut, "eyeBlinkRight": shut}
            more = {"blendshapes": shapes, "pose": Pose(at / 10, 0.0, 1.0), "gaze": Gaze(float(rng.normal()))}
            face = Face(1, Box(1, 2, 3, 4), "Happy", 0.4, (0.1,) * 3 + (0.4,) + (0.1,) * 3, 0.2, 0.5, **more)
            made.append(Frame(np.zeros((4, 4, 3), np.uint8), at, at / 30), [face])
    app = open_page("signals", folder=folder, open="signals_results.json")
    assert [metric.value for metric in app.metric] == ["3", "22.5", "133", "0", "+0.00"]
    assert "Error: 5 to 7 degrees" in said(app) and "Nobody certified" in said(app)
    assert len(app.get("plotly_chart")) == 6
    assert app.dataframe[0].value["Head turned (°)"].tolist() == [11.95]
    assert len(app.dataframe[1].value) == len(UNITS)
    assert "holds no signals" in said(open_page("signals", folder=folder, open="talk_results.json"))


def _marked(app: AppTest, onset: float, lasting: float, kind: str, name: str = "") -> AppTest:
    next(n for n in app.number_input if str(n.key).startswith("mark_from:")).set_value(onset)
    next(n for n in app.number_input if str(n.key).startswith("mark_long:")).set_value(lasting)
    app.text_input(key="mark_name").set_value(name)
    app.button(key=f"mark_{kind}").click().run()
    return good(app)


def test_marks_are_set_kept_undone_and_used(open_page: Open, folder: Path) -> None:
    path = folder / "talk_marks.tsv"
    app = open_page("timeline", folder=folder, open="talk_results.json")
    _marked(app, 5.0, 1.0, "marker", "laugh")
    _marked(app, 12.0, 1.0, "marker", "laugh")
    _marked(app, 9.0, 1.5, "exclusion")
    assert [(m.onset, m.name) for m in read_marks(path).marks] == [
        (5.0, "laugh"), (9.0, "exclusion"), (12.0, "laugh"),
    ]  # fmt: skip
    _marked(app, 3.0, 0.0, "exclusion")
    assert "An exclusion lasts" in said(app) and len(read_marks(path).marks) == 3
    app.button(key="mark_undo").click().run()
    assert [m.kind for m in read_marks(path).marks] == ["marker", "marker"]
    app.button(key="mark_redo").click().run()
    assert len(read_marks(path).marks) == 3
    app = open_page("events", folder=folder, open="talk_results.json")
    app.toggle(key="by_marks").set_value(True).run()
    text = said(good(app))
    assert "After laugh, valence departs" in text and "1 spans that were marked as exclusions" in text


def test_random_spans_are_of_the_person_alone_and_tell_nothing() -> None:
    both = [rows_of("H" * 400, face=1), rows_of("." * 100 + "S" * 100 + "." * 200, face=2)]
    table = loading.check(pd.concat(both).dropna(subset=["face"]), name="both").frame
    task = blind.draw_spans(table, 1, count=8)
    assert len(task.starts) == 8 and task.alone and task.starts == blind.draw_spans(table, 1, count=8).starts
    assert not any(10 - task.length < at < 20 for at in task.starts)
    assert np.diff(sorted(task.starts)).min() >= 1.5 * task.length - 1e-6
    assert not blind.draw_spans(table, 2).alone
    with pytest.raises(EmotionError, match="never seen"):
        blind.draw_spans(table, 3)


def test_a_coding_is_made_saved_and_compared(
    open_page: Open, folder: Path, talking_clip: Path, tmp_path: Path
) -> None:
    write_json(rows_of("H" * 60 + "N" * 60), folder / "face_results.json")
    app = open_page("coding", folder=folder, open="face_results.json")
    assert "Add the video itself" in said(app)
    shutil.copy(talking_clip, folder / "face_emotions.mp4")  # the annotated one is not taken
    assert "Add the video itself" in said(open_page("coding", folder=folder, open="face_results.json"))
    shutil.copy(talking_clip, folder / "face.mp4")
    app = open_page("coding", folder=folder, open="face_results.json")
    app.button(key="begin_coding").click().run()
    good(app)
    for key in ("4", "4", "0", "5"):
        app.button(key=f"code_{key}").click().run()
    app.button(key="code_back").click().run()
    app.button(key="code_6").click().run()
    text = said(good(app))
    assert "3 spans have a label so far" in text
    assert not any(word in text for word in ("Happy", "Neutral"))  # but on the buttons
    app.button(key="save_coding").click().run()
    coded = read_any(folder / "face_coding_coder1.tsv")
    assert sorted(coded["emotion"]) == ["Happy", "Happy", "Sad"] and (coded["face"] == 1).all()
    app.button(key="load_coding").click().run()
    good(app)
    assert list(app.session_state["files"]) == ["face_results.json", "face_coding_coder1.tsv"]


def test_both_ribbons_are_drawn_by_time_not_by_row(folder: Path) -> None:
    coder, ours = (read_any(folder / name) for name in ("coder.csv", "talk_results.json"))
    figure = side_by_side({"coder.csv": (coder, 1), "talk": (ours, 1)}, 0.0, 20.0, ["valence"])
    data = figure_data(figure)
    ribbon = data[(data["trace"] == "Labels") & data["y"].str.startswith("A", na=False)]
    assert ribbon["value"].notna().mean() == pytest.approx(12 / 20, abs=0.01)
    assert "nothing" not in str(data["trace"].unique()) and (data["trace"] == "valence, talk").sum() == 500
