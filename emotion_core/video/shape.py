"""The shape and the depth of pictures: into one size without squashing, and into 8 bits without clipping."""

import numpy as np

LARGE = 2_500_000
"""Pixels above which a picture is handled with fewer copies and threads: between 1080p and 4K."""

_BITS = (8, 10, 12, 14, 16)  # what cameras and scanners fill of the integers that they write


def fitted(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale RGB uint8 (H, W, 3) into `height` x `width` and keep its proportions: bars fill what is left."""
    import cv2

    rows, columns = image.shape[:2]
    if (columns, rows) == (width, height):
        return image
    scale = min(width / columns, height / rows)
    inner = max(1, min(width, round(columns * scale))), max(1, min(height, round(rows * scale)))
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    whole = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=smooth)
    return whole


def eight_bits(values: np.ndarray) -> np.ndarray:
    """Scale numbers of any kind to uint8 in [0, 255]; the shape stays.

    Integers count as those of the least depth of 8, 10, 12, 14 or 16 bits that holds the brightest, floats
    within [0, 1] as shares of white and those up to 255 as they are. Anything else, so also what is negative,
    is stretched between its darkest and its brightest. What is no finite number is black.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * 255
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.any():
            return np.zeros(values.shape, np.uint8)
        least, most = float(values[finite].min()), float(values[finite].max())
        values = np.where(finite, values, least)
        white = next((top for top in (1.0, 255.0) if most <= top), most)
    else:
        least, most = float(values.min()), float(values.max())
        white = next((2.0**bits - 1 for bits in _BITS if most < 2**bits), most)
    black = min(0.0, least)
    if black < 0:
        white = most
    scaled = (values.astype(np.float64) - black) * (255.0 / max(white - black, 1e-300))
    return np.rint(scaled).clip(0, 255).astype(np.uint8)
