"""Faces at rest: which unlabelled pictures are taught, and which are never shown in training.

What a face does is read from MediaPipe's 52 blendshapes. The list of held-back faces (`data.held_back`) was
made once, by `resting_faces` as it stands here, and is kept as identifiers, so that later face finders score
the same pictures.
"""

from dataclasses import replace

import numpy as np

from emotion_core.labels import EMOTIONS
from train.data.samples import Samples

SMILE_LEFT, SMILE_RIGHT, JAW_OPEN = 44, 45, 25  # places in MediaPipe's 52 blendshapes
TENSE = (1, 2, 3, 30, 31, 34, 35, 46, 47, 48, 49, 50, 51)
"""Brows down or in up, frown, stretch, bared lip, sneer."""
RESTING = 0.15  # highest value of smile, jaw and tension at rest
SMILING = 0.5  # mean smile from which a face smiles


def smile_of(blendshapes: np.ndarray) -> np.ndarray:
    """Return the mean smile (N,) of both corners of the mouth, in [0, 1], of blendshapes (N, 52)."""
    return np.asarray((blendshapes[:, SMILE_LEFT] + blendshapes[:, SMILE_RIGHT]) / 2)


def resting_faces(blendshapes: np.ndarray) -> np.ndarray:
    """Tell which rows of blendshapes (N, 52) are of a face at rest; rows with NaN are not."""
    shapes = blendshapes.astype(np.float32)
    still = (smile_of(shapes) < RESTING) & (shapes[:, JAW_OPEN] < RESTING)
    return np.asarray(still & (shapes[:, list(TENSE)].max(1) < RESTING) & np.isfinite(shapes).all(1))


def taught_by_shapes(samples: Samples) -> Samples:
    """Label unlabelled faces of "train": Neutral those at rest, Happy those that smile; leave out others."""
    if samples.labels != EMOTIONS:
        return samples
    shapes = samples.blendshapes.astype(np.float32)
    bare = (samples.split == "train") & ~samples.labelled
    target = samples.target.copy()
    for label, rows in (
        ("Neutral", bare & resting_faces(shapes)),
        ("Happy", bare & (smile_of(shapes) >= SMILING)),
    ):
        target[rows] = np.eye(len(EMOTIONS), dtype=np.float32)[EMOTIONS.index(label)]
    return replace(samples, target=target).take(~bare | (target.sum(1) > 0))
