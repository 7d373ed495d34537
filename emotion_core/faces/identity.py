"""Whether a face is that of a person seen before: a short memory of looks, and the thresholds of it."""

from dataclasses import dataclass, field

import numpy as np

from emotion_core.types import DetectedFace

# Cosines of two embeddings, chosen on pairs (`python -m benchmarks.pairs`; error rates in MODEL_CARD.md).
SAME = 0.46
"""From here on two good views are one person's, wherever and whenever they were seen."""
OTHER = 0.24
"""Below it they are two people's, though one mesh followed from one to the other."""

DOUBTED = 0.34
"""And where the picture of a face changed at once, or the face was lost from sight, below this."""
ADD = 0.55
"""A view that is as like as this may be remembered."""

_VIEWS = 8  # that are remembered of a person
_NEW_VIEW = 0.85  # cosine below which a view is worth remembering apart
# What a view must be to tell people apart: degrees from the front, the mesh's score, pixels.
_TURNED, _BOWED, _FIT, _SMALL = 35.0, 30.0, 8.0, 28.0
_FAIR_TURNED, _FAIR_FIT = 45.0, 4.0  # and to tell at least that it is clearly somebody else
_POINTS = slice(0, 468, 4)  # of the mesh, where brightness is sampled
_JUMP = 0.8  # correlation of what lies at these points in two pictures: below, something has changed


@dataclass(slots=True, eq=False)
class Looks:
    """What one person looked like: up to eight unit vectors (K, 128), and one more that may join them."""

    views: np.ndarray = field(default_factory=lambda: np.zeros((0, 128), np.float32))
    pending: np.ndarray | None = None
    pending_like: float = 0.0

    def __len__(self) -> int:
        return len(self.views)

    def like(self, vector: np.ndarray) -> float:
        """Return the cosine of a unit vector (128,) with the nearest view or their mean; -1 without any."""
        if not len(self.views):
            return -1.0
        mean = self.views.mean(0)
        return float(max((self.views @ vector).max(), mean @ vector / max(np.linalg.norm(mean), 1e-6)))

    def learn(self, vector: np.ndarray) -> None:
        """Take a new view for the same person's, and remember it once a later one is no less like the others.

        In a slow cross-fade each view is like the one before and less and less like the first: none of them
        is ever remembered, or they would lead from one person to another step by step.
        """
        like = self.like(vector)
        if not len(self.views):
            self.add(vector)
            return
        if self.pending is not None and like >= self.pending_like:
            self.add(self.pending)
        self.pending, self.pending_like = (vector, like) if like >= ADD else (None, 0.0)

    def add(self, vector: np.ndarray) -> None:
        """Remember a view; one that is like another is mixed into it, the oldest goes."""
        if len(self.views):
            cosines = self.views @ vector
            near = int(cosines.argmax())
            if cosines[near] >= _NEW_VIEW:
                mixed = 0.8 * self.views[near] + 0.2 * vector
                self.views[near] = mixed / np.linalg.norm(mixed)
                return
        kept = self.views if len(self.views) < _VIEWS else np.delete(self.views, 1, axis=0)  # the first stays
        self.views = np.concatenate([kept, vector[None]])

    def join(self, other: "Looks") -> None:
        """Take over what another memory of the same person holds."""
        for view in other.views:
            self.add(view)


def is_good_view(image: np.ndarray, face: DetectedFace, *, fair: bool = False) -> bool:
    """Tell whether a face is shown well enough to say whose it is: from the front, large and whole.

    With `fair`, whether it is so at least that somebody else can be told who is clearly unlike.
    """
    box, (height, width) = face.box, image.shape[:2]
    if min(box.width, box.height) < _SMALL or face.pose is None:
        return False
    inside_x = min(box.x + box.width, width) - max(box.x, 0)
    inside_y = min(box.y + box.height, height) - max(box.y, 0)
    if inside_x < 0.9 * box.width or inside_y < 0.85 * box.height:
        return False
    well = face.fit is None or face.fit >= (_FAIR_FIT if fair else _FIT)
    turned = _FAIR_TURNED if fair else _TURNED
    return well and abs(face.pose.yaw) < turned and abs(face.pose.pitch) < _BOWED


def pattern_of(image: np.ndarray, face: DetectedFace) -> np.ndarray:
    """Return the brightness pattern of a face (N,), sampled where its mesh or its box lies; mean 0, length 1.

    It costs a hundredth of an embedding, and tells when to ask for one.
    """
    if face.landmarks is not None:
        points = face.landmarks[_POINTS]
    else:
        steps = (np.arange(10) + 0.5) / 10
        across, down = np.meshgrid(face.box.x + steps * face.box.width, face.box.y + steps * face.box.height)
        points = np.column_stack([across.ravel(), down.ravel()])
    height, width = image.shape[:2]
    x, y = points[:, 0].astype(np.intp).clip(0, width - 1), points[:, 1].astype(np.intp).clip(0, height - 1)
    values = image[y, x, 1].astype(np.float32)  # green stands for brightness
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-3)


def is_jump(before: np.ndarray | None, now: np.ndarray) -> bool:
    """Tell whether so much has changed between two patterns that it may be another person."""
    return before is None or len(before) != len(now) or float(before @ now) < _JUMP
