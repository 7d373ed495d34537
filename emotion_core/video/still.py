"""Picture files: of one picture, or of several as moving WebP, PNG and AVIF and the pages of a TIFF are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from emotion_core.types import EmotionError
from emotion_core.video import pages
from emotion_core.video.pages import DAMAGE
from emotion_core.video.picture import upright
from emotion_core.video.shape import eight_bits
from emotion_core.video.source import Source, TooManyPixelsError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_DEEP = ("I", "F")  # first letters of modes that hold more than 8 bits, which Pillow would clip
_PAGE = 1.0  # seconds a page without a time is shown
_USUAL, _SHORTEST, _LONGEST = 0.1, 0.01, 86_400.0  # seconds: browsers show what is to last no time so


def picture(source: Source) -> np.ndarray:
    """Read a still picture, RGB uint8 (H, W, 3), turned as its EXIF note says.

    Raises:
        EmotionError: where it is damaged, of a kind that can't be read, or too large.
    """
    try:
        with open(source.address, "rb") as file:
            if not pages.is_tiff(file):
                return _image(source, _opened(source, file))
            found = pages.pages(file)
            return _page(source, file, found, (pages.whole(found) or [0])[0])
    except DAMAGE as error:
        raise _damaged(source, error) from error


class Pictures:
    """The frames of a moving picture file: iterate for (image, seconds that it is shown).

    Images are RGB uint8 (H, W, 3); `count` is their number, `notes` say what is left out or assumed, and
    `problem` is why reading ended early, or None.

    Raises:
        EmotionError: where it can't be opened.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.problem: str | None = None
        self.notes: list[str] = []
        self._pages: list[pages.Page] = []
        self._picture: Picture | None = None
        self._file = open(source.address, "rb")  # noqa: SIM115 (closed by `close`)
        try:
            if pages.is_tiff(self._file):
                self._pages = pages.pages(self._file)
                self._places = pages.whole(self._pages)
                self.notes.append(f"its {len(self._places)} pages have no times: each counts as a second")
                if copies := len(self._pages) - len(self._places):
                    self.notes.append(f"pages that are smaller copies of others are not read: {copies}")
            else:
                self._picture = _opened(source, self._file)
                self._places = list(range(int(getattr(self._picture, "n_frames", 1))))
        except DAMAGE as error:
            self.close()
            raise _damaged(source, error) from error
        self.count = len(self._places)

    def __iter__(self) -> Iterator[tuple[np.ndarray, float]]:
        for place in self._places:
            try:
                yield self._read(place)
            except TooManyPixelsError as error:
                self.problem = str(error).removeprefix(f"{self._source.name} ")
                return
            except (*DAMAGE, EmotionError):
                self.problem = "the rest of it is damaged"
                return

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _read(self, place: int) -> tuple[np.ndarray, float]:
        if self._picture is None:
            return _page(self._source, self._file, self._pages, place), _PAGE
        self._picture.seek(place)
        image = _image(self._source, self._picture)
        seconds = float(self._picture.info.get("duration") or 0) / 1000
        return image, seconds if _SHORTEST < seconds < _LONGEST else _USUAL


def _page(source: Source, file: BinaryIO, found: list[pages.Page], number: int) -> np.ndarray:
    """Read a page of a TIFF: by Pillow, which turns it upright, else by OpenCV, which knows more depths."""
    try:
        one = _opened(source, file)
        one.seek(number)
        return _image(source, one, zero_is_white=bool(found) and found[number].zero_is_white)
    except DAMAGE:
        if not found:
            raise
        return _deep(source, number, found[number])


def _opened(source: Source, file: BinaryIO) -> "Picture":
    from PIL import Image

    try:
        return pages.opened(file)
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError(f"{source.name} has too many pixels: make it smaller first") from error


def _image(source: Source, picture: "Picture", *, zero_is_white: bool = False) -> np.ndarray:
    from PIL import ImageOps

    if too_large := source.too_large(picture.width, picture.height):
        raise TooManyPixelsError(too_large)
    if picture.mode.startswith(_DEEP):
        grey = eight_bits(np.asarray(ImageOps.exif_transpose(picture)))
        return np.repeat((255 - grey if zero_is_white else grey)[:, :, None], 3, axis=2)
    return np.asarray(upright(picture)).copy()


def _deep(source: Source, number: int, page: pages.Page) -> np.ndarray:
    """Read a page of a depth or layout that Pillow does not know, such as 16 bits a colour or floats."""
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
        raise EmotionError(
            f"{source.name} is a TIFF that is damaged or of a kind unknown here: save it as PNG"
        )
    values = images[0] if images[0].ndim == 3 else images[0][:, :, None]
    values = values[:, :, 2::-1] if values.shape[2] >= 3 else np.repeat(values[:, :, :1], 3, axis=2)
    return np.ascontiguousarray(eight_bits(values))


def _damaged(source: Source, error: Exception) -> EmotionError:
    from PIL import UnidentifiedImageError

    why = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
    return EmotionError(f"{source.name} is a damaged picture{why}: copy or save it again")
