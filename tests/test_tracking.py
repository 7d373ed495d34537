"""Identities: faces as plain data come in, and who is who must come out."""

import copy
import pickle

import numpy as np
import pytest

from emotion_core.faces.assignment import assign
from emotion_core.faces.tracking import MEMORY, Search, Tracker
from emotion_core.types import Box, Candidate, DetectedFace

GREY = np.full((480, 1280, 3), 128, np.uint8)
PLACES = np.array([[-0.2, -0.15], [0.2, -0.15], [0, 0.05], [-0.15, 0.25], [0.15, 0.25]])


def face_at(
    x: float, y: float = 240, size: float = 80, score: float = 0.92, mesh: bool = True
) -> DetectedFace:
    points = (np.array([x, y]) + PLACES * size).astype(np.float32)
    landmarks = np.zeros((478, 2), np.float32) if mesh else None
    return DetectedFace(Box(x - size / 2, y - size / 2, size, size), score, points, landmarks)


def step(
    tracker: Tracker, time: float, faces: list[DetectedFace], image: np.ndarray = GREY
) -> dict[int, float]:
    """One frame, with a follower that takes whatever is nearest, as the mesh does. Gives id -> x."""
    search = tracker.begin(time)
    followed = []
    for track in tracker.present:
        near = min(faces, key=lambda f: abs(f.box.x - track.face.box.x), default=None)
        close = near is not None and abs(near.box.x - track.face.box.x) < 0.7 * near.box.width
        followed.append(near if close else None)
    if None in followed and search is Search.NONE:
        search = Search.QUICK
    seen = [Candidate(f.box, f.score, f.points) for f in faces] if search is not Search.NONE else []
    held = {id(f) for f in followed}
    new = [f for f in faces if id(f) not in held] if seen else []
    tracks = tracker.update(image, followed, search, seen, new)
    return {t.id: t.face.box.x + t.face.box.width / 2 for t in tracks}


def test_the_first_frame_counts_and_is_numbered_from_the_left():
    assert step(Tracker(), 5.0, [face_at(700), face_at(100), face_at(400)]) == {1: 100, 2: 400, 3: 700}


@pytest.mark.parametrize("fps", [10, 25, 60])
def test_a_face_that_moves_and_grows_keeps_its_id(fps):
    tracker = Tracker()
    for i in range(4 * fps):
        t = i / fps
        out = step(tracker, t, [face_at(200 + 150 * t, size=60 + 20 * t)])
        assert list(out) == [1]


@pytest.mark.parametrize("fps", [12, 25, 60])
@pytest.mark.parametrize("irregular", [False, True])
def test_two_who_cross_keep_their_ids(fps, irregular):
    tracker, random = Tracker(), np.random.default_rng(3)
    for i in range(4 * fps):
        t = i / fps + (random.uniform(0, 0.6 / fps) if irregular else 0)
        first, second = face_at(200 + 200 * t), face_at(1000 - 200 * t, 250)
        hidden = abs(first.box.x - second.box.x) < 60  # the first walks in front
        out = step(tracker, t, [first] if hidden else [first, second])
        assert set(out) <= {1, 2}
    assert out[1] > 900 and out[2] < 300


def test_looks_decide_where_places_do_not():
    """Two stand close, are hidden together, and come back at places that tell nothing."""
    tracker = Tracker()
    image = GREY.copy()
    image[:, :400], image[:, 400:] = (150, 40, 40), (40, 40, 150)
    for i in range(20):
        step(tracker, i / 20, [face_at(330), face_at(470)], image)
    for i in range(20, 40):
        step(tracker, i / 20, [], image)
    stacked = GREY.copy()
    stacked[:240], stacked[240:] = (40, 40, 150), (150, 40, 40)
    step(tracker, 2.0, [face_at(399, 160), face_at(400, 320)], stacked)
    heights = {t.id: t.face.box.y for t in tracker.present}
    assert heights == {1: 280, 2: 120}


@pytest.mark.parametrize(
    ("away", "same"), [(0.2, True), (1.0, True), (MEMORY - 0.6, True), (MEMORY + 1, False)]
)
def test_whoever_leaves_and_returns_to_the_place(away, same):
    tracker = Tracker()
    for i in range(25):
        step(tracker, i / 25, [face_at(300), face_at(800)])
    for i in range(25, 25 + round(away * 25)):
        assert list(step(tracker, i / 25, [face_at(800)])) == [2]
    for i in range(12):
        out = step(tracker, 1 + away + i / 25, [face_at(310), face_at(800)])
    assert out == ({1: 310, 2: 800} if same else {2: 800, 3: 310})


def test_someone_new_far_away_is_someone_else():
    tracker = Tracker()
    for i in range(25):
        step(tracker, i / 25, [face_at(100)])
    for i in range(25, 40):
        out = step(tracker, i / 25, [face_at(1100)])
    assert out == {2: 1100}


def test_a_glimpse_of_something_uncertain_burns_no_id():
    tracker = Tracker()
    for i in range(30):
        faces = [face_at(300)] + ([face_at(900, score=0.63)] if i in (0, 12, 20, 21) else [])
        assert list(step(tracker, i / 30, faces)) == [1]
    out = step(tracker, 1.5, [face_at(300), face_at(900)])
    assert out == {1: 300, 2: 900}


@pytest.mark.parametrize("mesh", [True, False])
def test_something_uncertain_that_stays_is_a_face(mesh):
    tracker = Tracker()
    counts = [
        len(step(tracker, i / 30, [face_at(300, score=0.65 if mesh else 0.82, mesh=mesh)])) for i in range(6)
    ]
    assert counts == [0, 0, 1, 1, 1, 1]


def test_two_tracks_never_share_a_face():
    tracker = Tracker()
    for i in range(60):
        apart = max(0, 300 - 10 * i)
        faces = [face_at(300), face_at(300 + apart)] if apart > 40 else [face_at(300)]
        out = step(tracker, i / 30, faces)
        assert len(set(out.values())) == len(out)
    assert out == {1: 300}


def test_what_the_detector_does_not_see_for_long_is_given_up():
    tracker = Tracker()
    ghost = face_at(300)
    step(tracker, 0.0, [ghost])
    seen_at = []
    for i in range(1, 120):
        search = tracker.begin(i / 30)
        followed = [ghost for _ in tracker.present]
        if tracker.update(GREY, followed, search, [], []):
            seen_at.append(i / 30)
    assert 0.8 < seen_at[-1] < 2.5


def test_searches_are_scheduled_in_seconds():
    tracker, searches = Tracker(), []
    for i in range(121):
        search = tracker.begin(i / 30)
        if search is not Search.NONE:
            searches.append((round(i / 30, 2), search))
        face = face_at(300)
        seen = [Candidate(face.box, face.score, face.points)] if search is not Search.NONE else []
        tracker.update(GREY, [face for _ in tracker.present], search, seen, [] if tracker.present else [face])
    gaps = np.diff([t for t, _ in searches])
    assert gaps.max() <= 0.45 and len(searches) <= 13
    assert [t for t, s in searches if s is Search.THOROUGH] == [0.0, 2.0, 4.0]


@pytest.mark.parametrize("times", [[0.0] * 40, [-1.0] * 40, [0, 1, 2, 0.1, 0.2, 0.3, 0.4], [7.0, 3.0, 1.0]])
def test_times_that_do_not_rise(times):
    tracker = Tracker()
    for time in times:
        assert step(tracker, time, [face_at(300)]) == {1: 300}


def test_a_tracker_is_plain_data():
    tracker = Tracker()
    for i in range(10):
        step(tracker, i / 30, [face_at(300 + i), face_at(700)])
    twins = [copy.deepcopy(tracker), pickle.loads(pickle.dumps(tracker))]
    expected = step(tracker, 0.4, [face_at(310), face_at(700)])
    for twin in twins:
        assert step(twin, 0.4, [face_at(310), face_at(700)]) == expected


def test_a_long_stream_does_not_grow():
    tracker = Tracker()
    for i in range(600):
        step(tracker, i / 10, [face_at(100 + (i // 10 * 397) % 1100)])
    assert len(tracker.tracks) <= 8


@pytest.mark.parametrize("seed", range(60))
def test_assign_pairs_as_many_as_can_be_at_the_least_sum(seed):
    from itertools import permutations

    random = np.random.default_rng(seed)
    rows, columns = random.integers(1, 5, 2)
    costs = random.uniform(0, 1, (rows, columns))
    costs[random.random((rows, columns)) < seed % 3 * 0.3] = np.inf  # forbidden
    padded = np.full((4, 4), np.inf)
    padded[:rows, :columns] = costs
    ways = [[padded[i, p[i]] for i in range(4)] for p in permutations(range(4))]
    best = min((-sum(np.isfinite(way)), sum(c for c in way if np.isfinite(c))) for way in ways)
    pairs = assign(costs)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert (-len(pairs), pytest.approx(sum(costs[i, j] for i, j in pairs))) == best


def test_assign_pairs_nothing_where_nothing_may_be():
    assert assign(np.full((2, 3), np.inf)) == [] and assign(np.zeros((0, 4))) == []


@pytest.mark.parametrize(
    ("change", "pause", "cut"),
    [
        (lambda room: room[:, ::-1], 0.04, True),
        (lambda room: 255 - room, 0.04, True),
        (lambda room: room[:, ::-1], 2.0, False),  # after a gap another picture is no news
        (lambda room: room // 3, 0.04, False),  # the light goes off
        (lambda room: np.roll(room, 40, axis=1), 0.04, False),  # the camera pans
        (lambda room: room, 0.04, False),
    ],
)
def test_a_hard_cut_loses_everybody_at_once(change, pause, cut):
    room = np.zeros((480, 1280, 3), np.uint8)
    room[:, :500] = 200
    room[300:, 800:] = (90, 160, 120)
    tracker = Tracker()
    tracker.begin(0.0, room)
    tracker.update(room, [], Search.THOROUGH, [], [face_at(300)])
    assert tracker.begin(0.04, room) is not Search.THOROUGH and len(tracker.present) == 1
    assert (tracker.begin(0.04 + pause, np.ascontiguousarray(change(room))) is Search.THOROUGH) == (
        cut or pause >= 2.0
    )
    assert len(tracker.present) == (0 if cut else 1)


# When to search -----------------------------------------------------------------------------------------


def searches(
    frames: list[np.ndarray], follow: tuple[float, float] = (200, 240)
) -> list[tuple[float, Search]]:
    """Give when a search was made in pictures at 30 a second, of which one face is followed."""
    tracker, made = Tracker(), []
    for i, image in enumerate(frames):
        face, search = face_at(*follow), tracker.begin(i / 30, image)
        if search is not Search.NONE:
            made.append((i / 30, search))
        seen = [Candidate(face.box, face.score, face.points)]
        present = tracker.present
        tracker.update(image, [face] * len(present), search, seen, [] if present else [face])
    return made


def test_a_scene_that_stands_still_is_searched_no_more_than_thoroughly():
    random = np.random.default_rng(0)
    noisy = [np.clip(GREY + random.normal(0, 4, GREY.shape), 0, 255).astype(np.uint8) for _ in range(63)]
    assert [search for _, search in searches(noisy)] == [Search.THOROUGH, Search.THOROUGH]


def test_somebody_new_is_searched_for_as_soon_as_ever():
    """A patch of a small face's size, a little brighter than the wall."""
    entered = GREY.copy()
    entered[100:140, 900:940] += 40
    made = searches([GREY] * 20 + [entered] * 20)
    assert [(round(at * 30), search) for at, search in made[1:]] == [(20, Search.QUICK)]


def test_a_face_that_moves_is_no_news_but_another_in_its_place_is():
    for levels, expected in ((15, 1), (60, 2)):
        other = GREY.copy()
        other[200:280, 160:240] += np.uint8(levels)
        assert len(searches([GREY] * 20 + [other] * 20)) == expected


def test_a_search_can_wait_a_little_and_no_longer():
    tracker = Tracker()
    assert tracker.begin(0.0, GREY) is Search.THOROUGH
    face = face_at(200)
    tracker.update(GREY, [], Search.THOROUGH, [], [face])
    waited, lit = [], GREY + 60
    for i in range(1, 30):
        search = tracker.begin(i / 30, GREY if i < 12 else lit)
        if search is not Search.NONE:
            waited.append(tracker.patient)
        tracker.update(GREY, [face])
    assert waited[:5] == [True, True, True, False, False]
