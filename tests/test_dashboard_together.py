"""What the web app writes opens in the dashboard: several results at once, summaries, the right videos."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from emotion_core.analytics import loading, sample
from emotion_core.results import names
from tests.dashboards import SCRIPT, good, kept, said
from tests.tables import rows_of, write_json
from webapp.shared import owners, store
from webapp.shared.i18n import Text
from webapp.shared.visitor import COOKIE, Visitor
from webapp.video import batch as handlers

MINE = "a" * 32


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of all results of a running app, for the browser whose cookie is `MINE`."""
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(type(st.context), "cookies", {COOKIE: MINE})
    monkeypatch.setattr("sys.argv", ["app.py"])
    yield tmp_path


def made(*sources: str) -> str:
    """Leave results of some sources in one folder, as the app does; gives the token."""
    token, folder = owners.new_folder(Visitor.from_values(MINE))
    for number, source in enumerate(sources):
        name = Path(source).stem
        write_json(sample.make_recording(12, fps=10, seed=number), names.results_path(folder, name))
        about = {"source": {"name": source}, "faces": []}
        names.summary_path(names.results_path(folder, name)).write_text(json.dumps(about))
    return token


def opened(**query: Any) -> AppTest:
    app = AppTest.from_file(str(SCRIPT), default_timeout=90)
    for name, value in query.items():
        app.query_params[name] = value
    return good(app.run())


def titles(app: AppTest) -> list[str]:
    return [title.value for title in app.title]


def test_the_results_of_a_batch_open_together_on_the_overview(results: Path) -> None:
    tokens = [made("one_emotions.mp4"), made("two.mp4"), made("live_2026-01-01_10-00-00.mp4")]
    app = opened(result=tokens)
    assert titles(app) == ["Overview"]
    assert app.sidebar.selectbox(key="file").options == ["one_emotions", "two", "live_2026-01-01_10-00-00"]
    assert app.sidebar.selectbox(key="file").value == "one_emotions_results.json"
    assert "All 3 files" in [head.value for head in app.subheader]
    assert kept(app)["result"] == tokens


def test_a_set_of_pictures_opens_on_the_overview(results: Path) -> None:
    token = made("a.jpg", "b.jpg", "c.png")
    app = opened(result=token)
    assert titles(app) == ["Overview"] and len(app.sidebar.selectbox(key="file").options) == 3


def test_the_page_of_a_link_is_kept(results: Path) -> None:
    app = opened(result=made("one.mp4"), page="timeline")
    assert titles(app) == ["Timeline"]
    app = opened(result=made("one.mp4"), page="files")
    assert titles(app) == ["Files"] and kept(app)["page"] in ("files", ["files"])


def test_a_result_of_another_browser_is_told_on_files(results: Path) -> None:
    theirs = owners.new_folder(Visitor.from_values("b" * 32))[0]
    app = opened(result=[theirs])
    assert titles(app) == ["Files"] and "another browser" in said(app)


def test_a_batch_of_several_links_to_all_of_them() -> None:
    items = [handlers.Item(Path(f"{n}.mp4"), f"{n}.mp4", token=f"T{n}", html="done") for n in range(3)]
    items.append(handlers.Item(Path("x.mp4"), "x.mp4", state="failed", problem="no video"))
    batch = handlers.Batch(items, handlers.VideoOptions(), Text("en"))
    assert 'href="dashboard/?result=T0&amp;result=T1&amp;result=T2"' in handlers.queue_html(batch)
    batch.items = items[:1]
    assert "dashboard/" not in handlers.queue_html(batch)


# ---------------------------------------------------------------- pairs


def files_in(folder: Path, *present: str) -> None:
    for name in present:
        (folder / name).touch()


@pytest.mark.parametrize(
    ("stated", "present", "found"),
    [
        ("talk.mov", ["talk.mp4", "talk.mov"], "talk.mov"),  # not the other one of the name
        ("talk.mov", ["talk.mp4"], None),
        ("walk.mp4", ["walk.mp4", "talk.mp4"], "walk.mp4"),
        ("talk.mov", ["talk.mov", "talk_emotions.mp4"], "talk_emotions.mp4"),  # the marked one first
        ("../../etc/talk.mp4", ["talk.mp4"], "talk.mp4"),  # never elsewhere
        ("talk.mkv", ["talk.mkv"], None),  # no browser shows it
        (None, ["talk.mp4"], "talk.mp4"),
        (7, ["talk.mp4"], "talk.mp4"),
    ],
)
def test_a_video_is_that_of_the_source_that_the_summary_states(
    stated: object, present: list[str], found: str | None, tmp_path: Path
) -> None:
    results = write_json(rows_of("HHN"), tmp_path / "talk_results.json")
    if stated is not None:
        names.summary_path(results).write_text(json.dumps({"source": {"name": stated}}))
    files_in(tmp_path, *present)
    video = loading.find_video(results)
    assert (video and video.name) == found


def test_uploads_pair_by_the_summary_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["app.py"])
    app = opened()
    table = write_json(rows_of("HHNN"), tmp_path / "x_results.json").read_bytes()
    about = json.dumps({"source": {"name": "talk.mov"}, "model": {"name": "m"}}).encode()

    app.file_uploader[0].upload("talk_mov_results.json", table, "application/octet-stream").run()
    app.file_uploader[0].upload("talk_mov_summary.json", about, "application/octet-stream").run()
    app.file_uploader[0].upload("talk.mov", b"video", "application/octet-stream").run()
    app.file_uploader[0].upload("talk.mp4", b"another", "application/octet-stream").run()
    good(app.run())
    (loaded,) = [frame.value for frame in app.dataframe if "Video" in frame.value.columns]
    assert list(loaded["Video"]) == ["yes"] and not app.warning


def test_two_videos_are_compared_without_a_rule_for_their_names(results: Path) -> None:
    tokens = [made("talk.mp4"), made("other.mp4")]
    app = opened(page="compare", result=tokens)
    assert titles(app) == ["Compare"]
    assert app.selectbox(key="group_a").options == ["other", "talk"]
    assert "All figures" in [head.value for head in app.subheader] and not app.exception
    # Groups that were written into the list come back with a link.
    written = [f"{name}_results.json=A" for name in ("talk", "other")]
    app = opened(page="compare", result=tokens, groups=written)
    assert any("Two groups are needed" in info.value for info in app.info)
    assert kept(app)["groups"] == written
