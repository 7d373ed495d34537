"""Faces as signals: approximate action units, smiles of both sides, where the eyes look, and blinks.

All of it comes from what results hold on request: pose, blendshapes, key points. Nobody who is certified in
the Facial Action Coding System has coded anything here: the units are called approximate, and are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emotion_core.analytics.figures import weights
from emotion_core.results.extras import COLUMNS
from emotion_core.types import EmotionError

Columns = Mapping[str, np.ndarray]
"""The columns of results by name, (N,) numbers each, NaN for what is missing; or a results table."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An action unit, and the blendshapes whose mean stands for it; both sides are averaged."""

    number: int
    name: str
    shapes: tuple[str, ...]

    @property
    def column(self) -> str:
        """The name of its column."""
        return f"au{self.number:02d}_approx"


def _both(name: str) -> tuple[str, str]:
    return f"{name}Left", f"{name}Right"


UNITS = (
    Unit(1, "inner brow raiser", ("browInnerUp",)),
    Unit(2, "outer brow raiser", _both("browOuterUp")),
    Unit(4, "brow lowerer", _both("browDown")),
    Unit(5, "upper lid raiser", _both("eyeWide")),
    Unit(7, "lid tightener", _both("eyeSquint")),
    Unit(10, "upper lip raiser", _both("mouthUpperUp")),
    Unit(12, "lip corner puller", _both("mouthSmile")),
    Unit(14, "dimpler", _both("mouthDimple")),
    Unit(15, "lip corner depressor", _both("mouthFrown")),
    Unit(16, "lower lip depressor", _both("mouthLowerDown")),
    Unit(17, "chin raiser", ("mouthShrugLower",)),
    Unit(18, "lip pucker", ("mouthPucker",)),
    Unit(20, "lip stretcher", _both("mouthStretch")),
    Unit(22, "lip funneler", ("mouthFunnel",)),
    Unit(24, "lip pressor", _both("mouthPress")),
    Unit(26, "jaw drop", ("jawOpen",)),
    Unit(28, "lip suck", ("mouthRollLower", "mouthRollUpper")),
    Unit(43, "eyes closed", _both("eyeBlink")),
)
"""What can be derived. No blendshape stands for 23, 25 (lips part) and 27; the reader of blendshapes hardly
ever moves those of 6 (cheekSquint), 9 (noseSneer) and 34 (cheekPuff), so they are left out."""

SMILE_LEAST = 0.1
"""Sum of both sides of a smile below which it has no side."""
BLINK_LONGEST = 0.5
"""Seconds: what lasts longer is a closure of the eyes, and no blink."""
BLINK_RISE = 0.25
"""How far the closure of the lids has to rise above its median, at its highest, for there to be blinks."""
BLINK_RATE = 15.0
"""Pictures a second below which blinks, of a tenth to four tenths of a second, are missed."""

_SURE = 3  # pictures that have to show the lids closed: one may be misread
_EYES = (slice(18, 24), slice(24, 30))  # of the 50 key points: 33 160 158 133 153 144, and the other eye


def has(columns: Columns, extra: str) -> bool:
    """Tell whether columns hold an extra of `results.extras`."""
    return COLUMNS[extra][0] in columns


def signals(columns: Columns) -> dict[str, np.ndarray]:
    """Return the signals of each row by name, (N,) each, NaN where it has no face; {} where none are known.

    From blendshapes: a column for each of `UNITS` in [0, 1]; `smile_left`, `smile_right` (the person's own
    sides) and `smile_asymmetry` in [-1, 1], positive where the left is stronger, NaN without a smile;
    `look_right` and `look_up` in [-1, 1], where the eyes turn in the head as a viewer sees it. From
    blendshapes or key points: `closure` of the lids in [0, 1] and `blink`, 1 during one and else 0.
    """
    found: dict[str, np.ndarray] = {}
    if has(columns, "blendshapes"):
        for unit in UNITS:
            found[unit.column] = np.mean([_shape(columns, shape) for shape in unit.shapes], axis=0)
        found |= _smile(columns) | _look(columns)
    shut = closure(columns)
    if shut is not None:
        found["closure"] = shut
        found["blink"] = np.where(np.isnan(shut), np.nan, 0.0)
        for face in np.unique(_face(columns)[~np.isnan(_face(columns))]):
            for rows in blinks(columns, int(face)).rows:
                found["blink"][rows] = 1.0
    return found


def _face(columns: Columns) -> np.ndarray:
    return np.asarray(columns["face"], float)


def _shape(columns: Columns, name: str) -> np.ndarray:
    return np.asarray(columns[f"blend_{name}"], float)


def _smile(columns: Columns) -> dict[str, np.ndarray]:
    left, right = (_shape(columns, name) for name in _both("mouthSmile"))
    both = left + right
    tilt = np.divide(left - right, both, out=np.full(len(both), np.nan), where=both >= SMILE_LEAST)
    return {"smile_left": left, "smile_right": right, "smile_asymmetry": tilt}


def _look(columns: Columns) -> dict[str, np.ndarray]:
    """Return where the eyes turn: the person's own left is a viewer's right."""
    (out_left, out_right), (in_left, in_right) = (
        [_shape(columns, side) for side in _both(name)] for name in ("eyeLookOut", "eyeLookIn")
    )
    up, down = (np.mean([_shape(columns, s) for s in _both(f"eyeLook{w}")], axis=0) for w in ("Up", "Down"))
    return {"look_right": (out_left - in_left + in_right - out_right) / 2, "look_up": up - down}


def closure(columns: Columns) -> np.ndarray | None:
    """Return how far the lids are closed in [0, 1], by blendshapes, else by the lids' key points.

    By key points it is how much narrower the eyes are, for their width, than this person's usually are. None
    where the results have neither.
    """
    if "closure" in columns:
        return np.asarray(columns["closure"], float)  # of a table that was made here
    if has(columns, "blendshapes"):
        return np.mean([_shape(columns, side) for side in _both("eyeBlink")], axis=0)
    if not has(columns, "landmarks"):
        return None
    flat = np.column_stack([np.asarray(columns[name], float) for name in COLUMNS["landmarks"]])
    points = flat.reshape(len(flat), -1, 2)
    open_ = np.mean([_openness(points[:, eye]) for eye in _EYES], axis=0)
    face, shut = _face(columns), np.full(len(open_), np.nan)
    for one in np.unique(face[~np.isnan(face)]):
        mine = (face == one) & ~np.isnan(open_)
        if mine.any():
            shut[mine] = np.clip(1 - open_[mine] / max(float(np.median(open_[mine])), 1e-6), 0.0, 1.0)
    return shut


def _openness(eye: np.ndarray) -> np.ndarray:
    """Return the mean height over the width of an eye's six points (N, 6, 2): Soukupova and Cech 2016."""
    outer, up1, up2, inner, low2, low1 = np.moveaxis(eye, 1, 0)
    height = np.linalg.norm(up1 - low1, axis=1) + np.linalg.norm(up2 - low2, axis=1)
    return np.asarray(height / (2 * np.maximum(np.linalg.norm(outer - inner, axis=1), 1e-6)))


@dataclass(frozen=True, slots=True, eq=False)
class Blinks:
    """The blinks of one face: `onset` and `duration` of each in seconds (n,), and its `rows` of the columns.

    `closures` counts what is longer; `watched` is how long the face was seen (s). `caution` says why there
    may be too few, "" where nothing speaks for that.
    """

    face: int
    onset: np.ndarray
    duration: np.ndarray
    rows: tuple[np.ndarray, ...]
    closures: int
    watched: float
    caution: str

    @property
    def per_minute(self) -> float:
        """Blinks a minute of the time in which the face is seen; NaN where it never is."""
        return 60 * len(self.onset) / self.watched if self.watched > 0 else float("nan")


def blinks(columns: Columns, face: int) -> Blinks:
    """Find the blinks of a face: the lids close more than half as far as they do in its highest moments.

    Durations are the time above that half, as long as the pictures last; a picture without the face ends one.

    Raises:
        EmotionError: where the results hold neither blendshapes nor key points.
    """
    found = closure(columns)
    if found is None:
        raise EmotionError(
            "blinks need blendshapes or landmarks: analyse the video again with one of them", ("with",)
        )
    rows = np.flatnonzero((_face(columns) == face) & ~np.isnan(found))
    rows = rows[np.argsort(np.asarray(columns["time"], float)[rows], kind="stable")]
    shut, time = found[rows], np.asarray(columns["time"], float)[rows]
    lasting = weights(np.asarray(columns["duration"], float)[rows])
    spans = _spans(_closed(shut), time, lasting)
    onset = np.array([time[low] for low, _ in spans])
    lengths = np.array([time[high - 1] + lasting[high - 1] - time[low] for low, high in spans])
    short = lengths <= BLINK_LONGEST + 1e-9
    step = float(np.median(lasting)) if len(lasting) else 0.0
    caution = ""
    if step > 1.05 / BLINK_RATE:
        caution = f"blinks are missed at {1 / step:.0f} pictures a second: {BLINK_RATE:.0f} are the least"
    kept = tuple(rows[low:high] for (low, high), brief in zip(spans, short, strict=True) if brief)
    closures = int((~short).sum())
    return Blinks(face, onset[short], lengths[short], kept, closures, float(lasting.sum()), caution)


def _closed(shut: np.ndarray) -> np.ndarray:
    """Tell in which pictures the lids are closed; in none where they never close for sure."""
    if len(shut) < _SURE:
        return np.zeros(len(shut), bool)
    usual, highest = float(np.median(shut)), float(np.sort(shut)[-_SURE])  # eyes are open most of the time
    if highest - usual < BLINK_RISE:
        return np.zeros(len(shut), bool)
    return np.asarray(shut > usual + (highest - usual) / 2)


def _spans(closed: np.ndarray, time: np.ndarray, lasting: np.ndarray) -> list[tuple[int, int]]:
    """Return first and one past the last row of each stretch, cut where the face was away in between."""
    if not len(closed):
        return []
    breaks = np.zeros(len(closed) + 1, bool)
    breaks[0] = breaks[-1] = True
    breaks[1:-1] = (closed[1:] != closed[:-1]) | (time[1:] > time[:-1] + 1.5 * lasting[:-1] + 1e-6)
    edges = np.flatnonzero(breaks)
    return [(int(a), int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True) if closed[a]]
