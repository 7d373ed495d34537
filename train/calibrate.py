"""`python -m train calibrate`: confidence that means what it says.

One temperature for all pictures (Guo et al. 2017) can't serve a set whose raters agree and one whose labels
contradict themselves. So where there are several sets a second fit follows: `sureness` of the network's
heads, a linear reading of the picture that scales its scores and so never changes which category comes first.
It is kept where it lowers the cross-fitted loss.

The training split can't be used, as the network knows its pictures. Both are fitted on `valid`, and their
effect is measured by cross-fitting: each half of the pictures (whole photographs together) is scored with the
fit of the other half, so no picture is scored by numbers that it helped to choose. What is stored comes from
both halves.
"""

import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from emotion_core.checkpoint import digest, load_arrays, pack
from emotion_core.faces import FaceFinder
from emotion_core.recognizer import Recognizer
from emotion_core.runtime import TorchNetwork
from emotion_core.types import EmotionError
from train import metrics
from train.data import read_all
from train.predict import predict

LOWEST, HIGHEST = 0.2, 5.0
FEWEST = 50  # pictures below which a temperature says more of chance than of the network
MANY = 1000  # pictures from which a sureness is fitted too, where there are several sets
RIDGE = 0.1  # penalty on the squared weights of the sureness, its inputs scaled to a spread of one

log = logging.getLogger("train")


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores (N, K) before the softmax, up to a constant a row, their truth (N,) and groups (N,).

    `inner` (N, D) is what the network's sureness reads of each picture; D may be 0.
    """

    scores: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    inner: np.ndarray

    def probabilities(self, fit: "Fit | float") -> np.ndarray:
        """Give the (N, K) probabilities at a temperature, or at a whole fit."""
        scale = fit.scale(self.inner) if isinstance(fit, Fit) else 1 / fit
        return np.asarray(softmax(self.scores * scale, axis=1))

    def take(self, rows: np.ndarray) -> "Scored":
        """Give the rows of a bool (N,)."""
        return Scored(self.scores[rows], self.truth[rows], self.groups[rows], self.inner[rows])


@dataclass(frozen=True, eq=False)
class Fit:
    """A temperature and, with weights (D,) of which some are not zero, a sureness."""

    temperature: float
    weight: np.ndarray
    bias: float = 0.0

    def scale(self, inner: np.ndarray) -> np.ndarray:
        """Give what the scores of each picture are multiplied by, (N, 1)."""
        return np.asarray(np.exp(inner @ self.weight + self.bias)[:, None] / self.temperature)


def fit_temperature(sets: Sequence[Scored]) -> float:
    """Give the temperature with the least negative log-likelihood, each set counting alike.

    >>> scores = np.log(np.array([[0.9, 0.1]] * 10))
    >>> answers = np.array([0] * 7 + [1] * 3)  # sure of 90 %, right in 70 %
    >>> round(float(fit_temperature([Scored(scores, answers, answers, np.zeros((10, 0)))])), 1)
    2.6
    """

    def cost(log_temperature: float) -> float:
        t = float(np.exp(log_temperature))
        return float(np.mean([metrics.nll(s.probabilities(t), s.truth) for s in sets]))

    best = minimize_scalar(cost, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded")
    return float(np.exp(best.x))


def fit_sureness(sets: Sequence[Scored]) -> Fit:
    """Give each picture the temperature of the sets whose pictures look like it to the network.

    Each set's own temperature is fitted, and its logarithm is regressed on `inner` (ridge). A set counts by
    the square root of its pictures: neither the largest nor the smallest is to decide alone.
    """
    own = np.log([fit_temperature([s]) for s in sets])
    sizes = np.array([len(s.truth) for s in sets])
    share = np.repeat(sizes**-0.5, sizes)  # of a picture
    share /= share.sum()
    wanted = np.repeat(-own, sizes)
    inner = np.concatenate([s.inner for s in sets])
    center, spread = share @ inner, inner.std(0) + 1e-6
    z, mean = (inner - center) / spread, float(share @ wanted)
    gram = z.T @ (z * share[:, None]) + RIDGE * np.eye(z.shape[1])
    weight = np.linalg.solve(gram, z.T @ (share * (wanted - mean))) / spread
    return Fit(float(np.exp(-mean)), weight, float(-center @ weight))


def only_temperature(sets: Sequence[Scored]) -> Fit:
    """Fit a temperature and leave the sureness alone."""
    return Fit(fit_temperature(sets), np.zeros(sets[0].inner.shape[1]))


def cross_fitted(
    sets: Mapping[str, Scored], fit: Callable[[Sequence[Scored]], Fit] = only_temperature
) -> dict[str, np.ndarray]:
    """Give each set's probabilities where each half is scored with the other half's fit."""
    halves = {
        name: np.array([zlib.crc32(str(g).encode()) % 2 == 0 for g in s.groups]) for name, s in sets.items()
    }
    fits = {}
    for half in (True, False):
        parts = [s.take(halves[n] == half) for n, s in sets.items() if (halves[n] == half).any()]
        fits[half] = fit(parts or list(sets.values()))
    return {
        name: np.where(
            halves[name][:, None], scored.probabilities(fits[False]), scored.probabilities(fits[True])
        )
        for name, scored in sets.items()
    }


def loss(sets: Mapping[str, Scored], probabilities: Mapping[str, np.ndarray]) -> float:
    """Give the negative log-likelihood, each set counting by the square root of its pictures."""
    sizes = np.sqrt([len(s.truth) for s in sets.values()])
    each = [metrics.nll(probabilities[name], s.truth) for name, s in sets.items()]
    return float(np.average(each, weights=sizes))


def score_sets(
    paths: Sequence[str], network: TorchNetwork, *, sets: Sequence[str] | None = None, split: str = "valid"
) -> dict[str, Scored]:
    """Run the model over the scored pictures of each labelled set, as if it had not been calibrated."""
    found = {}
    recognizer = Recognizer(network, FaceFinder())
    current = network.metadata.temperature
    read: list[tuple[np.ndarray, np.ndarray]] = []
    network.net.heads.sureness.register_forward_hook(
        lambda module, given, result: read.append((given[0].cpu().numpy(), result.cpu().numpy()))
    )
    for raw in read_all(paths, sets=sets):
        rows = np.flatnonzero((raw.split == split) & (raw.majority >= 0))
        if not len(rows) or raw.labels != recognizer.labels:
            continue
        raw = raw.take(rows)
        read.clear()
        said = predict(raw, recognizer)
        use = said.readable
        inner, sureness = (np.concatenate(column).astype(np.float64) for column in zip(*read, strict=True))
        scores = np.log(np.clip(said.probabilities[use].astype(np.float64), 1e-12, 1)) * current
        found[raw.source] = Scored(scores / np.exp(sureness), raw.majority[use], raw.group[use], inner)
    return found


def calibrate(
    paths: Sequence[str],
    weights: Path,
    *,
    sets: Sequence[str] | None = None,
    split: str = "valid",
    store: bool = True,
) -> dict:
    """Fit temperature and sureness of a weights file, store them in the file, and give what changed.

    Raises:
        EmotionError: where the split has too few pictures with the model's categories.
    """
    scored = score_sets(paths, TorchNetwork(weights, "cpu"), sets=sets, split=split)
    total = sum(len(s.truth) for s in scored.values())
    if total < FEWEST:
        raise EmotionError(
            f"{total} labelled pictures in {split!r} are too few to calibrate on: {FEWEST} or more are needed"
        )
    chosen, across = only_temperature, cross_fitted(scored)
    if total >= MANY and len(scored) > 1:
        other = cross_fitted(scored, fit_sureness)
        if loss(scored, other) < loss(scored, across):
            chosen, across = fit_sureness, other
    fit = chosen(list(scored.values()))
    outcome: dict = {
        "temperature": fit.temperature,
        "sureness": bool(fit.weight.any()),
        "pictures": total,
        "split": split,
        "sets": {},
    }
    for name, s in scored.items():
        outcome["sets"][name] = {
            "pictures": len(s.truth),
            "ece_uncalibrated": metrics.expected_calibration_error(s.probabilities(1.0), s.truth),
            "ece_cross_fitted": metrics.expected_calibration_error(across[name], s.truth),
            "ece_stored": metrics.expected_calibration_error(s.probabilities(fit), s.truth),
            "nll_uncalibrated": metrics.nll(s.probabilities(1.0), s.truth),
            "nll_cross_fitted": metrics.nll(across[name], s.truth),
            "nll_stored": metrics.nll(s.probabilities(fit), s.truth),
        }
    if store:
        store_fit(weights, fit)
    return outcome


def store_fit(weights: Path, fit: Fit) -> None:
    """Write temperature and sureness into a safetensors weights file; all other weights stay the same."""
    from safetensors.numpy import save_file

    meta, arrays = load_arrays(weights)
    for name, value in (("weight", fit.weight[None]), ("bias", np.array([fit.bias]))):
        arrays[f"heads.sureness.{name}"] = value.astype(np.float32)
    meta = replace(meta, temperature=fit.temperature, sha256=digest(arrays))
    part = weights.with_name(weights.name + ".part")
    save_file(arrays, part, metadata=pack(meta))
    part.chmod(0o644)  # safetensors writes files that only their owner reads
    part.replace(weights)


def report(outcome: dict) -> str:
    """Write the outcome as text for a terminal."""
    lines = [
        f"temperature {outcome['temperature']:.4f}{' and a sureness' if outcome['sureness'] else ''}, "
        f"from {outcome['pictures']} pictures of {outcome['split']}"
    ]
    lines.append("set".ljust(12) + "pictures   ECE before   cross-fitted   as stored")
    for name, s in outcome["sets"].items():
        lines.append(
            f"{name:12s}{s['pictures']:8d}{s['ece_uncalibrated']:13.4f}{s['ece_cross_fitted']:15.4f}"
            f"{s['ece_stored']:12.4f}"
        )
    return "\n".join(lines)
