"""`python -m train calibrate`: one temperature, so that confidence means what it says (Guo et al. 2017).

The training split can't be used, as the network knows its pictures. The temperature is fitted on `valid`, and
its effect is measured by cross-fitting: each half of the pictures (whole photographs together) is scored with
the temperature of the other half, so no picture is scored by a number that it helped to choose. The one that
is stored comes from both halves.
"""

import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from emotion_core.checkpoint import load_arrays, pack
from emotion_core.recognizer import Recognizer
from emotion_core.types import EmotionError
from train import metrics
from train.data import read_all
from train.predict import predict

LOWEST, HIGHEST = 0.2, 5.0
FEWEST = 50  # pictures below which a temperature says more of chance than of the network

log = logging.getLogger("train")


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores (N, K) before the softmax, up to a constant a row, their truth (N,) and groups (N,)."""

    scores: np.ndarray
    truth: np.ndarray
    groups: np.ndarray

    def probabilities(self, temperature: float) -> np.ndarray:
        """Give the (N, K) probabilities at a temperature."""
        return np.asarray(softmax(self.scores / temperature, axis=1))

    def take(self, rows: np.ndarray) -> "Scored":
        """Give the rows of a bool (N,)."""
        return Scored(self.scores[rows], self.truth[rows], self.groups[rows])


def fit_temperature(sets: Sequence[Scored]) -> float:
    """Give the temperature with the least negative log-likelihood, each set counting alike.

    >>> scores = np.log(np.array([[0.9, 0.1]] * 10))
    >>> answers = np.array([0] * 7 + [1] * 3)  # sure of 90 %, right in 70 %
    >>> round(float(fit_temperature([Scored(scores, answers, answers)])), 1)
    2.6
    """

    def cost(log_temperature: float) -> float:
        t = float(np.exp(log_temperature))
        return float(np.mean([metrics.nll(s.probabilities(t), s.truth) for s in sets]))

    best = minimize_scalar(cost, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded")
    return float(np.exp(best.x))


def cross_fitted(sets: Mapping[str, Scored]) -> dict[str, float]:
    """Give each set's calibration error where each half is scored with the other half's temperature."""
    halves = {
        name: np.array([zlib.crc32(str(g).encode()) % 2 == 0 for g in s.groups]) for name, s in sets.items()
    }
    errors = {}
    temperatures = {}
    for half in (True, False):
        parts = [s.take(halves[n] == half) for n, s in sets.items() if (halves[n] == half).any()]
        temperatures[half] = fit_temperature(parts or list(sets.values()))
    for name, scored in sets.items():
        probabilities = np.where(
            halves[name][:, None],
            scored.probabilities(temperatures[False]),
            scored.probabilities(temperatures[True]),
        )
        errors[name] = metrics.expected_calibration_error(probabilities, scored.truth)
    return errors


def score_sets(
    paths: Sequence[str], recognizer: Recognizer, *, sets: Sequence[str] | None = None, split: str = "valid"
) -> dict[str, Scored]:
    """Run the model over the scored pictures of each labelled set; scores come out at temperature 1."""
    found = {}
    current = float(recognizer.metadata.get("temperature", 1.0))
    for raw in read_all(paths, sets=sets):
        rows = np.flatnonzero((raw.split == split) & (raw.majority >= 0))
        if not len(rows) or raw.labels != recognizer.labels:
            continue
        raw = raw.take(rows)
        said = predict(raw, recognizer)
        use = said.readable
        scores = np.log(np.clip(said.probabilities[use].astype(np.float64), 1e-12, 1)) * current
        found[raw.source] = Scored(scores, raw.majority[use], raw.group[use])
    return found


def calibrate(
    paths: Sequence[str],
    weights: Path,
    *,
    sets: Sequence[str] | None = None,
    split: str = "valid",
    store: bool = True,
    backend: str = "torch",
) -> dict:
    """Fit the temperature of a weights file, store it in the file, and give what changed.

    Raises:
        EmotionError: where the split has too few pictures with the model's categories.
    """
    recognizer = Recognizer.from_pretrained(weights, backend=backend)
    scored = score_sets(paths, recognizer, sets=sets, split=split)
    total = sum(len(s.truth) for s in scored.values())
    if total < FEWEST:
        raise EmotionError(
            f"{total} labelled pictures in {split!r} are too few to calibrate on: {FEWEST} or more are needed"
        )
    temperature = fit_temperature(list(scored.values()))
    across = cross_fitted(scored)
    outcome: dict = {"temperature": temperature, "pictures": total, "split": split, "sets": {}}
    for name, s in scored.items():
        outcome["sets"][name] = {
            "pictures": len(s.truth),
            "ece_uncalibrated": metrics.expected_calibration_error(s.probabilities(1.0), s.truth),
            "ece_cross_fitted": across[name],
            "ece_stored": metrics.expected_calibration_error(s.probabilities(temperature), s.truth),
            "nll_uncalibrated": metrics.nll(s.probabilities(1.0), s.truth),
            "nll_stored": metrics.nll(s.probabilities(temperature), s.truth),
        }
    if store:
        store_temperature(weights, temperature)
    return outcome


def store_temperature(weights: Path, temperature: float) -> None:
    """Write a temperature into a safetensors weights file; the weights and their sha256 stay the same."""
    from safetensors.numpy import save_file

    meta, arrays = load_arrays(weights)
    part = weights.with_name(weights.name + ".part")
    save_file(arrays, part, metadata=pack(replace(meta, temperature=temperature)))
    part.chmod(0o644)  # safetensors writes files that only their owner reads
    part.replace(weights)


def report(outcome: dict) -> str:
    """Write the outcome as text for a terminal."""
    lines = [
        f"temperature {outcome['temperature']:.4f}, from {outcome['pictures']} pictures of {outcome['split']}"
    ]
    lines.append("set".ljust(12) + "pictures   ECE before   cross-fitted   as stored")
    for name, s in outcome["sets"].items():
        lines.append(
            f"{name:12s}{s['pictures']:8d}{s['ece_uncalibrated']:13.4f}{s['ece_cross_fitted']:15.4f}"
            f"{s['ece_stored']:12.4f}"
        )
    return "\n".join(lines)
