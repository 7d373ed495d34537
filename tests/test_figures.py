"""Each figure by hand, and the same in summary, page, report and dashboard, for recordings made to try it."""

import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from emotion_core.analytics import MEASURES, figures, loading, measures, moments
from emotion_core.labels import EMOTIONS, UNSURE
from emotion_core.palette import color_of
from emotion_core.results.recording import read_results, summarize
from emotion_core.results.summary import Summary
from tests.recordings import CASES, VARIABLE, Case, record
from webapp.charts.timeline import ribbon_table
from webapp.shared import parts
from webapp.shared.i18n import Text
from webapp.shared.report import report_html
from webapp.video.result import result_html

EN = Text("en")


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def near(value: Any) -> Any:
    return pytest.approx(value, abs=6e-5)  # the summary has four decimals


def full(share: Mapping[str, float]) -> dict[str, float]:
    return {label: 0.0 for label in EMOTIONS} | dict(share)


def moments_of(table: pd.DataFrame, face: int) -> list[tuple[str, float, float]]:
    own = table[table["face"] == face]
    return list(zip(own["emotion"], own["time"], own["strength"], strict=True))


def test_the_summary_has_the_figures(case: Case, tmp_path: Path) -> None:
    recording = record(case, tmp_path)
    summary = json.loads((tmp_path / "made_summary.json").read_text())
    assert summary["seconds"] == near(case.seconds)
    assert summary["seconds_with_face"] / summary["seconds"] == near(case.found)
    assert summary["measures"]["valence"] == near(case.valence)
    assert summary["measures"]["changes_per_minute"] == near(case.per_minute)
    assert summary["measures"]["uncertain"] == near(case.uncertain) == near(summary["share"].get(UNSURE, 0.0))
    assert [person["face"] for person in summary["faces"]] == list(case.people)
    for person, known in zip(summary["faces"], case.people.values(), strict=True):
        assert person["seconds"] == near(known.seconds)
        assert person["share"] == near(full(known.share))
        assert (person["valence"]["mean"], person["valence"]["sd"]) == near(known.valence)
        assert (person["arousal"]["mean"], person["arousal"]["sd"]) == near(known.arousal)
        assert (person["changes"], person["changes_per_minute"]) == (
            known.changes,
            pytest.approx(known.per_minute, abs=0.005),
        )
        emotion, start, end = known.longest
        run = person["longest_run"]
        assert (run["emotion"], run["start"], run["end"], run["seconds"]) == (
            emotion,
            start,
            near(end),
            near(end - start),
        )
        found = [(m["emotion"], m["time"], m["confidence"]) for m in person["moments"]]
        assert found == known.moments
        assert list(person["quadrants"].values()) == near(list(known.quadrants))
    for ending in ("json", "csv"):  # and again from the files, whatever wrote them
        again = summarize(read_results(recording.paths[ending]))
        assert again == {key: summary[key] for key in again}


def test_the_dashboard_has_the_figures(case: Case, tmp_path: Path) -> None:
    recording = record(case, tmp_path)
    for ending in ("json", "csv", "parquet"):
        results = loading.read(recording.paths[ending])
        table = results.frame
        view = measures.overview(table)
        assert (view["length"], view["found"]) == near((case.seconds, case.found))
        assert (view["valence"], view["changes_per_minute"]) == near((case.valence, case.per_minute))
        assert view["uncertain"] == near(case.uncertain)
        longest_first = sorted(case.people, key=lambda face: -case.people[face].seconds)
        assert results.people == longest_first
        whole = sum(known.seconds for known in case.people.values())
        for label, share in measures.shares(table).items():
            seconds = sum(known.seconds * known.share.get(str(label), 0) for known in case.people.values())
            assert share == near(seconds / whole)
        lively, shares = measures.expressiveness(table), measures.shares_by_person(table)
        peaks, runs = moments.peaks(table), measures.runs(table)
        for face, known in case.people.items():
            assert shares.loc[face].to_dict() == near(full(known.share))
            row = lively.loc[face]
            assert (row["seconds"], row["changes"]) == near((known.seconds, known.per_minute))
            assert row["spread"] == near(sqrt(known.valence[1] ** 2 + 4 * known.arousal[1] ** 2))
            own = runs[runs["face"] == face].reset_index(drop=True)
            longest = own.loc[(own["duration"] - own["duration"].max()).abs() < 1e-9].iloc[0]
            assert (longest["emotion"], longest["start"], longest["end"]) == (
                known.longest[0],
                near(known.longest[1]),
                near(known.longest[2]),
            )
            assert moments_of(peaks, face) == [
                (emotion, near(time), near(p)) for emotion, time, p in known.moments
            ]
            seconds = measures.quadrants(measures.select(table, people=[face]))
            assert (seconds / seconds.sum()).to_list() == near(list(known.quadrants))


def test_the_page_has_the_figures(case: Case, tmp_path: Path) -> None:
    recording = record(case, tmp_path)
    page = result_html(read_results(recording.paths["json"]), recording.summary, [], EN)
    page = re.sub(r' <button type="button" class="help".*?</button>', "", page)
    facts = dict(re.findall(r'<dt class="k">(.*?)</dt><dd.*?>(.*?)</dd>', page))
    assert facts["Length"] == parts.length(case.seconds)
    assert facts["Time with a face"] == parts.percent(case.found)
    unsure = case.uncertain
    assert facts.get("Uncertain") == (parts.percent(unsure) if unsure else None)
    assert page.count("Uncertain</span>") == (2 if unsure else 0)  # beside its colour: legend and card
    cards = page.split('class="part person"')[1:]
    assert len(cards) == len(case.people)
    for card, known in zip(cards, case.people.values(), strict=True):
        assert f"seen for {parts.length(known.seconds)}" in card
        said = re.search(r'aria-label="(.*?)"', card)
        assert said is not None
        assert dict(re.findall(r"(\w+) (\d+ %)", said[1])) == {
            label: parts.percent(share) for label, share in known.share.items()
        }
        assert f"Valence {parts.signed(known.valence[0])} · Arousal {known.arousal[0]:.2f}" in card
        emotion, start, end = known.longest
        assert f"Longest run: {emotion}, {parts.length(end - start)}" in card
    times = [float(time) for time in re.findall(r'data-seek="(.*?)"', page)]
    assert times == sorted(m[1] for known in case.people.values() for m in known.moments)


def test_the_report_has_the_figures(case: Case, tmp_path: Path) -> None:
    recording = record(case, tmp_path)
    page = report_html(read_results(recording.paths["json"]), recording.summary)
    cards = dict(re.findall(r'<div class="card"><span>(.*?)</span><b>(.*?)</b>', page))
    assert cards["Length"] == f"{case.seconds:.1f} s"
    assert cards["Time with a face"] == f"{100 * case.found:.1f} %"
    assert cards["Mean valence"] == f"{case.valence:+.2f}"
    assert cards["Changes / min"] == f"{case.per_minute:.1f}"
    assert cards["Uncertain"] == f"{100 * case.uncertain:.1f} %"
    assert {measure.label for measure in MEASURES} <= set(cards)
    blocks = re.findall(r'<script type="application/json" id="figure\d+">(.*?)</script>', page, re.DOTALL)
    charts = [json.loads(block.replace("<\\/", "</")) for block in blocks]
    dwell = next(chart for chart in charts if chart["data"][0].get("y") == list(figures.QUADRANTS))
    for trace in dwell["data"]:
        known = case.people[int(trace["name"].removeprefix("Person "))]
        assert trace["text"] == [f"{100 * share:.0f} %" for share in known.quadrants]
    peaks = [float(time) for time in re.findall(r"<td>Peak</td>\s*<td>\d+</td>\s*<td>(.*?)</td>", page)]
    assert peaks == sorted(m[1] for known in case.people.values() for m in known.moments)


@pytest.mark.parametrize("name", ["returning", "doubtful"])
def test_the_overview_page_shows_the_figures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit.testing.v1 import AppTest

    from webapp.dashboard import state

    case = CASES[name]
    record(case, tmp_path)
    monkeypatch.setattr(sys, "argv", ["app.py"])
    monkeypatch.setenv(state.FOLDER_VARIABLE, str(tmp_path))
    script = Path(state.__file__).with_name("app.py")
    app = AppTest.from_file(str(script), default_timeout=90)
    app.query_params["open"] = "made_results.json"
    app.query_params["page"] = "overview"
    app.run()
    assert not app.exception
    cards = {metric.label: metric.value for metric in app.metric}
    assert list(cards)[3:] == [measure.label for measure in MEASURES]
    assert cards["Length"] == f"{case.seconds:.1f} s"
    assert cards["Faces found"] == f"{100 * case.found:.1f} %"
    assert cards["Mean valence"] == f"{case.valence:+.2f}"
    assert cards["Changes / min"] == f"{case.per_minute:.1f}"
    assert cards["People"] == str(len(case.people))
    assert cards["Uncertain"] == f"{100 * case.uncertain:.1f} %"
    listed = next(t.value for t in app.dataframe if "Probability" in t.value.columns)
    known = [(m[1], face) for face, person in case.people.items() for m in person.moments]
    assert sorted(zip(listed["Time (s)"], listed["Person"], strict=True)) == sorted(known)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 4096])
def test_a_recording_comes_to_the_same_in_pieces_of_any_length(piece: int) -> None:
    rng = np.random.default_rng(5)
    rows = []
    time = 0.0
    for frame in range(600):
        lasting = float(rng.choice([0.04, 0.04, 0.2, 1.3]))
        for face in (1, 2, 3):
            if rng.random() < 0.8:
                label = EMOTIONS[int(rng.choice(3))]
                values = [round(float(v), 6) for v in (rng.random(), rng.uniform(-1, 1), rng.random())]
                rows.append((frame, time, face, label, *values, lasting, rng.random() < 0.3))
        time = round(time + lasting, 6)

    def summary(size: int) -> dict[str, Any]:
        counts = Summary(piece=size)
        for row in rows:
            counts.add(*row)
        return counts.as_dict()

    whole = summary(10**6)
    assert summary(piece) == whole
    assert min(person["changes"] for person in whole["faces"]) > 100


def test_a_summary_holds_no_more_after_an_hour_than_after_a_minute() -> None:
    import tracemalloc

    def held(seconds: int) -> int:
        tracemalloc.start()
        counts = Summary()
        for frame in range(seconds * 10):
            for face in (1, 2):
                emotion = EMOTIONS[frame // 7 % 7]
                counts.add(frame, frame / 10, face, emotion, 0.5 + frame % 97 / 200, 0.1, 0.5, 0.1)
        counts.as_dict()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    held(60)  # what is made once in a process
    short, long = held(600), held(3600)
    assert long < short + 20_000


def test_a_killed_run_comes_to_what_its_file_holds(tmp_path: Path) -> None:
    recording = record(VARIABLE, tmp_path)
    path = recording.paths["json"]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))  # what a kill leaves: the last picture was not over yet
    summary = summarize(read_results(path))
    assert summary["seconds"] == 4.0
    assert summary["faces"][0]["share"] == near(full({"Happy": 1.5 / 4, "Sad": 2.5 / 4}))
    assert measures.length(loading.read(path).frame) == 4.0


@pytest.mark.parametrize(
    "known, until",
    [
        ([np.nan, np.nan, np.nan], [1.0, 2.0, 1.5]),  # the last one lasts as long as the mean of the others
        ([1.0, 2.0, 0.25], [1.0, 2.0, 0.25]),
        (
            [0.5, 9.0, -1.0],
            [0.5, 2.0, 1.25],
        ),  # less where records were taken out; never over the next picture
        ([np.inf, np.nan, 1e300], [1.0, 2.0, 1.5]),
    ],
)
def test_durations(known: list[float], until: list[float]) -> None:
    frame, time = np.arange(3.0), np.array([0.0, 1.0, 3.0])
    assert figures.durations(frame, time, np.array(known)).tolist() == until
    order = np.array([2, 0, 1])
    turned = figures.durations(frame[order], time[order], np.array(known)[order])
    assert turned.tolist() == [until[i] for i in order]


def test_frames_without_a_record_are_no_time_of_the_one_before(tmp_path: Path) -> None:
    # As tools write that leave out frames without a face: 25 frames a second, 10 frames, 80 away, 10 frames.
    keys = {"emotion": "Happy", "confidence": 0.9, "valence": 0.5, "arousal": 0.6}
    path = tmp_path / "old_results.json"
    path.write_text(json.dumps([{"frame": i, **keys} for i in [*range(10), *range(90, 100)]]))
    summary, frame = summarize(read_results(path)), loading.read(path).frame
    assert (summary["seconds"], summary["seconds_with_face"]) == near((4.0, 0.8))
    assert summary["faces"][0]["seconds"] == near(0.8)
    assert measures.length(frame) == near(4.0) and measures.extent(frame)["found"] == near(0.2)


def test_a_file_without_times_can_be_read_at_another_rate(tmp_path: Path) -> None:
    keys = {"emotion": "Happy", "confidence": 0.9, "valence": 0.5, "arousal": 0.6}
    path = tmp_path / "old_results.json"
    path.write_text(json.dumps([{"frame": i, **keys} for i in range(100)]))
    guessed = loading.read(path)
    assert guessed.rate == 25 and measures.length(guessed.frame) == near(4.0)
    slower = loading.at_rate(guessed, 10.0)
    assert slower.rate == 10 and measures.length(slower.frame) == near(10.0)
    assert any("10 frames a second are assumed" in note for note in slower.notes)
    assert loading.at_rate(slower, 25.0).frame["time"].to_numpy() == near(guessed.frame["time"].to_numpy())
    record(VARIABLE, tmp_path)
    timed = loading.read(tmp_path / "made_results.json")
    assert timed.rate is None and loading.at_rate(timed, 10.0) is timed


def test_means_over_times_leave_absences_out() -> None:
    time, duration, values = np.array([0.0, 1.0, 5.0]), np.array([1.0, 1.0, 3.0]), np.array([1.0, 0.0, 0.5])
    low, high = np.array([0.0, 0.5, 2.0, 1.5, 7.0]), np.array([2.0, 1.25, 5.0, 5.5, 7.5])
    means = figures.means_over(time, duration, values, low, high)
    assert means[[0, 1, 3, 4]] == pytest.approx([0.5, 0.5 / 0.75, 0.25 / 1.0, 0.5])
    assert np.isnan(means[2])


def test_results_and_summary_are_written_without_pandas(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["pandas"] = None  # as where it isn't installed
from emotion_core import Recording
from tests.recordings import Frame, PICTURE, face_of
made = Recording.create({str(tmp_path / "bare_results.json")!r}, formats=("csv",))
made.append(Frame(PICTURE, 0, 0.0), [face_of(1, ("H", 0.9))])
made.close(end=2.0)
print(made.summary["seconds"], made.summary["share"]["Happy"])
"""
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("2.0 1.0", "")


def test_what_is_uncertain_is_drawn_as_such(tmp_path: Path) -> None:
    # All of it lies below what was asked for: not a tenth of it may be drawn as an emotion.
    pictures = [(k / 5, {1: ("n", 0.5)}) for k in range(20)]
    recording = record(replace(CASES["doubtful"], pictures=pictures, end=4.0), tmp_path)
    results = read_results(recording.paths["json"])
    assert recording.summary["share"] == full({UNSURE: 1.0})
    assert recording.summary["faces"][0]["emotion"] == UNSURE
    page = result_html(results, recording.summary, [], EN)
    (packed,) = re.findall(r'data-curve="(.*?)"', page)
    columns = np.frombuffer(b64decode(packed), np.uint8).reshape(-1, len(EMOTIONS) + 3)  # valence, arousal
    assert (columns[:, : len(EMOTIONS)] == 0).all() and (columns[:, len(EMOTIONS)] == 250).all()
    assert color_of(UNSURE) != color_of("Neutral")
    assert 'aria-label="Uncertain 100 %"' in page
    table = loading.read(recording.paths["json"]).frame
    assert table["emotion"].unique().tolist() == ["Neutral"]  # the record keeps its name
    _, states = ribbon_table(table, [1])
    assert {measures.states_of(table)[int(state)] for state in states.ravel()} == {UNSURE}
    assert moments.moments(table).empty


def test_a_report_names_model_hash_and_settings(tmp_path: Path) -> None:
    recording = record(VARIABLE, tmp_path)
    about = {
        "model": {"name": "A network 3", "sha256": "ab12", "labels": ["Calm", "Tense"]},
        "settings": {"smoothing": 5, "threshold": 0.67, "extras": ["pose"]},
    }
    page = report_html(read_results(recording.paths["json"]), {**recording.summary, **about})
    said = dict(re.findall(r"<td>(.*?)</td>\s*<td>(.*?)</td>", page.partition("How it was made")[2]))
    assert (said["model: name"], said["model: sha256"]) == ("A network 3", "ab12")
    assert (said["model: labels"], said["settings: threshold"]) == ("Calm, Tense", "0.67")
    assert said["settings: extras"] == "pose"
