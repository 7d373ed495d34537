"""The video tab without a browser: one after the other, progress, cancel, partial results, clean-up."""

import functools
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion_core.results.formats import FORMATS, usual
from emotion_core.results.recording import read_results, summarize
from emotion_core.types import EmotionError
from emotion_core.video.reader import Frames
from tests.batches import analyse_batch
from webapp.settings import Settings
from webapp.shared import owners, store
from webapp.shared.engine import Engine
from webapp.shared.i18n import Text
from webapp.shared.jobs import Job, Jobs
from webapp.shared.shelf import Room
from webapp.shared.uploads import Uploads
from webapp.shared.visitor import Visitor
from webapp.video.batch import Batch, Item, VideoOptions, items_of, queue_html

EN = Text("en")
ME = Visitor.from_values("m" * 32)


def upload(workspace: store.Workspace, source: Path, name: str | None = None) -> Path:
    """Put a copy of a file where Gradio puts uploads."""
    folder = workspace.uploads / f"hash{len(list(workspace.uploads.iterdir()))}"
    folder.mkdir()
    path = folder / (name or source.name)
    path.write_bytes(source.read_bytes())
    return path


def batch_of(paths: list[Path], **options: object) -> Batch:
    return Batch(items_of(paths, EN), VideoOptions(**options), EN, owner=ME)  # type: ignore[arg-type]


def file_of(token: str | None, ending: str) -> Path:
    """Give the one file of a result with this ending."""
    folder = store.folder_of(token)
    assert folder is not None
    (path,) = folder.glob(f"*{ending}")
    return path


def files_below(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


# -- the work --------------------------------------------------------------------------------------------


@pytest.mark.weights
def test_good_and_bad_videos_one_after_the_other(
    engine: Engine, workspace: store.Workspace, talking_clip: Path, tmp_path: Path
) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no video")
    paths = [upload(workspace, talking_clip, '人 "a" b.mp4'), upload(workspace, text)]
    batch, job = batch_of(paths), Job()
    for path in paths:
        workspace.incoming.arrived("ada", path)
    states: list[tuple[str, ...]] = []
    done = functools.partial(workspace.incoming.done, "ada", "me")
    for _ in analyse_batch(batch, job, engine, Settings(), done):
        states.append(tuple(item.state for item in batch.items))
    good, bad = batch.items
    assert (good.state, bad.state) == ("done", "failed")
    assert "is not a video" in (bad.problem or "") and bad.token is None
    assert ("reading", "waiting") in states
    assert files_below(workspace.uploads) == []  # no upload is left
    folder = store.folder_of(good.token)
    assert folder is not None
    kinds = sorted(p.name.split("b", 1)[1] for p in folder.iterdir())
    assert kinds == sorted(
        [
            "_emotions.mp4",
            "_report.html",
            *(f"_results{FORMATS[name].endings[0]}" for name in usual()),
            "_summary.json",
        ]
    )
    # What the page says is what the files say.
    table = read_results(file_of(good.token, "_results.json"))
    summary = json.loads(file_of(good.token, "_summary.json").read_text())
    assert summary["faces"] == summarize(table)["faces"]
    assert table["frame"].nunique() == 50 and 'data-seek="' in good.html or summary["people"] == 0
    for path in folder.iterdir():
        if path.suffix != ".jpg":
            assert f"result/{good.token}/" in good.html
    token = good.html.split("dashboard/?result=")[1].split('"')[0]
    assert token == good.token and owners.folder_of(token, ME) == folder
    assert "<b>" not in bad.html
    html = queue_html(batch)
    assert 'data-state="done"' in html and 'data-state="failed"' in html
    assert "人 &quot;a&quot; b.mp4" in html or "人" in html


@pytest.mark.weights
def test_cancel_keeps_what_was_done(
    engine: Engine, workspace: store.Workspace, astronaut: np.ndarray, tmp_path: Path
) -> None:
    from benchmarks.clip import write_clip

    clip = tmp_path / "long.mp4"
    write_clip(clip, astronaut, width=320, height=240, seconds=20.0, rate=25, tone=False)
    batch = batch_of([upload(workspace, clip), upload(workspace, clip, "next.mp4")])
    job = Job()
    for _ in analyse_batch(batch, job, engine, Settings(), lambda paths: None):
        if batch.items[0].frames > 30:
            job.stop.set()
    first, second = batch.items
    assert (first.state, second.state) == ("partial", "cancelled")
    table = read_results(file_of(first.token, "_results.json"))
    assert 30 < table["frame"].nunique() < 500
    assert "This result is partial" in first.html and "<video" in first.html


@pytest.mark.weights
def test_a_closed_page_leaves_no_thread_and_no_file(
    engine: Engine, workspace: store.Workspace, astronaut: np.ndarray, tmp_path: Path
) -> None:
    from benchmarks.clip import write_clip

    clip = tmp_path / "long.mp4"
    write_clip(clip, astronaut, width=320, height=240, seconds=20.0, rate=25, tone=False)
    path = upload(workspace, clip)
    batch, jobs, uploads = batch_of([path]), Jobs(), workspace.incoming
    uploads.arrived("ada", path)
    uploads.claim("ada", "me", [path])
    uploads.hold([path])
    job = jobs.begin("me")
    work = analyse_batch(batch, job, engine, Settings(), uploads.free)
    for _ in work:
        if batch.items[0].frames > 5:
            break
    jobs.leave("me")
    uploads.leave("me")
    work.close()
    assert batch.items[0].state == "cancelled" and batch.items[0].frames < 500  # in its middle
    assert not any(thread.name == "video" for thread in threading.enumerate())
    assert files_below(workspace.folder) == []
    assert list(workspace.results.iterdir()) == []


@pytest.mark.weights
def test_a_video_that_runs_on_for_longer_than_it_says_is_stopped(
    engine: Engine, workspace: store.Workspace, talking_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The length in a file's header is a claim; the frames that come are counted."""
    import dataclasses

    from webapp.video import batch as handlers

    real = handlers.open_video

    def claiming(*given: Any) -> Frames:
        reader = real(*given)
        reader.info = dataclasses.replace(reader.info, duration=1.0, fps=1.0)
        return reader

    monkeypatch.setattr(handlers, "open_video", claiming)
    batch = batch_of([upload(workspace, talking_clip)])
    list(analyse_batch(batch, Job(), engine, Settings(max_minutes=0.1), lambda paths: None))
    assert batch.items[0].state in {"partial", "done"}  # 2 s may pass before the first count
    assert batch.items[0].html


@pytest.mark.weights
def test_hidden_faces_are_hidden_in_the_video(
    engine: Engine, workspace: store.Workspace, talking_clip: Path
) -> None:
    from emotion_core.video.reader import frames

    looks = []
    for hide in (False, True):
        batch = batch_of([upload(workspace, talking_clip)], hide_faces=hide)
        list(analyse_batch(batch, Job(), engine, Settings(), lambda paths: None))
        item = batch.items[0]
        table = read_results(file_of(item.token, "_results.json"))
        row = table[table["frame"] == 25].iloc[0]
        x, y, w, h = (int(row[f"box_{k}"]) for k in "xywh")
        with frames(file_of(item.token, ".mp4")) as reader:
            image = next(f.image for f in reader if f.index == 25)
        inner = image[y + h // 4 : y + 3 * h // 4, x + w // 4 : x + 3 * w // 4].astype(float)
        looks.append(np.abs(np.diff(inner, axis=1)).mean())
    assert looks[1] < looks[0] * 0.75  # far less detail where the face was


def test_nothing_or_too_much_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmotionError, match="Choose a video"):
        items_of(None, EN)
    with pytest.raises(EmotionError, match="21 files"):
        items_of([tmp_path / "a.mp4"] * 21, EN)


def test_progress_is_said_in_words() -> None:
    item = Item(Path("a.mp4"), "<a>.mp4", "running", share=0.42, frames=42, fps=61.7, left=75.0)
    html = queue_html(Batch([item], VideoOptions(), EN))
    assert "42 % · 62 frames/s · 1:15 left" in html and "&lt;a&gt;.mp4" in html
    item.share = item.left = None
    assert "42 frames · 62 frames/s" in queue_html(Batch([item], VideoOptions(), EN))
    assert "42 Bilder" in queue_html(Batch([item], VideoOptions(), Text("de")))


@pytest.mark.weights
def test_two_jobs_take_turns_and_one_that_waits_can_be_cancelled(
    engine: Engine, workspace: store.Workspace, talking_clip: Path
) -> None:
    slots = threading.BoundedSemaphore(1)
    slots.acquire()  # somebody else's video is running
    batch, job, ended = batch_of([upload(workspace, talking_clip)]), Job(), []
    work = analyse_batch(batch, job, engine, Settings(), ended.append, slots)
    next(work)
    assert batch.items[0].state == "waiting" and "waiting" in queue_html(batch)
    slots.release()
    for _ in work:
        pass
    assert batch.items[0].state == "done" and len(ended) == 1
    slots.acquire()
    batch = batch_of([upload(workspace, talking_clip)])
    work = analyse_batch(batch, job, engine, Settings(), ended.append, slots)
    job.stop.set()
    for _ in work:
        pass
    assert batch.items[0].state == "cancelled" and len(ended) == 2
    slots.release()
    with pytest.raises(ValueError):
        slots.release()  # every slot was given back


# -- jobs ------------------------------------------------------------------------------------------------


def test_an_upload_that_two_visitors_share_lives_until_both_are_done(tmp_path: Path) -> None:
    shared = tmp_path / "x" / "clip.mp4"
    shared.parent.mkdir()
    uploads = Uploads(tmp_path, Room(9, 1e6, 9, 1e6))

    def send(owner: str, page: str) -> None:
        shared.write_bytes(b"x")
        uploads.arrived(owner, shared)
        uploads.claim(owner, page, [shared])

    send("ada", "one")
    send("ben", "two")
    uploads.done("ada", "one", [shared])
    assert uploads.own("ada", str(shared)) is None  # what was done with can't be named again
    assert shared.exists()
    uploads.leave("two")
    assert not shared.exists()
    # Nor does an upload go that nobody has claimed yet, or that the same visitor has in another window.
    send("ada", "one")
    send("ada", "two")
    shared.write_bytes(b"x")
    uploads.arrived("ben", shared)
    uploads.done("ada", "one", [shared])
    uploads.leave("two")
    assert shared.exists() and uploads.own("ben", str(shared)) == shared
    # A page that is closed in the middle of a job lets go of the file when the job does.
    uploads.claim("ben", "three", [shared])
    uploads.hold([shared])
    uploads.leave("three")
    assert shared.exists()
    uploads.free([shared])
    assert not shared.exists()


def test_stopping_the_app_stops_every_job() -> None:
    jobs = Jobs()
    job = jobs.begin("one")
    assert (jobs.running(), jobs.cancel("two"), job.stop.is_set()) == (1, 0, False)
    jobs.close(wait=0.1)
    assert job.stop.is_set() and jobs.begin("late").stop.is_set()
    jobs.end("one", job)


@pytest.mark.weights
def test_stopping_the_app_can_keep_what_a_job_has(
    engine: Engine, workspace: store.Workspace, astronaut: np.ndarray, tmp_path: Path
) -> None:
    from benchmarks.clip import write_clip

    clip, kept = tmp_path / "long.mp4", tmp_path / "kept"
    kept.mkdir()
    write_clip(clip, astronaut, width=320, height=240, seconds=20.0, rate=25, tone=False)
    batch, jobs = batch_of([upload(workspace, clip)]), Jobs()
    job = jobs.begin("me")
    work = analyse_batch(batch, job, engine, Settings(), lambda p: jobs.end("me", job))
    for _ in work:
        if batch.items[0].frames > 30:
            break
    jobs.tell(kept)
    jobs.leave("me")  # as when the stop cuts the page's connection
    work.close()
    jobs.close(kept)
    workspace.close()
    (folder,) = kept.iterdir()
    (path,) = folder.glob("*_results*.json")
    assert folder.name.startswith("long") and not workspace.folder.exists()
    assert 30 < read_results(path)["frame"].nunique() < 500
    assert next(folder.glob("*.mp4")).stat().st_size > 1000
