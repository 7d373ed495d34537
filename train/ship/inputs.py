"""What the variants of an export are compared on: live crops with key points, or noise."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from emotion_core.faces.crop import SIZE, to_tensor
from emotion_core.types import EmotionError
from train.data.extract import extract
from train.data.samples import read_all

BATCH = 32  # pictures that are run at once

log = logging.getLogger("train")


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the network reads of N labelled pictures: live crops (N, 224, 224), key points, truth, set."""

    crops: np.ndarray
    landmarks: np.ndarray
    present: np.ndarray
    truth: np.ndarray
    source: np.ndarray

    def batches(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield the inputs of `encode`, a few pictures at a time."""
        for start in range(0, len(self.crops), BATCH):
            part = slice(start, start + BATCH)
            yield {
                "images": to_tensor(list(self.crops[part]))[:, :1],  # the exported files take one
                "landmarks": self.landmarks[part],
                "present": self.present[part].astype(np.float32),
            }


def read_inputs(
    paths: Sequence[str],
    split: str,
    labels: tuple[str, ...],
    limit: int,
    sets: Sequence[str] | None,
    cache: str | None,
) -> Inputs:
    """Find faces and cut live crops of at most `limit` scored pictures a set, evenly spread.

    Raises:
        EmotionError: where no set has scored pictures with the model's categories in this split.
    """
    parts = []
    for raw in read_all(paths, sets=sets):
        rows = np.flatnonzero((raw.split == split) & (raw.majority >= 0))
        if not len(rows) or raw.labels != labels:
            continue
        raw = raw.take(rows[np.linspace(0, len(rows) - 1, min(limit, len(rows))).astype(int)])
        faces = extract(raw, cache=cache, size=SIZE, margin=1.0)
        use = faces["used"]
        parts.append(
            Inputs(
                faces["crops"][use],
                faces["landmarks"][use],
                faces["present"][use],
                raw.majority[use],
                np.full(int(use.sum()), raw.source),
            )
        )
    if not parts:
        raise EmotionError(
            f"no labelled pictures of {', '.join(labels)} in the split {split!r} of {list(paths)}"
        )
    return Inputs(
        *(
            np.concatenate([getattr(p, f) for p in parts])
            for f in ("crops", "landmarks", "present", "truth", "source")
        )
    )


def noise(count: int = 8) -> Inputs:
    """Return made inputs for a comparison without data."""
    rng = np.random.default_rng(0)
    return Inputs(
        rng.integers(0, 256, (count, SIZE, SIZE), np.uint8),
        rng.normal(0, 0.5, (count, 50, 2)).astype(np.float32),
        np.arange(count) % 2 == 0,
        np.zeros(count, int),
        np.full(count, "noise"),
    )
