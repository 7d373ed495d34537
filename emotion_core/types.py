"""The nouns of the stream: frozen dataclasses, validated when they are made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emotion_core.labels import EMOTIONS

if TYPE_CHECKING:
    import numpy as np  # a command that only says how it is used does without


class EmotionError(Exception):
    """A problem that a user can act on; its text is one line and says what to do next.

    `settings` names what to set otherwise, as "output": the command line adds its options of these names.
    """

    def __init__(self, text: str = "", settings: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.settings = tuple(settings)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the frame: top-left corner, width and height."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.x, self.y, self.width, self.height)):
            raise ValueError(f"a box needs finite numbers, not {self}")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"a box needs a positive size, not {self.width} x {self.height}")

    def as_list(self) -> list[float]:
        """Return [x, y, width, height], rounded to a tenth of a pixel."""
        return [round(float(v), 1) for v in (self.x, self.y, self.width, self.height)]

    def iou(self, other: Box) -> float:
        """Return the intersection over union with `other`, in [0, 1]."""
        w = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        h = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if w <= 0 or h <= 0:
            return 0.0
        return w * h / (self.width * self.height + other.width * other.height - w * h)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a stream: RGB uint8 (H, W, 3), its number from 0 and its time in seconds."""

    image: np.ndarray
    index: int = 0
    time: float = 0.0

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != "uint8":
            raise ValueError(
                f"a frame is RGB uint8 of shape (H, W, 3), not {self.image.dtype} {self.image.shape}"
            )


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees as a viewer sees it: right, up and clockwise are positive."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where the eyes look sideways, in degrees against the head: a viewer's right is positive."""

    yaw: float


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """A face found in a frame, before any emotion is read.

    `points` is (5, 2): right eye, left eye, nose tip, right and left mouth corner, in pixels ("right" is
    the person's own, so it lies left in the picture). `landmarks` is the (478, 2) MediaPipe mesh in pixels,
    or None where there is no mesh. `region` is the (2, 3) similarity from the picture to the crop that
    the next frame is read in. `held` counts the frames in a row for which a face that hardly changed has
    not been read anew, and `anchor` is how it looked when it was, see `faces.still`.
    `fit` is the mesh's own score, a logit: 15 to 30 on a face, below 8 where the mesh lies the wrong way
    round; None where the reader gives none.
    """

    box: Box
    score: float
    points: np.ndarray
    landmarks: np.ndarray | None = None
    pose: Pose | None = None
    blendshapes: Mapping[str, float] | None = None
    region: np.ndarray | None = field(default=None, repr=False)
    anchor: object = field(default=None, repr=False)
    held: int = 0
    fit: float | None = None

    def __post_init__(self) -> None:
        if self.points.shape != (5, 2):
            raise ValueError(f"points have the shape (5, 2), not {self.points.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face with an identity and what its expression looks like.

    `probabilities` follow `labels` and sum to 1; `emotion` is the label held against flicker,
    `confidence` its probability; `uncertain` says that the confidence lies below the session's threshold.
    Valence is in [-1, 1], arousal in [0, 1]. `landmarks` are the 50 key points (50, 2) in pixels;
    `gaze` comes of the iris points of the whole mesh.
    """

    id: int
    box: Box
    emotion: str
    confidence: float
    probabilities: tuple[float, ...]
    valence: float
    arousal: float
    labels: tuple[str, ...] = EMOTIONS
    uncertain: bool = False
    landmarks: np.ndarray | None = None
    pose: Pose | None = None
    blendshapes: Mapping[str, float] | None = field(default=None, repr=False)
    gaze: Gaze | None = None

    def __post_init__(self) -> None:
        if self.emotion not in self.labels:
            raise ValueError(f"{self.emotion!r} is none of {self.labels}")
        if len(self.probabilities) != len(self.labels):
            raise ValueError(f"{len(self.labels)} labels need as many probabilities")
        if not abs(sum(self.probabilities) - 1) < 1e-3:
            raise ValueError(f"probabilities sum to 1, not {sum(self.probabilities)}")
        if not -1 <= self.valence <= 1:
            raise ValueError(f"valence lies in [-1, 1], not {self.valence}")
        if not 0 <= self.arousal <= 1:
            raise ValueError(f"arousal lies in [0, 1], not {self.arousal}")


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """An object marked by YOLOv8: its name, score in [0, 1] and box."""

    label: str
    score: float
    box: Box


_OVERLAP = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """What the detector says: a box, a score in [0, 1] and five points (5, 2), all in pixels."""

    box: Box
    score: float
    points: np.ndarray


def same_place(a: Box, b: Box) -> bool:
    """Tell whether two boxes mark one face: they overlap much or have nearly the same centre."""
    if a.iou(b) > _OVERLAP:
        return True
    reach = 0.3 * min(a.width, b.width), 0.3 * min(a.height, b.height)
    return (
        abs(a.x + a.width / 2 - b.x - b.width / 2) < reach[0]
        and abs(a.y + a.height / 2 - b.y - b.height / 2) < reach[1]
    )
