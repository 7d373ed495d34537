"""The example pictures and clips of the web app, made from two photographs in the public domain.

`python .ci/examples.py` writes webapp/assets/examples anew, and `--into FOLDER` elsewhere. It needs
scikit-image and matplotlib, whose wheels hold the photographs; webapp/assets/examples/README.md says whose
they are. The clips begin as they end, so that one can go round as the picture of a camera.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "webapp" / "assets" / "examples"
PHOTOGRAPHS = {
    "collins": ("skimage", "data/astronaut.png"),
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}
FACES = {"collins": (0.436, 0.222), "hopper": (0.520, 0.385)}
"""Where the middle of each face lies, as shares of the photograph's width and height."""
WIDTH, HEIGHT, RATE, SECONDS = 480, 360, 25, 6
DARKEST = 0.16
"""The share of the light that is left in the middle of the dim clip."""


def photograph(name):
    """Return a photograph as Pillow's RGB image; ends the program where its package is not installed."""
    package, place = PHOTOGRAPHS[name]
    found = find_spec(package)
    if found is None or found.origin is None:
        sys.exit(f"{package} is not installed: pip install {package.replace('skimage', 'scikit-image')}")
    with Image.open(Path(found.origin).parent / place) as image:
        return image.convert("RGB")


def view(image, center, wide, size):
    """Return what a camera sees that shows `wide` pixels around `center`, as an array (H, W, 3) of `size`.

    It stays inside the photograph: near an edge it shows less of the other side.
    """
    high = wide * size[1] / size[0]
    left = min(max(center[0] - wide / 2, 0), image.width - wide)
    top = min(max(center[1] - high / 2, 0), image.height - high)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, (left, top, left + wide, top + high)))


def middle(name, image):
    """Return the middle of the face in pixels."""
    return FACES[name][0] * image.width, FACES[name][1] * image.height


def zoom(collins, hopper, turn):
    """Return a frame of the camera that comes nearer, goes by and moves away; `turn` runs from 0 to 2 pi."""
    x, y = middle("collins", collins)
    center = x + 28 * np.sin(turn), y + 22 + 12 * np.sin(2 * turn)
    return view(collins, center, 300 + 70 * np.cos(turn), (WIDTH, HEIGHT))


def pair(collins, hopper, turn):
    """Return a frame of two people side by side, each of whom moves in a way of their own."""
    half = WIDTH // 2, HEIGHT
    x, y = middle("hopper", hopper)
    left = view(hopper, (x + 18 * np.sin(turn), y + 20 * np.cos(turn)), 320, half)
    x, y = middle("collins", collins)
    right = view(collins, (x + 12 * np.cos(2 * turn), y + 30 + 12 * np.sin(turn)), 210, half)
    return np.hstack([left, right])


def dim(collins, hopper, turn):
    """Return a frame of a room in which the light goes down, with a sensor's noise, and up again."""
    x, y = middle("hopper", hopper)
    lit = view(hopper, (x + 10 * np.sin(turn), y + 8 * np.sin(2 * turn)), 440, (WIDTH, HEIGHT))
    light = DARKEST + (1 - DARKEST) * (1 + np.cos(turn)) / 2
    noise = np.random.default_rng(round(turn * 1000)).normal(0, 2.0, lit.shape)
    return np.clip(lit * light + noise * (1 - light), 0, 255).astype(np.uint8)


CLIPS = {"zoom": zoom, "pair": pair, "dim": dim}


def pictures(collins, hopper):
    """Return the three pictures by their names."""
    single = {
        "collins": collins.crop((60, 0, 440, 380)),
        "hopper": hopper.crop((40, 0, 512, 472)).resize((380, 380), Image.Resampling.LANCZOS),
    }
    together = Image.new("RGB", (760, 380))
    for place, image in enumerate(single.values()):
        together.paste(image, (380 * place, 0))
    return {**single, "together": together}


def frame(name, number, collins, hopper):
    """Return one frame of a clip by its number, as an array (H, W, 3)."""
    return CLIPS[name](collins, hopper, 2 * np.pi * number / (RATE * SECONDS))


def write(folder):
    """Write three pictures and three clips into `folder`, which is made where it is missing."""
    from emotion_core.video.writer import VideoWriter

    folder.mkdir(parents=True, exist_ok=True)
    photographs = photograph("collins"), photograph("hopper")
    for name, image in pictures(*photographs).items():
        image.save(folder / f"{name}.jpg", quality=82, optimize=True)
    for name in CLIPS:
        with VideoWriter(folder / f"{name}.mp4", fps=RATE, quality=28, preset="veryslow") as writer:
            for number in range(RATE * SECONDS):
                writer.write(frame(name, number, *photographs), number / RATE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=FOLDER, help="where they are written")
    write(parser.parse_args().into)
