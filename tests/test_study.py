"""A study as a folder: what is missing is said, figures are those of the people, the report says it all."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import ttest_1samp

from emotion_core.__main__ import main as installed
from emotion_core.labels import EMOTIONS
from emotion_core.results.recording import Recording
from emotion_core.study import checks, curves, drawing, report, responses
from emotion_core.study.checks import Analysed
from emotion_core.study.layout import Event, Layout, read
from emotion_core.types import Box, EmotionError, Face, Frame
from main import main

ROOT = Path(__file__).resolve().parent.parent
MODEL = {"name": "made", "sha256": "ab" * 32, "labels": list(EMOTIONS)}
EVENTS = "onset\tduration\ttrial_type\n2\t2\tfilm\n6\t2\tsong\n"


def folder_of(root: Path, names: Sequence[str], people: str = "P1\tx\nP2\ty\n", events: str = EVENTS) -> Path:
    """A study with empty recordings of those names, and a file of events for each."""
    (root / "videos").mkdir()
    (root / "events").mkdir()
    (root / "participants.tsv").write_text(f"participant_id\tgroup\n{people}")
    for name in names:
        place = root / "videos" / name
        place.parent.mkdir(exist_ok=True)
        place.touch()
        if events:
            (root / "events" / f"{place.stem}_events.tsv").write_text(events)
    return root


def layout_of(folder: Path) -> Layout:
    return read(folder, sorted(path for path in (folder / "videos").rglob("*") if path.suffix == ".mp4"))


def face(valence: float, number: int = 1, emotion: str = "Happy") -> Face:
    shares = tuple(0.4 if name == emotion else 0.1 for name in EMOTIONS)
    return Face(number, Box(0, 0, 9, 9), emotion, 0.4, shares, valence, 0.5)


def recorded(folder: Path, name: str, level: float, seconds: float = 10.0) -> Analysed:
    """Ten pictures a second: valence is 0.1, but `level` and Sad from 2 to 4 s; a passer-by at 5 s."""
    path = folder / f"{name}_results.json"
    about = {"source": {"name": f"{name}.mp4"}, "model": MODEL, "settings": {"smoothing": 5}}
    with Recording.create(path, about=about) as recording:
        for index in range(round(seconds * 10)):
            time = index / 10
            shown = face(level, emotion="Sad") if 2 <= time < 4 else face(0.1)
            others = [face(-1.0, 2)] if 5 <= time < 5.5 else []
            recording.append(Frame(np.zeros((9, 9, 3), np.uint8), index, time), [shown, *others])
    return Analysed("done", results=path, summary=json.loads(recording.paths["summary"].read_text()))


# the folder


def test_recordings_find_their_people_and_stimuli(tmp_path: Path) -> None:
    names = [
        "P1_film.mp4",
        "p2-song.mp4",
        "P10_film.mp4",
        "P1/late.mp4",
        "sub-3_task-joy_run-1.mp4",
        "P12.mp4",
    ]
    people = "P1\tx\nP2\ty\nP10\tx\nsub-3\ty\n"
    layout = layout_of(folder_of(tmp_path, names, people, events=""))
    found = {one.path.name: (one.participant, [e.name for e in one.events]) for one in layout.recordings}
    assert found == {
        "P1_film.mp4": ("P1", ["film"]),
        "p2-song.mp4": ("P2", ["song"]),
        "P10_film.mp4": ("P10", ["film"]),
        "late.mp4": ("P1", ["late"]),
        "sub-3_task-joy_run-1.mp4": ("sub-3", ["joy_run-1"]),
    }
    assert [path.name for path in layout.strangers] == ["P12.mp4"]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("participants.tsv", "participant_id\nP1\nP1\n", "names P1 twice"),
        ("participants.tsv", "participant_id\n", "names nobody"),
        ("participants.tsv", "who\nP1\n", "without participant_id"),
        ("events/P1_a_events.tsv", "onset\tduration\ttrial_type\nsoon\t1\ta\n", "each needs an onset"),
        ("events/P1_a_events.tsv", "onset\tduration\ttrial_type\n1\tlong\ta\n2\t1\tb\n", "1 rows without"),
        ("events/P1_a_events.tsv", "onset\tduration\ttrial_type\n1\t0\ta\n", "seconds above 0"),
        ("events/P1_a_events.tsv", "onset\tduration\ttrial_type\n-1\t1\ta\n", "begins before the recording"),
        ("stimuli.tsv", "stimulus;duration\nfilm;long\n", "no number of seconds"),
        ("study.json", "[1]", "holds no title"),
        ("study.json", "{", "can't be read"),
        ("participants.tsv", "\xff\xfe", "can't be read"),
    ],
)
def test_what_can_not_be_used_is_one_line(tmp_path: Path, file: str, text: str, says: str) -> None:
    folder = folder_of(tmp_path, ["P1_a.mp4"])
    (folder / file).write_bytes(text.encode("latin-1"))
    with pytest.raises(EmotionError, match=says) as error:
        layout_of(folder)
    assert len(str(error.value).splitlines()) == 1


def test_a_folder_that_is_none_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, says in ((tmp_path / "none", "does not exist"), (tmp_path, "no folder videos")):
        assert main(["--study", str(folder)]) == 1
        assert says in capsys.readouterr().err
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "P1.mp4").touch()
    assert main(["--study", str(tmp_path), "--check"]) == 1
    assert "no participants.tsv" in capsys.readouterr().err
    assert installed(["study", str(tmp_path), "--output", "x"]) == 2


# what is missing


def test_what_is_missing_is_said_by_person(tmp_path: Path) -> None:
    names = ["P1_a.mp4", "P2_a.mp4", "P9_a.mp4"]
    folder = folder_of(tmp_path, names, "P1\tx\nP2\ty\nP3\tx\n")
    (folder / "stimuli.tsv").write_text("stimulus\tduration\nfilm\t2\nsong\t5\nend\t1\n")
    (folder / "events" / "P2_a_events.tsv").write_text(f"{EVENTS}9\t2\tfilm\n")
    (folder / "events" / "lost.tsv").write_text(EVENTS)
    layout = layout_of(folder)
    known = {folder / "videos" / "P1_a.mp4": recorded(tmp_path, "P1_a", 0.5)}
    known[folder / "videos" / "P2_a.mp4"] = Analysed("failed", "P2_a.mp4 is damaged")
    said = {who: [] for who in ("P1", "P2", "P3", None)}
    for one in checks.findings(layout, known):
        said[one.participant].append((one.line, one.missing))
    short = ("song lasts 2.0 s, not 5.0 s", False)
    assert said["P1"] == [
        ("no recording of end", True),
        (f"P1_a.mp4: {short[0]}", False),
        ("P1_a.mp4: 2 faces are told apart: the one seen longest is taken", False),
    ]
    assert ("film was shown 2 times: their mean is taken", False) in said["P2"]
    assert ("P2_a.mp4: P2_a.mp4 is damaged", True) in said["P2"]
    assert said["P3"] == [("no recording", True)]
    assert [line for line, _ in said[None]] == [
        "P9_a.mp4 belongs to nobody of the participants: begin its name with a participant_id",
        *("P9_a_events.tsv belongs to no recording: call it as the recording is called",),
        "lost.tsv belongs to no recording: call it as the recording is called",
    ]


def test_an_event_beyond_the_end_and_a_face_that_is_away_are_said(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ["P1_a.mp4"], "P1\tx\n")
    known = {folder / "videos" / "P1_a.mp4": recorded(tmp_path, "P1_a", 0.5, seconds=7)}
    lines = [one.line for one in checks.findings(layout_of(folder), known)]
    assert "P1_a.mp4: song would end at 8.0 s, and the recording at 7.0 s" in lines


# what was shown


@pytest.fixture
def made(tmp_path: Path) -> tuple[Layout, dict[Path, Analysed]]:
    """Four people of two groups, whose valence during the film is 0.2, 0.4, 0.5 and 0.9."""
    levels = {"P1": 0.2, "P2": 0.4, "P3": 0.5, "P4": 0.9}
    people = "P1\tx\nP2\tx\nP3\ty\nP4\ty\n"
    folder = folder_of(tmp_path, [f"{who}_a.mp4" for who in levels], people)
    known = {folder / "videos" / f"{w}_a.mp4": recorded(tmp_path, f"{w}_a", v) for w, v in levels.items()}
    return layout_of(folder), known


def test_figures_are_those_of_the_person_during_the_stimulus(
    made: tuple[Layout, dict[Path, Analysed]],
) -> None:
    table = responses.table_of(*made)
    assert list(table["participant"]) == ["P1", "P1", "P2", "P2", "P3", "P3", "P4", "P4"]
    film, song = table[table["stimulus"] == "film"], table[table["stimulus"] == "song"]
    assert np.allclose(film["valence"], [0.2, 0.4, 0.5, 0.9], atol=1e-6)
    assert np.allclose(film["valence_change"], [0.1, 0.3, 0.4, 0.8], atol=1e-6)
    assert np.allclose(song["valence"], 0.1, atol=1e-6) and np.allclose(song["valence_change"], 0, atol=1e-6)
    assert np.allclose(film["seen"], 1) and (film["face"] == 1).all(), "the passer-by is not the participant"
    assert (film["share_Sad"] == 1).all() and (song["share_Happy"] == 1).all()


def test_intervals_are_students_over_people(made: tuple[Layout, dict[Path, Analysed]]) -> None:
    table = responses.table_of(*made)
    twice = pd.concat([table, table[table["participant"] == "P4"]])  # a repetition is no further person
    for given in (table, twice):
        sums = responses.summed(given).set_index(["stimulus", "measure"])
        row = sums.loc[("film", "valence")]
        interval = ttest_1samp([0.2, 0.4, 0.5, 0.9], 0).confidence_interval(0.95)
        assert row["people"] == 4 and row["mean"] == pytest.approx(0.5, abs=1e-6)
        assert (row["low"], row["high"]) == pytest.approx(tuple(interval), abs=1e-5)
    groups = responses.summed(table, ("stimulus", "group")).set_index(["stimulus", "group", "measure"])
    assert groups.loc[("film", "y", "valence"), "mean"] == pytest.approx(0.7, abs=1e-6)
    alone = responses.summed(table[table["participant"] == "P1"])
    assert alone["low"].isna().all() and alone["mean"].notna().all()


def test_the_report_says_what_there_is_and_escapes_what_files_say(
    made: tuple[Layout, dict[Path, Analysed]],
) -> None:
    layout, known = made
    (layout.folder / "study.json").write_text('{"title": "<b>One</b> | two", "note": "<script>x</script>"}')
    (layout.folder / "participants.tsv").write_text("participant_id\tgroup\nP1\t<i>x\nP2\ty\nP3\ty\nP4\ty\n")
    files = report.write(layout_of(layout.folder), known)
    page, text = files["html"].read_text("utf-8"), files["markdown"].read_text("utf-8")
    assert "<script" not in page and "<b>One" not in page and "<i>x" not in page
    assert "<script" not in text and "<i>x" not in text
    for words in ("4 of 4 participants are complete", "4 people took part", "Student's t", "weights made"):
        assert words in text, words
    for name in ("valence", "arousal", "valence_change", "shares"):
        assert f"figures/{name}.svg" in text and files[name].read_text().startswith("<svg")
    assert page.count("<svg") == 7 and "http" not in page.replace("http://www.w3.org/2000/svg", "").replace(
        'http-equiv="Content', ""
    )
    assert yaml.safe_load(files["citation"].read_text())["references"][0]["notes"] == "SHA-256 " + "ab" * 32
    assert len(pd.read_csv(files["responses"])) == 8
    peaks = pd.read_csv(files["peaks"]).set_index(["measure", "name", "group"])
    assert peaks.loc[("valence", "film", "y"), ["units", "trials"]].tolist() == [3, 3]
    assert files["methods"].read_text("utf-8").strip().split("\n\n")[1] in text


def test_curves_are_means_over_participants_who_count_once(made: tuple[Layout, dict[Path, Analysed]]) -> None:
    """Valence rises by 0.1, 0.3, 0.4 and 0.8 for the two seconds of the film; P4 is recorded twice."""
    layout, known = made
    again = layout.recordings[3]
    twice = replace(again, path=again.path.with_name("P4_b.mp4"))
    layout = replace(layout, recordings=(*layout.recordings, twice))
    known = {**known, twice.path: known[again.path]}
    shown = curves.Curves(layout)
    responses.table_of(layout, known, shown.add)
    found, why_not = curves.gathered(shown)
    assert found is not None and not why_not and found.window.before == 1.0
    film = next(
        one for one in found.responses if (one.measure, one.name, one.group) == ("valence", "film", None)
    )
    assert film.units == 4 and film.over == "people" and film.times[-1] == pytest.approx(1.85)
    inside = (film.times > 0.1) & (film.times < 1.9)
    # A picture stands for the time around it: a twentieth of the baseline shows the film already.
    rises = 0.95 * np.array([0.1, 0.3, 0.4, 0.8])
    assert np.allclose(film.mean[inside], rises.mean(), atol=1e-6)
    interval = ttest_1samp(rises, 0).confidence_interval(0.95)
    assert np.allclose(film.low[inside], interval.low, atol=1e-5)
    groups = {one.group: one.units for one in found.responses if one.name == "film"}
    assert groups == {None: 4, "x": 2, "y": 2}
    start = replace(
        layout, recordings=tuple(replace(r, events=(Event("all", 0.0, math.nan),)) for r in layout.recordings)
    )
    shown = curves.Curves(start)
    responses.table_of(start, known, shown.add)
    whole, _ = curves.gathered(shown)
    assert whole is not None and whole.window.before == 0 and whole.responses[0].mean[0] == pytest.approx(0.1)


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmotionError, match="analyse the study first"):
        report.write(layout_of(folder_of(tmp_path, ["P1_a.mp4"])), {})


def test_axes_hold_every_value() -> None:
    for values in ([0.5], [-0.9, 0.95], [0.001, 0.002], [-3, 400.0], []):
        ticks = drawing._ticks(values)
        assert 2 <= len(ticks) <= 9 and ticks == sorted(set(ticks))
        assert all(ticks[0] <= value <= ticks[-1] for value in values)


# from folder to report


@pytest.mark.weights
def test_two_commands_lead_to_the_report(
    tmp_path: Path,
    astronaut_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = folder_of(tmp_path, [], "P1\tx\nP2\tx\n", events="")
    monkeypatch.chdir(tmp_path.parent)
    shutil.copy(astronaut_path, folder / "videos" / "P1_film.png")
    (folder / "videos" / "P2_film.mp4").write_bytes(b"no video")
    (folder / "videos" / "holiday.png").write_bytes(astronaut_path.read_bytes())
    assert main(["--study", str(folder), "--no-objects", "--workers", "1"]) == 1
    out, error = capsys.readouterr()
    assert "P1: complete" in out and "P2: P2_film.mp4: " in out and "1 of 2 participants are complete" in out
    assert "holiday.png belongs to no participant" in error
    manifest = pd.read_csv(folder / "analysis" / "manifest.csv")
    assert list(manifest["list_participant"]) == ["P1", "P2"] and list(manifest["state"]) == [
        "done",
        "failed",
    ]
    assert main(["--study", folder.name, "--report"]) == 0
    table = pd.read_csv(folder / "report" / "responses.csv")
    assert list(table["stimulus"]) == ["film"] and table["share_Happy"][0] == 1


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.timeout(1800)
def test_a_made_study_of_twelve_finds_what_was_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    run = [sys.executable, "docs/make_study.py", str(folder)]
    subprocess.run(run, cwd=ROOT, check=True, capture_output=True)
    words = ["--study", str(folder), "--no-objects", "--workers", "1"]
    assert main(words) == 1, "the last person lacks a stimulus"
    assert main(["--study", str(folder), "--report"]) == 0
    text = (folder / "report" / "report.md").read_text("utf-8")
    assert "nobody took part" in text and "11 of 12 participants are complete" in text
    assert "by their model card: " in text
    sums = pd.read_csv(folder / "report" / "means.csv").set_index(["stimulus", "measure"])
    assert sums.loc[("disgust", "valence_change"), "high"] < sums.loc[("calm", "valence_change"), "low"]
    assert sums.loc[("joy", "valence_change"), "low"] > 0 > sums.loc[("startle", "valence_change"), "high"]
    assert sums.loc[("startle", "arousal_change"), "low"] > 0
    assert sums.loc[("disgust", "share_Disgust"), "low"] > 0
