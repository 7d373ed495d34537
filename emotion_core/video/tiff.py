"""The pages of a TIFF: which there are, and those of a depth or layout that Pillow does not know."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from emotion_core.types import EmotionError
from emotion_core.video.shape import eight_bits
from emotion_core.video.source import Source, TooManyPixelsError

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, OverflowError)
"""What Pillow raises for a file that is not as it should be."""

_WIDTH, _HEIGHT, _KIND, _PHOTOMETRIC = 256, 257, 254, 262
_REDUCED = 1  # a page that is a smaller copy of another
_LARGE = 43  # the version of a TIFF whose places in the file take eight bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says of itself: its size in pixels, whether it is a smaller copy, whether zero is white."""

    width: int
    height: int
    is_reduced: bool
    zero_is_white: bool


def is_tiff(address: str) -> bool:
    """Tell whether a file begins as a TIFF does."""
    with open(address, "rb") as file:
        return file.read(4) in MAGIC


def pages(address: str) -> list[Page]:
    """Give the pages of a TIFF in order, up to the first that is damaged."""
    found: list[Page] = []
    with open(address, "rb") as file:
        try:
            _collect(file, found)
        except DAMAGE:
            return found
    return found


def _collect(file: BinaryIO, found: list[Page]) -> None:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    head = file.read(8)
    if _LARGE in (head[2], head[3]):
        head += file.read(8)
    directory = ImageFileDirectory_v2(head)
    seen: set[int] = set()
    while directory.next and directory.next not in seen:
        seen.add(directory.next)
        file.seek(directory.next)
        directory.load(file)
        found.append(
            Page(
                int(directory[_WIDTH]),
                int(directory[_HEIGHT]),
                bool(int(directory.get(_KIND, 0)) & _REDUCED),
                directory.get(_PHOTOMETRIC) == 0,
            )
        )


def read(source: Source, number: int, page: Page) -> np.ndarray:
    """Read a page as RGB uint8 (H, W, 3), such as one of 16 bits a colour or of floats.

    Raises:
        EmotionError: where it is too large or of a kind that can't be read.
    """
    import cv2

    if too_large := source.too_large(page.width, page.height):
        raise TooManyPixelsError(too_large)
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would print its own words
    try:
        found, images = cv2.imreadmulti(source.address, start=number, count=1, flags=cv2.IMREAD_UNCHANGED)
    except cv2.error:
        found, images = False, ()
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not found or not images:
        raise EmotionError(f"{source.name} is a TIFF that is damaged or of a kind unknown here: save it as PNG")
    values = images[0] if images[0].ndim == 3 else images[0][:, :, None]
    values = values[:, :, 2::-1] if values.shape[2] >= 3 else np.repeat(values[:, :, :1], 3, axis=2)
    return np.ascontiguousarray(eight_bits(values))
