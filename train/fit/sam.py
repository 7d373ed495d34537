"""Sharpness-aware minimisation (SAM, Foret et al. 2021): a gradient that is taken uphill of the weights.

It finds weights whose whole neighbourhood has a low loss, rather than a narrow pit that fits the noise of few
labels. Every step takes two passes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def uphill(module: nn.Module, radius: float) -> Iterator[None]:
    """Move the weights `radius` along their gradient (all of them one vector), and back afterwards.

    Running figures of batch normalisation stay as they are meanwhile.
    """
    learnt = [(p.data, p.grad) for p in module.parameters() if p.grad is not None]
    weights, slopes = [w for w, _ in learnt], [g for _, g in learnt]
    before = [w.clone() for w in weights]
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [m.momentum for m in norms]
    length = nn.utils.get_total_norm(slopes)
    torch._foreach_add_(weights, [g * (radius / (length + 1e-12)) for g in slopes])
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        torch._foreach_copy_(weights, before)
