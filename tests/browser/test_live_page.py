"""The live tab in a real browser: consent, marks, charts, controls, recording, and what goes wrong."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from emotion_core.labels import DISCLAIMER
from emotion_core.results.formats import FORMATS, usual
from tests.browser.running import COLOURS, DETAIL, JUMPS, LIVE, NAMELESS, RunningApp, live, start_live
from webapp.shared import i18n

pytestmark = [pytest.mark.browser, pytest.mark.weights]


def test_nothing_happens_before_consent_and_nothing_leaves_the_machine(
    open_page: Callable[..., Any], app: RunningApp
) -> None:
    page = open_page()
    hosts: set[str] = set()
    page.on("request", lambda r: hosts.add(urlsplit(r.url).netloc))
    page.reload()
    page.wait_for_selector("[data-start]")
    assert live(page, "[l.camera.stream === undefined || l.camera.stream === null, l.socket]") == [True, None]
    assert "No picture is stored" in page.inner_text("[data-consent]")
    start_live(page)
    hosts.discard("")  # data: and blob:
    assert hosts == {urlsplit(app.url).netloc}


def test_live_view_marks_faces_and_draws_all_charts(open_page: Callable[..., Any]) -> None:
    page = open_page()
    start_live(page)
    page.wait_for_function(LIVE + ".stats.displayed > 12")
    assert page.inner_text("[data-status]") == "Faces are being analysed. No picture is stored."
    assert DISCLAIMER in page.inner_text(".panels")
    shown = live(page, "l.last.result.faces.map(f => [f.id, f.p.reduce((a, b) => a + b)])")
    assert shown[0][0] == 1 and shown[0][1] == pytest.approx(1, abs=0.01)
    meters = page.locator("[data-bars] [role=meter]")
    assert meters.count() == 7
    values = [int(meters.nth(i).get_attribute("aria-valuenow")) for i in range(7)]
    assert 90 <= sum(values) <= 110
    for name in ("canvas", "plane", "line"):
        colours = page.evaluate(COLOURS, name)
        assert colours > 6, name
    assert page.inner_text("[data-fps]") != "–"


def test_controls_act_at_once(open_page: Callable[..., Any]) -> None:
    page = open_page()
    start_live(page)
    clear = page.evaluate(DETAIL)
    page.locator("[data-option=hide]").check(force=True)
    page.wait_for_function(f"{DETAIL} < {clear} * 0.7")
    assert live(page, "l.last.result.faces.length") == 1  # the marks stay
    page.locator("[data-option=landmarks]").check(force=True)
    page.wait_for_function(LIVE + ".last.result.faces[0]?.lm?.length === 100")
    page.locator("[data-option=threshold]").fill("90")
    page.wait_for_function(LIVE + ".options.threshold === 90")
    assert live(page, "[l.root.querySelector('[data-option=threshold]').closest('label').innerText]")[
        0
    ].endswith("90 %")
    page.locator("[data-option=smoothing]").fill("1")
    page.locator("[data-option=mirror]").uncheck(force=True)
    assert live(page, "[l.options.mirror, l.options.smoothing]") == [False, 1]


def test_calibration_is_shown_as_such(open_page: Callable[..., Any]) -> None:
    page = open_page()
    start_live(page)
    page.click("[data-calibrate]")
    page.wait_for_selector("text=Look neutral for three seconds")
    page.wait_for_selector("[data-baseline=done]")
    assert "relative to its own neutral" in page.inner_text("[data-notice]")
    page.click("text=Undo calibration")
    page.wait_for_selector("[data-baseline=none]")


def test_recording_gives_files_that_open(open_page: Callable[..., Any], app: RunningApp) -> None:
    page = open_page()
    start_live(page)
    page.click("[data-record]")
    page.wait_for_selector("[data-record][aria-pressed=true]")
    for more in (5, 2):  # pictures, however long they take, with more than a second between the two groups
        shown = live(page, "l.stats.displayed")
        page.wait_for_function(f"{LIVE}.stats.displayed >= {shown + more}")
        page.wait_for_timeout(1200)
    page.click("[data-record]")
    page.wait_for_selector("[data-saved] a")
    files = {
        link.inner_text(): page.request.get(link.get_attribute("href"))
        for link in page.locator("[data-saved] a").all()
    }
    saved = {*(FORMATS[name].label for name in usual()), "Summary", "Report"}
    assert set(files) == {*saved, "Open in dashboard"}
    records = json.loads(files["JSON"].body())
    assert len(records) > 3 and records[-1]["time"] > 1 and records[-1]["face"] == 1
    assert len(files["CSV"].text().splitlines()) == len(records) + 1
    assert "<html" in files["Report"].text()
    assert not [p for p in app.files() if p.suffix in {".jpg", ".png", ".mp4"} and "live" in p.name]


def test_stop_and_start_again(open_page: Callable[..., Any]) -> None:
    page = open_page()
    for _ in range(2):
        start_live(page)
        page.click("[data-stop]")
        page.wait_for_selector("[data-view=consent]")
        assert live(page, "[l.camera.stream, l.socket, l.flying.size]") == [None, None, 0]
    page.get_by_role("tab", name="Model").click()
    page.get_by_role("tab", name="Live").click()
    start_live(page)


def test_a_denied_camera_shows_what_to_do(open_page: Callable[..., Any], wary_browser: Any) -> None:
    page = open_page(within=wary_browser, permissions=[])
    page.click("[data-start]")
    page.wait_for_selector("[data-view=message]")
    assert "allow the camera for this page" in page.inner_text("[data-message]")
    page.click("[data-again]")
    page.wait_for_selector("[data-view=message]")


def test_pulling_the_camera_says_so_and_frees_the_place(open_page: Callable[..., Any]) -> None:
    page = open_page()
    start_live(page)
    live(page, "l.camera.stream.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    page.wait_for_selector("[data-view=message]")
    assert "unplugged" in page.inner_text("[data-message]")
    page.click("[data-again]")
    page.wait_for_selector("[data-view=running]")


def test_two_share_fairly_and_a_third_is_told_that_the_server_is_full(open_page: Callable[..., Any]) -> None:
    pages = [open_page(width=700, height=700) for _ in range(2)]
    for page in pages:
        start_live(page)
    third = open_page(width=700, height=700)
    third.click("[data-start]")
    third.wait_for_selector("[data-view=message]")
    assert "All live places are taken" in third.inner_text("[data-message]")
    before = [live(page, "l.stats.displayed") for page in pages]
    for page, shown in zip(pages, before, strict=True):
        page.wait_for_function(f"{LIVE}.stats.displayed >= {shown + 10}")  # nobody stalls
    gained = [live(page, "l.stats.displayed") - b for page, b in zip(pages, before, strict=True)]
    assert max(gained) < 3 * min(gained), gained
    pages[0].click("[data-stop]")
    pages[0].wait_for_selector("[data-view=consent]")
    third.click("[data-again]")
    third.wait_for_selector("[data-view=running]")


@pytest.mark.parametrize("language", [code for code in i18n.LANGUAGES if code != "en"])
def test_the_page_speaks_the_browsers_language(open_page: Callable[..., Any], language: str) -> None:
    page = open_page(locale={"zh": "zh-CN", "hi": "hi-IN"}.get(language, language))
    words = i18n.words(language)
    page.get_by_role("tab", name=words["tab.picture"], exact=True).click()
    page.wait_for_selector(f"#picture-start:has-text('{words['picture.start']}')")
    page.wait_for_selector(f"#picture-result:has-text('{words['picture.empty']}')")  # written by the server
    assert words["picture.empty"] in page.inner_text("#picture-result")
    assert page.inner_text(".masthead h1") == words["app.title"]
    assert page.evaluate("document.documentElement.lang") == language
    page.get_by_role("tab", name=words["tab.live"], exact=True).click()
    assert page.inner_text("[data-start]") == words["live.start"]
    assert (
        page.locator("[data-i18n]").evaluate_all("nodes => nodes.filter(n => !n.textContent.trim()).length")
        == 0
    )


@pytest.mark.parametrize("width", [390, 1920])
def test_the_layout_fits_and_does_not_jump(open_page: Callable[..., Any], width: int) -> None:
    page = open_page(width=width, height=900)
    start_live(page)
    page.evaluate(JUMPS)
    page.wait_for_timeout(3000)
    assert page.evaluate("window.jumps") < 0.02
    for tab in ("Live", "Video", "Pictures", "Model"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_everything_has_a_name_and_the_keyboard_reaches_it(open_page: Callable[..., Any]) -> None:
    page = open_page()
    nameless = page.evaluate(NAMELESS)
    assert nameless == []
    page.focus("[data-start]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-view=running]")
    page.focus("[data-option=hide]")
    page.keyboard.press("Space")
    assert live(page, "l.options.hide") is True
