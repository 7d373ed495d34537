"""The video, picture and model tabs in a real browser; what is uploaded, what comes back, what is refused."""

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from emotion_core.results.formats import usual
from tests.browser.running import RunningApp, opened_dashboard, start_app, stop_app

pytestmark = [pytest.mark.browser, pytest.mark.weights]


def upload(page: Any, tab: str, paths: list[Path]) -> None:
    """Go to a tab and give it files."""
    page.get_by_role("tab", name={"video": "Video", "picture": "Pictures"}[tab], exact=True).click()
    page.wait_for_selector(f"#{tab}-result .empty, #{tab}-result [data-result]")
    page.set_input_files(f"#{tab}-files input[type=file]", [str(p) for p in paths])
    for path in paths:
        page.locator(f"#{tab}-files").get_by_text(path.stem[:2]).first.wait_for()


def test_a_video_comes_back_with_sound_moments_and_files(
    open_page: Callable[..., Any], app: RunningApp, talking_clip: Path, tmp_path: Path
) -> None:
    named = tmp_path / "my 'talk' 人脸.mp4"
    named.write_bytes(talking_clip.read_bytes())
    text = tmp_path / "notes.mp4"
    text.write_text("no video at all")
    before = app.files()  # a video that was uploaded to the dashboard stays for two minutes
    page = open_page()
    upload(page, "video", [named, text])
    page.click("#video-start")
    page.wait_for_selector("#video-result [data-result]")
    page.wait_for_selector("#video-queue .job.failed")
    assert "notes.mp4 is not a video" in page.inner_text("#video-queue")
    assert "Traceback" not in page.inner_text("body")
    # The player plays, and has sound.
    page.wait_for_function("document.querySelector('#video-result video').readyState >= 2")
    video = "document.querySelector('#video-result video')"
    assert page.evaluate(f"{video}.duration") == pytest.approx(2.0, abs=0.12)
    page.evaluate(f"{video}.play()")
    page.wait_for_function(f"{video}.currentTime > 0.3")
    assert page.evaluate(f"{video}.webkitAudioDecodedByteCount") > 0
    page.evaluate(f"{video}.pause()")
    # All downloads open, and the page says what they say.
    links = {
        a.get_attribute("data-kind"): a.get_attribute("href") for a in page.locator("a[data-kind]").all()
    }
    assert set(links) == {"video", "summary", "report", *usual()}
    got = {kind: page.request.get(app.url + href) for kind, href in links.items()}
    assert all(r.ok and r.headers["cache-control"] == "private, no-store" for r in got.values())
    records, summary = json.loads(got["json"].body()), json.loads(got["summary"].body())
    assert len({r["frame"] for r in records}) == 50 == summary["frames"]
    assert len(list(csv.reader(io.StringIO(got["csv"].text())))) == len(records) + 1
    assert got["parquet"].body()[:4] == b"PAR1"
    assert got["video"].body()[4:8] == b"ftyp" and "<html" in got["report"].text()
    body = page.inner_text("#video-result")
    for person in summary["faces"]:
        top = max(person["share"].values())
        assert f"Person {person['face']}" in body and f"{round(top * 100)} %" in body
        assert f"{person['arousal']['mean']:.2f}" in body
    # A click on a moment seeks.
    moments = page.locator("#video-result .moment")
    for i in range(moments.count()):
        moments.nth(i).click()
        wanted = float(moments.nth(i).get_attribute("data-seek"))
        page.wait_for_function(f"Math.abs({video}.currentTime - {wanted}) < 0.05")
    line = page.locator("[data-timeline]").first
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    line.click(position={"x": box["width"] * 0.5, "y": 10})
    page.wait_for_function(f"Math.abs({video}.currentTime - 1.0) < 0.1")
    line.press("ArrowLeft")
    page.wait_for_function(f"{video}.currentTime < 0.2")
    # Another visitor can't guess it, and the dashboard opens it.
    token = links["json"].split("/")[1]
    assert page.request.get(app.url + f"result/{token[:-1]}x/" + links["json"].split("/")[2]).status == 404
    board = opened_dashboard(page, "text=Open in dashboard")
    length = board.get_by_test_id("stMetric").filter(has_text="Length")
    length.get_by_text("2.0 s").wait_for()
    assert board.url.startswith(app.url + "dashboard/")
    for person in summary["faces"]:
        board.get_by_test_id("stSidebar").get_by_text(f"Person {person['face']}", exact=True).wait_for()
    stranger = page.context.browser.new_page()
    stranger.goto(app.url + page.get_attribute("text=Open in dashboard", "href"))
    stranger.get_by_text("This link belongs to another browser").wait_for(timeout=60_000)
    stranger.close()
    board.close()
    assert [p for p in app.files() if "uploads" in p.parts and p not in before] == []


def test_cancel_keeps_a_partial_result_and_a_closed_tab_keeps_nothing(
    open_page: Callable[..., Any], app: RunningApp, astronaut: np.ndarray, tmp_path: Path
) -> None:
    from benchmarks.clip import write_clip

    clip = tmp_path / "long.mp4"
    write_clip(clip, astronaut, width=320, height=240, seconds=50.0, rate=10, tone=False)
    page = open_page()
    upload(page, "video", [clip])
    page.click("#video-start")
    page.wait_for_selector("#video-queue [data-state=running]")
    page.wait_for_function("/\\d+ % · /.test(document.querySelector('#video-queue').innerText)")
    page.click("#video-cancel")
    page.wait_for_selector("#video-queue [data-state=partial]")
    page.wait_for_selector("text=This result is partial")
    kept = len(app.files())
    assert kept > 0
    # The same again, and the tab is closed in the middle.
    before = set(app.files())
    page = open_page()
    upload(page, "video", [clip])
    page.click("#video-start")
    page.wait_for_selector("#video-queue [data-state=running]")
    page.close()

    # A page that is loaded anew would find the job for 20 seconds: what is whole by then stays its browser's
    # result, of what is not nothing stays, and uploads go in any case.
    def unfinished() -> list[Path]:
        left = set(app.files()) - before
        whole = {
            p.parent for p in left if p.name == "long_summary.json" and '"complete": true' in p.read_text()
        }
        return [p for p in left if p.parent not in whole]

    until = time.monotonic() + 120
    while unfinished() and time.monotonic() < until:
        time.sleep(0.5)
    assert unfinished() == []
    # No worker is stuck: the next visitor's video is analysed.
    short = tmp_path / "short.mp4"
    write_clip(short, astronaut, width=160, height=120, seconds=1.0, rate=5, tone=False)
    page = open_page()
    upload(page, "video", [short])
    page.click("#video-start")
    page.wait_for_selector("#video-queue [data-state=done]")


def test_bad_uploads_get_a_message_each(
    open_page: Callable[..., Any], app: RunningApp, astronaut: np.ndarray, tmp_path: Path
) -> None:
    import wave

    from benchmarks.clip import write_clip

    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000 * 8))
    (tmp_path / "zero.mp4").touch()
    write_clip(tmp_path / "long.mp4", astronaut, width=64, height=64, seconds=65.0, rate=2, tone=False)
    before = set(app.files())
    page = open_page()
    (tmp_path / "sound.wav").rename(tmp_path / "sound.mp4")  # by its name a video
    upload(page, "video", [tmp_path / n for n in ("sound.mp4", "long.mp4", "zero.mp4")])
    page.click("#video-start")
    page.wait_for_function("document.querySelectorAll('#video-queue .job.failed').length === 3")
    said = page.inner_text("#video-queue")
    assert "sound but no pictures" in said and "takes up to 1 minutes" in said and "0 bytes" in said
    page.click("#video-start")
    page.wait_for_selector("text=Choose a video first")
    # An upload over --max-megabytes is refused before it travels.
    big = tmp_path / "big.mp4"
    big.write_bytes(bytes(6 * 1024**2))
    page.set_input_files("#video-files input[type=file]", str(big))
    page.wait_for_selector("text=big.mp4 has 6 MB; this app takes up to 5 MB")
    # Whoever goes round the page's own check is refused by the server.
    answer = page.request.post(
        app.url + "gradio_api/upload",
        multipart={"files": {"name": "big.mp4", "mimeType": "video/mp4", "buffer": bytes(6 * 1024**2)}},
    )
    assert answer.status == 413
    heic = tmp_path / "photo.heic"
    heic.write_bytes(b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc" + bytes(300))  # of several frames
    upload(page, "picture", [heic])
    page.click("#picture-start")
    page.wait_for_selector("text=Convert it to JPEG")
    assert set(app.files()) - before == set()
    assert "Traceback" not in page.inner_text("body")


def test_a_part_and_more_of_each_face_are_chosen_on_a_phone(
    open_page: Callable[..., Any], app: RunningApp, talking_clip: Path
) -> None:
    page = open_page(width=375, height=800)
    upload(page, "video", [talking_clip])
    page.get_by_role("button", name="More options").click()
    page.get_by_label("From (m:ss)").fill("0:00.4")
    page.get_by_label("To (m:ss)").fill("1.2")
    page.get_by_label("With head pose").check()
    page.get_by_label("With facial movements (blendshapes)").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.click("#video-start")
    page.wait_for_selector("#video-result [data-result]")
    link = page.locator("a[data-kind=json]").get_attribute("href")
    records = page.request.get(app.url + link).json()
    assert {record["frame"] for record in records} == set(range(10, 30))
    seen = next(record for record in records if record["face"] is not None)
    assert set(seen["pose"]) == {"yaw", "pitch", "roll"} and "jawOpen" in seen["blendshapes"]
    assert "landmarks" not in seen


def test_pictures_come_back_marked(
    open_page: Callable[..., Any], app: RunningApp, astronaut_path: Path
) -> None:
    page = open_page()
    upload(page, "picture", [astronaut_path])
    page.click("#picture-start")
    page.wait_for_selector("[data-pictures] img")
    page.wait_for_function("document.querySelector('[data-pictures] img').naturalWidth === 512")
    assert page.locator(".plain-table tbody tr").count() == 1
    for link in page.locator("[data-pictures] a.download").all():
        assert page.request.get(app.url + link.get_attribute("href")).ok


def test_the_model_tab_says_what_it_is_not(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.get_by_role("tab", name="Model").click()
    page.wait_for_selector("#model-page table")
    said = page.inner_text("#model-page")
    assert "Not a measure of feelings" in said and "Art. 5(1)(f)" in said


@pytest.mark.parametrize(
    "address",
    [
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=app.py",
        "gradio_api/file=../app.py",
        "file=/etc/passwd",
        "result/" + "a" * 32 + "/..%2f..%2fetc%2fpasswd",
        "result/..%2f..%2f/passwd",
        "static/..%2f..%2f..%2fapp.py",
    ],
)
def test_nothing_outside_can_be_read(open_page: Callable[..., Any], app: RunningApp, address: str) -> None:
    answer = open_page().request.get(app.url + address)
    assert answer.status in {400, 403, 404, 422}
    assert b"root:" not in answer.body() and b"argparse" not in answer.body()


def test_a_handler_does_not_take_a_path_of_the_server(open_page: Callable[..., Any], app: RunningApp) -> None:
    """A request by hand names a file of the server instead of an upload."""
    page = open_page()
    config = page.evaluate("window.gradio_config.dependencies.map(d => [d.id, d.targets, d.inputs])")
    secret = app.scratch / "secret.png"
    secret.write_bytes(b"\x89PNG not really")
    for number, _, inputs in config:
        if not inputs:
            continue
        file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
        answer = page.request.post(
            app.url + "gradio_api/queue/join",
            data={"data": [[file]] * len(inputs), "fn_index": number, "session_hash": "byhand"},
        )
        assert b"not really" not in answer.body()
    page.wait_for_timeout(1000)
    assert secret.exists()  # nor is it deleted as if it were an upload
    assert page.request.get(app.url + "gradio_api/file=" + quote(str(secret))).status in {403, 404}


def test_a_stop_in_the_middle_keeps_what_there_is_where_it_was_asked_for(
    root: Path, tmp_path: Path, browser: Any, astronaut: np.ndarray
) -> None:
    from benchmarks.clip import write_clip
    from emotion_core.results.recording import read_results

    clip, kept, scratch = tmp_path / "long.mp4", tmp_path / "kept", tmp_path / "scratch"
    kept.mkdir()
    scratch.mkdir()
    write_clip(clip, astronaut, width=320, height=240, seconds=50.0, rate=10, tone=False)
    own = start_app(root, scratch, "--partial-results", str(kept))
    page = browser.new_page(locale="en-US")
    try:
        page.goto(own.url)
        upload(page, "video", [clip])
        page.click("#video-start")
        page.wait_for_function("/\\d+ % · /.test(document.querySelector('#video-queue').innerText)")
    finally:
        stop_app(own)
        page.close()
    assert own.process.returncode == 0 and own.files() == []
    (path,) = kept.glob("*/*_results*.json")
    # How many frames there are by then is the machine's affair; they are the first ones, none is missing.
    frames = read_results(path)["frame"].drop_duplicates().tolist()
    assert frames == list(range(len(frames))) and 0 < len(frames) < 500
    summary = json.loads(next(path.parent.glob("*_summary*.json")).read_text())
    assert summary["frames"] == len(frames) and summary["complete"] is False


def test_with_a_password_nothing_is_shown_before_it(root: Path, tmp_path: Path, browser: Any) -> None:
    app = start_app(root, tmp_path, "--auth", "ada:secret")
    try:
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        page.goto(app.url)
        page.wait_for_selector("input[type=password]")
        assert page.locator("[data-live]").count() == 0
        assert page.request.get(app.url + "config").status == 401
        page.locator("input").first.fill("ada")
        page.fill("input[type=password]", "secret")
        page.locator("button").first.click()
        page.wait_for_selector("[data-live]")
        context.close()
    finally:
        stop_app(app)
    assert app.process.returncode == 0
    assert list(tmp_path.glob("emotion-app-*")) == []  # everything is deleted on stop
