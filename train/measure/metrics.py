"""How good predictions are: plain functions on arrays, scikit-learn where it has them."""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.metrics import confusion_matrix as _confusion


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the (classes, classes) counts, rows are the truth, columns the prediction; both int (N,)."""
    if not len(truth):
        return np.zeros((classes, classes), np.int64)
    return np.asarray(_confusion(truth, predicted, labels=np.arange(classes)))


def recalls(matrix: np.ndarray) -> np.ndarray:
    """Compute the recall of each class (K,) of a confusion matrix; NaN for a class without pictures."""
    total = matrix.sum(1)
    return np.divide(np.diag(matrix), total, out=np.full(len(matrix), np.nan), where=total > 0)


def accuracy(matrix: np.ndarray) -> float:
    """Compute the share of right answers in [0, 1]; NaN without pictures."""
    return float(np.trace(matrix) / matrix.sum()) if matrix.sum() else float("nan")


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Compute the mean recall of the classes that have pictures."""
    recall = recalls(matrix)
    return float(np.nanmean(recall)) if np.isfinite(recall).any() else float("nan")


def macro_f1(matrix: np.ndarray) -> float:
    """Compute the mean F1 of the classes that have pictures; a class never answered counts 0."""
    right, truth, predicted = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    there = truth > 0
    f1 = 2 * right / np.maximum(truth + predicted, 1)
    return float(f1[there].mean()) if there.any() else float("nan")


def nll(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Compute the mean negative log-likelihood in nats of `truth` (N,) under (N, K) probabilities."""
    if not len(truth):
        return float("nan")
    picked = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(picked, 1e-7, 1)).mean())


def calibration_bins(
    probabilities: np.ndarray, truth: np.ndarray, bins: int = 15
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute mean confidence, accuracy and count (bins,) of the top answers in equal bins of confidence.

    A bin without answers holds NaN, NaN, 0.
    """
    confidence = probabilities.max(1)
    right = (probabilities.argmax(1) == truth).astype(float)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    safe = np.where(count > 0, count, np.nan)
    return (
        np.bincount(place, confidence, minlength=bins) / safe,
        np.bincount(place, right, minlength=bins) / safe,
        count,
    )


def expected_calibration_error(probabilities: np.ndarray, truth: np.ndarray, bins: int = 15) -> float:
    """Compute the mean gap between confidence and accuracy, weighted by bin (Guo et al. 2017), in [0, 1]."""
    if not len(truth):
        return float("nan")
    confidence, right, count = calibration_bins(probabilities, truth, bins)
    return float(np.nansum(np.abs(confidence - right) * count) / count.sum())


def error_by_chance(probabilities: np.ndarray, rounds: int = 100, seed: int = 0) -> tuple[float, float]:
    """Give the calibration error that confidence without fault would show, by chance alone: mean and 95th %.

    The truth is drawn from the probabilities themselves. The fewer the pictures, the higher it is.
    """
    rng = np.random.default_rng(seed)
    edges = probabilities.cumsum(1)
    edges /= edges[:, -1:]
    drawn = [(edges < rng.random((len(edges), 1))).sum(1) for _ in range(rounds)]
    errors = [expected_calibration_error(probabilities, truth) for truth in drawn]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def concordance_ccc(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return Lin's concordance correlation (1989) in [-1, 1]; pairs with NaN are left out, NaN below two."""
    keep = np.isfinite(truth) & np.isfinite(predicted)
    x, y = truth[keep].astype(float), predicted[keep].astype(float)
    if len(x) < 2:
        return float("nan")
    spread = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return float(2 * ((x - x.mean()) * (y - y.mean())).mean() / spread) if spread > 0 else float("nan")


def rmse(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the root of the mean squared error; pairs with NaN are left out."""
    keep = np.isfinite(truth) & np.isfinite(predicted)
    return float(np.sqrt(((truth[keep] - predicted[keep]) ** 2).mean())) if keep.any() else float("nan")


def bootstrap(
    measure: Callable[[np.ndarray], float],
    n: int,
    *,
    groups: Sequence[str] | np.ndarray | None = None,
    rounds: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Compute the percentile interval of `measure(rows)` over resampled rows, an index array into N pictures.

    With `groups` (N,), whole groups are drawn, so pictures of one photograph or person stay together.
    """
    if n == 0:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    members: list[np.ndarray] | None = None
    if groups is not None:
        _, place = np.unique(np.asarray(groups), return_inverse=True)
        if place.max() + 1 < n:
            order = np.argsort(place, kind="stable")
            members = np.split(order, np.cumsum(np.bincount(place))[:-1])
    values = []
    for _ in range(rounds):
        if members is None:
            rows = rng.integers(0, n, n)
        else:
            rows = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        values.append(measure(rows))
    tail = (1 - level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


def share_interval(right: np.ndarray) -> tuple[float, float]:
    """Compute the 95 % interval of the share of True in `right` (N,), N > 0 (Wilson 1927).

    Unlike a bootstrap it is honest where all of a few answers are right.

    >>> [round(end, 2) for end in share_interval(np.ones(6, bool))]
    [0.61, 1.0]
    """
    n, share, z = len(right), float(np.mean(right)), 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return max(0.0, middle - half), min(1.0, middle + half)


def summarize(
    probabilities: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    *,
    groups: np.ndarray | None = None,
    rounds: int = 1000,
) -> dict:
    """Return every category figure of (N, K) probabilities against `truth` (N,), ready for JSON.

    With `rounds` > 0, accuracy, balanced accuracy, macro-F1 and the calibration error carry 95 % bootstrap
    intervals under `interval`.
    """
    classes = len(labels)
    predicted = probabilities.argmax(1)
    matrix = confusion(truth, predicted, classes)
    figures: dict = {
        "pictures": int(len(truth)),
        "accuracy": accuracy(matrix),
        "balanced_accuracy": balanced_accuracy(matrix),
        "macro_f1": macro_f1(matrix),
        "nll": nll(probabilities, truth),
        "ece": expected_calibration_error(probabilities, truth),
        "mean_confidence": float(probabilities.max(1).mean()) if len(truth) else float("nan"),
        "recall": dict(zip(labels, recalls(matrix).tolist(), strict=True)),
        "confusion": matrix.tolist(),
    }
    if rounds:

        def of_matrix(measure: Callable[[np.ndarray], float]) -> Callable[[np.ndarray], float]:
            codes = truth * classes + predicted
            return lambda rows: measure(
                np.bincount(codes[rows], minlength=classes**2).reshape(classes, classes)
            )

        measures: dict[str, Callable[[np.ndarray], float]] = {
            "accuracy": of_matrix(accuracy),
            "balanced_accuracy": of_matrix(balanced_accuracy),
            "macro_f1": of_matrix(macro_f1),
            "ece": lambda rows: expected_calibration_error(probabilities[rows], truth[rows]),
        }
        figures["interval"] = {
            name: bootstrap(measure, len(truth), groups=groups, rounds=rounds)
            for name, measure in measures.items()
        }
    return figures
