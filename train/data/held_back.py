"""Pictures that training never sees, whatever split a data set's own rule would give them."""

from functools import cache
from pathlib import Path

import numpy as np

LISTS = {"utkface": Path(__file__).with_name("resting_utkface.txt")}
"""Identifiers by source: UTKFace's faces at rest that fairness is measured on (`train.data.rest`)."""


@cache
def held_back(source: str) -> frozenset[str]:
    """Return the identifiers of a source's pictures that are kept for evaluation; most sources have none."""
    file = LISTS.get(source)
    return frozenset(file.read_text().split("\n")) if file and file.is_file() else frozenset()


def hold_back(source: str, ids: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Return the splits (N,) with the pictures that are kept for evaluation in "valid"."""
    kept = held_back(source)
    return np.where([str(i) in kept for i in ids], "valid", split) if kept else split
