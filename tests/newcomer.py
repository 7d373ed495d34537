"""A newcomer's folder of pictures, made from real faces: a sub-folder for each of three categories."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

CUSTOM = ("bored", "confused", "focused")


def three_faces() -> dict[str, np.ndarray]:
    """Give a real face for each category, RGB uint8, cut with a margin; skips where a package is absent."""
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        pytest.skip("the ultralytics package, which carries the picture, is not installed")
    zidane = np.asarray(cv2.imread(str(Path(spec.origin).parent / "assets" / "zidane.jpg")))[:, :, ::-1]
    return {
        "focused": pytest.importorskip("skimage.data").astronaut()[20:230, 120:330],
        "bored": zidane[30:330, 970:1230],
        "confused": zidane[150:560, 330:700],
    }


def write_folder(root: Path, count: int = 10) -> Path:
    """Write `count` noisy, shifted pictures of each face as JPEG; the same ones every time."""
    rng = np.random.default_rng(0)
    for name, face in three_faces().items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            y, x = rng.integers(0, 20, 2)
            part = face[y : face.shape[0] - 20 + y, x : face.shape[1] - 20 + x].astype(float)
            noisy = part * rng.uniform(0.7, 1.2) + rng.normal(0, 6, part.shape)
            cv2.imwrite(str(root / name / f"{i}.jpg"), np.clip(noisy, 0, 255).astype(np.uint8)[:, :, ::-1])
    return root
