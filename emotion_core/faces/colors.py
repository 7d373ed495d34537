"""What colours tell at a glance of a head and its shoulders."""

import math

import cv2
import numpy as np

from emotion_core.faces.crop import crop_matrix, warp


def look_of(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the colours of head and shoulders: a histogram (6 * 6 * 6,) in CIELAB that sums to 1."""
    try:
        crop = warp(image, crop_matrix(points, 32, 2.0), 32)
    except ValueError:  # the points fall together
        return np.full(216, 1 / 216)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)
    lab[:, :, 1:] = lab[:, :, 1:].clip(88, 167)  # where skin, hair and most cloth lie; the rest at the edge
    ranges = [0, 256, 88, 168, 88, 168]
    counts = cv2.calcHist([lab], [0, 1, 2], None, [6, 6, 6], ranges).ravel()
    counts = counts + 0.5
    return counts / counts.sum()


def unlike(look: np.ndarray, other: np.ndarray) -> float:
    """Return the Hellinger distance of two looks, in [0, 1]."""
    return math.sqrt(max(0.0, 1.0 - float(np.sqrt(look * other).sum())))
