"""`python -m train check DATA...`: counts, sizes, unreadable files, and the same picture in two splits."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import imagehash
import numpy as np
from PIL import Image
from tqdm import tqdm

from train.data.extract import ClipCursor, open_picture
from train.data.readers import Raw
from train.data.samples import SPLITS, Samples, read_all

DISTANCE = 10  # bits of 64 that the hashes of nearly the same picture may differ in
SIMILARITY = 0.95  # and the correlation that their thumbnails must then reach: faces hash alike easily
_THUMB = 24  # side of the thumbnails in pixels


@dataclass(frozen=True, eq=False)
class Prints:
    """What is kept of each picture to compare it: a 64-bit perceptual hash and a normalised thumbnail."""

    hashes: np.ndarray  # (N,) uint64
    thumbs: np.ndarray  # (N, 576) float16, zero mean and unit length; zeros: unreadable
    size: np.ndarray  # (N, 2) width and height in pixels, 0: unreadable

    @property
    def readable(self) -> np.ndarray:
        """Give a bool (N,)."""
        return self.size[:, 0] > 0


def prints(pictures: Iterable[np.ndarray | None], total: int | None = None) -> Prints:
    """Hash pictures, RGB or grey uint8; None stands for one that could not be read."""
    hashes, thumbs, sizes = [], [], []
    bar = tqdm(pictures, total=total, desc="hashing", unit="picture", leave=False, disable=None)
    for image in bar:
        if image is None:
            hashes.append(np.uint64(0))
            thumbs.append(np.zeros(_THUMB**2, np.float16))
            sizes.append((0, 0))
            continue
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        bits = imagehash.phash(Image.fromarray(cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA))).hash
        hashes.append(np.packbits(bits.ravel()).view(">u8")[0].astype(np.uint64))
        thumb = cv2.resize(grey, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        thumb -= thumb.mean()
        thumbs.append((thumb / max(float(np.linalg.norm(thumb)), 1e-6)).astype(np.float16))
        sizes.append((grey.shape[1], grey.shape[0]))
    return Prints(
        np.asarray(hashes, np.uint64),
        np.asarray(thumbs, np.float16).reshape(-1, _THUMB**2),
        np.asarray(sizes, int).reshape(-1, 2),
    )


def near_duplicates(
    marks: Prints,
    *,
    distance: int = DISTANCE,
    similarity: float = SIMILARITY,
    apart: np.ndarray | None = None,
) -> np.ndarray:
    """Give the pairs (M, 2) of rows, i < j, that show nearly the same picture.

    Hashes within `distance` bits agree in at least one of distance + 1 bands of bits (the pigeonhole
    principle), so only pictures that share a band are compared. `apart` (N,) holds a number for each picture:
    only pairs with different numbers are wanted.
    """
    rows = np.flatnonzero(marks.readable)
    edges = np.linspace(0, 64, distance + 2).astype(int)
    found: list[np.ndarray] = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        band = (marks.hashes[rows] >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = rows[np.argsort(band, kind="stable")]
        sizes = np.bincount(np.unique(band, return_inverse=True)[1])
        for bucket in np.split(order, np.cumsum(sizes)[:-1]):
            for start in range(0, len(bucket), 2048):  # a bucket of any size in little memory
                found += _close(marks, bucket[start : start + 2048], bucket, distance, similarity, apart)
    pairs = np.concatenate(found) if found else np.empty((0, 2), int)
    return np.unique(np.sort(pairs, 1), axis=0)


def leaks(samples: Samples) -> np.ndarray:
    """Give the rows of `train` whose aligned crop stands nearly unchanged in `valid` or `test`."""
    held = samples.split != "train"
    if not held.any() or held.all():
        return np.empty(0, int)
    marks = prints(iter(samples.crops), len(samples))
    pairs = near_duplicates(marks, apart=held.astype(int))
    return np.unique(pairs[~held[pairs]]) if len(pairs) else np.empty(0, int)


def check(
    paths: Sequence[str], *, sets: Sequence[str] | None = None, crops: bool = False, cache: str | None = None
) -> dict:
    """Look through data sets and give what was found, ready for JSON; `report` prints it.

    Whole pictures are compared; with `crops`, the live pipeline's crops, which also finds a face that two
    sets frame differently (the first time takes minutes, as every face has to be found).
    """
    raws = read_all(paths, sets=sets)
    found: dict = {"sets": {}, "duplicates": []}
    splits = np.concatenate([raw.split for raw in raws])
    names = np.concatenate([np.char.add(f"{raw.source}:", raw.id.astype(str)) for raw in raws])
    labels = np.concatenate([_label_names(raw) for raw in raws])
    parts = [_prints_of(raw, crops, cache) for raw in raws]
    for raw, marks in zip(raws, parts, strict=True):
        found["sets"][raw.source] = _describe(raw, marks)
    marks = Prints(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("hashes", "thumbs", "size")))
    pairs = near_duplicates(marks)
    held = splits != "train"
    stills = np.concatenate([raw.clip for raw in raws]) < 0
    pairs = pairs[stills[pairs].all(1)]  # frames of one clip are alike by nature
    across = pairs[splits[pairs[:, 0]] != splits[pairs[:, 1]]]
    both = pairs[(labels[pairs] != "").all(1)]
    found["pictures"] = len(splits)
    found["near_duplicates"] = {
        "pairs": len(pairs),
        "across_splits": len(across),
        "labels_disagree": int((labels[both[:, 0]] != labels[both[:, 1]]).sum()),
        "labels_both_known": len(both),
        "dropped_from_train": len(np.unique(across[~held[across]])),
        "examples": [[str(names[i]), str(names[j])] for i, j in across[:20]],
    }
    return found


def report(found: dict) -> str:
    """Write the outcome of `check` as text for a terminal."""
    lines = []
    for name, part in found["sets"].items():
        lines.append(f"{name}: {part['pictures']} pictures, {part['unreadable']} unreadable")
        width, height = part["median_size"]
        lines.append(
            f"  size: median {width} x {height} px, from {part['smallest_side']} to {part['largest_side']} px"
        )
        columns = [s for s in SPLITS if part["splits"].get(s)]
        lines.append("  " + "category".ljust(20) + "".join(c.rjust(9) for c in columns))
        for label, counts in part["counts"].items():
            lines.append("  " + label.ljust(20) + "".join(f"{counts.get(c, 0):9d}" for c in columns))
        lines += [f"  empty: no picture of {label}" for label in part["empty"]]
        lines += [f"  {problem}" for problem in part["problems"]]
        lines += [f"  unreadable: {item}" for item in part["unreadable_examples"]]
    pairs = found["near_duplicates"]
    lines.append(
        f"near-duplicates: {pairs['pairs']} pairs, {pairs['across_splits']} across splits; "
        f"{pairs['labels_disagree']} of {pairs['labels_both_known']} labelled pairs disagree"
    )
    if pairs["across_splits"]:
        lines.append(f"leaks: {pairs['dropped_from_train']} pictures are dropped from train when training")
        lines += [f"  {a} = {b}" for a, b in pairs["examples"]]
    return "\n".join(lines)


def _describe(raw: Raw, marks: Prints) -> dict:
    good = marks.readable
    sides = marks.size[good] if good.any() else np.zeros((1, 2), int)
    names = _label_names(raw)
    counts = {
        label: {s: int(((names == label) & (raw.split == s) & good).sum()) for s in SPLITS}
        for label in (*raw.labels, "")
    }
    counts["(not scored)"] = counts.pop("")
    labelled = bool((names != "").any())
    return {
        "pictures": len(raw),
        "unreadable": int((~good).sum()),
        "unreadable_examples": [str(i) for i in raw.id[~good][:10]],
        "splits": {s: int((raw.split == s).sum()) for s in SPLITS},
        "counts": counts,
        "empty": [label for label in raw.labels if labelled and not sum(counts[label].values())],
        "median_size": np.median(sides, axis=0).astype(int).tolist(),
        "smallest_side": int(sides.min()),
        "largest_side": int(sides.max()),
        "problems": list(raw.problems),
    }


def _label_names(raw: Raw) -> np.ndarray:
    names = np.array([*raw.labels, ""])
    return names[raw.majority]  # -1 picks ""


def _prints_of(raw: Raw, crops: bool, cache: str | None) -> Prints:
    if crops:
        from train.data.extract import extract

        found = extract(raw, cache=cache)
        return prints(
            (c if ok else None for c, ok in zip(found["crops"], found["used"], strict=True)), len(raw)
        )
    cursor = ClipCursor()
    with ThreadPoolExecutor(2) as pool:  # decoding leaves the interpreter's lock
        if (raw.clip >= 0).any():
            return prints((open_picture(p, cursor) for p in raw.pictures), len(raw))
        return prints(pool.map(open_picture, raw.pictures), len(raw))


def _close(
    marks: Prints,
    left: np.ndarray,
    right: np.ndarray,
    distance: int,
    similarity: float,
    apart: np.ndarray | None,
) -> list[np.ndarray]:
    """Give the pairs of `left` x `right` rows that are near in bits and in their thumbnails."""
    if len(right) < 2:
        return []
    bits = np.bitwise_count(marks.hashes[left][:, None] ^ marks.hashes[right][None])  # (L, R)
    near = (bits <= distance) & (left[:, None] < right[None])
    if apart is not None:
        near &= apart[left][:, None] != apart[right][None]
    i, j = np.nonzero(near)
    if not len(i):
        return []
    pairs = np.stack([left[i], right[j]], 1)
    alike = np.concatenate(
        [
            (marks.thumbs[part[:, 0]].astype(np.float32) * marks.thumbs[part[:, 1]]).sum(1)
            for part in np.array_split(pairs, len(pairs) // 20000 + 1)
        ]
    )
    return [pairs[alike >= similarity]]
