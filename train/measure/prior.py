"""The class shares that answers assume: stated in the weights file, and nothing else added to any class.

Training leaves scores that hold where all classes are equally frequent (`data.shares`). A prior multiplies
the probabilities by its shares, by way of the last layer's bias, so that every backend answers alike.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from emotion_core.network.checkpoint import Metadata, digest, load_arrays, save_arrays
from emotion_core.types import EmotionError

BIAS = "heads.category.3.bias"


def assume(weights: Path, shares: Mapping[str, float]) -> Metadata:
    """Make a weights file answer under other class shares, in place of those that it assumed.

    `shares` name every category with a positive number; only their proportions count. The ONNX files beside
    it no longer belong to it: export and calibrate next.

    Raises:
        EmotionError: where a category is missing, unknown or has no positive share.
    """
    meta, arrays = load_arrays(weights)
    if set(shares) != set(meta.labels) or min(shares.values()) <= 0:
        raise EmotionError(f"a prior names each of {', '.join(meta.labels)} with a share above 0")
    total = sum(shares.values())
    wanted = {label: round(shares[label] / total, 4) for label in meta.labels}
    before = meta.facts.get("prior") or dict.fromkeys(meta.labels, 1 / len(meta.labels))
    moved = np.log([wanted[label] / before[label] for label in meta.labels])
    bias = arrays[BIAS]
    arrays[BIAS] = (bias.astype(np.float64) + moved - moved.mean()).astype(bias.dtype)
    facts = {**meta.facts, "prior": wanted}
    meta = replace(meta, facts=facts, sha256=digest(arrays), temperature=1.0, temperature_color=1.0)
    save_arrays(weights, meta, arrays)
    return meta
