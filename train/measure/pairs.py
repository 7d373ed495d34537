"""How well embeddings tell people apart: pairs of pictures, of one person and of two."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Pairs:
    """How often pairs are misjudged at a cosine, with how many people and pairs there were."""

    cosine: float
    people: int
    same_pairs: int
    different_pairs: int
    split: float  # share of same pairs below the cosine
    joined: float  # share of different pairs from it on

    def as_dict(self) -> dict[str, float]:
        """Return the fields for JSON."""
        return asdict(self)


def judge_pairs(vectors: np.ndarray, names: np.ndarray, cosine: float) -> Pairs:
    """Compare each two of the unit vectors (N, D), of people by name (N,), with a threshold."""
    first, second = np.triu_indices(len(vectors), 1)
    alike = (vectors @ vectors.T)[first, second]
    same = names[first] == names[second]
    return Pairs(
        cosine,
        len(np.unique(names)),
        int(same.sum()),
        int((~same).sum()),
        float((alike[same] < cosine).mean()) if same.any() else float("nan"),
        float((alike[~same] >= cosine).mean()) if (~same).any() else float("nan"),
    )
