"""What a face does without changing its expression: it talks, blinks and turns. Made from stills.

A picture is bent: each point of a frame is fetched from where it was in the still. All lengths are in units
of the stored crop, from -1 to 1 across it with its margin, in which faces stand upright.
"""

import numpy as np
import torch
from torch import Generator, Tensor

from emotion_core.faces.crop import KEY_POINTS, SIZE, crop_matrix

_AT = {index: row for row, index in enumerate(KEY_POINTS)}
_EYES = ((33, 133, 160, 158, 153, 144), (263, 362, 387, 385, 380, 373))  # corners, upper lid, lower lid
_RATE = (0.1, 0.23)  # syllables a frame, in cycles: 3 to 7 a second at 30 frames a second
_YAW = 0.6  # radians that a head turns at most


def in_crop(landmarks: np.ndarray, margin: float) -> tuple[Tensor, Tensor]:
    """Give aligned key points (N, 50, 2) in units of the crop, and the length (N,) of one unit of theirs."""
    eyes = [landmarks[:, [_AT[a], _AT[b]]].mean(1) for a, b in ((33, 133), (362, 263))]
    five = np.stack([*eyes, *(landmarks[:, _AT[i]] for i in (4, 61, 291))], 1)
    matrices = np.stack([crop_matrix(points, SIZE, margin) for points in five])
    pixels = landmarks @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]
    placed = (pixels + 0.5) / (SIZE / 2) - 1
    unit = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0]) / (SIZE / 2)
    return torch.from_numpy(placed).float(), torch.from_numpy(unit).float()


class Motion:
    """How N faces move over T frames. `shift` says where points go; `fetch` where a frame's points come from.

    `points` (N, 50, 2) are key points in units of the crop; `talks`, `blinks` and `turns` (N,) bool say which
    faces do what. What is random is drawn from `g` whoever moves, so that conditions can be compared.
    """

    def __init__(
        self, points: Tensor, talks: Tensor, blinks: Tensor, turns: Tensor, frames: int, g: Generator
    ):
        n, time = len(points), torch.arange(frames)[None]  # (1, T)

        def uniform(low: float, high: float) -> Tensor:
            return torch.rand((n, 1), generator=g) * (high - low) + low

        corners = points[:, [_AT[61], _AT[291]]]
        self.width = (corners[:, 1] - corners[:, 0]).norm(dim=1)[:, None].clamp_min(0.05)  # (N, 1)
        self.mouth = points[:, [_AT[13], _AT[14]]].mean(1)  # (N, 2): between the lips
        self.eyes = torch.stack(
            [points[:, [_AT[i] for i in eye[:2]]].mean(1) for eye in _EYES], 1
        )  # (N, 2, 2)
        lids = [
            [points[:, [_AT[i] for i in part], 1].mean(1) for part in (eye[2:4], eye[4:])] for eye in _EYES
        ]
        self.open = torch.stack([lower - upper for upper, lower in lids], 1).clamp_min(0)  # (N, 2)
        self.eye_width = torch.stack(
            [(points[:, _AT[b]] - points[:, _AT[a]]).norm(dim=1) for a, b, *_ in _EYES], 1
        )
        self.middle = points.mean(1)[:, :1]  # (N, 1)
        self.half = points[..., 0].amax(1, keepdim=True) - self.middle

        syllables = (2 * torch.pi * (uniform(*_RATE) * time + uniform(0, 1))).sin()
        words = (2 * torch.pi * (uniform(0.02, 0.06) * time + uniform(0, 1))).sin()
        spoken = talks[:, None] * (syllables * 0.5 + 0.5) * (words * 0.4 + 0.6)  # (N, T) in 0..1
        self.jaw = uniform(0.12, 0.3) * self.width * spoken
        self.round = uniform(-0.12, 0.12) * spoken  # lips drawn in or out
        shut = 1 - ((time - uniform(2, frames - 2)).abs() / uniform(1.5, 3)).clamp(0, 1)
        self.lids = blinks[:, None] * (1.6 * shut).clamp(0, 1)  # (N, T): closed at 1
        swing = (2 * torch.pi * (uniform(0.015, 0.04) * time + uniform(0, 1))).sin()
        self.yaw = turns[:, None] * uniform(0.3, 1) * _YAW * swing  # (N, T) radians

    @property
    def any(self) -> bool:
        """Whether anything moves at all."""
        return bool((self.jaw.abs().sum() + self.lids.sum() + self.yaw.abs().sum()) > 0)

    def shift(self, at: Tensor) -> Tensor:
        """Give how far points `at` (N, T, P, 2) are moved by mouth, lids and turn (N, T, P, 2)."""
        x, y = at[..., 0], at[..., 1]
        wide, jaw = self.width[..., None], self.jaw[..., None]
        mx, my = self.mouth[:, None, None, 0], self.mouth[:, None, None, 1]
        across = (-(((x - mx) / (0.75 * wide)) ** 2)).exp()
        below = (y - my) / wide
        # the lower lip goes down and the chin with it, dying out below it; the upper lip lifts a little
        lower = torch.sigmoid(below * 16) * (-((below.clamp_min(0) / 1.1) ** 2)).exp()
        upper = torch.sigmoid(-below * 16) * (-((below / 0.3) ** 2)).exp()
        dy = across * jaw * (lower - 0.15 * upper)
        dx = (x - mx) * self.round[..., None] * across * (-((below / 0.6) ** 2)).exp()
        for eye in (0, 1):
            ex, ey = self.eyes[:, eye, 0, None, None], self.eyes[:, eye, 1, None, None]
            size = self.eye_width[:, eye, None, None]
            near = (-(((x - ex) / (0.4 * size)) ** 2)).exp()  # corners stay
            height = (y - ey) / size
            lid = torch.sigmoid(-height * 20 - 1.5) * (-((height / 0.5) ** 2)).exp()
            dy = dy + 1.4 * near * lid * self.lids[..., None] * self.open[:, eye, None, None]
        yaw = self.yaw[..., None]
        place = (x - self.middle[..., None]) / self.half[..., None].clamp_min(0.05)  # -1 to 1 across the face
        depth = 0.45 * (1 - place**2).clamp_min(0)  # the nose stands out from the line of the ears
        dx = dx + self.half[..., None] * (place * (yaw.cos() - 1) + depth * yaw.sin()) * (place.abs() < 1.6)
        return torch.stack([dx, dy], -1)

    def fetch(self, grid: Tensor) -> Tensor:
        """Give where the points of frames (N * T, S, S, 2) come from in the still."""
        n, t = self.jaw.shape
        at = grid.reshape(n, t, -1, 2)
        source = at
        for _ in range(3):  # the inverse of `shift`, by repetition: moves are small beside what they act on
            source = at - self.shift(source)
        return source.reshape(grid.shape)

    def gap(self, grid: Tensor) -> Tensor:
        """Give how much of the dark between parted lips shows (N * T, 1, S, S), 0 to 1."""
        n, t = self.jaw.shape
        at = grid.reshape(n, t, -1, 2)
        x, y = at[..., 0] - self.mouth[:, None, None, 0], at[..., 1] - self.mouth[:, None, None, 1]
        half = 0.42 * self.jaw[..., None]
        inside = 1 - (x / (0.36 * self.width[..., None])) ** 2 - ((y - half) / (half + 1e-3)) ** 2
        shown = torch.sigmoid(6 * inside) * (self.jaw / (0.1 * self.width)).clamp(0, 1)[..., None]
        return shown.reshape(n * t, 1, *grid.shape[1:3])


def aligned(points: Tensor) -> Tensor:
    """Centre key points (..., 50, 2) that moved, and bring the outer corners of the eyes to distance 1."""
    across = (points[..., _AT[263], :] - points[..., _AT[33], :]).norm(dim=-1)[..., None, None]
    return (points - points.mean(-2, keepdim=True)) / across.clamp_min(1e-3)
