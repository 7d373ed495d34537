"""The live page's stage: it fits the window, goes to full screen, gives snapshots, has keys and cameras."""

import itertools
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import _FLAGS
from tests.browser.running import LIVE, RunningApp, live, opened_dashboard, start_live

pytestmark = [pytest.mark.browser, pytest.mark.weights]

BOTTOMS = """() => Object.fromEntries(
  ['.stage', '.stage-column .buttons', '[data-bars]', '[data-plane]', '[data-arousal]', '.controls',
   '[data-line]'].map(where => [where, document.querySelector(where).getBoundingClientRect().bottom]))"""

CROWD = """count => {
  const app = window.EMOTION;
  const [canvas, frame] = [1, 2].map(() => document.createElement('canvas'));
  Object.assign(canvas, {width: 960, height: 720});
  Object.assign(frame, {width: 640, height: 480});
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const faces = Array.from({length: count}, (_, i) => ({
    id: i + 1, e: i % 7, c: 0.5, p: Array(7).fill(1 / 7), v: -0.5, a: 0.5, u: i % 5 ? 0 : 1,
    box: [random() * 520, random() * 340, 40 + random() * 80, 50 + random() * 90],
  }));
  const options = {box: true, name: true, va: true, bars: true, unit: 17};
  const result = {faces, labels: app.labels, objects: [{label: 'cup', score: 0.5, box: [300, 200, 90, 90]}]};
  const first = app.drawFrame(canvas, frame, result, options);
  faces.forEach(face => (face.box[0] += 1));
  return [first, app.drawFrame(canvas, frame, result, options)];
}"""


@pytest.fixture(scope="module")
def two_cameras(playwright: Any, chromium: str) -> Iterator[Any]:
    """Chromium with two cameras."""
    flags = [flag for flag in _FLAGS if flag != "--use-fake-device-for-media-stream"]
    flags += ["--use-fake-device-for-media-stream=device-count=2", "--use-fake-ui-for-media-stream"]
    started = playwright.chromium.launch(executable_path=chromium, args=flags)
    yield started
    started.close()


def test_face_numbers_and_controls_fit_without_scrolling(open_page: Callable[..., Any]) -> None:
    page = open_page(width=1280, height=720)
    start_live(page)
    for width, height in ((1280, 720), (1366, 768), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        bottoms = page.evaluate(BOTTOMS)
        assert {where: bottom for where, bottom in bottoms.items() if bottom > height} == {}, width
        stage = page.locator(".stage").bounding_box()
        assert stage["width"] == pytest.approx(page.locator(".stage-column").bounding_box()["width"], abs=1)
        assert page.locator("[data-canvas]").bounding_box()["width"] == pytest.approx(stage["width"], abs=1)
        assert stage["height"] > 0.6 * height


def test_labels_of_many_faces_never_overlap(open_page: Callable[..., Any]) -> None:
    page = open_page()
    for count in (2, 6, 14, 30):
        first, second = page.evaluate(CROWD, count)
        assert len(first) >= count  # the names, at least
        for a, b in itertools.combinations(first, 2):
            apart = (
                a["left"] + a["width"] <= b["left"] or b["left"] + b["width"] <= a["left"]
                or a["top"] + a["height"] <= b["top"] or b["top"] + b["height"] <= a["top"]
            )  # fmt: skip
            assert apart, (count, a, b)
        assert all(r["left"] >= 0 and r["left"] + r["width"] <= 960 for r in first)
        assert all(r["top"] >= 0 and r["top"] + r["height"] <= 720 for r in first)
        if count < 10:  # a pixel of movement moves no label to another place
            moved = [
                abs(a["left"] - b["left"]) + abs(a["top"] - b["top"])
                for a, b in zip(first, second, strict=True)
            ]
            assert max(moved) < 3, (count, moved)


def test_numbers_move_with_their_bars(open_page: Callable[..., Any]) -> None:
    page = open_page()
    pairs = page.evaluate("""() => {
      const {panels} = document.querySelector('[data-live]').live, seen = [];
      for (const share of [0.1, 0.52, 0.87]) {
        const face = {id: 1, box: [0, 0, 9, 9], e: 3, c: share, v: -0.25, a: 0.5, u: 0};
        face.p = Array(7).fill(share);
        panels.update({faces: [face]}, 10 + share / 100);  // within a fifth of a second
        const [row] = panels.rows;
        const words = [row.number, ...panels.numbers].map(node => node.textContent);
        seen.push([row.fill.style.transform, ...words]);
      }
      return seen;
    }""")
    assert pairs == [
        ["scaleX(0.1)", "10 %", "−0.25", "0.50"],
        ["scaleX(0.52)", "52 %", "−0.25", "0.50"],
        ["scaleX(0.87)", "87 %", "−0.25", "0.50"],
    ]


def test_a_snapshot_stays_with_the_visitor(open_page: Callable[..., Any], app: RunningApp) -> None:
    page = open_page()
    start_live(page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.method != "GET" else None)
    with page.expect_download() as caught:
        page.click("[data-snapshot]")
    assert caught.value.suggested_filename.startswith("live_") and not sent
    with open(caught.value.path(), "rb") as file:
        picture = Image.open(BytesIO(file.read()))
    assert [picture.width, picture.height] == live(page, "[l.canvas.width, l.canvas.height]")
    assert len(picture.convert("RGB").getcolors(1 << 24)) > 500
    assert "The server keeps none" in page.inner_text("[data-notice]")
    assert not [p for p in app.files() if p.suffix in {".jpg", ".png"} and "live" in p.name]


def test_full_screen_shows_the_whole_picture(open_page: Callable[..., Any]) -> None:
    page = open_page(width=1000, height=700)
    start_live(page)
    page.click("[data-full]")
    page.wait_for_function("document.fullscreenElement?.matches('.stage')")
    page.wait_for_function(f"{LIVE}.canvas.width >= {LIVE}.canvas.clientWidth")
    seen = page.evaluate("""() => {
      const box = document.querySelector('[data-canvas]').getBoundingClientRect();
      return [box.top >= 0, box.bottom <= innerHeight + 1, box.height > innerHeight * 0.95];
    }""")
    assert seen == [True, True, True]
    page.keyboard.press("?")  # help is there in full screen, too
    page.locator("#help-card kbd >> nth=0").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    page.wait_for_function("!document.fullscreenElement")
    page.wait_for_selector("[data-full][aria-pressed='false']")  # the page hears of it a moment later
    assert page.get_attribute("[data-full]", "aria-pressed") == "false"


def test_keys_do_what_their_list_says(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.keyboard.press("m")  # nothing yet: the view doesn't run
    assert live(page, "l.options.mirror") is True
    start_live(page)
    for key, option in (("m", "mirror"), ("h", "hide"), ("b", "bars"), ("v", "va"), ("l", "landmarks")):
        before = live(page, f"l.options.{option}")
        page.keyboard.press(key)
        assert live(page, f"l.options.{option}") is not before, key
    page.keyboard.press("r")
    page.wait_for_selector("[data-record][aria-pressed=true]")
    page.keyboard.press("c")
    page.wait_for_selector("[data-baseline=looking], [data-baseline=done]")
    page.keyboard.press("?")
    listed = page.locator("#help-card kbd").all_inner_texts()
    assert listed == list("FSRCNMHOBVL?")
    page.locator("#help-card input").uncheck()
    page.keyboard.press("Escape")
    before = live(page, "l.options.mirror")
    page.keyboard.press("m")
    assert live(page, "l.options.mirror") is before  # turned off, for good
    page.reload()
    page.wait_for_selector("[data-live]")
    assert page.evaluate("window.EMOTION.recall('keys')") == "off"


def test_the_camera_is_chosen_and_remembered(open_page: Callable[..., Any], two_cameras: Any) -> None:
    page = open_page(within=two_cameras)
    page.click("[data-start]")
    page.wait_for_selector("[data-view=running]")
    device = "l.camera.stream.getVideoTracks()[0].getSettings().deviceId"
    first = live(page, device)
    names = page.locator("[data-device] option").all_inner_texts()
    assert len(names) == 3 and names[-1] == "Recorded face"
    page.select_option("[data-device]", index=1)
    page.wait_for_function(
        f"{LIVE}.root.dataset.view === 'running' && {device.replace('l.', LIVE + '.')} !== '{first}'"
    )
    second = live(page, device)
    page.reload()
    page.wait_for_selector("[data-live]")
    page.click("[data-start]")
    page.wait_for_selector("[data-view=running]")
    assert live(page, device) == second
    assert page.input_value("[data-device]") == second


def test_a_recording_opens_in_the_dashboard_and_the_picture_goes_on(open_page: Callable[..., Any]) -> None:
    page = open_page()
    start_live(page)
    page.click("[data-record]")
    page.wait_for_selector("[data-record][aria-pressed=true]")
    shown = live(page, "l.stats.displayed")
    page.wait_for_function(f"{LIVE}.stats.displayed > {shown + 4}")
    page.click("[data-record]")
    assert page.get_attribute("[data-view]", "data-view") == "running"
    page.wait_for_selector("[data-saved] a")
    kinds = page.locator("[data-saved] a").all_inner_texts()
    assert {"Open in dashboard", "Parquet", "Report"} <= set(kinds) and page.is_enabled("[data-record]")
    shown = live(page, "l.stats.displayed")
    page.wait_for_function(f"{LIVE}.stats.displayed > {shown + 2}")
    board = opened_dashboard(page, "[data-saved] a.strong")
    board.get_by_test_id("stSidebar").get_by_text("Person 1", exact=True).wait_for()
    board.close()
