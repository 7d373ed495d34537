"""Near-duplicates: pictures that stand in a data set twice, or in two splits of it."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import imagehash
import numpy as np
from PIL import Image
from tqdm import tqdm

DISTANCE = 10  # bits of 64 that the hashes of nearly the same picture may differ in

SIMILARITY = 0.95  # and the correlation that their thumbnails must then reach: faces hash alike easily

_THUMB = 24  # side of the thumbnails in pixels


@dataclass(frozen=True, eq=False)
class Hashes:
    """What is kept of each picture to compare it: a 64-bit perceptual hash and a normalised thumbnail."""

    phash: np.ndarray  # (N,) uint64
    thumbs: np.ndarray  # (N, 576) float16, zero mean and unit length; zeros: unreadable
    size: np.ndarray  # (N, 2) width and height in pixels, 0: unreadable

    @property
    def readable(self) -> np.ndarray:
        """A bool (N,)."""
        return self.size[:, 0] > 0


def hash_pictures(pictures: Iterable[np.ndarray | None], total: int | None = None) -> Hashes:
    """Hash pictures, RGB or grey uint8; None stands for one that could not be read."""
    bits, thumbs, sizes = [], [], []
    bar = tqdm(pictures, total=total, desc="hashing", unit="picture", leave=False, disable=None)
    for image in bar:
        if image is None:
            bits.append(np.uint64(0))
            thumbs.append(np.zeros(_THUMB**2, np.float16))
            sizes.append((0, 0))
            continue
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small = Image.fromarray(cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA))
        bits.append(np.packbits(imagehash.phash(small).hash.ravel()).view(">u8")[0].astype(np.uint64))
        thumb = cv2.resize(grey, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        thumb -= thumb.mean()
        thumbs.append((thumb / max(float(np.linalg.norm(thumb)), 1e-6)).astype(np.float16))
        sizes.append((grey.shape[1], grey.shape[0]))
    return Hashes(
        np.asarray(bits, np.uint64),
        np.asarray(thumbs, np.float16).reshape(-1, _THUMB**2),
        np.asarray(sizes, int).reshape(-1, 2),
    )


def near_duplicates(
    hashes: Hashes,
    *,
    distance: int = DISTANCE,
    similarity: float = SIMILARITY,
    apart: np.ndarray | None = None,
) -> np.ndarray:
    """Return the pairs (M, 2) of rows, i < j, that show nearly the same picture.

    Hashes within `distance` bits agree in at least one of distance + 1 bands of bits (the pigeonhole
    principle), so only pictures that share a band are compared. `apart` (N,) holds a number for each picture:
    only pairs with different numbers are wanted.
    """
    rows = np.flatnonzero(hashes.readable)
    edges = np.linspace(0, 64, distance + 2).astype(int)
    parts: list[np.ndarray] = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        band = (hashes.phash[rows] >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = rows[np.argsort(band, kind="stable")]
        sizes = np.bincount(np.unique(band, return_inverse=True)[1])
        for bucket in np.split(order, np.cumsum(sizes)[:-1]):
            for start in range(0, len(bucket), 2048):  # a bucket of any size in little memory
                parts += _close(hashes, bucket[start : start + 2048], bucket, distance, similarity, apart)
    pairs = np.concatenate(parts) if parts else np.empty((0, 2), int)
    return np.unique(np.sort(pairs, 1), axis=0)


def leaks(crops: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Return the rows of `train` whose crop stands nearly unchanged in `valid` or `test`.

    `crops` are the aligned ones, uint8 (N, S, S), `split` the names of their splits (N,).
    """
    held_out = split != "train"
    if not held_out.any() or held_out.all():
        return np.empty(0, int)
    hashes = hash_pictures(iter(crops), len(crops))
    pairs = near_duplicates(hashes, apart=held_out.astype(int))
    return np.unique(pairs[~held_out[pairs]]) if len(pairs) else np.empty(0, int)


def _close(
    hashes: Hashes,
    left: np.ndarray,
    right: np.ndarray,
    distance: int,
    similarity: float,
    apart: np.ndarray | None,
) -> list[np.ndarray]:
    """Return the pairs of `left` x `right` rows that are near in bits and in their thumbnails."""
    if len(right) < 2:
        return []
    bits = np.bitwise_count(hashes.phash[left][:, None] ^ hashes.phash[right][None])  # (L, R)
    near = (bits <= distance) & (left[:, None] < right[None])
    if apart is not None:
        near &= apart[left][:, None] != apart[right][None]
    i, j = np.nonzero(near)
    if not len(i):
        return []
    pairs = np.stack([left[i], right[j]], 1)
    alike = np.concatenate(
        [
            (hashes.thumbs[part[:, 0]].astype(np.float32) * hashes.thumbs[part[:, 1]]).sum(1)
            for part in np.array_split(pairs, len(pairs) // 20000 + 1)
        ]
    )
    return [pairs[alike >= similarity]]
