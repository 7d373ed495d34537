"""Make the pictures of the README: `python docs/make_screenshots.py`. Needs Chromium and playwright.

It starts the app, gives it a webcam and a video made from a public-domain portrait (NASA's astronaut, from
scikit-image), and saves the live view and the video tab to docs/images/, each below 200 KB. `--all FOLDER`
saves every tab at 390 and 1920 pixels, light and dark, to look at.
"""

import argparse
import contextlib
import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 200_000  # bytes of a picture in the README
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)  # fmt: skip


def portrait(step: float, width: int, height: int) -> Image.Image:
    """Return the astronaut's portrait as a camera would see it at time `step`, moving a little."""
    from skimage import data

    whole = Image.fromarray(data.astronaut())
    zoom = 1.0 + 0.04 * np.sin(step * 0.9)
    side = 250 / zoom * width / height
    left = min(max(0.0, 225 - side / 2 + 12 * np.sin(step * 0.7)), 511 - side)
    top = 5 + 6 * np.cos(step * 1.1)
    box = (left, max(0.0, top), left + side, max(0.0, top) + side * height / width)
    turned = whole.rotate(5 * np.sin(step * 0.8), center=(222, 115), resample=Image.Resampling.BICUBIC)
    light = ImageEnhance.Brightness(turned).enhance(1.0 + 0.06 * np.sin(step * 1.3))
    return light.resize((width, height), Image.Resampling.LANCZOS, box=box)


def write_webcam(path: Path) -> Path:
    """Write ten seconds of motion JPEG, 640x480, for Chromium's fake camera."""
    with path.open("wb") as file:
        for i in range(150):
            out = io.BytesIO()
            portrait(i / 15, 640, 480).save(out, "JPEG", quality=92)
            file.write(out.getvalue())
    return path


def write_video(path: Path) -> Path:
    """Write twelve seconds of 960x540 video."""
    from emotion_core.video.reader import VideoWriter

    with VideoWriter(path, fps=15) as writer:
        for i in range(180):
            writer.write(np.asarray(portrait(i / 15, 960, 540)), i / 15)
    return path


def start(scratch: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the app on a free port; return its process and address."""
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://[\d.]+:\d+/", line):
            return process, found[0]
    raise SystemExit("the app did not start")


def show_live(page: Any, seconds: float) -> None:
    """Start the live view and let its charts fill."""
    page.get_by_role("tab", name="Live", exact=True).click()
    page.click("[data-start]")
    page.wait_for_selector("[data-view=running]")
    page.wait_for_timeout(seconds * 1000)


def show_video(page: Any, video: Path) -> None:
    """Analyse a video and go to its strongest moment."""
    page.get_by_role("tab", name="Video", exact=True).click()
    page.wait_for_selector("#video-result .empty")
    page.set_input_files("#video-files input[type=file]", str(video))
    page.wait_for_selector(f"#video-files :text('{video.stem[:4]}')")
    page.click("#video-start")
    page.wait_for_selector("#video-result [data-result]")
    page.wait_for_function("document.querySelector('#video-result video').readyState >= 2")
    page.evaluate("document.querySelector('#video-result video').currentTime = 4")
    page.mouse.move(5, 5)
    page.wait_for_timeout(4000)  # until the player has put its controls away


def save_small(shot: bytes, path: Path) -> None:
    """Save a screenshot as a JPEG below 200 KB, as good as that allows."""
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    for quality in (92, 88, 84, 78, 70):
        picture.save(path, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=0)
        if path.stat().st_size <= LARGEST:
            break
    print(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size / 1000:.0f} kB")


def best_two(browser: Any, address: str, video: Path) -> None:
    """Save the two pictures of the README."""
    for name, scheme in (("live", "light"), ("video", "dark")):
        context = browser.new_context(
            viewport={"width": 1400, "height": 900},
            color_scheme=scheme,
            permissions=["camera"],
            locale="en-US",
        )
        context.add_init_script("localStorage.setItem('emotion-guide', 'done')")
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_selector("[data-live]")
        if name == "live":
            show_live(page, 20)
        else:
            show_video(page, video)
        save_small(page.screenshot(), ROOT / "docs" / "images" / f"{name}.jpg")
        context.close()


def all_tabs(browser: Any, address: str, video: Path, folder: Path) -> None:
    """Save every tab at two widths, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    for width, height in ((390, 844), (1920, 1080)):
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, permissions=["camera"],
                locale="en-US",
            )  # fmt: skip
            context.add_init_script("localStorage.setItem('emotion-guide', 'done')")
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto(address)
            page.wait_for_selector("[data-live]")
            page.wait_for_timeout(500)

            def save(tab: str, page: Any = page, end: str = f"{width}_{scheme}") -> None:
                page.screenshot(path=folder / f"{tab}_{end}.png", full_page=True)

            save("consent")
            show_live(page, 8)
            save("live")
            page.click("[data-stop]")
            show_video(page, video)
            save("video")
            page.get_by_role("tab", name="Pictures", exact=True).click()
            picture = video.with_name("portrait.png")
            portrait(1.0, 960, 720).save(picture)
            page.set_input_files("#picture-files input[type=file]", str(picture))
            page.wait_for_selector("#picture-files :text('port')")
            page.click("#picture-start")
            page.wait_for_selector("[data-pictures] img")
            page.wait_for_timeout(1000)
            save("pictures")
            page.get_by_role("tab", name="Model", exact=True).click()
            page.wait_for_selector("#model-page table")
            page.wait_for_timeout(500)
            save("model")
            context.close()


def main() -> int:
    """Take the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="save every tab to look at, instead")
    parser.add_argument("--video", type=Path, help="a video of your own in place of the made one")
    args = parser.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    if chromium is None:
        print("No Chromium: install it (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    folder = args.all.resolve() if args.all else None
    with tempfile.TemporaryDirectory() as scratch:
        webcam = write_webcam(Path(scratch) / "webcam.mjpeg")
        video = args.video.resolve() if args.video else write_video(Path(scratch) / "portrait.mp4")
        process, address = start(Path(scratch))
        try:
            # Chromium calls the camera as its file is named here: a bare name, no path of this machine.
            with contextlib.chdir(scratch), sync_playwright() as playwright:
                flags = [*FLAGS, f"--use-file-for-fake-video-capture={webcam.name}"]
                browser = playwright.chromium.launch(executable_path=chromium, args=flags)
                if folder:
                    all_tabs(browser, address, video, folder)
                else:
                    best_two(browser, address, video)
                browser.close()
        finally:
            process.terminate()
            process.wait(30)
            time.sleep(0.1)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
