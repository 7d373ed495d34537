"""The network's two halves as they run: what hangs on one frame alone is computed when that frame comes.

`SpatioTemporalEmotionNet.decide` reads the features of all frames of a window anew. Here `frame_terms` takes
each frame as far as it goes without the others, windows keep the outcome, and `decide` does the rest: the
same answers for a third of the products. Weights are the network's own, some of them multiplied out.
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
    """A network whose windows hold what its frames have come to; in evaluation only.

    `question`, `joined` and `last` stand for several linear layers of the fusion and the heads each, as they
    are when this is made.
    """

    def __init__(self, net: SpatioTemporalEmotionNet):
        super().__init__()
        self.net = net
        inner, taps = net.temporal.reduce.out_features, sum(KERNELS)
        self.sizes = [net.config.widths[-1], net.config.landmark_features, 1]
        self.sizes += [taps * inner, len(KERNELS)] if net.config.temporal_attention else [0, 0]
        self.sizes += [net.channel.squeeze.out_features] if net.config.channel_attention else [0]
        self.places: Tensor
        self.register_buffer("places", _places(net.config.window), persistent=False)
        self.question, self.joined, self.last = _question(net.fusion), _joined(net.fusion), _last(net.heads)

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
        return self._answer(self._join(visual, landmarks, scores))

    def _over_time(self, taps: Tensor, weighed: Tensor) -> Tensor:
        """Mix the scales and add up what each takes from the products (B, T, 9 * inner): (B, T, inner).

        As one product of matrices: a few dozen small steps would take longer than all that they add up.
        """
        part, length = self.net.temporal, int(taps.shape[1])  # a number, not a part of what is exported
        weights = (weighed.mean(1) + part.weigh.bias).softmax(1)  # (B, 3)
        mixing = (weights @ self.places).reshape(-1, length, length * sum(KERNELS))
        bias = weights @ torch.stack([cast(Tensor, scale.bias) for scale in part.scales])
        return mixing @ taps.reshape(-1, length * sum(KERNELS), part.reduce.out_features) + bias[:, None]

    def _join(self, visual: Tensor, landmarks: Tensor, bias: Tensor) -> Tensor:
        """Do what the fusion does with (B, C) and (B, T, L), and ask the key points themselves: (B, C)."""
        part, reads = self.net.fusion, int(landmarks.shape[2])
        question = self.question(visual).reshape(-1, part.heads, reads)  # (B, H, L)
        scores = question @ landmarks.transpose(1, 2)  # (B, H, T)
        seen = (scores + bias[:, None]).softmax(-1) @ landmarks  # (B, H, L)
        together = torch.cat([visual, landmarks[:, -1], seen.reshape(-1, part.heads * reads)], 1)
        x = part.norm(self.joined(together))  # (B, C)
        return x + part.mix(x)

    def _answer(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Do what the heads do, with the layers of all three as one product each."""
        part = self.net.heads
        heads = heads_of(part)
        hidden = F.linear(
            part.rounding(part.shared(x)),
            torch.cat([one.weight for one in heads]),
            torch.cat([one.bias for one in heads]),
        )
        out = self.last(F.silu(hidden))
        return out[:, :-2], out[:, -2].tanh(), out[:, -1].sigmoid()


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


def _question(part: CrossModalFusion) -> nn.Linear:
    """Make one layer (C -> heads * L) of queries and keys: what each head looks for in the key points.

    A key is linear in the key points of its frame, and its constant is the same for all frames.
    """
    query, key = part.query, part.key.weight.detach().double()
    heads, reads = part.heads, key.shape[1]
    keys = key.reshape(heads, -1, reads).transpose(1, 2) * (len(key) // heads) ** -0.5  # (H, L, D)
    weight = keys @ query.weight.detach().double().reshape(heads, -1, query.in_features)
    bias = keys @ query.bias.detach().double().reshape(heads, -1, 1)
    return _linear(weight.reshape(heads * reads, -1), bias.flatten())


def _joined(part: CrossModalFusion) -> nn.Linear:
    """Make one layer (C + L + heads * L -> C) of what joins, the values, and what is made of them."""
    attended, value = part.attended.weight.detach().double(), part.value.weight.detach().double()
    heads, reads = part.heads, value.shape[1]
    values = value.reshape(heads, -1, reads)  # (H, D, L)
    seen = attended.reshape(len(attended), heads, -1).transpose(0, 1) @ values  # (H, C, L)
    weight = [part.join.weight.detach().double(), seen.transpose(0, 1).flatten(1)]
    bias = part.join.bias + part.attended.bias + attended @ part.value.bias.detach().double()
    return _linear(torch.cat(weight, 1), bias.detach())


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], device=weight.device)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer.requires_grad_(False)


def _last(part: Heads) -> nn.Linear:
    """Make one layer (3 * C -> K + 2) of the last ones of category, valence and arousal."""
    last = [cast(nn.Linear, head[3]) for head in (part.category, part.valence, part.arousal)]
    weight = torch.block_diag(*(one.weight.detach() for one in last))
    return _linear(weight, torch.cat([one.bias.detach() for one in last]))


def heads_of(part: Heads) -> list[nn.Linear]:
    """Return the hidden layers of category, valence and arousal."""
    return [cast(nn.Linear, head[0]) for head in (part.category, part.valence, part.arousal)]
