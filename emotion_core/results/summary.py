"""What a recording comes to: shares, means, longest runs and strongest moments, counted as the records pass.

Nothing is kept per record, so an hour costs as little memory as a minute.
"""

import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from emotion_core.labels import DISCLAIMER, EMOTIONS, VALENCE_AROUSAL_SOURCE

GAP = 1.0
"""A face that is away for longer than this, in seconds, starts a new run when it is back."""

MOMENTS = 5
"""How many of its strongest moments a face gets."""


@dataclass(slots=True)
class _Mean:
    """Mean and standard deviation in one pass (Welford 1962, Technometrics 4)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self.squares += step * (value - self.mean)

    def as_dict(self) -> dict[str, float | None]:
        if not self.count:
            return {"mean": None, "sd": None, "n": 0}
        spread = math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0
        return {"mean": round(self.mean, 4), "sd": round(spread, 4), "n": self.count}


@dataclass(slots=True)
class _Run:
    """A stretch in which a face keeps one emotion, and its peak."""

    emotion: str
    start: float
    last: float
    peak: float
    peak_time: float
    peak_frame: int


@dataclass(slots=True)
class _Person:
    """What has been counted of one face."""

    first: float
    last: float
    counts: Counter[str] = field(default_factory=Counter)
    valence: _Mean = field(default_factory=_Mean)
    arousal: _Mean = field(default_factory=_Mean)
    confidence: _Mean = field(default_factory=_Mean)
    seen: float = 0.0
    changes: int = 0
    run: _Run | None = None
    longest: _Run | None = None
    # A heap of (peak, order, run): the weakest of the strongest moments lies on top.
    moments: list[tuple[float, int, _Run]] = field(default_factory=list)

    def end_run(self, order: int) -> None:
        run = self.run
        if run is None:
            return
        if self.longest is None or run.last - run.start > self.longest.last - self.longest.start:
            self.longest = run
        if run.emotion != "Neutral":
            entry = (run.peak, -order, run)
            if len(self.moments) < MOMENTS:
                heapq.heappush(self.moments, entry)
            else:
                heapq.heappushpop(self.moments, entry)


class Summary:
    """Counts records as they pass; `as_dict()` gives the summary at any moment."""

    def __init__(self, labels: Sequence[str] = EMOTIONS) -> None:
        self.labels = tuple(labels)
        self._people: dict[int, _Person] = {}
        self._frames = 0
        self._with_face = 0
        self._last_frame: int | None = None
        self._last_with_face: int | None = None
        self._first = math.inf
        self._last = -math.inf
        self._order = 0

    def add(
        self,
        frame: int,
        time: float,
        face: int | None,
        emotion: str | None,
        confidence: float,
        valence: float,
        arousal: float,
    ) -> None:
        """Count one record; `face` or `emotion` None says that nobody was found in the frame."""
        if frame != self._last_frame:
            self._frames += 1
            self._last_frame = frame
        self._first = min(self._first, time)
        self._last = max(self._last, time)
        if face is None or emotion is None:
            return
        if frame != self._last_with_face:
            self._with_face += 1
            self._last_with_face = frame
        person = self._people.get(face)
        if person is None:
            person = self._people[face] = _Person(time, time)
        self._order += 1
        gap = time - person.last
        person.counts[emotion] += 1
        person.valence.add(valence)
        person.arousal.add(arousal)
        person.confidence.add(confidence)
        run = person.run
        if run is not None and run.emotion == emotion and gap <= GAP:
            run.last = time
            if confidence > run.peak:
                run.peak, run.peak_time, run.peak_frame = confidence, time, frame
        else:
            person.changes += run is not None and gap <= GAP
            person.end_run(self._order)
            person.run = _Run(emotion, time, time, confidence, time, frame)
        if gap <= GAP:
            person.seen += gap
        person.last = time

    def as_dict(self) -> dict[str, Any]:
        """Give the summary as plain data: times and lengths in seconds, shares in 0..1."""
        step = (self._last - self._first) / (self._frames - 1) if self._frames > 1 else 0.0
        people = [self._person(face, self._people[face], step) for face in sorted(self._people)]
        total: Counter[str] = Counter()
        for person in self._people.values():
            total.update(person.counts)
        return {
            "frames": self._frames,
            "seconds": round(self._last - self._first + step, 3) if self._frames else 0.0,
            "frames_with_face": self._with_face,
            "people": len(people),
            "share": self._shares(total),
            "faces": people,
            "note": f"{DISCLAIMER} {VALENCE_AROUSAL_SOURCE}",
        }

    def _person(self, face: int, person: _Person, step: float) -> dict[str, Any]:
        run = person.run
        longest = person.longest
        if run is not None and (longest is None or run.last - run.start > longest.last - longest.start):
            longest = run
        moments = [run for _, _, run in person.moments]
        if run is not None and run.emotion != "Neutral":
            moments.append(run)  # the run that is still going on
        moments = sorted(moments, key=lambda m: -m.peak)[:MOMENTS]
        minutes = (person.seen + step) / 60
        return {
            "face": face,
            "records": person.confidence.count,
            "first": round(person.first, 3),
            "last": round(person.last, 3),
            "seconds": round(person.seen + step, 3),
            "emotion": max(person.counts, key=lambda name: person.counts[name]),
            "share": self._shares(person.counts),
            "confidence": person.confidence.as_dict(),
            "valence": person.valence.as_dict(),
            "arousal": person.arousal.as_dict(),
            "changes": person.changes,
            "changes_per_minute": round(person.changes / minutes, 2) if minutes else 0.0,
            "longest_run": None
            if longest is None
            else {
                "emotion": longest.emotion,
                "start": round(longest.start, 3),
                "end": round(longest.last + step, 3),
                "seconds": round(longest.last - longest.start + step, 3),
            },
            "moments": [
                {
                    "time": round(m.peak_time, 3),
                    "frame": m.peak_frame,
                    "emotion": m.emotion,
                    "confidence": round(m.peak, 4),
                }
                for m in moments
            ],
        }

    def _shares(self, counts: Counter[str]) -> dict[str, float]:
        whole = sum(counts.values())
        names = [*self.labels, *sorted(set(counts) - set(self.labels))]
        return {name: round(counts[name] / whole, 4) if whole else 0.0 for name in names}
