"""What a recording comes to, as `NAME_summary.json` says it: counted as the records pass.

What the figures mean stands in `emotion_core.analytics`; here they are collected and named. An hour costs as
little memory as a minute: records are counted some thousand at a time and then let go.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from emotion_core.analytics import MEASURES, figures
from emotion_core.analytics.tally import Person, Readings, Tally
from emotion_core.labels import DISCLAIMER, EMOTIONS, UNSURE, VALENCE_AROUSAL_SOURCE


class Summary:
    """Counts records as they pass; `as_dict()` gives the summary at any moment.

    `labels` are the categories that it names in any case; `piece` readings are held until they are counted.
    """

    def __init__(self, labels: Sequence[str] = EMOTIONS, *, piece: int = 4096) -> None:
        self._piece = piece
        self._labels = list(labels)
        self._numbers = {label: number for number, label in enumerate(self._labels)}
        self._tally = Tally()
        self._waiting: list[tuple[float, ...]] = []
        self._frames = 0
        self._with_face = 0
        self._begun = math.inf
        self._ended = -math.inf
        self._seconds_with_face = 0.0
        self._last_frame: int | None = None
        self._last_with_face: int | None = None

    def add(
        self,
        frame: int,
        time: float,
        face: int | None,
        emotion: str | None,
        confidence: float,
        valence: float,
        arousal: float,
        duration: float,
        uncertain: bool = False,
    ) -> None:
        """Count one record; `face` or `emotion` None says that nobody was found in the frame.

        `duration` is how long the picture lasts, in seconds: until the next one, or until the stream ends.
        `uncertain` says that the answer is less sure than was asked for: it counts as a state of its own.
        """
        if frame != self._last_frame:
            self._frames += 1
            self._begun, self._ended = min(self._begun, time), max(self._ended, time + duration)
            self._last_frame = frame
        if face is None or emotion is None:
            return
        if frame != self._last_with_face:
            self._with_face += 1
            self._seconds_with_face += duration
            self._last_with_face = frame
        number = self._numbers.get(emotion)
        if number is None:
            number = self._numbers[emotion] = len(self._labels)
            self._labels.append(emotion)
        self._waiting.append((face, number, frame, time, duration, confidence, valence, arousal, uncertain))
        if len(self._waiting) >= self._piece:
            self._count()

    def _count(self) -> None:
        """Count what is waiting."""
        if self._waiting:
            columns = np.array(self._waiting, float).T
            face, number, frame = (column.astype(np.int64) for column in columns[:3])
            time, duration, confidence, valence, arousal, unsure = columns[3:]
            numbers = (time, duration, confidence, valence, arousal)
            self._tally.add(Readings(face, number, frame, *numbers, unsure > 0), self._labels)
            self._waiting.clear()

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain data: times and lengths in seconds, shares in 0..1."""
        self._count()
        people = self._tally.people
        together = self._tally.whole()
        return {
            "frames": self._frames,
            "seconds": round(self._ended - self._begun, 3) if self._frames else 0.0,
            "frames_with_face": self._with_face,
            "seconds_with_face": round(self._seconds_with_face, 3),
            "people": len(people),
            "share": self._shares(together),
            "measures": _measures(together),
            "faces": [self._face(face, people[face]) for face in sorted(people)],
            "note": f"{DISCLAIMER} {VALENCE_AROUSAL_SOURCE}",
        }

    def _face(self, face: int, person: Person) -> dict[str, Any]:
        per_minute = person.changes_per_minute
        shares = self._shares(person)
        return {
            "face": face,
            "records": person.readings,
            "first": round(person.first, 3),
            "last": round(person.last, 3),
            "seconds": round(person.seconds, 3),
            "emotion": max(shares, key=lambda name: shares[name]),
            "share": shares,
            "confidence": _spread(person.confidence),
            "valence": _spread(person.valence),
            "arousal": _spread(person.arousal),
            "quadrants": _named(figures.QUADRANTS, person.quadrant_shares),
            "changes": person.changes,
            "changes_per_minute": 0.0 if math.isnan(per_minute) else round(per_minute, 2),
            "measures": _measures(person),
            "longest_run": self._longest(person),
            "moments": self._moments(person),
        }

    def _longest(self, person: Person) -> dict[str, Any]:
        runs = person.runs
        assert runs is not None  # a face has a reading, and so a run
        at = figures.longest(runs)
        start, end = float(runs.start[at]), float(runs.end[at])
        return {
            "emotion": str(figures.names_of(runs.emotion[at], self._labels)),
            "start": round(start, 3),
            "end": round(end, 3),
            "seconds": round(end - start, 3),
        }

    def _moments(self, person: Person) -> list[dict[str, Any]]:
        runs = person.runs
        assert runs is not None
        return [
            {
                "time": round(float(runs.peak_time[at]), 3),
                "frame": int(runs.peak_frame[at]),
                "emotion": self._labels[runs.emotion[at]],
                "confidence": round(float(runs.peak[at]), 4),
            }
            for at in figures.strongest(runs, self._labels, figures.MOMENTS)
        ]

    def _shares(self, person: Person) -> dict[str, float]:
        """Give the share of each label, and of what is uncertain where something is: together 1."""
        labels, unsure = person.shares
        named = _named(self._labels, np.append(labels, np.zeros(len(self._labels) - len(labels))))
        return {**named, UNSURE: round(unsure, 4)} if unsure > 0 else named


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}


def _spread(spread: figures.Spread) -> dict[str, float | None]:
    if not spread.count:
        return {"mean": None, "sd": None, "n": 0}
    return {"mean": round(spread.mean, 4), "sd": round(spread.deviation, 4), "n": spread.count}


def _measures(person: Person) -> dict[str, float | None]:
    values = {measure.key: measure.of(person) for measure in MEASURES}
    return {key: None if math.isnan(value) else round(value, 4) for key, value in values.items()}
