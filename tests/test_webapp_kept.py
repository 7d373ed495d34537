"""What outlives a page: the results of a browser, and its running jobs."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.recordings import DOUBTFUL, VARIABLE, record
from webapp.shared import owners
from webapp.shared.i18n import Text
from webapp.shared.jobs import Jobs
from webapp.shared.store import Workspace
from webapp.shared.visitor import Visitor
from webapp.video import kept
from webapp.video.batch import follow

ME, OTHER = Visitor.from_values("a" * 32), Visitor.from_values("b" * 32)


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Workspace]:
    for name in ("EMOTION_RESULTS", "GRADIO_TEMP_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    made = Workspace(60)
    yield made
    made.close()


def test_a_browsers_results_are_there_again_in_its_language(workspace: Workspace) -> None:
    first, folder = owners.new_folder(ME)
    record(VARIABLE, folder)
    second, folder = owners.new_folder(ME)
    record(DOUBTFUL, folder)
    owners.new_folder(ME)  # one that is being made
    assert kept.results_of(ME) == [("made", second), ("made", first)]
    assert kept.results_of(OTHER) == [] and kept.page_of(first, OTHER, Text("en")) is None
    page = kept.page_of(second, ME, Text("de"))
    assert page is not None and "Unsicher" in page and f"result/{second}/made_results.json" in page
    assert f"dashboard/?result={second}" in page
    assert not owners.discard(first, OTHER) and owners.discard(first, ME) and not owners.discard(first, ME)
    assert kept.results_of(ME) == [("made", second)] and kept.page_of(first, ME, Text("en")) is None


def test_a_job_is_found_again_by_its_browser_and_by_no_other() -> None:
    jobs, end = Jobs(), threading.Event()
    job = jobs.begin("page", ME, work="a batch")
    job.worker = threading.Thread(target=end.wait, daemon=True)
    job.worker.start()
    jobs.leave("page", 0.2)
    assert jobs.come_back("stranger", OTHER) == [] and jobs.come_back("again", ME) == [job]
    assert not job.stop.wait(0.6)  # the time is up, and the new page shows it
    shown = follow(job)
    assert next(shown) == "a batch"
    shown.close()  # the page was closed: that alone ends nothing
    assert not job.stop.is_set() and jobs.cancel("page") == 0
    jobs.leave("again", 0.2)
    assert job.stop.wait(10) and job.abandoned  # nobody came
    assert jobs.come_back("late", ME) == []
    end.set()


def test_who_kept_no_cookie_is_not_taken_for_another() -> None:
    jobs = Jobs()
    jobs.begin("page")
    assert jobs.come_back("other", Visitor()) == []


def test_a_chosen_language_comes_before_the_browsers() -> None:
    headers = {"accept-language": "fr", "x-emotion-language": "hi"}
    assert Text.for_request(SimpleNamespace(headers=headers)).language == "hi"
    headers["x-emotion-language"] = "../../etc"
    assert Text.for_request(SimpleNamespace(headers=headers)).language == "fr"
