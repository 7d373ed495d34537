"""Data sets that are folders or CSV files: per class, FER2013, RAF-DB, AffectNet, a list of files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_core.labels import EMOTIONS, canonical
from emotion_core.types import EmotionError
from train.data.readers import (
    CLIP_FRAMES,
    PICTURES,
    SPLIT_NAMES,
    VIDEOS,
    VOTES,
    ClipFrame,
    Picture,
    Raw,
    build,
    categories,
    file_key,
    from_names,
    from_numbers,
    from_votes,
    in_range,
    one_line,
    report,
    require,
    sha,
    table_key,
)

FER2013_ORDER = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral")
RAFDB_ORDER = (None, "Surprise", "Fear", "Disgust", "Happy", "Sad", "Angry", "Neutral")  # counts from 1
AFFECTNET_ORDER = ("Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Angry", None)  # 7: contempt


def read_folder(path: Path) -> Raw:
    """Read one sub-folder per category; pictures and video clips may stand side by side.

    With `train`, `valid` (or `val`) and `test` folders above the categories, these are the splits;
    otherwise every seventh or so of each category becomes `valid`. A group is a clip or a picture.
    """
    tops = [d for d in _folders(path) if d.name.lower() in SPLIT_NAMES]
    roots: list[tuple[Path, str | None]] = [(d, SPLIT_NAMES[d.name.lower()]) for d in tops]
    roots = roots or [(path, None)]
    files: list[Path] = []
    names: list[str] = []
    splits: list[str | None] = []
    for root, split in roots:
        for folder in _folders(root):
            inside = sorted(f for f in folder.rglob("*") if _is_data(f))
            if not inside:
                raise EmotionError(
                    f"the category {folder.name!r} in {root} is empty: add pictures or clips, or remove it"
                )
            files += inside
            names += [folder.name] * len(inside)
            splits += [split] * len(inside)
    if not files:
        raise EmotionError(
            f"{path} holds no data set that is known: wanted a sub-folder of pictures or clips per category, "
            f"Parquet files, fer2013.csv, labels.csv, RAF-DB or AffectNet (python -m train --help)"
        )
    labels = categories(names)
    problems: list[str] = []
    absent = [label for label in labels if label not in {canonical(n) or n for n in names}]
    if absent:
        problems.append(f"no folder for {', '.join(absent)}: the model will not learn them")
    return _listed(
        path, path, files, names, labels, splits if roots[0][1] else None, problems=problems, expected=True
    )


def read_csv(path: Path) -> Raw:
    """Read FER2013 (`emotion,pixels[,Usage]`) or a list (`file,label[,split,valence,arousal,group]`)."""
    try:
        table = pd.read_csv(path, skipinitialspace=True, index_col=False)
    except (OSError, ValueError) as error:
        raise EmotionError(f"{path} can't be read as CSV: {one_line(error)}") from None
    table.columns = [str(c).strip() for c in table.columns]
    if "pixels" in table:
        return _fer2013(path, table)
    require(table, ["file", "label"], path)
    files = [path.parent / str(f) for f in table["file"]]
    problems: list[str] = []
    labels = categories(table["label"])
    rated = {
        name: in_range(table[name], low, name, problems)
        for name, low in (("valence", -1), ("arousal", 0))
        if name in table
    }
    return _listed(
        path,
        path.parent,
        files,
        table["label"].tolist(),
        labels,
        table["split"].tolist() if "split" in table else None,
        groups=table["group"].tolist() if "group" in table else None,
        problems=problems,
        valence=rated.get("valence"),
        arousal=rated.get("arousal"),
    )


def read_rafdb(path: Path) -> Raw:
    """Read RAF-DB's basic part: `list_patition_label.txt` and the aligned or original pictures."""
    listing = path / "EmoLabel" / "list_patition_label.txt"
    listing = listing if listing.exists() else path / "list_patition_label.txt"
    table = pd.read_csv(listing, sep=r"\s+", header=None, names=["file", "label"], dtype=str)
    aligned, original = path / "Image" / "aligned", path / "Image" / "original"
    names = table["file"].astype(str).tolist()
    if original.is_dir():
        files = [original / n for n in names]
    elif aligned.is_dir():
        files = [aligned / f"{Path(n).stem}_aligned{Path(n).suffix}" for n in names]
    else:
        raise EmotionError(f"{path} has RAF-DB's list but neither Image/original nor Image/aligned beside it")
    problems: list[str] = []
    votes = from_numbers(table["label"].tolist(), RAFDB_ORDER, problems)
    _report_missing(files, problems)
    return build(
        path.name,
        EMOTIONS,
        files,
        votes,
        key=_pictures_key(files, path),
        ids=names,
        split=["test" if n.startswith("test") else "train" for n in names],
        problems=problems,
        tight=not original.is_dir(),
    )


def read_affectnet(path: Path) -> Raw:
    """Read AffectNet's `train_set` and `val_set`: `images/N.jpg`, `annotations/N_{exp,val,aro}.npy`.

    Arousal comes in [-1, 1] and is mapped to [0, 1] by (a + 1) / 2; -2 means unknown.
    """
    files: list[Path] = []
    rows: list[tuple[float, float, float]] = []
    splits: list[str] = []
    unread = 0
    for part, split in (("train_set", "train"), ("val_set", "valid")):
        folder = path / part / "annotations"
        for note in sorted(folder.glob("*_exp.npy"), key=lambda f: (len(f.name), f.name)):
            stem = note.name.removesuffix("_exp.npy")
            try:
                values = [float(np.load(folder / f"{stem}_{k}.npy", allow_pickle=False)) for k in _NOTES]
            except (OSError, ValueError, TypeError):
                unread += 1
                continue
            images = path / part / "images"
            files.append(next((f for f in images.glob(f"{stem}.*")), images / f"{stem}.jpg"))
            rows.append((values[0], values[1], values[2]))
            splits.append(split)
    if not files:
        raise EmotionError(f"{path} looks like AffectNet but has no readable annotations/N_exp.npy")
    problems = [f"{unread} annotations can't be read: left out"] if unread else []
    expression, valence, arousal = np.asarray(rows).T
    arousal = np.where(arousal == -2, np.nan, (arousal + 1) / 2)
    return build(
        path.name,
        EMOTIONS,
        files,
        from_numbers(expression, AFFECTNET_ORDER, problems),
        key=_pictures_key(files, path),
        ids=[str(f.relative_to(path)) for f in files],
        split=splits,
        valence=in_range(valence, -1, "valence", problems),
        arousal=in_range(arousal, 0, "arousal", problems),
        problems=problems,
        tight=True,
    )


_NOTES = ("exp", "val", "aro")


def _fer2013(path: Path, table: pd.DataFrame) -> Raw:
    """Read FER2013's pixels, with the votes of `fer2013new.csv` beside it where that is there."""
    problems: list[str] = []
    texts = [str(text) for text in table["pixels"]]
    pictures: list[Picture] = []
    good = np.ones(len(table), bool)
    for i, text in enumerate(texts):
        try:
            values = np.array(text.split(), np.int64)
        except ValueError:
            values = np.empty(0, np.int64)
        good[i] = len(values) == 48 * 48 and values.min() >= 0 and values.max() <= 255
        if good[i]:
            pictures.append(values.astype(np.uint8).reshape(48, 48))
    report(problems, ~good, "have no 48 x 48 grey values in 0..255: left out")
    if not good.any():
        raise EmotionError(f"{path}: no row has 48 x 48 grey values in its column pixels")
    beside = next((p for n in ("fer2013new.csv", "ferplus.csv") if (p := path.parent / n).exists()), None)
    if beside is not None:
        plus = pd.read_csv(beside)
        plus.columns = [str(c).strip() for c in plus.columns]
        require(plus, VOTES, beside)
        if len(plus) != len(table):
            raise EmotionError(
                f"{beside} has {len(plus)} rows, {path} has {len(table)}: they belong row by row"
            )
        votes = from_votes(plus.loc[good, list(VOTES)], problems)
    else:
        require(table, ["emotion"], path)
        votes = from_numbers(table.loc[good, "emotion"].tolist(), FER2013_ORDER, problems)
    usage = table.loc[good, "Usage"].tolist() if "Usage" in table else None
    return build(
        "ferplus" if beside is not None else "fer2013",
        EMOTIONS,
        pictures,
        votes,
        key=table_key(path),
        ids=[f"fer{i:07d}" for i in np.flatnonzero(good)],
        split=usage,
        problems=problems,
        tight=True,
    )


def _listed(
    listing: Path,
    root: Path,
    files: Sequence[Path],
    names: Sequence[str],
    labels: tuple[str, ...],
    splits: Sequence[str | None] | None,
    *,
    groups: Sequence[str] | None = None,
    problems: list[str],
    expected: bool = False,
    valence: np.ndarray | None = None,
    arousal: np.ndarray | None = None,
) -> Raw:
    """Make a `Raw` of files with a category name each; a video clip becomes `CLIP_FRAMES` frames."""
    _report_missing(files, problems)
    counts = [CLIP_FRAMES if f.suffix.lower() in VIDEOS else 1 for f in files]
    row = np.repeat(np.arange(len(files)), counts)
    of: list[int] = row.tolist()
    pictures: list[Picture] = []
    clip: list[int] = []
    for number, (file, count) in enumerate(zip(files, counts, strict=True)):
        pictures += [file] if count == 1 else [ClipFrame(file, i, count) for i in range(count)]
        clip += [-1] if count == 1 else [number] * count
    ids = np.array([_inside(f, root) for f in files])
    return build(
        listing.stem if listing.is_file() else listing.name or "folder",
        labels,
        pictures,
        from_names(names, labels, problems).take(row),
        key=_pictures_key(files, root),
        ids=[ids[r] if c < 0 else f"{ids[r]}#{i}" for i, (r, c) in enumerate(zip(of, clip, strict=True))],
        split=None if splits is None else [splits[r] for r in of],
        group=[ids[r] if groups is None else groups[r] for r in of],
        clip=np.array(clip),
        problems=problems,
        expected=expected,
        valence=None if valence is None else valence[row],
        arousal=None if arousal is None else arousal[row],
    )


def _report_missing(files: Sequence[Path], problems: list[str]) -> None:
    missing = [f for f in files if not f.exists()]
    if missing:
        problems.append(f"{len(missing)} of {len(files)} files are not there (the first: {missing[0].name})")


def _pictures_key(files: Sequence[Path], root: Path) -> str:
    """Name the pictures for the cache; labels are no part of it, they are read anew each time."""
    return sha(file_key(*(f for f in files if f.exists())), *(_inside(f, root) for f in files))


def _inside(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _folders(path: Path) -> list[Path]:
    return sorted(d for d in path.iterdir() if d.is_dir() and not d.name.startswith((".", "__")))


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in PICTURES | VIDEOS
