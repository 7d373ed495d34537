"""What a webcam does to a face, done to training pictures: pose, light, blur, distance, noise, hands.

All on whole batches of grey crops; randomness comes from the generator that is handed in, so a step can be
repeated exactly.
"""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from emotion_core.faces.crop import KEY_POINTS

_TWIN = {
    70: 300, 63: 293, 105: 334, 66: 296, 107: 336, 240: 460, 75: 305, 33: 263, 160: 387, 158: 385,
    133: 362, 153: 380, 144: 373, 61: 291, 39: 269, 37: 267, 181: 405, 84: 314, 78: 308, 82: 312, 87: 317,
}  # fmt: skip
_OTHER = {**_TWIN, **{b: a for a, b in _TWIN.items()}}
MIRROR_POINTS = torch.tensor([KEY_POINTS.index(_OTHER.get(k, k)) for k in KEY_POINTS])
"""Where each key point goes when the picture is mirrored."""

_SIDED = [
    (1, 2),
    (4, 5),
    (7, 8),
    (9, 10),
    (11, 12),
    (13, 14),
    (15, 16),
    (17, 18),
    (19, 20),
    (21, 22),
    (24, 26),
]
_SIDED += [(28, 29), (30, 31), (33, 39), (34, 35), (36, 37), (44, 45), (46, 47), (48, 49), (50, 51)]
MIRROR_BLENDSHAPES = torch.arange(52)
for _left, _right in _SIDED:
    MIRROR_BLENDSHAPES[_left], MIRROR_BLENDSHAPES[_right] = _right, _left


def standardize(x: Tensor) -> Tensor:
    """Take off each picture's mean and divide by its spread, as `preprocess.to_tensor`; (B, 1, H, W)."""
    mean = x.mean((1, 2, 3), keepdim=True)
    spread = x.var((1, 2, 3), keepdim=True, correction=0).sqrt()
    return (x - mean) / spread.clamp_min(4.0)


def center(crops: Tensor, margin: float, size: int) -> Tensor:
    """Cut the plain central crop (B, 1, size, size), in 0..255, out of uint8 crops (B, S, S) with margin."""
    x = crops[:, None].float()
    theta = torch.tensor([[1 / margin, 0, 0], [0, 1 / margin, 0]], device=x.device).expand(len(x), 2, 3)
    grid = F.affine_grid(theta, [len(x), 1, size, size], align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def augment(
    crops: Tensor, margin: float, size: int, flip: Tensor, generator: Generator, share: float = 0.5
) -> Tensor:
    """Turn uint8 crops (B, S, S) with margin into varied pictures (B, 1, size, size) in 0..255.

    All move a little; only `share` of them are augmented strongly, as most of what a camera sees is clear.
    """
    b = len(crops)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape or (b,), generator=generator) * (high - low) + low

    strong = torch.rand(b, generator=generator) < share

    def chosen(part: float) -> Tensor:
        return strong & (torch.rand(b, generator=generator) < part)

    angle = uniform(-0.13, 0.13)
    zoom = uniform(0.92, 1.1) / margin
    stretch = uniform(0.95, 1.05)
    side = torch.where(flip, -1.0, 1.0)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    theta = torch.stack(
        [
            torch.stack([side * cos * stretch, -sin, uniform(-0.06, 0.06) / margin], 1),
            torch.stack([side * sin * stretch, cos, uniform(-0.06, 0.06) / margin], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [b, 1, size, size], align_corners=False)
    x = F.grid_sample(crops[:, None].float(), grid, padding_mode="border", align_corners=False)

    for rows in chosen(0.4).nonzero()[:, 0].split(max(1, b // 8)):  # far away or out of focus
        small = int(size * uniform(0.35, 0.9, 1).item())
        low = F.interpolate(x[rows], size=(small, small), mode="area")
        x[rows] = F.interpolate(low, size=(size, size), mode="bilinear", align_corners=False)
    gamma = torch.where(chosen(0.6), uniform(-0.6, 0.6).exp(), torch.ones(b))
    x = 255 * (x.clamp(0, 255) / 255 + 1e-4) ** gamma[:, None, None, None]
    ramp = torch.linspace(-1, 1, size)  # light from one side
    slope = torch.where(chosen(0.4), uniform(-0.6, 0.6), torch.zeros(b))
    x = x * (1 + slope[:, None, None, None] * ramp)
    gain = uniform(0.45, 1.15)  # matters because the noise that follows is not scaled with it
    noise = torch.where(chosen(0.3), uniform(0, 10), torch.zeros(b))
    x = x * gain[:, None, None, None]
    x = x + noise[:, None, None, None] * torch.randn(x.shape, generator=generator)
    x = x.clamp(0, 255).round()

    where = chosen(0.25).nonzero()[:, 0]  # a hand, hair, a microphone
    for row in where.tolist():
        h, w = (uniform(0.12, 0.42, 2) * size).int().tolist()
        top, left = (uniform(0, 1, 2) * torch.tensor([size - h, size - w])).int().tolist()
        x[row, :, top : top + h, left : left + w] = uniform(0, 255, 1)
    return x


def mirror_landmarks(points: Tensor, flip: Tensor) -> Tensor:
    """Mirror the normalised key points (B, 50, 2) of the rows where `flip` is true."""
    mirrored = points[:, MIRROR_POINTS] * torch.tensor([-1.0, 1.0])
    return torch.where(flip[:, None, None], mirrored, points)


def mirror_blendshapes(values: Tensor, flip: Tensor) -> Tensor:
    """Swap left and right of the 52 blendshapes (B, 52) of the rows where `flip` is true."""
    return torch.where(flip[:, None], values[:, MIRROR_BLENDSHAPES], values)
