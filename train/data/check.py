"""`python -m train check DATA...`: counts, sizes, unreadable files, and the same picture in two splits."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from train.data.duplicates import Hashes, hash_pictures, near_duplicates
from train.data.extract import ClipCursor, open_picture
from train.data.readers import Raw
from train.data.samples import SPLITS, read_all


def check(
    paths: Sequence[str], *, sets: Sequence[str] | None = None, crops: bool = False, cache: str | None = None
) -> dict:
    """Look through data sets and give what was found, ready for JSON; `report` prints it.

    Whole pictures are compared; with `crops`, the live pipeline's crops, which also finds a face that two
    sets frame differently (the first time takes minutes, as every face has to be found).
    """
    raws = read_all(paths, sets=sets)
    outcome: dict = {"sets": {}}
    splits = np.concatenate([raw.split for raw in raws])
    names = np.concatenate([np.char.add(f"{raw.source}:", raw.id.astype(str)) for raw in raws])
    labels = np.concatenate([_label_names(raw) for raw in raws])
    parts = [_hashes_of(raw, crops, cache) for raw in raws]
    for raw, hashes in zip(raws, parts, strict=True):
        outcome["sets"][raw.source] = _describe(raw, hashes)
    hashes = Hashes(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("phash", "thumbs", "size")))
    pairs = near_duplicates(hashes)
    held_out = splits != "train"
    stills = np.concatenate([raw.clip for raw in raws]) < 0
    pairs = pairs[stills[pairs].all(1)]  # frames of one clip are alike by nature
    across = pairs[splits[pairs[:, 0]] != splits[pairs[:, 1]]]
    both = pairs[(labels[pairs] != "").all(1)]
    outcome["pictures"] = len(splits)
    outcome["near_duplicates"] = {
        "pairs": len(pairs),
        "across_splits": len(across),
        "labels_disagree": int((labels[both[:, 0]] != labels[both[:, 1]]).sum()),
        "labels_both_known": len(both),
        "dropped_from_train": len(np.unique(across[~held_out[across]])),
        "examples": [[str(names[i]), str(names[j])] for i, j in across[:20]],
    }
    return outcome


def report(outcome: dict) -> str:
    """Write the outcome of `check` as text for a terminal."""
    lines = []
    for name, part in outcome["sets"].items():
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
    pairs = outcome["near_duplicates"]
    lines.append(
        f"near-duplicates: {pairs['pairs']} pairs, {pairs['across_splits']} across splits; "
        f"{pairs['labels_disagree']} of {pairs['labels_both_known']} labelled pairs disagree"
    )
    if pairs["across_splits"]:
        lines.append(f"leaks: {pairs['dropped_from_train']} pictures are dropped from train when training")
        lines += [f"  {a} = {b}" for a, b in pairs["examples"]]
    return "\n".join(lines)


def _describe(raw: Raw, hashes: Hashes) -> dict:
    good = hashes.readable
    sides = hashes.size[good] if good.any() else np.zeros((1, 2), int)
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


def _hashes_of(raw: Raw, crops: bool, cache: str | None) -> Hashes:
    if crops:
        from train.data.extract import extract

        faces = extract(raw, cache=cache)
        return hash_pictures(
            (c if ok else None for c, ok in zip(faces["crops"], faces["used"], strict=True)), len(raw)
        )
    cursor = ClipCursor()
    with ThreadPoolExecutor(2) as pool:  # decoding leaves the interpreter's lock
        if (raw.clip >= 0).any():
            return hash_pictures((open_picture(p, cursor) for p in raw.pictures), len(raw))
        return hash_pictures(pool.map(open_picture, raw.pictures), len(raw))
