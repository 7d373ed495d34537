"""Identities over time: which face of this frame is whose.

A tracker of our own: those that count frames lose people where frames come irregularly, as they do live. It
knows that faces are followed by their mesh, and is plain data, so that a Session can be copied and pickled.
With embeddings, who somebody is follows the look and not the place.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from emotion_core.faces.assignment import assign
from emotion_core.faces.colors import look_of, unlike
from emotion_core.faces.embedding import Embed
from emotion_core.faces.identity import DOUBTED, OTHER, SAME, Looks, is_good_view, is_jump, pattern_of
from emotion_core.faces.regions import center, covers, one_face, size_of, touch
from emotion_core.faces.scene import has_news, is_cut, scene_of
from emotion_core.faces.track import Track
from emotion_core.types import Candidate, DetectedFace, same_place

MEMORY = 3.0
"""Seconds for which whoever has left is expected near the last place, from the first picture without them."""

PEOPLE = 500
"""How many people who have left are known again by their looks, the last ones."""

_EVERY = 0.4  # seconds between searches while all goes well
_SOON = 0.1  # and while nobody is there or someone has just been lost
_THOROUGH = 2.0  # seconds between thorough searches
_PATIENCE = 0.1  # seconds for which a search may be put off to a frame with less to do
_SURE, _SURE_ALONE = 0.7, 0.85  # scores with and without a mesh from which one sighting is enough
_FITS = 15.0  # score of the mesh itself with which one sighting is enough too: of heads that lie, mostly
_SIGHTINGS = 3  # that a face below them needs, one after another
_DOUBTS = 4  # searches in a row that don't see a followed face, until it is given up
_STEP = 1 / 30  # seconds, assumed where times don't rise
_MISSES = 3  # pictures without somebody, at least, until the place is forgotten: they may come slowly
# Looks in a row at somebody else until a track is split: where they are clearly another's, and where that is
# doubtful. After a jump, one and two are enough, and one where pictures come this slowly, in seconds.
_STRANGE, _LONG_STRANGE, _SLOW = 3, 12, 0.5
_RETURNING = 0.6  # seconds for which it is waited to see somebody well who may be someone who returns
_AT_ONCE = 4  # faces that are compared as a matter of course in one picture, the longest ago first
_CUT_LOOK = 0.25  # looks that differ less may be one person on both sides of a cut; one's own differs by 0.2


class Search(Enum):
    """How hard to look for new faces in this frame."""

    NONE = 0
    QUICK = 1
    THOROUGH = 2


@dataclass(slots=True, eq=False)
class Tracker:
    """The tracks of one session. Per frame: `begin`, follow `present`, `search` where due, `update`."""

    tracks: list[Track] = field(default_factory=list)
    next_id: int = 1
    now: float = 0.0
    away: dict[int, Looks] = field(default_factory=dict)  # those who have left, by id
    _time: float | None = None
    _searched: float = -math.inf
    _thorough: float = -math.inf
    _scene: np.ndarray | None = None
    _looked: np.ndarray | None = None  # the scene at the last search
    _due_at: float | None = None
    _step: float = 0.0  # seconds between the last two pictures

    def begin(self, time: float, image: np.ndarray | None = None) -> Search:
        """Start the frame at `time`, in seconds, and say what search is due before anyone is lost.

        Times may come irregularly. One that doesn't rise, as at a seek or with pictures that have no
        clock, counts as one thirtieth of a second. Where `image` shows a hard cut, nobody is present any
        more: whoever was there is known again by look.
        """
        step = 0.0 if self._time is None else time - self._time
        if self._time is not None and step <= 0:
            step = _STEP
        self._time, self._step = time, step
        self.now += step
        self._forget()
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
        embed: Embed | None = None,
    ) -> list[Track]:
        """Take in a frame and give the tracks that are sure and seen in it, in the order of their ids.

        `followed` answers `present`, in its order. Where a search was made, `seen` is all that it saw and
        `found` the faces among it that nobody who is followed covers. `embed` tells people apart; without it
        place and colours alone do.
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
        others = [] if embed is None else self._compare(image, embed, search is not Search.NONE)
        if search is not Search.NONE:
            self._searched, self._looked, self._due_at = self.now, self._scene, None
            self._check(seen)
            if search is Search.THOROUGH:
                self._thorough = self.now
        if others or search is not Search.NONE:
            self._place(image, [*found, *others], embed)
        self.tracks = [t for t in self.tracks if t.id is not None or not t.missing]
        for track in self.tracks:
            if track.missing:
                track.lost = self.now if track.lost is None else track.lost
                track.misses += 1
        return sorted((t for t in self.present if t.id is not None), key=lambda t: t.id or 0)

    def _is_cut(self, image: np.ndarray, step: float) -> bool:
        before, self._scene = self._scene, scene_of(image)
        return before is not None and is_cut(before, self._scene, step)

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
        if self._scene is None or self._looked is None:
            return False
        return not has_news(self._looked, self._scene, [t.face.box for t in self.present], size)

    def _move(self, track: Track, face: DetectedFace) -> None:
        step = max(self.now - track.seen, 1e-3)
        speed = (center(face.box) - center(track.face.box)) / step
        track.velocity = track.velocity + (1 - math.exp(-step / 0.15)) * (speed - track.velocity)
        track.face, track.seen, track.missing, track.cut_off = face, self.now, False, False
        track.lost, track.misses, track.replaced = None, 0, False

    def _forget(self) -> None:
        """Let go of the place of those who are missing for long; what they look like stays."""
        kept = []
        for track in self.tracks:
            if track.lost is None or self.now - track.lost <= MEMORY or track.misses < _MISSES:
                kept.append(track)
            elif track.id is not None and len(track.person):
                self.away.pop(track.id, None)
                self.away[track.id] = track.person
        self.tracks = kept
        for oldest in list(self.away)[: max(0, len(self.away) - PEOPLE)]:
            del self.away[oldest]

    def _compare(self, image: np.ndarray, embed: Embed, searched: bool) -> list[DetectedFace]:
        """Compare those who are present with what they looked like; give the faces that are somebody else's.

        An embedding is asked for where something changed at once, where there is doubt, and at searches.
        """
        asked, usual = [], []
        for track in self.present:
            pattern = pattern_of(image, track.face)
            track.jumped = track.jumped or (track.pattern is not None and is_jump(track.pattern, pattern))
            track.pattern = pattern
            if track.jumped or track.strange or not len(track.person) or track.guessed or track.id is None:
                asked.append(track)
            elif searched:
                usual.append(track)
        asked += sorted(usual, key=lambda t: t.compared)[:_AT_ONCE]
        asked = [t for t in asked if self._can_tell(image, t)]
        others = []
        for track, vector in zip(asked, embed(image, [t.face for t in asked]) if asked else (), strict=True):
            track.compared, good = self.now, is_good_view(image, track.face)
            if self._is_other(track, vector, good):
                others.append(track.face)
                track.missing, track.replaced, track.strange = True, True, []
            elif not good:
                continue
            elif track.guessed or track.id is None:
                self._claim(track, vector)
        return others

    def _can_tell(self, image: np.ndarray, track: Track) -> bool:
        """Tell whether the look at a face says anything of whose it is."""
        known = len(track.person) > 0
        if known and not track.jumped and self._is_hidden(track):
            return False
        unseen = not known and track.rough is None
        return is_good_view(image, track.face, fair=track.jumped or unseen)

    def _is_hidden(self, track: Track) -> bool:
        return any(t is not track and covers(track.face.box, t.face.box) for t in self.present)

    def _is_known(self, track: Track, vector: np.ndarray) -> bool:
        """Tell whether a look is that of another person who was seen before."""
        others = [t.person for t in self.tracks if t is not track]
        return any(person.like(vector) >= SAME for person in [*others, *self.away.values()])

    def _is_other(self, track: Track, vector: np.ndarray, good: bool) -> bool:
        """Tell whether what is followed has become somebody else, and remember the view where not.

        A view that is not good, as one that is compared with such a one, tells only of those who are clearly
        unlike; one of a face that may be partly hidden only of those who are known.
        """
        sure, like = good and len(track.person) > 0, track.like(vector)
        if like < (DOUBTED if sure else OTHER):
            if self._is_hidden(track) and not self._is_known(track, vector):
                return False
            if track.strange and float(track.strange[-1] @ vector) < SAME:
                track.strange = []  # no two looks agree: blur rather than somebody
            track.strange.append(vector)
            clearly, doubtfully = (1, 2) if track.jumped else (_STRANGE, _LONG_STRANGE)
            if track.jumped and self._step > _SLOW:
                doubtfully = 1
            if not sure:
                clearly += 1
            return len(track.strange) >= (clearly if like < OTHER else doubtfully)
        if good:
            track.person.learn(vector)
        elif not len(track.person):
            track.rough = vector
        if good or like >= DOUBTED:
            track.jumped, track.strange = False, []
        return False

    def _claim(self, track: Track, vector: np.ndarray) -> None:
        """Name a track that was not seen well until now after whoever it turns out to be."""
        known = {t.id: t.person for t in self.tracks if t.missing and t.id is not None} | self.away
        if track.id is not None:
            known.pop(track.id, None)
        best = max(known, key=lambda number: known[number].like(vector), default=None)
        if best is not None and known[best].like(vector) >= SAME:
            self.tracks = [t for t in self.tracks if t.id != best]
            person = known[best]
            person.join(track.person)
            self.away.pop(best, None)
            track.id, track.person = best, person
        elif track.id is None and track.face.score >= _sure(track.face):
            self._name(track)
        track.guessed = False

    def _doubles(self, image: np.ndarray, near: dict[int, DetectedFace]) -> list[Track]:
        """Return the tracks that have slipped onto a face which is another's, as happens when two cross."""
        slipped: list[Track] = []
        present = [t for t in self.present if id(t) in near]
        for i, one in enumerate(present):
            for other in present[i + 1 :]:
                apart = not one_face(near[id(one)].box, near[id(other)].box)
                if apart or one in slipped or other in slipped:
                    continue
                worse = max(one, other, key=lambda t: (t.id is None, self._strain(image, t, near[id(t)])))
                slipped.append(worse)
        return slipped

    def _strain(self, image: np.ndarray, track: Track, face: DetectedFace) -> float:
        """Tell how ill `face` fits `track`: by place, size and look; below about 1 it fits."""
        size = size_of(track.face.box)
        away = float(np.hypot(*(center(face.box) - track.expected(self.now)))) / size
        grown = abs(math.log(size_of(face.box) / size))
        return away + grown + 1.5 * unlike(track.look, look_of(image, face.points))

    def _check(self, seen: Sequence[Candidate]) -> None:
        for track in self.present:
            if any(one_face(track.face.box, c.box) or same_place(track.face.box, c.box) for c in seen):
                track.sightings += 1
                track.doubts = 0
                if track.id is None and track.sightings >= _SIGHTINGS and self.now >= track.waits:
                    self._name(track)
            else:
                track.doubts += 1
                track.missing = track.id is None or track.doubts >= _DOUBTS

    def _place(self, image: np.ndarray, found: Sequence[DetectedFace], embed: Embed | None) -> None:
        """Match each face that was found with somebody who is missing or has left, or somebody new."""
        vectors: list[np.ndarray | None] = [None] * len(found)
        rough, strangers = {}, set()  # not good views, and those that are of nobody who has left
        if embed is not None:
            known = [*self.away.values(), *(t.person for t in self.tracks if t.missing)]
            fair = [j for j, face in enumerate(found) if is_good_view(image, face, fair=True)]
            for j, vector in zip(fair, embed(image, [found[j] for j in fair]) if fair else (), strict=True):
                if is_good_view(image, found[j]):
                    vectors[j] = vector
                    continue
                rough[j] = vector
                if all(one.like(vector) < OTHER for one in known):
                    strangers.add(j)
        lost = [t for t in self.tracks if t.missing and t.id is not None]
        away = list(self.away)
        strains = np.full((len(lost) + len(away), len(found)), np.inf)
        for j, face in enumerate(found):
            for i, track in enumerate(lost):
                strains[i, j] = self._match(image, track, face, vectors[j])
            for i, number in enumerate(away, len(lost)):
                vector = vectors[j]
                like = -1.0 if vector is None else self.away[number].like(vector)
                strains[i, j] = 1 - like if like >= SAME else np.inf
        taken = {}
        for i, j in assign(strains):
            if i < len(lost):
                self._move(lost[i], found[j])
                taken[j], lost[i].doubts = lost[i], 0
            else:
                number = away[i - len(lost)]
                taken[j] = Track(found[j], look_of(image, found[j].points), self.now, number)
                taken[j].person = self.away.pop(number)
                self.tracks.append(taken[j])
        for j, face in sorted(enumerate(found), key=lambda pair: pair[1].box.x):  # numbered from the left
            if j not in taken:
                unseen = embed is not None and vectors[j] is None
                taken[j] = self._welcome(image, face, unseen, j in strangers)
            track, vector = taken[j], vectors[j]
            track.pattern = None if embed is None else pattern_of(image, track.face)
            track.jumped, track.strange, track.rough = False, [], rough.get(j)
            if vector is not None:
                track.compared = self.now
                track.person.learn(vector)
        for track in self.present:
            if not any(t is not track and touch(track.face.box, t.face.box) for t in self.present):
                track.look = 0.7 * track.look + 0.3 * look_of(image, track.face.points)

    def _match(self, image: np.ndarray, track: Track, face: DetectedFace, vector: np.ndarray | None) -> float:
        """Tell how ill a face fits somebody who is missing; infinite where it can't be theirs.

        Where both were seen well the look decides, and place only where that leaves it open.
        """
        doubt = 0.0
        if vector is not None and len(track.person):
            like = track.person.like(vector)
            if like >= SAME:
                return 1 - like
            if like < DOUBTED or track.replaced:
                return math.inf
            doubt = 1.0
        elif track.replaced or (
            track.cut_off and unlike(track.look, look_of(image, face.points)) > _CUT_LOOK
        ):
            return math.inf
        strain = self._strain(image, track, face)
        return strain + doubt if strain < min(1.7 + 1.5 * (self.now - track.seen), 3.0) else math.inf

    def _welcome(self, image: np.ndarray, face: DetectedFace, unseen: bool, stranger: bool) -> Track:
        """Begin a track; `unseen` is a face that is not shown well enough to tell whose it is.

        A `stranger` is not that of anybody who has left, as far as can be told.
        """
        track = Track(face, look_of(image, face.points), self.now)
        self.tracks.append(track)
        track.guessed = unseen
        returns = (
            unseen and not stranger and (self.away or any(t.missing and len(t.person) for t in self.tracks))
        )
        if returns:
            track.waits = self.now + _RETURNING
        elif face.score >= _sure(face):
            self._name(track)
        return track

    def _name(self, track: Track) -> None:
        track.id = self.next_id
        self.next_id += 1


def _sure(face: DetectedFace) -> float:
    """Return the score from which one sighting of such a face is enough."""
    if face.fit is not None and face.fit >= _FITS:
        return 0.0
    return _SURE if face.landmarks is not None else _SURE_ALONE
