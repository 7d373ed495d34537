"""Data sets as they lie on disk -> `Raw`: where each picture is and what is known of it.

No picture is opened here. Rows that can't be used are counted and named in `Raw.problems`; a data set of
which nothing is left, or whose columns are wrong, stops with one line.
"""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emotion_core.files import sha256_of
from emotion_core.labels import EMOTIONS, canonical
from emotion_core.types import EmotionError
from train.data.held_back import hold_back

VOTES = (
    *("neutral", "happiness", "surprise", "sadness", "anger"),
    *("disgust", "fear", "contempt", "unknown", "NF"),
)
"""The ten answers of the FER+ raters; the last three are none of the seven."""

BESIDE = {"contempt", "unknown", "nf", "none", "uncertain", "other"}
"""What rated sets answer besides the seven."""

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
VIDEOS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"}
CLIP_FRAMES = 32  # frames taken of a video clip, evenly over its length: two windows of the network
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "train_set"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "publictest", "val_set"), "valid"),
    **dict.fromkeys(("test", "testing", "privatetest"), "test"),
}


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a video file: the `number`-th of `count` spread evenly over its length."""

    path: Path
    number: int
    count: int


Picture = bytes | Path | np.ndarray | ClipFrame
Column = Sequence[Any] | np.ndarray | pd.Series


@dataclass(frozen=True, eq=False)
class Votes:
    """Soft labels (N, K), their majority (N,) or -1, and the weight (N,) of each picture."""

    target: np.ndarray
    majority: np.ndarray
    weight: np.ndarray

    def take(self, rows: np.ndarray) -> "Votes":
        """Return the rows of an array of indices."""
        return Votes(self.target[rows], self.majority[rows], self.weight[rows])


@dataclass(frozen=True, eq=False)
class Raw:
    """A data set before any picture was opened; arrays of equal length N, meanings as in `Samples`.

    `pictures` are encoded bytes, paths, grey uint8 arrays or frames of clips. `tight` says that they are
    tight face crops. `key` names their content for the cache. `expected` says that each category of
    `labels` that has rows must keep some.
    """

    source: str
    labels: tuple[str, ...]
    pictures: Sequence[Picture]
    key: str
    id: np.ndarray
    split: np.ndarray
    group: np.ndarray
    target: np.ndarray
    majority: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray
    weight: np.ndarray
    clip: np.ndarray
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    tight: bool = False
    expected: bool = False

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: np.ndarray) -> "Raw":
        """Return the rows of an array of indices; the key follows."""
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(
            self,
            **{k: v[rows] for k, v in arrays.items() if isinstance(v, np.ndarray) and k != "pictures"},
            pictures=[self.pictures[i] for i in rows],
            attributes={k: v[rows] for k, v in self.attributes.items()},
            key=sha(self.key, np.asarray(rows, np.int64).tobytes().hex()),
        )


def from_votes(votes: pd.DataFrame, problems: list[str]) -> Votes:
    """Turn the ten FER+ vote counts into soft labels of the seven, their majority and a weight.

    The majority is -1 (not scored) where the most votes went to contempt, unknown or "no face", or where
    two answers tie. The weight is the share of all votes that the seven got.
    """
    counts = np.array(votes.apply(pd.to_numeric, errors="coerce"), float)  # (N, 10)
    bad = ~np.isfinite(counts).all(1) | (counts < 0).any(1) | (counts.sum(1) <= 0)
    report(problems, bad, "have no valid votes (negative, missing or none at all): used without a label")
    counts[bad] = 0
    order = [[canonical(v) for v in VOTES].index(label) for label in EMOTIONS]
    seven = counts[:, order]  # (N, 7)
    total, inside = counts.sum(1), seven.sum(1)
    top = counts.max(1)
    tied = (counts == top[:, None]).sum(1) > 1
    majority = np.array([order.index(i) if i in order else -1 for i in counts.argmax(1)])
    majority[tied | bad] = -1
    target = np.divide(seven, inside[:, None], out=np.zeros_like(seven), where=inside[:, None] > 0)
    weight = np.divide(inside, total, out=np.zeros_like(inside), where=total > 0)
    return Votes(target.astype(np.float32), majority, weight.astype(np.float32))


def from_names(names: Column, labels: tuple[str, ...], problems: list[str]) -> Votes:
    """Turn category names into one-hot labels; an unknown name is counted and left without a label."""
    place = {label: i for i, label in enumerate(labels)}
    wanted: list[str | None] = [None if pd.isna(n) else str(n).strip() for n in names]
    majority = np.array([place.get(canonical(n) or n, -1) if n else -1 for n in wanted], np.int64)
    strangers = sorted({n or "an empty label" for n, m in zip(wanted, majority, strict=True) if m < 0})
    report(problems, majority < 0, f"are labelled {', '.join(strangers[:5])}: used without a label")
    target = np.zeros((len(majority), len(labels)), np.float32)
    target[np.flatnonzero(majority >= 0), majority[majority >= 0]] = 1
    return Votes(target, majority, np.ones(len(majority), np.float32))


def from_numbers(numbers: Column, order: Sequence[str | None], problems: list[str]) -> Votes:
    """Turn numbers into one-hot labels of the seven: `order[number]` names the category, None is no label."""
    values = pd.to_numeric(pd.Series(numbers), errors="coerce").to_numpy(float)
    good = np.isfinite(values) & (values >= 0) & (values < len(order)) & (values == np.round(values))
    wrong = sorted({str(v) for v in np.asarray(numbers, object)[~good]})
    report(
        problems,
        ~good,
        f"have a label outside 0..{len(order) - 1} ({', '.join(wrong[:5])}): used without a label",
    )
    names = [order[int(v)] if g else None for v, g in zip(values, good, strict=True)]
    return from_names(names, EMOTIONS, [])


def in_range(values: Column, low: float, name: str, problems: list[str]) -> np.ndarray:
    """Return float32 values in [low, 1], NaN where they are missing or out of range (which is counted)."""
    given = pd.Series(values)
    numbers = pd.to_numeric(given, errors="coerce").to_numpy(np.float32).copy()
    article = "an" if name[0] in "aeiou" else "a"
    strange = ~np.isfinite(numbers) & given.notna().to_numpy()
    report(problems, strange, f"have {article} {name} that is no number: taken as unknown")
    bad = np.isfinite(numbers) & ((numbers < low) | (numbers > 1))
    report(problems, bad & (numbers != -2), f"have {article} {name} outside [{low}, 1]: taken as unknown")
    numbers[bad | ~np.isfinite(numbers)] = np.nan
    return numbers


def categories(names: Column, strict: bool = True) -> tuple[str, ...]:
    """Return the labels that category names stand for: `EMOTIONS` where all are of the seven, else sorted.

    Not `strict`, answers that data sets hold beside the seven (`BESIDE`) are allowed and get no label.
    """
    given = sorted({str(n).strip() for n in names if not pd.isna(n)})
    known = [n for n in given if canonical(n)]
    beside = [n for n in given if not strict and n.lower() in BESIDE]
    if known and len(known) + len(beside) == len(given):
        return EMOTIONS
    return tuple(sorted({canonical(n) or n for n in given}))


def build(
    source: str,
    labels: tuple[str, ...],
    pictures: Sequence[Picture],
    votes: Votes,
    *,
    key: str,
    ids: Column | None = None,
    split: Column | None = None,
    group: Column | None = None,
    valence: np.ndarray | None = None,
    arousal: np.ndarray | None = None,
    clip: np.ndarray | None = None,
    attributes: Mapping[str, np.ndarray] | None = None,
    problems: Sequence[str] = (),
    tight: bool = False,
    expected: bool = False,
) -> Raw:
    """Fill in what a reader left out: ids, groups, and a split by group where there is none."""
    n = len(pictures)
    if not n:
        raise EmotionError(f"{source} holds no pictures")
    problems = list(problems)
    names = strings(ids) if ids is not None else np.array([f"{i}" for i in range(n)])
    groups = strings(group) if group is not None else names
    if split is None:
        parts = hold_back(source, names, make_split(groups, votes.majority))
    else:
        parts = np.array([SPLIT_NAMES.get(str(s).strip().lower(), "") for s in split])
        strange = parts == ""
        report(problems, strange, "have a split other than train, valid or test: taken as train")
        parts[strange] = "train"
    nan = np.full(n, np.nan, np.float32)
    return Raw(
        source=source,
        labels=labels,
        pictures=pictures,
        key=sha(key, source),
        id=names,
        split=parts,
        group=groups,
        target=votes.target,
        majority=votes.majority.astype(np.int64),
        valence=nan if valence is None else valence,
        arousal=nan if arousal is None else arousal,
        weight=votes.weight,
        clip=np.full(n, -1) if clip is None else clip,
        attributes=attributes or {},
        problems=tuple(problems),
        tight=tight,
        expected=expected,
    )


def make_split(groups: np.ndarray, majority: np.ndarray, share: float = 0.15) -> np.ndarray:
    """Put about `share` of each category in `valid`, whole groups at a time, the same on every machine.

    The choice hangs on a checksum of the group's name, so adding pictures moves no other.
    """
    split = np.full(len(groups), "train", "U5")
    for label in np.unique(majority):
        members = np.unique(groups[majority == label])
        if len(members) < 2:
            continue
        order = sorted(members, key=lambda g: zlib.crc32(str(g).encode()))
        chosen = order[: max(1, round(share * len(order)))]
        split[np.isin(groups, chosen)] = "valid"
    return split


def require(table: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Stop with one line where `table` lacks some of `columns`."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise EmotionError(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; it has "
            f"{', '.join(map(str, table.columns[:12]))}"
        )


def table_key(path: Path) -> str:
    """Name a file that holds its pictures by its name and content: a copy has the key of the original."""
    return sha(f"{path.name}|{sha256_of(path)}")


def file_key(*paths: Path) -> str:
    """Name files that may be many or large by their names, sizes and times: a change makes a new key."""
    stats = [(path.name, path.stat()) for path in paths]
    return sha(*sorted(f"{name}|{stat.st_size}|{stat.st_mtime_ns}" for name, stat in stats))


def report(problems: list[str], rows: np.ndarray, text: str) -> None:
    """Add "3 of 10 rows TEXT" to `problems` where any of `rows` (bool) is set."""
    if rows.any():
        problems.append(f"{int(rows.sum())} of {len(rows)} rows {text}")


def strings(values: Column) -> np.ndarray:
    """Return any column as an array of str."""
    return np.asarray([str(v) for v in values])


def sha(*parts: str) -> str:
    """Return a short sha256 of texts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def one_line(error: Exception) -> str:
    """Return an error's text as one line of at most 160 characters."""
    return " ".join(str(error).split())[:160]
