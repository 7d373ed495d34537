"""Which frames or pages a picture file has, from its headers alone."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from emotion_core.video import heif

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    KeyError,
    TypeError,
    IndexError,
    ArithmeticError,
    RuntimeError,
)
"""What Pillow, and pillow-heif with it, raise for a file that is not as it should be."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")
_MOVING = ("PNG", "WEBP", "AVIF")  # a JPEG's second picture is its depth or brightness, not a frame
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


def moves(file: BinaryIO) -> bool:
    """Tell whether an open picture file holds more than one frame or page; False where it is damaged."""
    from PIL import Image

    try:
        if is_tiff(file):
            return len(whole(pages(file))) > 1
        picture = opened(file)
        return picture.format in _MOVING and int(getattr(picture, "n_frames", 1)) > 1
    except (*DAMAGE, Image.DecompressionBombError):
        return False


def opened(file: BinaryIO) -> "Picture":
    """Return a picture of an open file, its pixels not yet looked at; raises what Pillow raises."""
    from PIL import Image

    file.seek(0)
    heic = heif.is_heic(file.read(heif.HEAD)) and heif.ready()
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", Image.DecompressionBombWarning
        )  # the size is checked before unpacking
        return Image.open(file, formats=("HEIF",) if heic else _FORMATS)


def whole(pages: list[Page]) -> list[int]:
    """Return the numbers of the pages that are no smaller copies of others."""
    return [number for number, page in enumerate(pages) if not page.is_reduced]


def is_tiff(file: BinaryIO) -> bool:
    """Tell whether an open file begins as a TIFF does."""
    file.seek(0)
    return file.read(4) in MAGIC


def pages(file: BinaryIO) -> list[Page]:
    """Return the pages of an open TIFF in order, up to the first that is damaged."""
    found: list[Page] = []
    try:
        _collect(file, found)
    except DAMAGE:
        return found
    return found


def _collect(file: BinaryIO, found: list[Page]) -> None:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    file.seek(0)
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
