"""Are smiling and resting faces read alike in every group of age, gender and race?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from train.data.held_back import held_back
from train.data.readers import Raw
from train.data.rest import SMILING, resting_faces, smile_of
from train.measure import metrics
from train.measure.predict import Predictions

NO_GAPS = "no two groups have enough pictures to be compared: take more (--limit)"
SMALLEST_GROUP = 100  # pictures below which a slice is not compared
NEGATIVE = ("Angry", "Disgust", "Fear", "Sad")


def fairness(raw: Raw, predictions: Predictions, faces: dict[str, np.ndarray], labels: Sequence[str]) -> dict:
    """Compare how faces that smile, and faces at rest, are read in each group of age, gender and race.

    There are no emotion labels here. What a face does is taken from MediaPipe's blendshapes: a mean smile
    of 0.5 or more is a smile; smile, open jaw and every tense movement of brow, nose or mouth under 0.15 is
    rest (of UTKFace, a list that was made so once). Adults (18 to 59) are compared by race and gender; age is
    compared apart. A gap holds the model's bias, the blendshapes' own (training also used them as a target)
    and real differences in how strongly the photographed people of a group smile: it bounds the unfairness,
    it does not isolate it.
    """
    shapes = faces["blendshapes"].astype(np.float32)
    known = np.isfinite(shapes).all(1) & faces["used"] & predictions.readable
    smiling = known & (smile_of(shapes) >= SMILING)
    kept = held_back(raw.source)
    resting = known & (np.isin(raw.id, list(kept)) if kept else resting_faces(shapes))
    age = raw.attributes.get("age", np.full(len(raw), 30.0))
    adult = (age >= 18) & (age < 60)
    figures: dict[str, Any] = {
        "kind": "fairness",
        "pictures": len(raw),
        "construction": " ".join((fairness.__doc__ or "").split()),
        "smiling": int(smiling.sum()),
        "resting": int(resting.sum()),
        "tables": {},
        "largest_gap": {},
    }
    members: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in ("race", "gender"):
        if name in raw.attributes:
            members[name] = (raw.attributes[name], adult)
    if {"race", "gender"} <= set(raw.attributes):
        both = np.char.add(np.char.add(raw.attributes["race"], " "), raw.attributes["gender"])
        members["race and gender"] = (both, adult)
    if "age" in raw.attributes:
        bands = np.array(["0-9", "10-17", "18-29", "30-44", "45-59", "60 and over"])
        members["age"] = (
            bands[np.digitize(age, [10, 18, 30, 45, 60])],
            np.ones(len(raw), bool),
        )
    for name, (groups, within) in members.items():
        table = []
        for group in np.unique(groups):
            inside = within & (groups == group)
            row: dict[str, Any] = {"group": str(group)}
            for state, rows, label in (("smiling", smiling, "Happy"), ("resting", resting, "Neutral")):
                picked = np.flatnonzero(inside & rows)
                if label in labels and len(picked):
                    row |= _read_as(predictions.probabilities[picked], list(labels).index(label), state)
                else:
                    row[f"{state}_pictures"] = 0
            if row["resting_pictures"]:
                row |= _called_negative(predictions.probabilities[inside & resting], labels)
            table.append(row)
        figures["tables"][name] = table
        for state in ("smiling", "resting"):
            for what in ("share", "mean", "negative") if state == "resting" else ("share", "mean"):
                values = {
                    r["group"]: r[f"{state}_{what}"]
                    for r in table
                    if r[f"{state}_pictures"] >= SMALLEST_GROUP
                }
                if len(values) > 1:
                    low, high = min(values, key=lambda g: values[g]), max(values, key=lambda g: values[g])
                    figures["largest_gap"][f"{name}, {state}, {what}"] = {
                        "gap": values[high] - values[low],
                        "low": low,
                        "high": high,
                    }
    return figures


def report(figures: dict) -> list[str]:
    """Write the largest gaps and the table of race and gender as lines for a terminal."""
    lines = [
        f"  {what}: largest gap {gap['gap']:.3f} ({gap['low']} to {gap['high']})"
        for what, gap in figures["largest_gap"].items()
    ] or [f"  {NO_GAPS}"]
    for name in ("race", "gender", "race and gender", "age"):
        heads = zip(("smiling", "called happy", "at rest", "called neutral", "negative"), (9, 24, 9, 24, 24),
                    strict=True)  # fmt: skip
        lines.append(f"  {name:20s}" + "".join(f"{head:>{width}}" for head, width in heads))
        for row in figures["tables"].get(name, ()):
            cells = (f"{row[f'{s}_pictures']:>9}{percent(row, s):>24}" for s in ("smiling", "resting"))
            negative = f"{percent(row, 'resting', 'negative'):>24}"
            lines.append(f"  {row['group']:20s}" + "".join(cells) + negative)
    return lines


def percent(row: dict, state: str, what: str = "share") -> str:
    """Compute the share of a group's smiling or resting faces that were read so, with its 95 % interval.

    `what` is "share", or "negative" for resting faces that were called angry, disgusted, afraid or sad.
    """
    if not row[f"{state}_pictures"]:
        return "-"
    low, high = row[f"{state}_interval" if what == "share" else f"{state}_{what}_interval"]
    return f"{row[f'{state}_{what}']:.1%} ({low:.0%} to {high:.0%})"


def _called_negative(probabilities: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    called = np.isin(probabilities.argmax(1), [i for i, label in enumerate(labels) if label in NEGATIVE])
    return {
        "resting_negative": float(called.mean()),
        "resting_negative_interval": metrics.share_interval(called),
    }


def _read_as(probabilities: np.ndarray, label: int, state: str) -> dict[str, Any]:
    called = probabilities.argmax(1) == label
    return {
        f"{state}_pictures": len(called),
        f"{state}_share": float(called.mean()),
        f"{state}_interval": metrics.share_interval(called),
        f"{state}_mean": float(probabilities[:, label].mean()),
    }
