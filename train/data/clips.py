"""Clips made from stills, as there is no labelled video to speak of.

A clip is a still that trembles, blurs, is covered for a while, loses frames, talks, blinks, turns, or changes
into another face of a similar pose with another expression, wholly or in part.
"""

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from train.data.augment import mirror_landmarks, standardize
from train.data.motion import Motion, aligned, in_crop
from train.data.samples import Samples

NOSE_TIP, RIGHT_EYE, LEFT_EYE = 12, 18, 27  # rows of the 50 key points
CONDITIONS = (
    "steady",
    "jitter",
    "blur",
    "occlusion",
    "dropped",
    "talking",
    "blink",
    "turn",
    "change",
    "weak",
)


def partner_of(samples: Samples, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose for each row another one of a different category whose head is turned alike."""
    points = samples.landmarks
    yaw = points[:, NOSE_TIP, 0] - (points[:, RIGHT_EYE, 0] + points[:, LEFT_EYE, 0]) / 2
    dominant = samples.target.argmax(1)
    pool = rows[rng.integers(len(rows), size=(len(rows), 24))]  # (N, 24)
    far = np.abs(yaw[pool] - yaw[rows][:, None]) + 10.0 * (dominant[pool] == dominant[rows][:, None])
    return pool[np.arange(len(rows)), far.argmin(1)]


def make_clips(
    samples: Samples,
    first: np.ndarray,
    second: np.ndarray,
    condition: str,
    frames: int,
    size: int,
    g: Generator,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Make clips: pictures (N, T, 1, S, S), key points (N, T, 50, 2), presence and share of `second` (N, T).

    `condition` is one of CONDITIONS, "mixed" for a bit of everything, or "augmented" for that without change.
    "weak" is a change that stops at a share of 0.55 to 0.75 of the second expression.
    """
    n, t = len(first), frames

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=g) * (high - low) + low

    def applies(name: str, share: float) -> Tensor:
        all_kinds = condition in ("mixed", "augmented")
        return torch.rand(n, generator=g) < (share if all_kinds else float(condition == name))

    changes = applies("change", 0.0 if condition == "augmented" else 0.5)
    at, fade = uniform(1, t, n, 1), uniform(0.5, 5, n, 1)
    weak = applies("weak", 0.0)[:, None]
    most = torch.where(weak, uniform(0.55, 0.75, n, 1), 1.0)
    share = (
        ((torch.arange(t)[None] - at) / fade + 0.5).clamp(0, 1) * most * (changes[:, None] | weak)
    )  # (N, T)

    shaken = applies("jitter", 0.6)[:, None].float()
    still = 0.15 + 0.85 * shaken  # even a steady face trembles a little
    angle = uniform(-0.12, 0.12, n, 1) + still * 0.05 * torch.randn(n, t, generator=g)
    zoom = (uniform(0.93, 1.07, n, 1) + still * 0.03 * torch.randn(n, t, generator=g)) / samples.margin
    shift = uniform(-0.04, 0.04, n, 1, 2) + still[..., None] * 0.03 * torch.randn(n, t, 2, generator=g)
    flip = torch.rand(n, generator=g) < 0.5
    side = torch.where(flip, -1.0, 1.0)[:, None]
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    rows = [
        torch.stack([side * cos, -sin, shift[..., 0]], 2),
        torch.stack([side * sin, cos, shift[..., 1]], 2),
    ]
    theta = torch.stack(rows, 2).flatten(0, 1)  # (N * T, 2, 3)
    grid = F.affine_grid(theta, [n * t, 1, size, size], align_corners=False)
    placed, unit = in_crop(samples.landmarks[first], samples.margin)
    motion = Motion(placed, applies("talking", 0.3), applies("blink", 0.15), applies("turn", 0.2), t, g)
    gap = motion.gap(grid) if motion.any else None
    if motion.any:
        grid = motion.fetch(grid)

    def view(picked: np.ndarray) -> Tensor:
        source = torch.from_numpy(samples.crops[picked])[:, None, None].float()
        dark = source.amin((1, 2, 3, 4)).repeat_interleave(t)[:, None, None, None]
        source = source.expand(-1, t, -1, -1, -1).flatten(0, 1)
        seen = F.grid_sample(source, grid, padding_mode="border", align_corners=False)
        return (seen if gap is None else seen + gap * (dark - seen)).unflatten(0, (n, t))

    m = share[..., None, None, None]
    x = view(first) * (1 - m)
    if share.any():
        x = x + view(second) * m

    gain = uniform(0.5, 1.1, n, 1) * (1 + 0.05 * torch.randn(n, t, generator=g))
    noise = uniform(0, 8, n, 1, 1, 1, 1)
    x = (x * gain[..., None, None, None] + noise * torch.randn(x.shape, generator=g)).clamp(0, 255)
    blurred = applies("blur", 0.4)[:, None] & (torch.rand(n, t, generator=g) < 0.4)
    if blurred.any():
        low = F.interpolate(x[blurred], size=(20, 20), mode="area")
        x[blurred] = F.interpolate(low, size=(size, size), mode="bilinear", align_corners=False)
    present = torch.from_numpy(samples.present[first]).float()[:, None].repeat(1, t)
    for row in applies("occlusion", 0.3).nonzero()[:, 0].tolist():
        begin, length = int(uniform(0, t, 1)), int(uniform(3, 9, 1))
        h, w = (uniform(0.3, 0.6, 2) * size).int().tolist()
        top, left = (uniform(0, 1, 2) * torch.tensor([size - h, size - w])).int().tolist()
        x[row, begin : begin + length, :, top : top + h, left : left + w] = uniform(0, 255, 1)
        if torch.rand(1, generator=g) < 0.5:
            present[row, begin : begin + length] = 0
    for row in applies("dropped", 0.3).nonzero()[:, 0].tolist():
        for frame in range(1, t):
            if torch.rand(1, generator=g) < 0.4:
                x[row, frame] = x[row, frame - 1]
                share[row, frame] = share[row, frame - 1]

    points = [torch.from_numpy(samples.landmarks[picked])[:, None] for picked in (first, second)]
    if motion.any:
        moved = placed[:, None].expand(-1, t, -1, -1)
        points[0] = aligned(points[0] + motion.shift(moved) / unit[:, None, None, None])
    landmarks = points[0] * (1 - share[..., None, None]) + points[1] * share[..., None, None]
    landmarks = mirror_landmarks(landmarks.flatten(0, 1), flip.repeat_interleave(t)).unflatten(0, (n, t))
    landmarks = landmarks + 0.012 * still[..., None, None] * torch.randn(landmarks.shape, generator=g)
    return standardize(x.flatten(0, 1)).unflatten(0, (n, t)), landmarks, present, share
