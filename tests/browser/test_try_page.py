"""Somebody who has nothing at hand: examples on each page, words of help, the four steps of a first visit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.running import LIVE, live
from webapp.shared import i18n

pytestmark = [pytest.mark.browser, pytest.mark.weights]

RUNS = f"document.querySelector('[data-live]').dataset.view === 'running' && {LIVE}.last?.result.faces.length"


def tab(page: Any, name: str) -> None:
    page.click(f'#tabs button[data-tab-id="{name}"]')


def test_a_recorded_face_stands_in_for_a_camera(open_page: Callable[..., Any], wary_browser: Any) -> None:
    """In a browser that gives no camera; a camera chosen afterwards asks for consent first."""
    page = open_page(within=wary_browser, permissions=[])
    assert i18n.words("en")["live.empty"] in page.inner_text("[data-chips]")
    page.click("[data-try]")
    page.wait_for_function(RUNS)
    assert "A recorded face" in page.inner_text("[data-status]")
    assert live(page, "[l.camera.video.srcObject, l.camera.video.loop]") == [None, True]
    shown = live(page, "l.stats.displayed")
    page.wait_for_function(f"{LIVE}.camera.video.currentTime < 1 && {LIVE}.stats.displayed > {shown + 5}")
    page.click("[data-stop]")
    page.wait_for_selector("[data-view=consent]")
    assert live(page, "[l.camera.stream, l.camera.video.hasAttribute('src'), l.socket]") == [
        None,
        False,
        None,
    ]
    page.click("[data-try]")
    page.wait_for_function(RUNS)
    page.select_option("[data-device]", index=0)
    page.wait_for_selector("[data-view=consent]")  # for a camera nobody has agreed yet
    assert live(page, "[l.agreed, l.camera.stream]") == [False, None]


def test_an_example_video_is_analysed_with_one_click(open_page: Callable[..., Any]) -> None:
    page = open_page()
    tab(page, "video")
    page.wait_for_selector("#video-result .example >> nth=2")
    assert page.locator("#video-result .example").count() == 3
    page.click("[data-example='zoom.mp4']")
    page.wait_for_selector("#video-result .timeline")
    assert page.locator("#video-result .person").count() == 1
    page.click("#video-result .person [data-help=valence]")
    assert "−1 (unpleasant)" in page.inner_text("#help-card")


def test_an_example_picture_is_analysed_by_the_keyboard(open_page: Callable[..., Any]) -> None:
    page = open_page(width=390, height=844, locale="de")
    tab(page, "picture")
    page.wait_for_selector("#picture-result .example >> nth=2")
    page.focus("[data-example='together.jpg']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#picture-result .plain-table tbody tr >> nth=1")
    assert page.locator("#picture-result .plain-table tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("[...document.querySelectorAll('.pictures [data-help]')].every(n => n.ariaLabel)")


def test_an_example_that_does_not_come_says_so(open_page: Callable[..., Any]) -> None:
    page = open_page(width=700)
    tab(page, "picture")
    page.route("**/examples/hopper.jpg", lambda route: route.fulfill(status=200, body=""))
    page.wait_for_selector("[data-example='hopper.jpg']")
    page.evaluate("document.querySelector('#picture-files input[type=file]').remove()")
    page.click("[data-example='hopper.jpg']")
    page.wait_for_selector(f"#picture-result [role=alert]:has-text('{i18n.words('en')['try.failed']}')")


@pytest.mark.parametrize("way", ["touch", "keyboard"])
def test_every_word_of_help_opens_and_closes(open_page: Callable[..., Any], way: str) -> None:
    page = open_page(width=390, height=844, has_touch=way == "touch")
    for place, name in (
        (".controls", "smoothing"), (".controls", "threshold"), (".buttons", "calibrate"),
        (".panels", "valence"), ("#video-smoothing", "smoothing"), ("#video-threshold", "threshold"),
    ):  # fmt: skip
        if place.startswith("#"):
            tab(page, "video")
        mark = page.locator(f"{place} [data-help={name}]")
        if way == "keyboard":
            mark.focus()
            page.keyboard.press("Enter")
        else:
            mark.tap()
        card = page.locator("#help-card")
        assert card.inner_text() == i18n.words("en")[f"help.{name}"]
        box = card.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] >= 0
        assert mark.get_attribute("aria-expanded") == "true"
        assert mark.get_attribute("aria-label").startswith("Explain: ")
        if way == "keyboard":
            page.keyboard.press("Escape")
            assert page.evaluate("document.activeElement.dataset.help") == name
        elif name == "valence":
            mark.tap()
        else:
            page.tap(".masthead h1")
        card.wait_for(state="detached")
        assert mark.get_attribute("aria-expanded") == "false"


def test_a_first_visit_is_shown_four_steps_once(open_page: Callable[..., Any]) -> None:
    words = i18n.words("hi")
    page = open_page(width=390, height=844, guide=True, locale="hi-IN")
    guide = page.locator(".guide")
    for step in range(1, 5):
        guide.locator(f"text={words[f'guide.{step}.title']}").wait_for()
        assert words[f"guide.{step}"] in guide.inner_text()
        assert page.locator(".pointed").count() == 1
        box = guide.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] + box["height"] <= 844
        page.get_by_role("button", name=words["guide.next" if step < 4 else "guide.done"], exact=True).click()
    guide.wait_for(state="detached")
    assert page.locator(".pointed").count() == 0
    page.reload()
    page.wait_for_selector("[data-live]")
    page.wait_for_selector("#tabs .elsewhere")
    assert guide.count() == 0
    page.click("[data-guide]")  # at the foot of the page
    guide.wait_for()
    page.keyboard.press("Escape")
    guide.wait_for(state="detached")


def test_the_guide_takes_no_focus_and_its_first_step_is_reached_first(open_page: Callable[..., Any]) -> None:
    page = open_page(guide=True)
    page.wait_for_selector(".guide")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.guide') !== null")
    page.keyboard.press("Enter")  # it closes
    page.wait_for_selector(".guide", state="detached")


def test_examples_are_not_fetched_before_their_page_is_opened(open_page: Callable[..., Any]) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(Path(request.url).name))
    page.reload()
    page.wait_for_selector("[data-live]")
    page.wait_for_timeout(1500)
    assert not {"collins.jpg", "hopper.jpg", "together.jpg", "zoom.mp4"} & set(asked)
