"""What the library says of every picture of a data set: the path that a user's picture takes."""

import logging
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from emotion_core.recognizer import Recognizer
from train.data.extract import ClipCursor, open_picture
from train.data.readers import Raw

_BATCH = 64

log = logging.getLogger("train")


@dataclass(frozen=True, eq=False)
class Predictions:
    """What the model says of each picture, and which could be read: arrays of N rows."""

    probabilities: np.ndarray  # (N, K)
    valence: np.ndarray  # (N,) in [-1, 1]
    arousal: np.ndarray  # (N,) in [0, 1]
    readable: np.ndarray  # (N,) bool


def predict(raw: Raw, recognizer: Recognizer) -> Predictions:
    """Classify every picture of a set."""
    classes = len(recognizer.labels)
    probabilities = np.zeros((len(raw), classes), np.float32)
    valence, arousal = np.zeros(len(raw), np.float32), np.zeros(len(raw), np.float32)
    readable = np.zeros(len(raw), bool)
    cursor = ClipCursor()
    bar = tqdm(total=len(raw), desc=f"classifying {raw.source}", unit="picture", leave=False, disable=None)
    with bar:
        for start in range(0, len(raw), _BATCH):
            rows = range(start, min(start + _BATCH, len(raw)))
            images = [open_picture(raw.pictures[i], cursor) for i in rows]
            there = [(i, image) for i, image in zip(rows, images, strict=True) if image is not None]
            if there:
                good = np.array([i for i, _ in there])
                probabilities[good], valence[good], arousal[good] = recognizer.classify([x for _, x in there])
                readable[good] = True
            bar.update(len(rows))
    if not readable.all():
        log.warning("%s: %d pictures can't be read: left out", raw.source, (~readable).sum())
    return Predictions(probabilities, valence, arousal, readable)


def facts_of(recognizer: Recognizer) -> dict[str, Any]:
    """Return what a recognizer's weights say of themselves as plain values."""
    metadata: Any = recognizer.metadata
    facts = asdict(metadata) if is_dataclass(metadata) else dict(metadata)  # type: ignore[arg-type]
    return {**facts, **facts.pop("facts", {})}
