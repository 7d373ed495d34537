"""Faces hidden in the live view, pixel by pixel as the library hides them."""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emotion_core.overlay.hiding import HIDING, STEP, hide, places
from emotion_core.overlay.placement import Memory
from emotion_core.types import Box
from tests.browser.running import LIVE, start_live
from tests.test_draw import face

pytestmark = [pytest.mark.browser, pytest.mark.weights]

# Draws a frame of the live view, here the picture itself; gives the pixels of what is seen.
_DRAWN = """async ([url, boxes, options]) => {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const [frame, seen] = [document.createElement("canvas"), document.createElement("canvas")];
  for (const canvas of [frame, seen]) Object.assign(canvas, { width: picture.width, height: picture.height });
  frame.getContext("2d").drawImage(picture, 0, 0);
  const faces = boxes.map((box, i) => ({ id: i + 1, box, e: 0, c: 1, p: [1], v: 0, a: 0, u: 0, lm: [9, 9] }));
  const result = { faces, hidden: boxes, labels: ["Happy"] };
  EMOTION.drawFrame(seen, frame, result, { ...options, landmarks: true });
  const read = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const bytes = (data) => btoa(Array.from(data, (b) => String.fromCharCode(b)).join(""));
  return [bytes(read(seen)), bytes(read(frame))];
}"""

BOXES = (
    [[180, 90, 96, 120]],  # the face
    [[181, 92, 97, 119]],  # sides that are no multiple of the blocks
    [[-20, -30, 90, 110], [470, 440, 80, 100]],  # cut off by the edges
    [[100, 100, 200, 220], [180, 90, 96, 120]],  # one over the other
    [[300, 300, 4, 5], [20, 400, 1, 90]],  # smaller than its blocks
    [[200.4, 100.3, 60.2, 80.4]],
)
STEPS = (([1, 2], 0), ([], 900), ([3], 1000), ([], 1001), ([], 2500))
"""The faces found in pictures, and when these were taken (ms)."""


def test_the_browser_hides_faces_as_the_library_does(
    open_page: Callable[..., Any], astronaut: np.ndarray
) -> None:
    page = open_page()
    start_live(page)  # with which the numbers come
    assert page.evaluate("EMOTION.hiding") == HIDING
    height, width = astronaut.shape[:2]
    png = io.BytesIO()
    Image.fromarray(astronaut).save(png, "PNG")
    url = "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()

    def drawn(boxes: list[list[float]], **options: bool) -> list[np.ndarray]:
        given = page.evaluate(_DRAWN, [url, boxes, options])
        pixels = (np.frombuffer(base64.b64decode(text), np.uint8) for text in given)
        return [p.reshape(height, width, 4)[..., :3] for p in pixels]

    shown, frame = drawn([])
    assert np.array_equal(shown, astronaut), "the browser changes colours, so there is nothing to compare"
    for boxes in BOXES:
        wanted = astronaut.copy()
        for x, y, w, h in boxes:
            hide(wanted, (round(x), round(y), round(x + w), round(y + h)))
        assert (wanted != astronaut).any()
        seen, frame = drawn(boxes, hide=True)
        # A mean between two levels may be rounded to either.
        off = np.abs(seen.astype(int) - wanted)
        assert off.max() <= STEP and (off > 0).mean() < 0.002, boxes
        assert np.array_equal(frame, astronaut)  # so that the switch can be turned back
        mirrored, _ = drawn(boxes, hide=True, mirror=True)
        assert np.array_equal(mirrored[:, ::-1], seen)
    page.locator("[data-option=hide]").check(force=True)
    page.wait_for_function(LIVE + ".last?.result.hidden.length === 1")  # as many as there are faces
    # A face that is lost stays hidden for as long as in a video.
    steps = page.evaluate(
        f"""(steps) => {{
          const view = Object.assign(Object.create(Object.getPrototypeOf({LIVE})), {{ seen: new Map() }});
          return steps.map(([faces, at]) => view.toHide(faces, at).map(([x]) => x));
        }}""",
        [[[{"id": n, "box": [n, 0, 9, 9]} for n in ids], ms] for ids, ms in STEPS],
    )
    memory = Memory()
    for (ids, ms), hidden in zip(STEPS, steps, strict=True):
        faces = [face(Box(n, 0, 9, 9), id=n) for n in ids]
        assert [box[0] for box in places(faces, (100, 100), ms / 1000, memory)] == hidden
    assert steps == [[1, 2], [1, 2], [3, 1, 2], [3], []]
