"""The network's two halves as they run: what hangs on one frame alone is computed when that frame comes.

`SpatioTemporalEmotionNet.decide` reads the features of all frames of a window anew. Here `frame_terms` takes
each frame as far as it goes without the others, windows keep the outcome, and `decide` does the rest: the
same answers for a third of the products. Weights are the network's own.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emotion_core.network.spatiotemporal import (
    ALIKE,
    KERNELS,
    CrossModalFusion,
    Heads,
    MultiScaleTemporalAttention,
    SpatioTemporalEmotionNet,
)


class Once(nn.Module):
    """A network whose windows hold what its frames have come to; in evaluation only."""

    def __init__(self, net: SpatioTemporalEmotionNet):
        super().__init__()
        self.net = net
        inner, taps = net.temporal.reduce.out_features, sum(KERNELS)
        self.sizes = [net.config.widths[-1], net.config.landmark_features, 1]
        self.sizes += [taps * inner, len(KERNELS)] if net.config.temporal_attention else [0, 0]
        self.sizes += [net.channel.squeeze.out_features] if net.config.channel_attention else [0]
        self.places: Tensor
        self.register_buffer("places", _places(net.config.window), persistent=False)

    @property
    def feature_size(self) -> int:
        """Length of the vector that a window holds of each frame."""
        return sum(self.sizes)

    def encode(self, images: Tensor, landmarks: Tensor, present: Tensor) -> Tensor:
        """Turn (B, 3, 224, 224) pictures, (B, 50, 2) key points and (B,) presence into (B, F) terms."""
        return self.frame_terms(self.net.encode(images, landmarks, present))

    def frame_terms(self, features: Tensor) -> Tensor:
        """Take the features (B, 1152) of frames as far as each goes without the others: (B, F)."""
        net, width = self.net, self.net.config.widths[-1]
        average, maximum, landmarks = features.split([width, width, net.config.landmark_features], 1)
        x = average + maximum  # (B, C)
        terms = [x, landmarks, 1 / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(1e-12)]
        if net.config.temporal_attention:
            z = F.silu(net.temporal.reduce(x))  # (B, inner)
            read = net.temporal.rounding(z)
            terms += [F.linear(read, taps_of(net.temporal)), F.linear(z, net.temporal.weigh.weight)]
        if net.config.channel_attention:
            squeeze = net.channel.squeeze  # of both, added up
            terms.append(F.linear(x, squeeze.weight, 2 * squeeze.bias))
        return torch.cat(terms, 1)

    def decide(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read (B, T, F) terms, newest last: logits (B, K), valence (B,), arousal (B,) of the newest."""
        net = self.net
        x, landmarks, norm, taps, weighed, squeezed = window.split(self.sizes, 2)
        y = x  # (B, T, C)
        if net.config.temporal_attention:
            y = x + net.temporal.expand(F.silu(self._over_time(taps, weighed)))
        if net.config.channel_attention:
            z, _ = net.channel.lstm(squeezed)  # (B, T, 2 * inner)
            y = y * torch.sigmoid(net.channel.gate(z))
        alike = ((x @ x[:, -1, :, None]) * norm * norm[:, -1:])[:, :, 0].clamp_max(ALIKE)  # (B, T)
        scores = net.likeness * alike + net.frame_bias[-int(window.shape[1]) :]  # (B, T)
        visual = (scores.softmax(1)[:, None] @ y)[:, 0]  # (B, C)
        return _answer(net.heads, _join(net.fusion, visual, landmarks, scores))

    def _over_time(self, taps: Tensor, weighed: Tensor) -> Tensor:
        """Mix the scales and add up what each takes from the products (B, T, 9 * inner): (B, T, inner).

        As one product of matrices: a few dozen small steps would take longer than all that they add up.
        """
        part, length = self.net.temporal, int(taps.shape[1])  # a number, not a part of what is exported
        weights = (weighed.mean(1) + part.weigh.bias).softmax(1)  # (B, 3)
        mixing = (weights @ self.places).reshape(-1, length, length * sum(KERNELS))
        bias = weights @ torch.stack([cast(Tensor, scale.bias) for scale in part.scales])
        return mixing @ taps.reshape(-1, length * sum(KERNELS), part.reduce.out_features) + bias[:, None]


def taps_of(part: MultiScaleTemporalAttention) -> Tensor:
    """Give the weights of all temporal convolutions, one place in time after another: (9 * inner, inner)."""
    weights = [cast(Tensor, scale.weight) for scale in part.scales]
    return torch.cat([one[:, :, j] for one in weights for j in range(one.shape[2])])


def _places(length: int) -> Tensor:
    """Tell which products each scale adds up for each frame: (3, T * T * 9), 0 or 1; the past is repeated."""
    used = torch.zeros(len(KERNELS), length, length, sum(KERNELS))
    at = 0
    for i, kernel in enumerate(KERNELS):
        for t in range(length):
            for j in range(kernel):
                used[i, t, max(0, t + j - kernel + 1), at + j] += 1
        at += kernel
    return used.flatten(1)


def _join(part: CrossModalFusion, visual: Tensor, landmarks: Tensor, bias: Tensor) -> Tensor:
    """Do what the fusion does, but ask the key points themselves instead of keys and values of each frame.

    Keys and values are linear in them, and a key's constant is the same for all frames.
    """
    heads, reads, width = part.heads, int(landmarks.shape[2]), int(visual.shape[1])
    asked = part.query(visual).reshape(-1, heads, 1, width // heads)  # (B, H, 1, D)
    question = asked @ part.key.weight.reshape(heads, -1, reads)  # (B, H, 1, L)
    scores = question @ landmarks[:, None].transpose(2, 3) * (width // heads) ** -0.5
    seen = (scores + bias[:, None, None]).softmax(-1) @ landmarks[:, None]  # (B, H, 1, L)
    values = seen @ part.value.weight.reshape(heads, -1, reads).transpose(1, 2)  # (B, H, 1, D)
    answer = part.attended(values.reshape(-1, width) + part.value.bias)
    x = part.norm(part.join(torch.cat([visual, landmarks[:, -1]], 1)) + answer)  # (B, C)
    return x + part.mix(x)


def _answer(part: Heads, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Do what the heads do, with the hidden layers of all three as one product."""
    heads = heads_of(part)
    hidden = F.linear(
        part.rounding(part.shared(x)),
        torch.cat([one.weight for one in heads]),
        torch.cat([one.bias for one in heads]),
    )
    category, valence, arousal = F.silu(hidden).split(int(x.shape[1]), 1)
    return (
        part.category[3](category),
        part.valence[3](valence)[:, 0].tanh(),
        part.arousal[3](arousal)[:, 0].sigmoid(),
    )


def heads_of(part: Heads) -> list[nn.Linear]:
    """Return the hidden layers of category, valence and arousal."""
    return [cast(nn.Linear, head[0]) for head in (part.category, part.valence, part.arousal)]
