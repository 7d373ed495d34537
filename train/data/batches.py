"""What a training step sees: which pictures are drawn, and what is done to them.

Every batch is drawn from (seed, step, rank) alone, so any step can be drawn again.
"""

import numpy as np
import torch
from torch import Tensor

from train.config import TrainConfig
from train.data.augment import augment, mirror_blendshapes, mirror_landmarks, standardize
from train.data.samples import Samples
from train.data.shares import drawn_shares, sampling_weights
from train.data.surroundings import surround


def batch_of(
    samples: Samples,
    picked: np.ndarray,
    config: TrainConfig,
    seed: int,
    shares: np.ndarray | None = None,
) -> dict[str, Tensor]:
    """Draw one augmented batch; all randomness comes from `seed`.

    `shares` (N, K) are the class shares that each row's logits are shifted by; alike for all classes if None.
    """
    g = torch.Generator().manual_seed(seed)
    b = len(picked)
    flip = torch.rand(b, generator=g) < 0.5
    crops = surround(samples, picked, config, seed)
    images = augment(torch.from_numpy(crops), samples.margin, config.size, flip, g, config.augmentation)
    landmarks = mirror_landmarks(torch.from_numpy(samples.landmarks[picked]), flip)
    landmarks = landmarks + 0.01 * torch.rand(b, 1, 1, generator=g) * torch.randn(
        landmarks.shape, generator=g
    )
    present = torch.from_numpy(samples.present[picked]).float()
    present = present * (torch.rand(b, generator=g) >= config.landmark_dropout)
    target = torch.from_numpy(samples.target[picked])
    weight = torch.from_numpy(samples.weight[picked]) * (target.sum(1) > 0)
    certain = target.amax(1, keepdim=True) > 0.999  # one person's word, or all raters alike
    smoothing = torch.tensor([config.smoothing_of(str(s)) for s in samples.source[picked]])
    if shares is None:
        prior = torch.full_like(target, 1 / target.shape[1])
    else:
        prior = torch.from_numpy(shares[picked])
    smoothed = target + smoothing[:, None] * (prior - target)  # a part's absent classes get nothing of it
    target = torch.where(certain, smoothed, target)
    valence, arousal = (torch.from_numpy(a[picked]) for a in (samples.valence, samples.arousal))
    shapes = mirror_blendshapes(torch.from_numpy(samples.blendshapes[picked]).float(), flip)

    partner = torch.randperm(b, generator=g)  # mixing: pictures and labels, never key points
    share = torch.rand(b, generator=g) * 0.5
    share = share * (torch.rand(b, generator=g) < config.mixup) * (weight > 0) * (weight[partner] > 0)
    images = standardize(images)
    mixed = share > 0
    keep = (1 - share)[:, None, None, None]
    images = standardize_again(images * keep + images[partner] * (1 - keep), mixed)
    target = target * (1 - share)[:, None] + target[partner] * share[:, None]
    prior = prior * (1 - share)[:, None] + prior[partner] * share[:, None]
    valence = torch.where(mixed, valence * (1 - share) + valence[partner] * share, valence)
    arousal = torch.where(mixed, arousal * (1 - share) + arousal[partner] * share, arousal)
    shapes = torch.where(mixed[:, None], torch.nan, shapes)
    return {
        "images": images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last),
        "landmarks": landmarks,
        "present": present * ~mixed,
        "target": target,
        "weight": weight,
        "valence": valence,
        "arousal": arousal,
        "blendshapes": shapes,
        "measured": torch.from_numpy(samples.measured[picked]) & ~mixed,
        "prior": prior,
    }


def standardize_again(images: Tensor, mixed: Tensor) -> Tensor:
    """Bring mixed pictures, whose spread shrank, back to a spread of one."""
    spread = images.var((1, 2, 3), keepdim=True, correction=0).sqrt().clamp_min(0.1)
    return torch.where(mixed[:, None, None, None], images / spread, images)


class Draws(torch.utils.data.Dataset):
    """Batch number -> batch; stateless, so that any step can be drawn again."""

    def __init__(
        self, samples: Samples, rows: np.ndarray, config: TrainConfig, steps: int, rank: int, world: int
    ):
        self.samples, self.rows, self.config, self.steps = samples, rows, config, steps
        self.rank, self.world = rank, world
        weights = sampling_weights(samples, rows, config)
        self.chances = np.cumsum(weights)
        self.shares = drawn_shares(samples, rows, weights, config)

    def __len__(self) -> int:
        return self.steps

    def seed(self, step: int) -> int:
        """Return the number that a step's random choices in this process come from."""
        return (self.config.seed * 1_000_003 + step) * 64 + self.rank

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        c = self.config
        draw = np.random.default_rng((c.seed, step)).random(c.batch)
        picked = self.rows[np.searchsorted(self.chances, draw * self.chances[-1])]
        picked = picked[self.rank :: self.world]
        return batch_of(self.samples, picked, c, self.seed(step), self.shares)
