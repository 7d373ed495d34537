"""A reload loses nothing: tab, theme, language, results, a running job; one head on every page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.running import RunningApp
from tests.browser.test_studio_pages import upload

pytestmark = [pytest.mark.browser, pytest.mark.weights]


def test_tab_theme_and_language_outlive_a_reload_and_hold_on_every_page(
    open_page: Callable[..., Any], app: RunningApp
) -> None:
    page = open_page()
    page.get_by_role("tab", name="Model").click()
    page.click(".theme-switch")
    page.wait_for_selector("body.dark", state="attached")
    page.select_option(".masthead .language", "de")
    page.get_by_role("tab", name="Modell", selected=True).wait_for()
    page.reload()
    page.get_by_role("tab", name="Modell", selected=True).wait_for()
    page.wait_for_selector("body.dark", state="attached")
    assert page.url == app.url + "#model" and page.input_value(".masthead .language") == "de"
    page.get_by_text("Was es ist", exact=True).wait_for()  # written by the server
    for address in ("dashboard/", "api/v1/docs"):
        page.goto(app.url + address)
        head = page.locator("header.app-head")
        head.wait_for()
        assert head.get_by_role("link").all_inner_texts() == [
            "Live", "Video", "Bilder", "Dashboard", "API", "Modell",
        ]  # fmt: skip
        page.wait_for_selector("body.dark", state="attached")
    page.goto(app.url + "dashboard/")
    paper = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    page.wait_for_selector(".stApp h1")
    dark = page.evaluate(paper)
    page.click("header.app-head button")  # Streamlit follows at once, and keeps what was loaded
    page.wait_for_function(f"{paper} !== '{dark}'")
    page.locator("header.app-head").get_by_role("link", name="Bilder").click()
    page.get_by_role("tab", name="Bilder", selected=True).wait_for()
    page.wait_for_selector("body:not(.dark)", state="attached")


def test_a_running_job_and_its_result_outlive_a_reload(
    browser: Any, app: RunningApp, astronaut: np.ndarray, tmp_path: Path
) -> None:
    from benchmarks.clip import write_clip

    clip = tmp_path / "walk.mp4"
    write_clip(clip, astronaut, width=320, height=240, seconds=20.0, rate=10, tone=False)
    # No open_page: Gradio complains of its own cut connection where a page is left in the middle of a job.
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(app.url)
    page.wait_for_selector("[data-live]")
    upload(page, "video", [clip])
    page.click("#video-start")
    page.wait_for_selector("#video-queue [data-state=running]")
    page.reload()
    page.wait_for_selector("#video-queue .job:has-text('walk.mp4')")
    page.wait_for_selector("#video-result .timeline")
    page.reload()
    page.get_by_role("radio", name="walk.mp4").check()
    page.wait_for_selector("#video-result .timeline")
    page.click("#video-delete")
    page.wait_for_selector("#video-result .empty")
    page.wait_for_selector("#video-which", state="hidden")
    context.close()
