"""The content security policy in a real browser: every page runs under it, and it does what it says."""

from typing import Any

import pytest

from tests.browser.running import RunningApp

PAGES = ("files", "overview", "timeline", "plane", "people", "compare", "moments", "export")
pytestmark = [pytest.mark.browser, pytest.mark.weights]

INJECTED = """() => {
  document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.ran = 1'>");
  const script = document.createElement("script");
  script.textContent = "window.ran = 2";
  document.body.append(script);
  return new Promise((done) => setTimeout(() => done(window.ran ?? 0), 500));
}"""


@pytest.fixture
def watched(browser: Any) -> Any:
    """A page, and what its browser says about the policy."""
    page = browser.new_context(locale="en-US").new_page()
    page.set_default_timeout(60_000)
    page.said = []
    page.on("console", lambda m: page.said.append(m.text) if "Content Security Policy" in m.text else None)
    yield page
    page.context.close()


def test_the_web_app_runs_under_its_policy(watched: Any, app: RunningApp) -> None:
    watched.goto(app.url)
    watched.wait_for_selector("[data-live]")
    for tab in ("Video", "Pictures", "Model", "Live"):
        watched.get_by_role("tab", name=tab, exact=True).click()
        watched.wait_for_timeout(300)
    dark = "document.body.classList.contains('dark')"
    before = watched.evaluate(dark)
    watched.click(".theme-switch")
    assert watched.evaluate(dark) is not before
    assert watched.said == []
    assert watched.evaluate(INJECTED) == 0 and len(watched.said) == 2


def test_the_dashboard_runs_under_its_policy(watched: Any, app: RunningApp) -> None:
    for page in PAGES:
        watched.goto(f"{app.url}dashboard/?made=conversation&page={page}")
        watched.wait_for_selector("[data-testid=stSidebarNav]")
        watched.wait_for_selector("h1")
        watched.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    assert watched.said == []
    assert watched.evaluate(INJECTED) == 0 and len(watched.said) == 2
