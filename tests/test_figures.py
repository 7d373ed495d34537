"""Each figure by hand, and the same in summary, page, report and dashboard, for recordings made to try it."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from emotion_core.analytics import MEASURES, figures, loading, measures, moments
from emotion_core.labels import EMOTIONS
from emotion_core.results.recording import Recording, read_results, summarize
from emotion_core.results.summary import Summary
from emotion_core.types import Box, Face, Frame
from webapp.shared import parts
from webapp.shared.i18n import Text
from webapp.shared.report import report_html
from webapp.video.result import result_html

EN = Text("en")
PICTURE = np.zeros((8, 8, 3), np.uint8)
LOOKS = {
    "H": ("Happy", 0.5, 0.8),
    "S": ("Sad", -0.5, 0.2),
    "N": ("Neutral", 0.0, 0.5),
    "A": ("Angry", -0.5, 0.9),
}
"""The label, valence and arousal of the faces below, by their first letter."""


@dataclass(frozen=True)
class Person:
    """What a face comes to, worked out by hand: times in s, shares in 0..1."""

    seconds: float
    share: Mapping[str, float]
    valence: tuple[float, float]  # mean and standard deviation
    arousal: tuple[float, float]
    changes: int
    per_minute: float
    longest: tuple[str, float, float]  # emotion, start, end
    moments: list[tuple[str, float, float]]  # emotion, time, confidence
    quadrants: tuple[float, float, float, float]  # shares


@dataclass(frozen=True)
class Case:
    """A recording, as (time, {face: letter and confidence}), and what it comes to."""

    pictures: list[tuple[float, dict[int, tuple[str, float]]]]
    end: float | None
    seconds: float
    found: float  # share of the time in which somebody is
    valence: float  # of all faces together
    per_minute: float
    people: dict[int, Person]


# Pictures of 1, 0.5 and 2.5 s, and a last one that is held for 6 s.
VARIABLE = Case(
    [
        (0.0, {1: ("H", 0.6)}),
        (1.0, {1: ("H", 0.9)}),
        (1.5, {1: ("S", 0.7)}),
        (4.0, {1: ("N", 0.8)}),
    ],
    end=10.0,
    seconds=10.0,
    found=1.0,
    valence=-0.05,
    per_minute=12.0,
    people={
        1: Person(
            seconds=10.0,
            share={"Happy": 0.15, "Sad": 0.25, "Neutral": 0.6},
            # (1.5 x 0.5 - 2.5 x 0.5) / 10; 1.5 x 0.55^2 + 2.5 x 0.45^2 + 6 x 0.05^2 = 0.975
            valence=(-0.05, sqrt(0.0975)),
            # (1.5 x 0.8 + 2.5 x 0.2 + 6 x 0.5) / 10; 1.5 x 0.33^2 + 2.5 x 0.27^2 + 6 x 0.03^2 = 0.351
            arousal=(0.47, sqrt(0.0351)),
            changes=2,
            per_minute=12.0,
            longest=("Neutral", 4.0, 10.0),
            moments=[("Happy", 1.0, 0.9), ("Sad", 1.5, 0.7)],
            quadrants=(0.75, 0.0, 0.25, 0.0),
        )
    },
)

# Person 1 is away for 2 s, so no change is counted; person 2 for 0.5 s and for just 1 s, which are bridged.
RETURNING = Case(
    [
        (0.0, {1: ("H", 0.9), 2: ("S", 0.8)}),
        (0.5, {1: ("H", 0.9), 2: ("S", 0.85)}),
        (1.0, {}),
        (1.5, {2: ("H", 0.6)}),
        (2.0, {}),
        (2.5, {}),
        (3.0, {1: ("N", 0.95), 2: ("A", 0.7)}),
    ],
    end=4.0,
    seconds=4.0,
    found=2.5 / 4,
    valence=(1.5 * 0.5 - 2 * 0.5) / 4.5,
    per_minute=2 / 4.5 * 60,
    people={
        1: Person(
            seconds=2.0,
            share={"Happy": 0.5, "Neutral": 0.5},
            valence=(0.25, 0.25),
            arousal=(0.65, 0.15),
            changes=0,
            per_minute=0.0,
            longest=("Happy", 0.0, 1.0),
            moments=[("Happy", 0.0, 0.9)],
            quadrants=(1.0, 0.0, 0.0, 0.0),
        ),
        2: Person(
            seconds=2.5,
            share={"Sad": 0.4, "Happy": 0.2, "Angry": 0.4},
            # (-0.5 - 0.5 + 0.25) / 2.5; 2 x 0.2^2 + 0.5 x 0.8^2 = 0.4
            valence=(-0.3, sqrt(0.16)),
            # (0.2 + 0.4 + 0.9) / 2.5; 0.4^2 + 0.5 x 0.2^2 + 0.3^2 = 0.27
            arousal=(0.6, sqrt(0.108)),
            changes=2,
            per_minute=48.0,
            longest=("Sad", 0.0, 1.0),
            moments=[("Sad", 0.5, 0.85), ("Angry", 3.0, 0.7), ("Happy", 1.5, 0.6)],
            quadrants=(0.2, 0.4, 0.4, 0.0),
        ),
    },
)

# A new emotion in every picture; when the stream ended isn't known, so the last lasts 0.2 s as the others.
FLICKER = Case(
    [
        (k / 5, {1: look})
        for k, look in enumerate([("H", 0.7), ("N", 0.9), ("H", 0.8), ("S", 0.4), ("H", 0.9)])
    ],
    end=None,
    seconds=1.0,
    found=1.0,
    valence=0.2,
    per_minute=240.0,
    people={
        1: Person(
            seconds=1.0,
            share={"Happy": 0.6, "Neutral": 0.2, "Sad": 0.2},
            # (1.5 - 0.5) / 5; (3 x 0.3^2 + 0.2^2 + 0.7^2) / 5 = 0.16
            valence=(0.2, 0.4),
            # (2.4 + 0.5 + 0.2) / 5; (3 x 0.18^2 + 0.12^2 + 0.42^2) / 5 = 0.0576
            arousal=(0.62, 0.24),
            changes=4,
            per_minute=240.0,
            longest=("Happy", 0.0, 0.2),
            moments=[("Happy", 0.8, 0.9), ("Happy", 0.4, 0.8), ("Happy", 0.0, 0.7)],  # 40 % is too little
            quadrants=(0.8, 0.0, 0.2, 0.0),
        )
    },
)

# No picture comes for 6 s: the one before lasts so long. A run goes on over an absence, which is not seen.
STANDING = Case(
    [
        (0.0, {3: ("A", 0.8)}),
        (2.0, {}),
        (2.5, {3: ("A", 0.9)}),
        (8.5, {3: ("S", 0.9)}),
    ],
    end=9.0,
    seconds=9.0,
    found=8.5 / 9,
    valence=-0.5,
    per_minute=60 / 8.5,
    people={
        3: Person(
            seconds=8.5,
            share={"Angry": 8 / 8.5, "Sad": 0.5 / 8.5},
            valence=(-0.5, 0.0),
            # (8 x 0.9 + 0.5 x 0.2) / 8.5; the deviation of two values is sqrt(p q) times their distance
            arousal=(7.3 / 8.5, 0.7 * sqrt(8 * 0.5) / 8.5),
            changes=1,
            per_minute=60 / 8.5,
            longest=("Angry", 0.0, 8.5),
            moments=[("Angry", 2.5, 0.9), ("Sad", 8.5, 0.9)],
            quadrants=(0.0, 8 / 8.5, 0.5 / 8.5, 0.0),
        )
    },
)
CASES = {"variable": VARIABLE, "returning": RETURNING, "flicker": FLICKER, "standing": STANDING}


def face_of(number: int, look: tuple[str, float]) -> Face:
    label, valence, arousal = LOOKS[look[0]]
    rest = (1 - look[1]) / 6
    chances = tuple(look[1] if name == label else rest for name in EMOTIONS)
    return Face(number, Box(1, 1, 4, 4), label, look[1], chances, valence, arousal)


def record(case: Case, folder: Path) -> Recording:
    recording = Recording.create(folder / "made_results.json", formats=("csv", "parquet"))
    for index, (time, faces) in enumerate(case.pictures):
        recording.append(Frame(PICTURE, index, time), [face_of(*face) for face in faces.items()])
    recording.close(end=case.end)
    return recording


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def near(value: Any) -> Any:
    return pytest.approx(value, abs=6e-5)  # the summary has four decimals


def full(share: Mapping[str, float]) -> dict[str, float]:
    return {label: share.get(label, 0.0) for label in EMOTIONS}


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
    facts = dict(re.findall(r'<dt class="k">(.*?)</dt><dd.*?>(.*?)</dd>', page))
    assert facts["Length"] == parts.length(case.seconds)
    assert facts["Time with a face"] == parts.percent(case.found)
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
    assert {measure.label for measure in MEASURES} <= set(cards)
    blocks = re.findall(r'<script type="application/json" id="figure\d+">(.*?)</script>', page, re.DOTALL)
    charts = [json.loads(block.replace("<\\/", "</")) for block in blocks]
    dwell = next(chart for chart in charts if chart["data"][0].get("y") == list(figures.QUADRANTS))
    for trace in dwell["data"]:
        known = case.people[int(trace["name"].removeprefix("Person "))]
        assert trace["text"] == [f"{100 * share:.0f} %" for share in known.quadrants]
    peaks = [float(time) for time in re.findall(r"<td>Peak</td>\s*<td>\d+</td>\s*<td>(.*?)</td>", page)]
    assert peaks == sorted(m[1] for known in case.people.values() for m in known.moments)


@pytest.mark.parametrize("name", ["returning", "standing"])
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
    assert cards["Length"] == f"{case.seconds:.1f} s"
    assert cards["Faces found"] == f"{100 * case.found:.1f} %"
    assert cards["Mean valence"] == f"{case.valence:+.2f}"
    assert cards["Changes / min"] == f"{case.per_minute:.1f}"
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
                rows.append((frame, time, face, label, *values, lasting))
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
        ([0.5, 9.0, -1.0], [0.5, 2.0, 1.5]),  # less where records were taken out; never over the next picture
        ([np.inf, np.nan, np.nan], [1.0, 2.0, 1.5]),
    ],
)
def test_durations(known: list[float], until: list[float]) -> None:
    frame, time = np.arange(3.0), np.array([0.0, 1.0, 3.0])
    assert figures.durations(frame, time, np.array(known)).tolist() == until
    order = np.array([2, 0, 1])
    turned = figures.durations(frame[order], time[order], np.array(known)[order])
    assert turned.tolist() == [until[i] for i in order]


def test_means_over_times_leave_absences_out() -> None:
    time, duration, values = np.array([0.0, 1.0, 5.0]), np.array([1.0, 1.0, 3.0]), np.array([1.0, 0.0, 0.5])
    low, high = np.array([0.0, 0.5, 2.0, 1.5, 7.0]), np.array([2.0, 1.25, 5.0, 5.5, 7.5])
    means = figures.means_over(time, duration, values, low, high)
    assert means[[0, 1, 3, 4]] == pytest.approx([0.5, 0.5 / 0.75, 0.25 / 1.0, 0.5])
    assert np.isnan(means[2])
