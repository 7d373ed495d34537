"""A Space's page: the app in a frame of another site, where the browser keeps none of its cookies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import GUIDED
from tests.browser.running import RunningApp, start_app, stop_app

pytestmark = [pytest.mark.browser, pytest.mark.weights]

SITE = "https://huggingface.co/spaces/ada/emotion"


@pytest.fixture(scope="module")
def space(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPACE_ID", "ada/emotion")
        patch.setenv("SPACE_HOST", "ada-emotion.hf.space")
        app = start_app(root, tmp_path_factory.mktemp("space"))
    yield app
    stop_app(app)


@pytest.fixture(scope="module")
def framing(playwright: Any, chromium: str) -> Iterator[Any]:
    """Chromium in which a public site may frame this machine's server."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-features=LocalNetworkAccessChecks"]
    started = playwright.chromium.launch(executable_path=chromium, args=flags)
    yield started
    started.close()


def framed(browser: Any, site: str, app: RunningApp) -> tuple[Any, list[str]]:
    """Open a page of `site` that frames the app; gives it and what the browser complains about."""
    context = browser.new_context(locale="en-US")
    context.add_init_script(GUIDED)
    page = context.new_page()
    page.set_default_timeout(60_000)
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    html = f"<html><iframe src='{app.url}' style='width: 1200px; height: 900px'></iframe></html>"
    page.route(site, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(site)
    return page, said


def test_results_in_a_frame_without_cookies_open_by_the_secret_of_the_page(
    framing: Any, space: RunningApp, tmp_path: Path, astronaut: np.ndarray
) -> None:
    Image.fromarray(astronaut).save(tmp_path / "face.png")
    page, said = framed(framing, SITE, space)
    frame = page.frame_locator("iframe")
    frame.get_by_role("tab", name="Pictures").click()
    frame.locator("#picture-result .empty").wait_for()
    frame.locator("#picture-files input[type=file]").set_input_files(tmp_path / "face.png")
    frame.locator("#picture-files").get_by_text("fa").first.wait_for()
    frame.locator("#picture-start").click()
    frame.locator("#picture-result img[src^='blob:']").wait_for()
    assert frame.locator("#picture-result img").evaluate("i => i.decode().then(() => i.naturalWidth)") == 512
    assert page.context.cookies(space.url) == []
    link = frame.locator("#picture-result a[data-kind=summary]")
    with page.expect_download() as download:
        link.click()
    assert '"face.png"' in Path(download.value.path()).read_text()
    # The address alone, as somebody else would have it, opens nothing.
    address = space.url + link.get_attribute("href").lstrip("/")
    assert page.request.get(address).status == 404
    assert [text for text in said if "Content Security Policy" in text] == []
    page.context.close()


def test_no_other_site_may_frame_it(framing: Any, space: RunningApp, app: RunningApp) -> None:
    for site, one in (("https://evil.example/", space), (SITE, app)):
        page, said = framed(framing, site, one)
        page.wait_for_timeout(500)
        for _ in range(100):
            if any("frame-ancestors" in text for text in said):
                break
            page.wait_for_timeout(100)
        assert any("frame-ancestors" in text for text in said), site
        page.context.close()


def test_a_result_goes_along_to_the_dashboard_in_a_window_of_its_own(
    framing: Any, space: RunningApp, talking_clip: Path
) -> None:
    page, _ = framed(framing, SITE, space)
    frame = page.frame_locator("iframe")
    frame.get_by_role("tab", name="Video", exact=True).click()
    frame.locator("#video-result .empty").wait_for()
    frame.locator("#video-files input[type=file]").set_input_files(talking_clip)
    frame.locator("#video-files").get_by_text(talking_clip.stem[:2]).first.wait_for()
    frame.locator("#video-start").click()
    link = frame.locator("#video-result a.download.strong")
    link.wait_for()
    with page.context.expect_page() as opened:
        link.click()
    dashboard = opened.value
    dashboard.get_by_role("heading", name="Overview", exact=True, level=1).wait_for(timeout=60_000)
    assert "another browser" not in dashboard.inner_text("body")
    assert "result=" in dashboard.url and "page=" not in dashboard.url.partition("?")[0]
    # Somebody else with the same address gets nothing.
    other = framing.new_context(locale="en-US").new_page()
    other.set_default_timeout(60_000)
    other.goto(dashboard.url)
    other.get_by_text("This link belongs to another browser").first.wait_for()
    page.context.close()
    other.context.close()
