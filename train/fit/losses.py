"""Losses; a row with NaN or without a label takes no part."""

from collections.abc import Mapping, Sequence

from torch import Tensor
from torch.nn import functional as F

from train.config import TrainConfig

TRUTH = ("target", "weight", "valence", "arousal", "blendshapes", "measured", "prior")
"""What the losses read of a batch."""
FEWEST = 6  # measured values of a batch below which their concordance is chance


def losses(config: TrainConfig, answers: Sequence[Tensor], truth: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weigh each part of the loss: `answers` are logits, valence, arousal and, maybe, blendshapes."""
    logits, valence, arousal, *shapes = answers
    if "prior" in truth:  # balanced softmax: answers are given without it
        logits = logits + truth["prior"].log()
    measured = truth.get("measured", truth["valence"].isnan())
    parts = {
        "category": config.category_weight * category_loss(logits, truth["target"], truth["weight"]),
        "valence": config.valence_weight * rated_loss(valence, truth["valence"], measured),
        "arousal": config.arousal_weight * rated_loss(arousal, truth["arousal"], measured),
    }
    if shapes:
        parts["blendshapes"] = config.blendshape_weight * blendshape_loss(shapes[0], truth["blendshapes"])
    return parts


def category_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of logits (B, K) against soft labels (B, K); a row of zeros has no label."""
    each = -(target * F.log_softmax(logits, 1)).sum(1)
    return (each * weight).sum() / weight.sum().clamp_min(1)


def rated_loss(predicted: Tensor, target: Tensor, measured: Tensor) -> Tensor:
    """Take measured values by CCC and those derived from votes by MSE, of which each counts for less. (B,).

    Derived values lie on a few points, so a concordance with them says little. Where a batch holds few
    measured ones, or none, CCC is taken of all.
    """
    if measured.sum() < FEWEST:
        return ccc_loss(predicted, target)
    derived = target.isfinite() & ~measured
    other = F.mse_loss(predicted[derived], target[derived]) if derived.any() else predicted.sum() * 0
    return ccc_loss(predicted[measured], target[measured]) + other


def ccc_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """One minus the concordance correlation coefficient (Lin 1989), plus the mean squared error. (B,)."""
    known = target.isfinite()
    if known.sum() < 2:
        return predicted.sum() * 0
    p, t = predicted[known], target[known]
    covariance = ((p - p.mean()) * (t - t.mean())).mean()
    spread = p.var(correction=0) + t.var(correction=0) + (p.mean() - t.mean()) ** 2
    return 1 - 2 * covariance / (spread + 1e-6) + F.mse_loss(p, t)


def blendshape_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of 52 blendshape logits (B, 52) against values in [0, 1] of the mesh."""
    known = target[:, 0].isfinite()
    if not known.any():
        return logits.sum() * 0
    loss = F.binary_cross_entropy_with_logits(logits[known], target[known].clamp(0, 1), reduction="none")
    return loss.mean()
