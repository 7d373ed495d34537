"""How the files of one source are called: written once, and every reader finds what a writer wrote."""

import re
from pathlib import Path

import numpy as np
import pytest

from emotion_core.analytics import loading
from emotion_core.results import names
from emotion_core.results.recording import Recording
from emotion_core.types import Frame
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
