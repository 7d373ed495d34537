"""HEIC photographs, as phones take them: Pillow reads them with the package pillow-heif, if it is there."""

from functools import cache

_STILL = (b"heic", b"heix", b"heim", b"heis")
_MOVING = (b"hevc", b"hevx", b"hevm", b"hevs")
_EITHER = (b"mif1", b"msf1", b"mif2")  # of a HEIC or an AVIF, which the brands that follow tell

HEAD = 64
"""Bytes of a file that are enough to tell."""

ADVICE = "pip install pillow-heif, or save it as JPEG or PNG first"
"""What to do where the package is missing."""


def is_heic(head: bytes) -> bool:
    """Tell whether a file that begins so is a HEIC photograph."""
    first, others = _brands(head)
    return first in _STILL or (first in _EITHER and any(b in _STILL for b in others))


def is_moving(head: bytes) -> bool:
    """Tell whether a file that begins so is a HEIC of several frames, which pillow-heif doesn't read."""
    return _brands(head)[0] in _MOVING


@cache
def ready() -> bool:
    """Have Pillow read HEIC, as format "HEIF"; False where pillow-heif is not installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return True


def _brands(head: bytes) -> tuple[bytes, list[bytes]]:
    """Return the brand of a file of boxes and those that it says it is readable as, as far as `head` goes."""
    if head[4:8] != b"ftyp":
        return b"", []
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return head[8:12], [head[at : at + 4] for at in range(16, end - 3, 4)]
