"""The README's pictures, made from what the program really answers: `python -m benchmarks.pictures`."""

import sys
from pathlib import Path

import cv2
from PIL import Image

from benchmarks.conditions import ROOT

FOLDER = ROOT / "docs" / "images"


def overlay(path: Path) -> None:
    """Draw what the Recognizer answers for NASA's photograph of Eileen Collins (public domain)."""
    from skimage import data

    from emotion_core import Frame, Recognizer, Session, draw

    picture = cv2.resize(data.astronaut(), (1000, 1000), interpolation=cv2.INTER_CUBIC)
    frame = Frame(picture[:640])
    faces = Recognizer.from_pretrained()(frame, Session())
    Image.fromarray(draw(frame, faces)).save(path, quality=88)
    print(f"{path.relative_to(ROOT)}: {faces}")


def main() -> int:
    """Make all pictures anew; gives 0."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    overlay(FOLDER / "overlay.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
