"""What lies around a face: painted-out surroundings get others, and other faces lose theirs.

Some sets show faces whose surroundings were painted black outside an oval. Beside whole pictures they teach
the oval in place of the expression, as the sets differ in classes. So most ovals get something behind them,
and some faces of other sets get the oval of a masked one.
"""

from typing import Any

import cv2
import numpy as np

from train.config import TrainConfig
from train.data.samples import Samples

DARK = 14  # grey up to which a pixel counts as painted out: compression and shrinking leave black unsteady
_SMALL = 24  # side in pixels at which a face's own colours are carried outwards


def oval(crop: np.ndarray) -> np.ndarray:
    """Tell which pixels of a masked uint8 crop (S, S) show the face: the hull of what isn't black.

    Where a crop reaches beyond its picture, rim pixels of the face are drawn out into streaks; they are
    narrower than a face, and left out.
    """
    mask: Any = (cv2.GaussianBlur(crop, (3, 3), 0) > DARK).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole: Any = cv2.drawContours(np.zeros_like(mask), outlines, -1, 1, cv2.FILLED)  # with dark eyes
    wide = len(crop) // 6
    core = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((wide, wide), np.uint8))
    face = np.zeros_like(mask)
    parts, _ = cv2.findContours(core, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not parts:
        return face.astype(bool)
    largest = cv2.drawContours(face.copy(), [max(parts, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    near: Any = cv2.dilate(largest, np.ones((7, 7), np.uint8)) & whole
    cv2.fillConvexPoly(face, cv2.convexHull(cv2.findNonZero(near)), 1)
    return cv2.erode(face, np.ones((3, 3), np.uint8)).astype(bool)


def surround(samples: Samples, picked: np.ndarray, config: TrainConfig, seed: int) -> np.ndarray:
    """Return the crops (B, S, S) of the rows `picked`, surroundings exchanged as `config` says.

    All randomness comes from `seed`. What is put behind a face comes from other pictures of the batch.
    """
    crops = samples.crops[picked]
    ovals = np.flatnonzero(samples.masked)
    if not len(ovals):
        return crops
    rng = np.random.default_rng((seed, 1))
    masked = samples.masked[picked]
    painted = ~masked & (rng.random(len(picked)) < config.ovals)
    filled = rng.random(len(picked)) < config.behind
    out = crops.copy()
    for row in np.flatnonzero(painted | (masked & filled)):
        shape = crops[row] if masked[row] else samples.crops[rng.choice(ovals)]
        face = oval(shape)
        other = crops[rng.integers(len(crops))]
        behind = background(crops[row], face, other, rng) if filled[row] else np.zeros_like(crops[row])
        out[row] = np.where(face, crops[row], behind)
    return out


def background(crop: np.ndarray, face: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw what stands behind a face (S, S) uint8: another picture or its blur, its own colours, grey."""
    kind = rng.random()
    if kind < 0.35:
        return carried_out(crop, face, rng)
    if kind < 0.55:
        ramp = np.linspace(-1, 1, len(crop)) * rng.uniform(-40, 40)
        plain = np.clip(rng.uniform(10, 245) + np.broadcast_to(ramp, crop.shape), 0, 255).astype(np.uint8)
        return plain if rng.random() < 0.5 else plain.T
    shift = rng.integers(len(crop) // 3, 2 * len(crop) // 3, 2)
    other = np.roll(other[:: rng.choice([-1, 1])], tuple(shift), (0, 1))
    return other if kind < 0.8 else cv2.GaussianBlur(other, (0, 0), rng.uniform(2, 12))


def carried_out(crop: np.ndarray, face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Carry the colours at the rim of a face outwards, as hair and a blurred room would follow it."""
    weight = cv2.resize(face.astype(np.float32), (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    light = cv2.resize(crop * face.astype(np.float32), (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    sums = [  # the nearest rim counts most where there is one
        share * cv2.GaussianBlur(np.dstack([light, weight]), (0, 0), sigma)
        for sigma, share in ((1.0, 1.0), (3.0, 0.1), (9.0, 0.01))
    ]
    total = np.sum(sums, axis=0)
    small = (total[..., 0] / (total[..., 1] + 1e-6)).astype(np.float32)
    wide = cv2.resize(small, crop.shape[::-1], interpolation=cv2.INTER_CUBIC)
    wide = wide * rng.uniform(0.5, 1.2) + rng.normal(0, rng.uniform(0, 6), crop.shape)
    return np.clip(wide, 0, 255).astype(np.uint8)
