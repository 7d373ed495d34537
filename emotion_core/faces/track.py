"""One face over time, as the tracker knows it."""

import math
from dataclasses import dataclass, field

import numpy as np

from emotion_core.faces.identity import Looks
from emotion_core.faces.regions import center
from emotion_core.types import DetectedFace

_GLIDE = 0.5  # seconds in which the movement of someone hidden dies away
_HIDDEN = 0.8  # seconds for which someone who is out of sight is expected to have moved on


@dataclass(slots=True, eq=False)
class Track:
    """One face over time. `id` is None until it is sure to be a face; `velocity` is in pixels a second.

    `person` is what its person looked like, `pattern` what was last seen at the points of its mesh.
    """

    face: DetectedFace
    look: np.ndarray
    seen: float
    id: int | None = None
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))
    sightings: int = 1
    doubts: int = 0
    missing: bool = False
    cut_off: bool = False  # seen before the last hard cut only: place tells less than look
    lost: float | None = None  # when the first picture came in which it was missing
    misses: int = 0  # and how many did since
    person: Looks = field(default_factory=Looks)
    rough: np.ndarray | None = None  # a view that was not good, while there is none that was
    pattern: np.ndarray | None = None
    compared: float = -math.inf  # when the look was last asked for
    jumped: bool = False  # something has changed at once since then
    strange: list[np.ndarray] = field(default_factory=list)  # looks in a row that were somebody else's
    replaced: bool = False  # by somebody else at the very place, which therefore tells nothing
    waits: float = -math.inf  # until when somebody who may have returned is waited for to be seen well
    guessed: bool = False  # named before it was seen well: may turn out to be somebody who is known

    def like(self, vector: np.ndarray) -> float:
        """Return the cosine of a look (128,) with what was seen of the face; 1 where nothing was."""
        if len(self.person):
            return self.person.like(vector)
        return 1.0 if self.rough is None else float(self.rough @ vector)

    def expected(self, now: float) -> np.ndarray:
        """Return where the centre (2,) should be, gliding to a halt while it is out of sight."""
        away = now - self.seen
        if away > _HIDDEN:  # gone rather than hidden: whoever returns mostly does so at the same place
            return center(self.face.box)
        return center(self.face.box) + self.velocity * _GLIDE * (1 - math.exp(-away / _GLIDE))
