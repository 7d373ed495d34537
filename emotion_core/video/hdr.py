"""Pictures of high dynamic range, HLG and PQ (Rec. ITU-R BT.2100), mapped to BT.709 as a screen shows it.

White is what BT.2408 calls reference white, 203 cd/m2; what is brighter is rolled off, so that a lamp keeps
its shape. Curves are tables, so that a picture costs three look-ups and one product of matrices.
"""

from functools import cache

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

_PQ, _HLG = 16, 18  # transfer characteristics of H.273
_BT2020, _P3 = 9, 12  # its colour primaries
_REFERENCE_WHITE = 203.0  # cd/m2
_PEAK = 1000.0  # cd/m2: the screen that HLG's system gamma of 1.2 stands for, and the usual one of PQ
_GAMMA = 2.4  # of the screen that BT.709 pictures are made for (BT.1886)
_KNEE = 0.75  # of white: light below it stays as it is
_STEPS = 4096  # of a channel as it is stored
_FINE = 65_536  # of light: the dark needs them, since the eye tells more steps apart there
_ROWS = 16  # taken at a time: they stay in the cache of the core, which is three times as fast as all at once

# From linear BT.2020 and Display P3 light to BT.709's, by the chromaticities in those standards.
_TO_BT709 = {
    _BT2020: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    _P3: ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979)),
}


def is_hdr(picture: VideoFrame) -> bool:
    """Tell whether a picture says that it is HLG or PQ."""
    return picture.color_trc in (_PQ, _HLG)


def to_bt709(
    picture: VideoFrame, width: int, height: int, reformat: VideoReformatter, space: int | None
) -> np.ndarray:
    """Map a picture of high dynamic range to RGB uint8 (height, width, 3) as BT.709.

    `space` is the matrix of its YCbCr where it doesn't say itself.
    """
    import cv2

    whole = reformat.reformat(picture, width, height, "rgb48le", src_colorspace=space, threads=1)
    deep = whole.to_ndarray().view(np.uint16)
    primaries = picture.color_primaries if picture.color_primaries in _TO_BT709 else _BT2020
    matrix = np.array(_TO_BT709[primaries], np.float32) * np.float32((_FINE - 1) / _span())
    light, shown = _light(picture.color_trc), _shown()
    image = np.empty(deep.shape, np.uint8)
    for top in range(0, height, _ROWS):
        linear = np.take(light, deep[top : top + _ROWS] >> 4, mode="clip")  # 1 is white
        places = cv2.transform(linear, matrix)
        np.clip(places, 0, _FINE - 1, out=places)
        np.take(shown, places.astype(np.uint16), mode="clip", out=image[top : top + _ROWS])
    return image


def _span() -> float:
    """Return the brightest light that is told apart, in units of white."""
    return _PEAK / _REFERENCE_WHITE


@cache
def _light(transfer: int) -> np.ndarray:
    """Return the light of each of 4096 values of a channel, 1 for reference white."""
    value = np.arange(_STEPS) / (_STEPS - 1)
    if transfer == _PQ:
        m1, m2 = 2610 / 16384, 2523 / 4096 * 128
        c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
        root = value ** (1 / m2)
        nits = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
        nits = _PEAK * scene**1.2
    return (np.minimum(nits, _PEAK) / _REFERENCE_WHITE).astype(np.float32)


@cache
def _shown() -> np.ndarray:
    """Return the BT.709 value, uint8, of each step of light from black to the brightest."""
    light = np.arange(_FINE) * (_span() / (_FINE - 1))
    room, reach = 1 - _KNEE, _span() - _KNEE
    over = np.maximum(light - _KNEE, 0)
    # A hyperbola that leaves the knee with slope 1 and comes to white at the brightest light.
    rolled = _KNEE + over / (1 + over * (1 / room - 1 / reach))
    mapped = np.where(light <= _KNEE, light, rolled).clip(0, 1)
    return np.rint(255 * mapped ** (1 / _GAMMA)).astype(np.uint8)
