"""What training and evaluation see: aligned grey crops with soft labels, whatever they were read from.

`load` reads one or more data sets, runs the live pipeline's own face finder and crop over their pictures
once, caches the outcome, and gives `Samples`.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from emotion_core.labels import EMOTIONS, coordinates
from emotion_core.types import EmotionError
from train.data.read import read
from train.data.readers import Raw

SPLITS = ("train", "valid", "test")
SIZE = 144
"""Side of the stored crops in pixels: the live crop at 112 px and a margin to shift and zoom in."""
MARGIN = 144 / 112
MEASURES = ("eye_distance", "yaw", "pitch", "roll", "blur", "light")

log = logging.getLogger("train")


@dataclass(frozen=True, eq=False)
class Samples:
    """N pictures ready for training, as arrays of equal length.

    crops: uint8 (N, S, S), grey, the live pipeline's upright crop. landmarks: float32 (N, 50, 2), as
    `normalize_landmarks` gives; zeros where `present` (N,) is False. target: float32 (N, K), rows sum to 1;
    a row of zeros has no label. majority: int (N,), index into `labels`, -1 where the picture is not scored.
    valence in [-1, 1] and arousal in [0, 1]: float32 (N,), NaN unknown; `measured` (N,) says that people
    rated them, else they were derived from the votes. blendshapes: float16 (N, 52), NaN unknown. weight:
    float32 (N,). clip: int (N,), -1 for stills, else the frames of one clip share a number and stand in
    order. measures: float32 arrays (N,) by name (`MEASURES`): eye distance in pixels of the source, degrees
    of yaw, pitch and roll, blur (standard deviation of the crop's Laplacian: low is blurred), light (mean
    grey of the crop, 0..255). attributes: arrays (N,) of age, gender, race and masked
    (1 where the surroundings were painted black), where given.
    """

    labels: tuple[str, ...]
    crops: np.ndarray
    landmarks: np.ndarray
    present: np.ndarray
    target: np.ndarray
    majority: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray
    measured: np.ndarray
    blendshapes: np.ndarray
    weight: np.ndarray
    split: np.ndarray
    group: np.ndarray
    id: np.ndarray
    source: np.ndarray
    clip: np.ndarray
    margin: float = 1.0
    measures: Mapping[str, np.ndarray] = field(default_factory=dict)
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.crops)
        for name, array in self._arrays().items():
            if len(array) != n:
                raise ValueError(f"{name} has {len(array)} rows, the crops have {n}")
        if self.target.shape != (n, len(self.labels)):
            raise ValueError(f"target is {self.target.shape}, wanted {(n, len(self.labels))}")
        if not np.isfinite(self.target).all():
            raise ValueError("target holds NaN: a picture without a label has a row of zeros")

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def labelled(self) -> np.ndarray:
        """A bool (N,): which rows carry a category label."""
        return self.target.sum(1) > 0

    @property
    def masked(self) -> np.ndarray:
        """A bool (N,): which faces have their surroundings painted black."""
        return self.attributes["masked"] == 1 if "masked" in self.attributes else np.zeros(len(self), bool)

    def take(self, rows: np.ndarray) -> "Samples":
        """Return the samples of `rows`, a bool (N,) or an array of indices."""
        picked = {name: array[rows] for name, array in self._arrays().items()}
        own = {f.name for f in fields(self)}
        return replace(
            self,
            **{k: v for k, v in picked.items() if k in own},
            measures={k: v[rows] for k, v in self.measures.items()},
            attributes={k: v[rows] for k, v in self.attributes.items()},
        )

    def where(self, split: str | None = None, source: str | None = None) -> "Samples":
        """Return the samples of one split, one source or both."""
        keep = np.ones(len(self), bool)
        if split is not None:
            keep &= self.split == split
        if source is not None:
            keep &= self.source == source
        return self.take(keep)

    def counts(self) -> dict[str, int]:
        """Count the scored pictures of each label."""
        totals = np.bincount(self.majority[self.majority >= 0], minlength=len(self.labels))
        return dict(zip(self.labels, totals.tolist(), strict=True))

    def digest(self) -> str:
        """Return a sha256 of the pictures, labels and splits: goes into every checkpoint."""
        sha = hashlib.sha256("|".join((*self.labels, f"{self.margin}")).encode())
        for array in (self.crops, self.target, self.valence, self.arousal, self.weight, self.majority):
            sha.update(np.ascontiguousarray(array).tobytes())
        sha.update("\n".join(map(str, [*self.split, *self.id])).encode())
        return sha.hexdigest()

    def _arrays(self) -> dict[str, np.ndarray]:
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {k: v for k, v in own.items() if isinstance(v, np.ndarray)}
        return {**arrays, **self.measures, **self.attributes}


def derived_valence_arousal(target: np.ndarray, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return valence and arousal (N,) as the votes (N, K) times the coordinates of the words.

    NaN where a row has no label or a label is none of the seven.
    """
    known = target.sum(1) > 0 if set(labels) <= set(EMOTIONS) else np.zeros(len(target), bool)
    points = target @ coordinates(labels)  # (N, 2)
    points[~known] = np.nan
    return points[:, 0].astype(np.float32), points[:, 1].astype(np.float32)


def concatenate(parts: Sequence[Samples]) -> Samples:
    """Join samples that share their labels; a column that one of them lacks is NaN or '' there.

    Raises:
        EmotionError: where labels or crop sizes differ.
    """
    if not parts:
        raise EmotionError("no data set was read: name a folder or file of labelled pictures")
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        if part.labels != first.labels:
            raise EmotionError(
                f"data sets with different categories can't be joined: {', '.join(first.labels)} in "
                f"{_source(first)} against {', '.join(part.labels)} in {_source(part)}; train them apart"
            )
        if part.crops.shape[1:] != first.crops.shape[1:] or part.margin != first.margin:
            raise EmotionError("data sets with crops of different sizes can't be joined; extract them alike")
    joined = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts])
        for f in fields(Samples)
        if isinstance(getattr(first, f.name), np.ndarray) and f.name != "clip"
    }
    clips, used = [], 0
    for part in parts:  # clip numbers stay unique
        clips.append(np.where(part.clip >= 0, part.clip + used, -1))
        used += int(part.clip.max(initial=-1)) + 1
    return Samples(
        labels=first.labels,
        margin=first.margin,
        clip=np.concatenate(clips),
        measures=_join_columns([p.measures for p in parts], parts),
        attributes=_join_columns([p.attributes for p in parts], parts),
        **joined,
    )


def load(
    paths: Sequence[str | Path] | str | Path,
    *,
    sets: Sequence[str] | None = None,
    split: str | None = None,
    cache: str | Path | None = None,
    size: int = SIZE,
    margin: float = MARGIN,
    workers: int | None = None,
    drop_leaks: bool = False,
) -> Samples:
    """Read data sets, run the live pipeline's face finder and crop over them, and join the outcome.

    Args:
        paths: data folders or files, in any of the forms that `train.data.read.read` knows.
        sets: keep only the data sets of these names (`ferplus`, `expw` ...).
        split: keep only `train`, `valid` or `test` before any picture is opened.
        cache: folder for the crops and landmarks, `.cache/crops` by default. Labels are read anew each time.
        size: side of the stored crops in pixels.
        margin: field of view in units of the live crop; wider leaves room to shift and zoom in training.
        workers: processes that look for faces, one a core by default and two at most.
        drop_leaks: take pictures out of `train` that stand (nearly) unchanged in `valid` or `test`.

    Raises:
        EmotionError: where nothing can be read, or a category has no picture at all.
    """
    from train.data.duplicates import leaks
    from train.data.extract import extract

    raws = read_all(paths, sets=sets)
    if split is not None:
        raws = [raw.take(np.flatnonzero(raw.split == split)) for raw in raws]
        raws = [raw for raw in raws if len(raw)]
        if not raws:
            raise EmotionError(f"no picture has the split {split!r}; the splits are {', '.join(SPLITS)}")
    parts = []
    for raw in raws:
        faces = extract(raw, cache=cache, size=size, margin=margin, workers=workers)
        parts.append(_samples(raw, faces, margin))
        _refuse_empty(parts[-1], raw)
    samples = concatenate(_share_labels(parts))
    if drop_leaks:
        bad = leaks(samples.crops, samples.split)
        if len(bad):
            log.warning("%d pictures of train also stand in valid or test: dropped from train", len(bad))
            samples = samples.take(np.setdiff1d(np.arange(len(samples)), bad))
    return samples


def read_all(paths: Sequence[str | Path] | str | Path, sets: Sequence[str] | None = None) -> list[Raw]:
    """Read the data sets of one or more paths, without opening their pictures.

    Raises:
        EmotionError: where a path holds none of the known forms, or a named set is not there.
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    raws = [raw for path in paths for raw in read(Path(path), sets)]
    names = [raw.source for raw in raws]
    for name in sets or ():
        if name not in names:
            raise EmotionError(
                f"no data set {name!r} in {', '.join(map(str, paths))}: found none of that name"
            )
    for raw in raws:
        for problem in raw.problems:
            log.warning("%s: %s", raw.source, problem)
    return raws


def _samples(raw: Raw, faces: Mapping[str, np.ndarray], margin: float) -> Samples:
    """Join labels with what `extract` found; pictures that could not be used are left out."""
    rows = np.flatnonzero(faces["used"])
    kept = raw.take(rows)
    valence, arousal = derived_valence_arousal(kept.target, kept.labels)
    measured = np.isfinite(kept.valence) & np.isfinite(kept.arousal)
    return Samples(
        labels=kept.labels,
        crops=faces["crops"][rows],
        landmarks=faces["landmarks"][rows],
        present=faces["present"][rows],
        target=kept.target,
        majority=kept.majority,
        valence=np.where(measured, kept.valence, valence).astype(np.float32),
        arousal=np.where(measured, kept.arousal, arousal).astype(np.float32),
        measured=measured,
        blendshapes=faces["blendshapes"][rows],
        weight=kept.weight,
        split=kept.split,
        group=np.char.add(f"{raw.source}:", kept.group.astype(str)),
        id=kept.id,
        source=np.full(len(rows), raw.source),
        clip=kept.clip,
        margin=margin,
        measures={name: faces[name][rows] for name in MEASURES},
        attributes=kept.attributes,
    )


def _refuse_empty(samples: Samples, raw: Raw) -> None:
    """Stop where a category that the data set itself names is left without a picture."""
    if not raw.expected or not len(raw):
        return
    had = set(raw.target.argmax(1)[raw.target.sum(1) > 0])
    left = set(samples.target.argmax(1)[samples.labelled])
    for index in sorted(had - left):
        raise EmotionError(
            f"{raw.source}: no picture of {raw.labels[index]!r} can be used (unreadable, or no face in it); "
            f"add pictures or remove the category"
        )


def _share_labels(parts: list[Samples]) -> list[Samples]:
    """Pass the categories of the others on to label-free sets (UTKFace)."""
    labels = next((p.labels for p in parts if p.labelled.any()), parts[0].labels if parts else EMOTIONS)
    return [
        p
        if p.labelled.any() or p.labels == labels
        else replace(p, labels=labels, target=np.zeros((len(p), len(labels)), np.float32))
        for p in parts
    ]


def _join_columns(
    columns: Sequence[Mapping[str, np.ndarray]], parts: Sequence[Samples]
) -> dict[str, np.ndarray]:
    joined = {}
    for name in dict.fromkeys(name for c in columns for name in c):
        example = next(c[name] for c in columns if name in c)
        blank = np.nan if example.dtype.kind == "f" else ""
        joined[name] = np.concatenate(
            [c[name] if name in c else np.full(len(p), blank) for c, p in zip(columns, parts, strict=True)]
        )
    return joined


def _source(samples: Samples) -> str:
    return str(samples.source[0]) if len(samples) else "an empty set"
