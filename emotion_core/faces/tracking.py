"""Identities over time: which face of this frame is whose.

A tracker of our own: supervision has none any more, and those that count frames lose people where frames
come irregularly, as they do live. This one thinks in seconds, knows that faces are followed by their mesh
between searches, and is plain data, so that a Session can be copied and pickled.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import cv2
import numpy as np

from emotion_core.faces.crop import crop_matrix, warp
from emotion_core.types import Box, Candidate, DetectedFace, same_place

MEMORY = 3.0
"""Seconds for which someone who has left keeps the id."""

_EVERY = 0.4  # seconds between searches while all goes well
_SOON = 0.1  # and while nobody is there or someone has just been lost
_THOROUGH = 2.0  # seconds between thorough searches
_PATIENCE = 0.1  # seconds for which a search may be put off to a frame with less to do
# Parts of the picture differ by so many grey levels where somebody new may have come; where faces are that
# are followed, by so many times as much. It takes a part as large as the smallest face that is found.
_NEWS, _KNOWN = 9.0, 3.0
_SURE, _SURE_ALONE = 0.7, 0.85  # scores with and without a mesh from which one sighting is enough
_SIGHTINGS = 3  # that a face below them needs, one after another
_DOUBTS = 4  # searches in a row that don't see a followed face, until it is given up
_GLIDE = 0.5  # seconds in which the movement of someone hidden dies away
_HIDDEN = 0.8  # seconds for which someone who is out of sight is expected to have moved on
_SAME = 0.45  # of a face's size: two faces nearer than this are one
_STEP = 1 / 30  # seconds, assumed where times don't rise
# A hard cut: pixels differ by so many grey levels on average, and what is bright is so little alike. Movement
# changes 25 levels in a third of a second at most, and a light that goes on or off leaves the pattern alike.
_CUT_LEVELS, _CUT_ALIKE = 30.0, 0.7
_CUT_WITHIN = 0.5  # seconds between two frames, at most, for which that tells anything
_CUT_LOOK = 0.25  # looks that differ less may be one person on both sides of a cut; one's own differs by 0.2


class Search(Enum):
    """How hard to look for new faces in this frame."""

    NONE = 0
    QUICK = 1
    THOROUGH = 2


@dataclass(slots=True, eq=False)
class Track:
    """One face over time. `id` is None until it is sure to be a face; `velocity` is in pixels a second."""

    face: DetectedFace
    look: np.ndarray
    seen: float
    id: int | None = None
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))
    sightings: int = 1
    doubts: int = 0
    missing: bool = False
    cut_off: bool = False  # seen before the last hard cut only: place tells less than look

    def expected(self, now: float) -> np.ndarray:
        """Give where the centre (2,) should be, gliding to a halt while it is out of sight."""
        away = now - self.seen
        if away > _HIDDEN:  # gone rather than hidden: whoever returns mostly does so at the same place
            return center(self.face.box)
        return center(self.face.box) + self.velocity * _GLIDE * (1 - math.exp(-away / _GLIDE))


@dataclass(slots=True, eq=False)
class Tracker:
    """The tracks of one session. Per frame: `begin`, follow `present`, `search` where due, `update`."""

    tracks: list[Track] = field(default_factory=list)
    next_id: int = 1
    now: float = 0.0
    _time: float | None = None
    _searched: float = -math.inf
    _thorough: float = -math.inf
    _scene: np.ndarray | None = None
    _looked: np.ndarray | None = None  # the scene at the last search
    _due_at: float | None = None

    def begin(self, time: float, image: np.ndarray | None = None) -> Search:
        """Start the frame at `time`, in seconds, and say what search is due before anyone is lost.

        Times may come irregularly. One that doesn't rise, as at a seek or with pictures that have no
        clock, counts as one thirtieth of a second. Where `image` shows a hard cut, nobody is present any
        more: whoever was there is known again by look.
        """
        step = 0.0 if self._time is None else time - self._time
        if self._time is not None and step <= 0:
            step = _STEP
        self._time = time
        self.now += step
        self.tracks = [t for t in self.tracks if self.now - t.seen <= MEMORY]
        if image is not None and self._is_cut(image, step):
            for track in self.tracks:
                track.missing = track.cut_off = True
            return Search.THOROUGH
        due = self._due(None if image is None else image.shape[1::-1])
        if due is Search.NONE:
            self._due_at = None
        elif self._due_at is None:
            self._due_at = self.now
        return due

    @property
    def patient(self) -> bool:
        """Whether the search that is due may as well be made in the next frame."""
        settled = not any(t.missing or t.id is None for t in self.tracks)
        return settled and self._due_at is not None and self.now - self._due_at < _PATIENCE - 1e-6

    @property
    def present(self) -> list[Track]:
        """The tracks that were seen in the frame before, to be followed into this one."""
        return [t for t in self.tracks if not t.missing]

    def update(
        self,
        image: np.ndarray,
        followed: Sequence[DetectedFace | None],
        search: Search = Search.NONE,
        seen: Sequence[Candidate] = (),
        found: Sequence[DetectedFace] = (),
    ) -> list[Track]:
        """Take in a frame and give the tracks that are sure and seen in it, in the order of their ids.

        `followed` answers `present`, in its order. Where a search was made, `seen` is all that it saw and
        `found` the faces among it that nobody who is followed covers.
        """
        present = self.present
        for track, face in zip(present, followed, strict=True):
            track.missing = face is None
        near = {id(t): face for t, face in zip(present, followed, strict=True) if face is not None}
        for track in self._doubles(image, near):
            track.missing = True
        for track in present:
            if not track.missing:
                self._move(track, near[id(track)])
        if search is not Search.NONE:
            self._searched, self._looked, self._due_at = self.now, self._scene, None
            self._check(seen)
            if search is Search.THOROUGH:
                self._thorough = self.now
            self._place(image, found)
        self.tracks = [t for t in self.tracks if t.id is not None or not t.missing]
        return sorted((t for t in self.present if t.id is not None), key=lambda t: t.id or 0)

    def _is_cut(self, image: np.ndarray, step: float) -> bool:
        before, self._scene = self._scene, scene_of(image)
        if before is None or step > _CUT_WITHIN or np.abs(self._scene - before).mean() < _CUT_LEVELS:
            return False
        a, b = self._scene - self._scene.mean(), before - before.mean()
        return bool((a * b).sum() < _CUT_ALIKE * np.sqrt((a * a).sum() * (b * b).sum()))

    def _due(self, size: tuple[int, ...] | None) -> Search:
        if self.now - self._thorough >= _THOROUGH:
            return Search.THOROUGH
        wait = _EVERY
        if any(t.id is None for t in self.tracks):
            wait = 0.0
        elif not self.tracks or any(t.missing and self.now - t.seen < 1.0 for t in self.tracks):
            wait = _SOON
        if self.now - self._searched < wait - 1e-6:
            return Search.NONE
        return Search.NONE if wait == _EVERY and size and self._nothing_new(size) else Search.QUICK

    def _nothing_new(self, size: tuple[int, ...]) -> bool:
        """Tell whether the picture shows what it did at the last search, by (width, height) of it."""
        if self._scene is None or self._looked is None:
            return False
        apart = np.abs(self._scene - self._looked)
        rows, columns = apart.shape
        for box in (t.face.box for t in self.present):
            x0, x1 = (round(x * columns / size[0]) for x in (box.x - box.width / 4, box.x + 1.25 * box.width))
            y0, y1 = (round(y * rows / size[1]) for y in (box.y - box.height / 4, box.y + 1.25 * box.height))
            apart[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] /= _KNOWN
        return bool(apart.max() < _NEWS)

    def _move(self, track: Track, face: DetectedFace) -> None:
        step = max(self.now - track.seen, 1e-3)
        speed = (center(face.box) - center(track.face.box)) / step
        track.velocity = track.velocity + (1 - math.exp(-step / 0.15)) * (speed - track.velocity)
        track.face, track.seen, track.missing, track.cut_off = face, self.now, False, False

    def _doubles(self, image: np.ndarray, near: dict[int, DetectedFace]) -> list[Track]:
        """Give the tracks that have slipped onto a face which is another's, as happens when two cross."""
        slipped: list[Track] = []
        present = [t for t in self.present if id(t) in near]
        for i, one in enumerate(present):
            for other in present[i + 1 :]:
                if (
                    one in slipped
                    or other in slipped
                    or not _one_face(near[id(one)].box, near[id(other)].box)
                ):
                    continue
                worse = max(one, other, key=lambda t: (t.id is None, self._strain(image, t, near[id(t)])))
                slipped.append(worse)
        return slipped

    def _strain(self, image: np.ndarray, track: Track, face: DetectedFace) -> float:
        """Tell how ill `face` fits `track`: by place, size and look; below about 1 it fits."""
        size = _size(track.face.box)
        away = float(np.hypot(*(center(face.box) - track.expected(self.now)))) / size
        grown = abs(math.log(_size(face.box) / size))
        return away + grown + 1.5 * unlike(track.look, look_of(image, face.points))

    def _check(self, seen: Sequence[Candidate]) -> None:
        for track in self.present:
            if any(_one_face(track.face.box, c.box) or same_place(track.face.box, c.box) for c in seen):
                track.sightings += 1
                track.doubts = 0
                if track.id is None and track.sightings >= _SIGHTINGS:
                    self._name(track)
            else:
                track.doubts += 1
                track.missing = track.id is None or track.doubts >= _DOUBTS

    def _place(self, image: np.ndarray, found: Sequence[DetectedFace]) -> None:
        lost = [t for t in self.tracks if t.missing and t.id is not None]
        strains = np.full((len(lost), len(found)), np.inf)
        for i, track in enumerate(lost):
            reach = min(1.7 + 1.5 * (self.now - track.seen), 3.0)
            for j, face in enumerate(found):
                if track.cut_off and unlike(track.look, look_of(image, face.points)) > _CUT_LOOK:
                    continue
                strain = self._strain(image, track, face)
                strains[i, j] = strain if strain < reach else np.inf
        pairs = assign(strains)
        for i, j in pairs:
            self._move(lost[i], found[j])
            lost[i].doubts = 0
        taken = {j for _, j in pairs}
        for j, face in sorted(enumerate(found), key=lambda pair: pair[1].box.x):  # numbered from the left
            if j not in taken:
                track = Track(face, look_of(image, face.points), self.now)
                self.tracks.append(track)
                if face.score >= (_SURE if face.landmarks is not None else _SURE_ALONE):
                    self._name(track)
        for track in self.present:
            if not any(t is not track and _touch(track.face.box, t.face.box) for t in self.present):
                track.look = 0.7 * track.look + 0.3 * look_of(image, track.face.points)

    def _name(self, track: Track) -> None:
        track.id = self.next_id
        self.next_id += 1


def assign(costs: np.ndarray) -> list[tuple[int, int]]:
    """Pair rows with columns of (R, C): as many pairs as can be, and of those the ones with the least sum.

    Infinite costs are never paired.

    >>> assign(np.array([[1.0, 2.0], [1.5, 9.0]]))
    [(0, 1), (1, 0)]
    """
    possible = np.isfinite(costs)
    if not possible.any():
        return []
    if 1 in costs.shape:  # one face or one place: the usual case, which needs no solver
        row, column = divmod(int(costs.argmin()), costs.shape[1])
        return [(row, column)]
    import lap  # SciPy's solver gives the same, and takes 139 MB in place of 15

    # dearer than any set of pairs, so that a pair which may be is never given up for a cheaper sum
    beyond = 1.0 + 2 * min(costs.shape) * costs.max(initial=0.0, where=possible)
    _, columns, _ = lap.lapjv(np.where(possible, costs, beyond), extend_cost=True)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0 and possible[row, column]]


def look_of(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Give the colours of head and shoulders: a histogram (6 * 6 * 6,) in CIELAB that sums to 1."""
    try:
        crop = warp(image, crop_matrix(points, 32, 2.0), 32)
    except ValueError:  # the points fall together
        return np.full(216, 1 / 216)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)
    lab[:, :, 1:] = lab[:, :, 1:].clip(88, 167)  # where skin, hair and most cloth lie; the rest at the edge
    ranges = [0, 256, 88, 168, 88, 168]
    counts = cv2.calcHist([lab], [0, 1, 2], None, [6, 6, 6], ranges).ravel()
    counts = counts + 0.5
    return counts / counts.sum()


def scene_of(image: np.ndarray) -> np.ndarray:
    """Give a thumbnail (18, 32) of an RGB picture, float32 in [0, 255], by which hard cuts are seen."""
    apart = max(1, min(image.shape[:2]) // 64)  # every so many pixels: averaging all of 4K would take 5 ms
    small = cv2.resize(image[::apart, ::apart], (32, 18), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)


def unlike(look: np.ndarray, other: np.ndarray) -> float:
    """Give the Hellinger distance of two looks, in [0, 1]."""
    return math.sqrt(max(0.0, 1.0 - float(np.sqrt(look * other).sum())))


def center(box: Box) -> np.ndarray:
    """Give the centre (2,) of a box."""
    return np.array([box.x + box.width / 2, box.y + box.height / 2])


def _size(box: Box) -> float:
    return math.sqrt(box.width * box.height)


def _one_face(a: Box, b: Box) -> bool:
    apart = float(np.hypot(*(center(a) - center(b))))
    return apart < _SAME * min(_size(a), _size(b)) or a.iou(b) > 0.55


def _touch(a: Box, b: Box) -> bool:
    reach = (_size(a) + _size(b)) * 0.9
    return bool(np.abs(center(a) - center(b)).max() < reach)
