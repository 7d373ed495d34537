"""The Video page in a real browser: what it takes, how its timeline answers, what a typed name reaches."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.running import RunningApp, opened_dashboard

pytestmark = [pytest.mark.browser, pytest.mark.weights]

INK = """name => {
  const c = document.querySelector(`[data-tracks] ${name}`);
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let sum = 0;
  for (let i = 3; i < d.length; i += 4) sum += d[i] > 0;
  return sum / (c.width * c.height);
}"""
"""Which share of a canvas has been drawn on."""


def go_to_videos(page: Any) -> None:
    page.get_by_role("tab", name="Video", exact=True).click()
    page.wait_for_selector("#video-result .empty, #video-result [data-result]")


def test_a_timeline_answers_and_a_name_reaches_every_file(
    open_page: Callable[..., Any], app: RunningApp, talking_clip: Path
) -> None:
    page = open_page()
    go_to_videos(page)
    page.get_by_label("One line", exact=True).check()
    page.set_input_files("#video-files input[type=file]", str(talking_clip))
    page.click("#video-start")
    page.wait_for_selector("#video-result [data-tracks]")
    # Axis, probabilities, valence and arousal are drawn, and the pointer is told what it is on.
    page.wait_for_function(f"({INK})('.stack') > 0.9")
    assert page.evaluate(INK, ".affect") > 0.01 and page.evaluate(INK, ".axis") > 0.005
    line = page.locator("[data-timeline]").first
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    links = {
        a.get_attribute("data-kind"): app.url + a.get_attribute("href")
        for a in page.locator("a[data-kind]").all()
    }
    records = [r for r in page.request.get(links["json"]).json() if r["face"]]
    at = min(records, key=lambda record: abs(record["time"] - 1.0))
    said = page.inner_text("[data-reading]")
    assert said.startswith(f"0:01.0 · Person {at['face']}: {at['emotion']} ")
    assert f"Valence {at['valence']:+.1f}"[:-1].replace("-", "−") in said and "Arousal 0." in said
    # Zoom: less time in the same width, so the same place is another moment; keys do it, too.
    tracks = "document.querySelector('[data-tracks]').tracks"
    page.click("[data-zoom=in]")
    assert page.evaluate(f"{tracks}.to - {tracks}.from") == pytest.approx(1.0, abs=0.05)
    line.click(position={"x": 2, "y": 10})
    begin = page.evaluate(f"{tracks}.from")
    page.wait_for_function(
        f"Math.abs(document.querySelector('#video-result video').currentTime - {begin}) < 0.05"
    )
    assert "%" in line.get_attribute("aria-valuetext")
    line.press("0")
    assert page.evaluate(f"{tracks}.to") == pytest.approx(2.0, abs=0.12)
    assert page.locator("[data-zoom=out]").is_disabled()
    # A name stands at once wherever the person does, and in every file; a page loaded anew has it still.
    page.fill("[data-name-of='1']", "Ada L.")
    page.press("[data-name-of='1']", "Enter")
    page.wait_for_selector("text=Saved in all files")
    assert set(page.locator("[data-person='1']").all_inner_texts()) == {"Ada L."}
    rows = list(csv.DictReader(io.StringIO(page.request.get(links["csv"]).text())))
    assert {row["name"] for row in rows if row["face"] == "1"} == {"Ada L."}
    summary = json.loads(page.request.get(links["summary"]).body())
    assert summary["faces"][0]["name"] == "Ada L."
    assert "Ada L." in page.request.get(links["report"]).text()
    stranger = page.context.browser.new_context()
    token = links["json"].split("/")[-2]
    refused = stranger.request.post(f"{app.url}result/{token}/people", form={"face": "1", "name": "Eve"})
    assert refused.status == 404
    stranger.close()
    nobody = page.request.post(f"{app.url}result/{token}/people", form={"face": "9", "name": "Eve"})
    assert nobody.status == 409
    page.reload()
    page.locator("#video-which label").first.click()
    page.wait_for_selector("[data-name-of='1']")
    assert page.input_value("[data-name-of='1']") == "Ada L."
    assert page.locator("[data-person='1']").first.inner_text() == "Ada L."
    # The dashboard calls her so, too.
    board = opened_dashboard(page, "text=Open in dashboard")
    board.get_by_test_id("stSidebar").get_by_text("Ada L.", exact=True).wait_for()
    board.close()


def test_the_webcam_is_a_source_and_a_wrong_file_is_refused(
    open_page: Callable[..., Any], app: RunningApp, tmp_path: Path
) -> None:
    page = open_page()
    go_to_videos(page)
    wrong = tmp_path / ("a rather long name of a file that is none of ours, " * 2 + "notes.txt")
    wrong.write_text("no video")
    assert ".mp4" in page.get_attribute("#video-files input[type=file]", "accept")
    page.set_input_files("#video-files input[type=file]", str(wrong))
    page.wait_for_selector("[data-upload-problem]")
    assert "notes.txt can't be read here" in page.inner_text("[data-upload-problem]")
    page.click("[data-film-start]")
    page.wait_for_selector("[data-film-view]:visible")
    page.click("[data-film-discard]")
    page.wait_for_selector("[data-film-start]:visible")
    page.click("[data-film-start]")
    page.wait_for_function("document.querySelector('[data-film-time]').textContent === '0:02'")
    page.click("[data-film-use]")
    page.locator("#video-files").get_by_text("camera_").first.wait_for()
    assert page.locator("[data-upload-problem]").count() == 0
    page.click("#video-start")
    page.wait_for_selector("#video-result [data-result]")
    # The whole name stands in the queue, and the camera is off.
    name = page.locator("#video-queue .name").first
    assert name.inner_text().startswith("camera_20") and name.evaluate("n => n.scrollWidth <= n.clientWidth")
    assert page.evaluate("document.querySelector('[data-film-view]').srcObject") is None
