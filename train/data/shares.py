"""How often each picture is drawn, and which share of each class a batch therefore holds, part by part.

A part is what looks alike in one data set: its masked faces, its faces with measured valence and arousal,
and the others. Classes are balanced within parts. While training, logits are shifted by the log of their own
part's class shares (balanced softmax, Ren et al. 2020; logit adjustment, Menon et al. 2021), so that neither
mask nor set tells the class: what the network then gives holds where all classes are equally frequent. Which
shares are assumed when answering is another matter (`train.measure.prior`).
"""

import numpy as np

from train.config import TrainConfig
from train.data.samples import Samples

RAREST = 1e-4  # share below which a class counts as absent: its logit is then hardly moved


def parts_of(samples: Samples) -> np.ndarray:
    """Return the number (N,) of the part that each row belongs to."""
    names = np.char.add(samples.source.astype(str), np.where(samples.masked, "/masked", ""))
    names = np.char.add(names, np.where(samples.measured & ~samples.masked, "/rated", ""))
    return np.unique(names, return_inverse=True)[1]


def sampling_weights(samples: Samples, rows: np.ndarray, config: TrainConfig) -> np.ndarray:
    """Return each training row's share of the draws: class balance by part, then the mix of sources."""
    weight = np.ones(len(rows))
    labelled = samples.labelled[rows]
    dominant = samples.target[rows].argmax(1)
    sources, parts = samples.source[rows], parts_of(samples)[rows]
    for part in np.unique(parts):
        mine = parts == part
        here = mine & labelled
        counts = np.bincount(dominant[here], minlength=len(samples.labels))
        weight[here] = (1.0 / np.maximum(counts, 1) ** config.balance)[dominant[here]]
        weight[here] *= here.sum() / max(weight[here].sum(), 1e-9)
        weight[mine & samples.measured[rows]] *= config.rated
    for source in np.unique(sources):
        mine = sources == source
        share = config.mix.get(str(source), 0.0) if config.mix else mine.mean()
        weight[mine] *= share / weight[mine].sum()
    return weight / weight.sum()


def drawn_shares(samples: Samples, rows: np.ndarray, weight: np.ndarray, config: TrainConfig) -> np.ndarray:
    """Return for every row of `samples` the class shares (N, K) by which its logits are shifted in training.

    They are those of its part as drawn, to the power that `config.adjust` names for its source; 1 / K where
    it names none.
    """
    parts, labelled = parts_of(samples), samples.labelled[rows]
    shares = np.full(samples.target.shape, 1 / len(samples.labels), np.float32)
    for part in np.unique(parts[rows]):
        here = (parts[rows] == part) & labelled
        power = config.adjust.get(str(samples.source[parts == part][0]), 0.0)
        if power and here.any():
            drawn = (weight[here, None] * samples.target[rows[here]]).sum(0)
            drawn = np.maximum(drawn / drawn.sum(), RAREST) ** power
            shares[parts == part] = drawn / drawn.sum()
    return shares
