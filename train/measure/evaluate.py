"""`python -m train evaluate`: the shipped model, through the library, on any labelled set.

Every picture goes through `Recognizer.classify` as a user would send it: single crop, no flip, no picture
left out because no face was found.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.recognizer import Recognizer
from emotion_core.types import EmotionError
from train.data.extract import extract
from train.data.readers import Raw
from train.data.samples import MEASURES, derived_valence_arousal, read_all
from train.measure import metrics
from train.measure.fairness import fairness
from train.measure.fairness import report as fairness_report
from train.measure.predict import Predictions, facts_of, predict
from train.measure.provenance import provenance

DERIVED = "not rated: the votes times the mean ratings of each word's faces"


def evaluate(
    paths: Sequence[str],
    recognizer: Recognizer,
    *,
    sets: Sequence[str] | None = None,
    split: str | None = "valid",
    limit: int | None = None,
    slices: bool = True,
    cache: str | None = None,
    rounds: int = 1000,
) -> dict:
    """Evaluate on data sets and give every figure, ready for JSON; `report_page` draws it.

    Args:
        paths: data folders or files, in any form that `train.data.read.read` knows.
        recognizer: the model.
        sets: names of the data sets to use, all by default.
        split: the split to use, as pictures without emotion labels may have been trained on too; None: all.
        limit: use at most this many pictures of a set, evenly spread, the same each time.
        slices: find faces and poses for the slices by face size, blur, yaw and light (takes longer).
        cache: folder of the crops, see `train.data.samples.load`.
        rounds: bootstrap rounds behind the 95 % intervals, 0 for none.

    Raises:
        EmotionError: where a set's categories are not the model's, or nothing is left to evaluate.
    """
    outcome: dict = {
        "provenance": provenance(facts_of(recognizer)),
        "labels": list(recognizer.labels),
        "sets": {},
    }
    for raw in read_all(paths, sets=sets):
        labelled = bool((raw.majority >= 0).any())
        rows = np.arange(len(raw)) if split is None else np.flatnonzero(raw.split == split)
        if not len(rows):
            raise EmotionError(f"{raw.source} has no picture in the split {split!r}")
        if limit is not None and limit < len(rows):
            rows = rows[np.linspace(0, len(rows) - 1, limit).astype(int)]
        raw = raw.take(rows)
        if labelled and raw.labels != recognizer.labels:
            raise EmotionError(
                f"{raw.source} has the categories {', '.join(raw.labels)}, the model has "
                f"{', '.join(recognizer.labels)}: evaluate it with a model trained on such data (--weights)"
            )
        faces = extract(raw, cache=cache) if slices or not labelled else None
        predictions = predict(raw, recognizer)
        if labelled:
            figures = scored(raw, predictions, faces, rounds)
        elif raw.attributes:
            assert faces is not None
            figures = fairness(raw, predictions, faces, recognizer.labels)
        else:
            raise EmotionError(f"{raw.source} has neither labels nor attributes: nothing to evaluate")
        figures |= {"split": split or "all", "data_key": raw.key, "limit": limit}
        outcome["sets"][raw.source] = figures
    if not outcome["sets"]:
        raise EmotionError(f"no data set was read from {', '.join(map(str, paths))}")
    return outcome


def scored(
    raw: Raw, predictions: Predictions, faces: dict[str, np.ndarray] | None, rounds: int = 1000
) -> dict:
    """Compute the figures of a labelled set: pictures with a clear majority among the categories count."""
    use = (raw.majority >= 0) & predictions.readable
    truth, probabilities = raw.majority[use], predictions.probabilities[use]
    if not len(truth):
        raise EmotionError(f"{raw.source}: no picture has a clear label, nothing to evaluate")
    figures = metrics.summarize(probabilities, truth, raw.labels, groups=raw.group[use], rounds=rounds)
    confidence, right, count = metrics.calibration_bins(probabilities, truth)
    figures |= {
        "kind": "scored",
        "not_scored": int((~use).sum()),
        "reliability": {
            "confidence": _plain(confidence),
            "accuracy": _plain(right),
            "count": count.tolist(),
        },
        "affect": _affect(raw, predictions),
    }
    if faces is not None:
        figures["slices"] = slices_by_measure(truth, probabilities, {m: faces[m][use] for m in MEASURES})
    for name in ("race", "gender"):
        if name in raw.attributes:
            groups = {str(g): raw.attributes[name][use] == g for g in np.unique(raw.attributes[name][use])}
            figures.setdefault("slices", {})[name] = _compare(truth, probabilities, groups)
    return figures


def slices_by_measure(
    truth: np.ndarray, probabilities: np.ndarray, measures: dict[str, np.ndarray]
) -> dict[str, list[dict]]:
    """Compare accuracy by face size (eye distance in source pixels), yaw, blur and light (in thirds)."""
    sliced: dict[str, list[dict]] = {}
    bins: dict[str, tuple[np.ndarray, np.ndarray, str]] = {
        "face size": (measures["eye_distance"], np.array([0, 15, 25, 40, 80, np.inf]), "px between the eyes"),
        "yaw": (np.abs(measures["yaw"]), np.array([0, 10, 20, 35, 90]), "degrees"),
    }
    for name, title in (("blur", "sharpness"), ("light", "mean grey")):
        values = measures[name]
        good = values[np.isfinite(values)]
        if len(good):
            inner = np.quantile(good, [1 / 3, 2 / 3])
            bins[name] = (values, np.array([0, *inner, np.inf]), title)
    for name, (values, edges, title) in bins.items():
        groups = {}
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            text = f"{low:.0f} and more" if np.isinf(high) else f"{low:.0f} to {high:.0f}"
            groups[f"{text} {title}"] = (values >= low) & (values < high)
        groups["not known (no landmarks)"] = ~np.isfinite(values)
        sliced[name] = _compare(truth, probabilities, groups)
    return sliced


def _affect(raw: Raw, predictions: Predictions) -> dict[str, Any]:
    """Score valence and arousal against ratings where there are any, else against `DERIVED` values."""
    measured = np.isfinite(raw.valence) & np.isfinite(raw.arousal)
    valence, arousal = derived_valence_arousal(raw.target, raw.labels)
    rated = bool(measured.any())
    if rated:
        valence, arousal = raw.valence, raw.arousal
    keep = predictions.readable
    return {
        "truth": "rated by people" if rated else DERIVED,
        "pictures": int((np.isfinite(valence) & keep).sum()),
        **{
            f"{name}_{kind.__name__.removeprefix('concordance_')}": kind(truth[keep], answer[keep])
            for name, truth, answer in (
                ("valence", valence, predictions.valence),
                ("arousal", arousal, predictions.arousal),
            )
            for kind in (metrics.concordance_ccc, metrics.rmse)
        },
    }


def _compare(truth: np.ndarray, probabilities: np.ndarray, groups: dict[str, np.ndarray]) -> list[dict]:
    rows = []
    right = probabilities.argmax(1) == truth
    for name, inside in groups.items():
        picked = right[inside]
        if not len(picked):
            continue
        rows.append(
            {
                "group": name,
                "pictures": len(picked),
                "accuracy": float(picked.mean()),
                "interval": metrics.share_interval(picked),
                "balanced_accuracy": metrics.balanced_accuracy(
                    metrics.confusion(truth[inside], probabilities[inside].argmax(1), probabilities.shape[1])
                ),
                "mean_confidence": float(probabilities[inside].max(1).mean()),
            }
        )
    return rows


def _plain(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(v) else float(v) for v in values]


BASELINE_FIGURES = {"accuracy": 0.006, "balanced_accuracy": 0.02, "ece": 0.01}
"""Figures that a baseline holds, and how much of each may be lost: machines round differently."""


def baseline_of(outcome: dict) -> dict:
    """Return the figures of an `evaluate` outcome that later ones are held against."""
    return {
        "provenance": outcome["provenance"],
        "sets": {
            name: {
                "split": figures["split"],
                "limit": figures["limit"],
                "pictures": figures["pictures"],
                "figures": {k: figures[k] for k in BASELINE_FIGURES},
                "recall": figures["recall"],
                "slack": BASELINE_FIGURES,
            }
            for name, figures in outcome["sets"].items()
            if figures["kind"] == "scored"
        },
    }


def check_baseline(outcome: dict, file: Path) -> list[str]:
    """Return one line for each figure that fell below the accepted ones in `file`; empty where all hold.

    Raises:
        EmotionError: where `file` is no baseline.
    """
    try:
        accepted = json.loads(file.read_text())["sets"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmotionError(f"{file} is no baseline ({error}): write one with --accept {file}") from None
    return regressions(outcome, accepted)


def regressions(outcome: dict, accepted: dict) -> list[str]:
    """Compare figures with accepted ones, set by set; lower is better for the calibration error alone."""
    lines = []
    for name, before in accepted.items():
        now = outcome["sets"].get(name)
        if now is None:
            lines.append(f"{name} was not evaluated")
            continue
        if now["pictures"] != before["pictures"]:
            lines.append(f"{name}: {now['pictures']} pictures, the baseline has {before['pictures']}")
        for figure, value in before["figures"].items():
            worse = now[figure] - value if figure == "ece" else value - now[figure]
            slack = before.get("slack", {}).get(figure, 0.005)
            if not worse <= slack:
                lines.append(
                    f"{name}: {figure} is {now[figure]:.4f}, accepted is {value:.4f} (slack {slack})"
                )
    return lines


def report(outcome: dict) -> str:
    """Write the main figures as text for a terminal."""
    lines = []
    for name, f in outcome["sets"].items():
        if f["kind"] == "fairness":
            lines.append(
                f"{name}: {f['smiling']} smiling and {f['resting']} resting of {f['pictures']} pictures"
            )
            lines += fairness_report(f)
            continue
        lines.append(
            f"{name}, {f['split']}: {f['pictures']} pictures ({f['not_scored']} without a clear label)"
        )
        for figure in ("accuracy", "balanced_accuracy", "macro_f1", "nll", "ece"):
            span = f.get("interval", {}).get(figure)
            text = f"   [{span[0]:.4f}, {span[1]:.4f}]" if span else ""
            lines.append(f"  {figure.replace('_', ' '):20s}{f[figure]:.4f}{text}")
        recall = "  ".join(f"{k} {v:.3f}" for k, v in f["recall"].items())
        lines.append(f"  recall              {recall}")
        a = f["affect"]
        lines.append(
            f"  CCC                 valence {a['valence_ccc']:.3f}, arousal {a['arousal_ccc']:.3f} "
            f"(RMSE {a['valence_rmse']:.3f}, {a['arousal_rmse']:.3f})"
        )
    truths = {f["affect"]["truth"] for f in outcome["sets"].values() if "affect" in f}
    lines += [f"valence and arousal: {truth}" for truth in sorted(truths)]
    return "\n".join(lines)
