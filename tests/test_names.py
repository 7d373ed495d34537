"""How the files of one source are called: written once, and every reader finds what a writer wrote."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import main
from emotion_core.analytics import loading
from emotion_core.results import names
from emotion_core.results.recording import Recording
from emotion_core.types import Frame
from tests.made import encode, greys
from webapp.shared.report import summary_of


@pytest.mark.parametrize(
    "source", ["talk", "many_emotions", "the_results", "talk.v2", "a_summary", "b_output"]
)
@pytest.mark.parametrize("complete", [True, False])
def test_what_was_written_is_found(tmp_path: Path, source: str, complete: bool) -> None:
    path = names.results_path(tmp_path, source)
    if not complete:
        path.touch()  # an earlier result: a run that ends early lies beside it
    recording = Recording.create(path)
    recording.append(Frame(np.zeros((4, 4, 3), np.uint8)), [])
    recording.close(complete=complete)
    results = recording.paths["json"]
    partial = "" if complete else ".partial"
    assert results.name == f"{source}_results{partial}.json"
    assert recording.paths["summary"].name == f"{source}_summary{partial}.json"
    assert summary_of(results) == recording.summary
    assert names.name_of(str(results)) == source
    assert names.is_results(results) and not names.is_results(recording.paths["summary"])
    video = tmp_path / f"{source}_emotions{partial}.mp4"
    assert loading.find_video(results) is None
    video.touch()
    assert loading.find_video(results) == video


def test_the_names_stand_in_one_place(root: Path) -> None:
    literal = re.compile(
        r"""["'{*](?:[^"'\s]*)?_(?:results|summary|emotions|annotated)(?:\.json|\.csv)?["']"""
    )
    copies = [
        f"{path.relative_to(root)}: {match.group()}"
        for package in ("emotion_core", "webapp")
        for path in (root / package).rglob("*.py")
        for match in literal.finditer(re.sub(r'"""(?s:.*?)"""', "", path.read_text("utf-8")))
        if path.name != "names.py"
    ]
    listed = {"write_summary", "read_results", "summary"}  # names of functions in `__all__`
    assert [copy for copy in copies if copy.split('"')[1] not in listed] == []


def finished(folder: Path, name: str, source: str, place: str | None = None, *, killed: bool = False) -> None:
    """Leave the files that an analysis of a source leaves, or those of one that was killed."""
    about = {"source": {"name": source, "path": place}}
    recording = Recording.create(names.results_path(folder, name), about=about)
    recording.append(Frame(np.zeros((4, 4, 3), np.uint8)), [])
    recording.flush()
    if not killed:
        recording.close()


@pytest.mark.parametrize("killed", [False, True])
def test_a_name_of_another_source_is_not_taken(tmp_path: Path, killed: bool) -> None:
    film, other = tmp_path / "talk.mp4", tmp_path / "talk.mov"
    assert names.free_name(tmp_path, "talk", "talk.mov", other, ".mov") == ("talk", None)
    finished(tmp_path, "talk", "talk.mp4", "talk.mp4", killed=killed)
    assert names.free_name(tmp_path, "talk", "talk.mp4", film, ".mp4") == ("talk", None)
    assert names.free_name(tmp_path, "talk", "talk.mov", other, ".mov") == ("talk_mov", "talk.mp4")
    finished(tmp_path, "talk_mov", "talk_mov.avi", killed=killed)
    assert names.free_name(tmp_path, "talk", "talk.mov", other, ".mov") == ("talk_mov_2", "talk.mp4")
    assert names.free_name(tmp_path, "talk", "talk", None, "") == ("talk_2", "talk.mp4")


def test_one_name_in_two_folders_is_two_sources(tmp_path: Path) -> None:
    out = tmp_path / "out"
    films = [tmp_path / folder / "talk.mp4" for folder in ("a", "b")]
    for film in (*films, out / "x"):
        film.parent.mkdir()
        film.touch()
    finished(out, "talk", "talk.mp4", names.place_of(films[0], out))
    assert names.place_of(films[0], out) == "../a/talk.mp4"
    assert names.free_name(out, "talk", "talk.mp4", films[0], ".mp4") == ("talk", None)
    assert names.free_name(out, "talk", "talk.mp4", films[1], ".mp4") == ("talk_mp4", "../a/talk.mp4")
    films[0].unlink()  # a folder that was moved: the other one is not there any more
    assert names.free_name(out, "talk", "talk.mp4", films[1], ".mp4") == ("talk", None)


def test_a_finished_run_leaves_one_summary(tmp_path: Path) -> None:
    finished(tmp_path, "talk", "talk.mp4")
    assert {p.name for p in tmp_path.iterdir()} == {"talk_results.json", "talk_summary.json"}
    recording = Recording.create(tmp_path / "other_results.json", about={"source": {"name": "other.mp4"}})
    recording.append(Frame(np.zeros((4, 4, 3), np.uint8)), [])
    recording.discard()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.weights
def test_two_sources_of_one_stem_keep_their_results(tmp_path: Path) -> None:
    film = encode(tmp_path / "talk.mp4", greys(5))
    encode(tmp_path / "talk.mkv", greys(7))
    written = []
    for name in ("talk.mp4", "talk.mkv", "talk.mp4"):
        assert main.main(["--video", str(tmp_path / name), "--no-objects"]) == 0
        written.append({p.name: p.read_bytes() for p in tmp_path.glob("talk_results*")})
    assert {p.name for p in tmp_path.iterdir()} == {
        *("talk.mp4", "talk_emotions.mp4", "talk_results.json", "talk_summary.json"),
        *("talk.mkv", "talk_mkv_emotions.mp4", "talk_mkv_results.json", "talk_mkv_summary.json"),
    }
    assert written[0] == written[1]
    summary = json.loads((tmp_path / "talk_mkv_summary.json").read_text())
    assert summary["source"]["path"] == "talk.mkv" and summary["frames"] == 7
    assert summary["remarks"] == [
        "talk_results.json is of talk.mp4: the files of talk.mkv are called talk_mkv"
    ]
    assert main.main(["--video", str(film), "--no-objects", "--output", str(tmp_path / "talk_mkv.mp4")]) == 0
    assert (tmp_path / "talk_mkv_mp4_results.json").is_file() and (tmp_path / "talk_mkv_mp4.mp4").is_file()
