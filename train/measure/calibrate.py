"""`python -m train calibrate`: confidence that means what it says.

One temperature (Guo et al. 2017) for grey pictures and one for those in colour. A single one can't serve
both: the grey sets are labelled by many people or show clear expressions, the colour pictures come from the
wild and have single labels that contradict each other. Neither changes which category comes first.

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
from scipy.optimize import brentq
from scipy.special import softmax

from emotion_core.faces.finder import FaceFinder
from emotion_core.network.checkpoint import load_arrays, onnx_files, read_metadata, save_arrays
from emotion_core.network.runtime import OnnxNetwork, TorchNetwork, belongs
from emotion_core.onnx_session import open_session
from emotion_core.recognizer import Recognizer
from emotion_core.types import EmotionError
from train.data.samples import read_all
from train.measure import metrics
from train.measure.predict import predict

LOWEST, HIGHEST = 0.2, 5.0
FEWEST = 50  # pictures below which a temperature says more of chance than of the network

log = logging.getLogger("train")


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores (N, K) before the softmax, up to a constant a row, their truth (N,) and groups (N,).

    `color`, bool (N,), says which pictures are more than shades of grey.
    """

    scores: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    color: np.ndarray

    def probabilities(self, fit: "Fit | float") -> np.ndarray:
        """Return the (N, K) probabilities at a temperature, or at a whole fit."""
        t = np.where(self.color, fit.color, fit.grey)[:, None] if isinstance(fit, Fit) else fit
        return np.asarray(softmax(self.scores / t, axis=1))

    def take(self, rows: np.ndarray) -> "Scored":
        """Return the rows of a bool (N,)."""
        return Scored(self.scores[rows], self.truth[rows], self.groups[rows], self.color[rows])


@dataclass(frozen=True)
class Fit:
    """The temperature of grey pictures and that of pictures in colour."""

    grey: float
    color: float


def join(sets: Sequence[Scored]) -> Scored:
    """Return the pictures of all sets as one."""
    names = ("scores", "truth", "groups", "color")
    return Scored(*(np.concatenate([getattr(s, name) for s in sets]) for name in names))


def fit_temperature(scored: Scored) -> float:
    """Return the temperature at which the mean confidence is the share of right answers.

    The one with the least negative log-likelihood would also answer for how the other categories share what
    is left; where labels contradict each other it leaves the confidence too high.

    >>> scores = np.log(np.array([[0.9, 0.1]] * 10))
    >>> answers = np.array([0] * 7 + [1] * 3)  # sure of 90 %, right in 70 %
    >>> round(float(fit_temperature(Scored(scores, answers, answers, answers < 0))), 1)
    2.6
    """
    return _root(lambda log_t: _excess(scored.probabilities(float(np.exp(log_t))), scored.truth))


def _excess(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Return how far the mean confidence lies above the share of right answers."""
    return float(probabilities.max(1).mean() - (probabilities.argmax(1) == truth).mean())


def _root(excess: Callable[[float], float]) -> float:
    """Return the temperature whose logarithm makes `excess` vanish, or the nearest that is allowed."""
    low, high = np.log(LOWEST), np.log(HIGHEST)
    if excess(low) <= 0:  # no temperature does: the nearest
        return LOWEST
    if excess(high) >= 0:
        return HIGHEST
    return float(np.exp(brentq(excess, low, high)))


def fit_both(sets: Sequence[Scored]) -> Fit:
    """Fit grey pictures and those in colour apart, or all as one where either kind has too few."""
    whole = join(sets)
    grey, color = whole.take(~whole.color), whole.take(whole.color)
    if min(len(grey.truth), len(color.truth)) < FEWEST:
        one = fit_temperature(whole)
        return Fit(one, one)
    return Fit(fit_temperature(grey), fit_temperature(color))


def fit_together(sets: Sequence[Scored]) -> Fit:
    """Fit one temperature for all, at which the sets' errors of the mean confidence cancel, each alike."""

    def excess(log_temperature: float) -> float:
        t = float(np.exp(log_temperature))
        return float(np.mean([_excess(s.probabilities(t), s.truth) for s in sets]))

    one = _root(excess)
    return Fit(one, one)


def cross_fitted(
    sets: Mapping[str, Scored], fit: Callable[[Sequence[Scored]], Fit] = fit_both
) -> dict[str, np.ndarray]:
    """Return each set's probabilities where each half is scored with the other half's fit."""
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


def score_sets(
    paths: Sequence[str],
    network: OnnxNetwork | TorchNetwork,
    *,
    sets: Sequence[str] | None = None,
    split: str = "valid",
) -> dict[str, Scored]:
    """Run the model over the scored pictures of each labelled set, as if it had not been calibrated."""
    found = {}
    network.metadata = replace(network.metadata, temperature=1.0, temperature_color=1.0)
    recognizer = Recognizer(network, FaceFinder())
    decide, colors = network.decide, []

    def listen(window: np.ndarray, color: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        colors.append(color)
        return decide(window, color)

    network.decide = listen  # type: ignore[method-assign, assignment]
    for raw in read_all(paths, sets=sets):
        rows = np.flatnonzero((raw.split == split) & (raw.majority >= 0))
        if not len(rows) or raw.labels != recognizer.labels:
            continue
        raw = raw.take(rows)
        colors.clear()
        predictions = predict(raw, recognizer)
        use = predictions.readable
        scores = np.log(np.clip(predictions.probabilities[use].astype(np.float64), 1e-12, 1))
        found[raw.source] = Scored(scores, raw.majority[use], raw.group[use], np.concatenate(colors))
    return found


def calibrate(
    paths: Sequence[str],
    weights: Path,
    *,
    sets: Sequence[str] | None = None,
    split: str = "valid",
    store: bool = True,
    together: bool = False,
) -> dict:
    """Fit the temperatures of a weights file, store them in the file, and give what changed.

    `together` fits one for all sets, each counting alike, in place of one for grey and one for colour.

    Raises:
        EmotionError: where the split has too few pictures with the model's categories.
    """
    scored = score_sets(paths, _network(weights), sets=sets, split=split)
    total = sum(len(s.truth) for s in scored.values())
    if total < FEWEST:
        raise EmotionError(
            f"{total} labelled pictures in {split!r} are too few to calibrate on: {FEWEST} or more are needed"
        )
    way = fit_together if together else fit_both
    across, fit = cross_fitted(scored, way), way(list(scored.values()))
    outcome: dict = {
        "temperature": fit.grey,
        "temperature_color": fit.color,
        "pictures": total,
        "split": split,
        "sets": {},
    }
    for name, s in scored.items():
        chance, most = metrics.error_by_chance(s.probabilities(fit))
        outcome["sets"][name] = {
            "pictures": len(s.truth),
            "ece_uncalibrated": metrics.expected_calibration_error(s.probabilities(1.0), s.truth),
            "ece_cross_fitted": metrics.expected_calibration_error(across[name], s.truth),
            "ece_stored": metrics.expected_calibration_error(s.probabilities(fit), s.truth),
            "ece_by_chance": chance,
            "ece_by_chance_95": most,
            "nll_uncalibrated": metrics.nll(s.probabilities(1.0), s.truth),
            "nll_cross_fitted": metrics.nll(across[name], s.truth),
            "nll_stored": metrics.nll(s.probabilities(fit), s.truth),
        }
    if store:
        store_fit(weights, fit)
    return outcome


def _network(weights: Path) -> OnnxNetwork | TorchNetwork:
    """Open what is shipped where it was exported from these weights, else the weights on PyTorch."""
    meta = read_metadata(weights)
    if all(belongs(file, meta) for file in onnx_files(weights)):
        encode, decide = (open_session(file) for file in onnx_files(weights))
        return OnnxNetwork(encode, decide, meta)
    return TorchNetwork(weights, "cpu")


def store_fit(weights: Path, fit: Fit) -> None:
    """Write the temperatures into a safetensors weights file; the weights stay the same."""
    meta, arrays = load_arrays(weights)
    save_arrays(weights, replace(meta, temperature=fit.grey, temperature_color=fit.color), arrays)


def report(outcome: dict) -> str:
    """Write the outcome as text for a terminal."""
    lines = [
        f"temperature {outcome['temperature']:.4f}, of colour pictures {outcome['temperature_color']:.4f}, "
        f"from {outcome['pictures']} pictures of {outcome['split']}"
    ]
    lines.append("set".ljust(12) + "pictures   ECE before   cross-fitted   as stored   by chance (95 %)")
    for name, s in outcome["sets"].items():
        lines.append(
            f"{name:12s}{s['pictures']:8d}{s['ece_uncalibrated']:13.4f}{s['ece_cross_fitted']:15.4f}"
            f"{s['ece_stored']:12.4f}{s['ece_by_chance']:12.4f}{s['ece_by_chance_95']:9.4f}"
        )
    return "\n".join(lines)
