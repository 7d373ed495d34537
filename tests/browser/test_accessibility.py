"""Every page in light and dark, looked through by axe-core: no serious fault."""

from typing import Any

import pytest

from tests.axe import faults, script
from tests.browser.running import RunningApp
from webapp.dashboard.pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.weights, pytest.mark.slow]
THEMES = ("dark", "light")


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's script; skips where it can't be had."""
    text = script()
    if text is None:
        pytest.skip("no axe-core: npm is missing, or can't reach its registry")
    return text


@pytest.fixture
def page(browser: Any) -> Any:
    """A page of a visitor, into which a script may be put."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-US", bypass_csp=True, permissions=["camera"]
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def in_both(page: Any, axe: str, name: str) -> list[str]:
    """Look a page through in both themes."""
    found = []
    for theme in THEMES:
        page.evaluate(f"EMOTION.setTheme('{theme}')")
        page.wait_for_timeout(800)  # colours fade over
        found += [f"{name}, {theme}: {fault}" for fault in faults(page, axe)]
    return found


def test_the_app_has_no_serious_fault(page: Any, app: RunningApp, axe: str, talking_clip: Any) -> None:
    page.goto(app.url)
    page.wait_for_selector("[data-live] [data-start]:visible")
    found = []
    for tab in ("Live", "Video", "Pictures", "Model"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(500)
        found += in_both(page, axe, tab)
    page.get_by_role("tab", name="Video", exact=True).click()
    page.set_input_files("#video-files input[type=file]", str(talking_clip))
    page.click("#video-start")
    page.wait_for_selector("#video-result [data-tracks]")
    found += in_both(page, axe, "a result")
    page.goto(app.url + "api/v1/docs")
    page.wait_for_selector(".app-head")
    found += in_both(page, axe, "API")
    assert found == []


def test_the_dashboard_has_no_serious_fault(page: Any, app: RunningApp, axe: str) -> None:
    page.goto(app.url + "dashboard/?made=conversation")
    page.get_by_role("heading", name="Loaded", exact=True).wait_for()
    links = page.locator("[data-testid=stSidebarNav] a")
    assert links.count() == len(PAGES)
    found = []
    for place, (name, one) in enumerate(PAGES.items()):
        links.nth(place).click()
        page.get_by_role("heading", name=one.shown, exact=True, level=1).wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        page.wait_for_timeout(500)
        found += in_both(page, axe, name)
    assert found == []
