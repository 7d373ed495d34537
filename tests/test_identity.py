"""Who is who by looks: faces and their embeddings as plain data come in, and the right ids must come out."""

import copy
import pickle

import numpy as np
import pytest

from emotion_core.faces.identity import ADD, DOUBTED, OTHER, SAME, Looks, is_good_view, is_jump, pattern_of
from emotion_core.faces.tracking import MEMORY, PEOPLE, Search, Tracker
from emotion_core.types import Box, Candidate, DetectedFace, Pose

SPOTS = np.random.default_rng(0).integers(0, 256, (480, 1280, 3), np.uint8)
PLACES = np.array([[-0.2, -0.15], [0.2, -0.15], [0, 0.05], [-0.15, 0.25], [0.15, 0.25]])
A, B, C = np.eye(128, dtype=np.float32)[:3]


def face_at(x: float, person: np.ndarray, yaw: float = 0.0) -> DetectedFace:
    """Make a face of 80 px whose embedding is `person`: it is kept where blendshapes would be."""
    points = (np.array([x, 240]) + PLACES * 80).astype(np.float32)
    landmarks = np.zeros((478, 2), np.float32) + (x, 240)
    landmarks += np.random.default_rng(1).uniform(-40, 40, (478, 2)).astype(np.float32)
    shapes = {str(i): float(v) for i, v in enumerate(person)}
    return DetectedFace(Box(x - 40, 200, 80, 80), 0.92, points, landmarks, Pose(yaw, 0, 0), shapes, fit=20.0)


def embed(_image: np.ndarray, faces: list[DetectedFace]) -> np.ndarray:
    return np.array([list((face.blendshapes or {}).values()) for face in faces], np.float32)


def blend(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    mixed = (1 - share) * one + share * other
    return mixed / np.linalg.norm(mixed)


def step(
    tracker: Tracker,
    time: float,
    faces: list[DetectedFace],
    image: np.ndarray = SPOTS,
    *,
    by_look: bool = True,
) -> dict[int, float]:
    """One frame, with a follower that takes whatever lies at the place, whoever it is. Gives id -> x."""
    search = tracker.begin(time)
    followed = []
    for track in tracker.present:
        near = min(faces, key=lambda f: abs(f.box.x - track.face.box.x), default=None)
        followed.append(near if near is not None and abs(near.box.x - track.face.box.x) < 56 else None)
    if None in followed and search is Search.NONE:
        search = Search.QUICK
    seen = [Candidate(f.box, f.score, f.points) for f in faces] if search is not Search.NONE else []
    held = {id(f) for f in followed}
    new = [f for f in faces if id(f) not in held] if seen else []
    tracks = tracker.update(image, followed, search, seen, new, embed if by_look else None)
    return {t.id: t.face.box.x + 40 for t in tracks}


@pytest.mark.parametrize("rate", [25, 5, 1, 0.2])
def test_a_change_in_place_is_somebody_else_and_back_at_any_rate(rate):
    tracker, seen = Tracker(), []
    for i in range(30):
        person, room = (B, SPOTS[::-1].copy()) if 10 <= i < 20 else (A, SPOTS)
        seen.append(list(step(tracker, i / rate, [face_at(300, person)], room)))
    assert seen == [[1]] * 10 + [[2]] * 10 + [[1]] * 10


def test_by_place_alone_one_id_stays():
    tracker = Tracker()
    for i in range(20):
        out = step(tracker, i / 25, [face_at(300, A if i < 10 else B)], by_look=False)
    assert list(out) == [1] and not tracker.away and not len(tracker.tracks[0].person)


@pytest.mark.parametrize("seconds", [0.4, 1.0, 3.0])
def test_a_cross_fade_ends_with_somebody_else(seconds):
    tracker = Tracker()
    for i in range(200):
        share = min(max((i / 25 - 2) / seconds, 0), 1)
        out = step(tracker, i / 25, [face_at(300, blend(A, B, share))])
    assert list(out) == [2]


@pytest.mark.parametrize("away", [1, 5, 60, 600])
@pytest.mark.parametrize("back_at", [300, 1100])
def test_whoever_returns_has_the_old_id_wherever_and_whenever(away, back_at):
    tracker = Tracker()
    for i in range(10):
        step(tracker, i / 5, [face_at(300, A), face_at(700, B)])
    for i in range(away * 5):
        assert list(step(tracker, 2 + i / 5, [face_at(700, B)])) == [2]
    for i in range(3):
        out = step(tracker, 2 + away + i / 5, [face_at(back_at, A), face_at(700, B)])
    assert out == {1: back_at, 2: 700}


def test_somebody_else_at_the_place_of_whoever_left_is_new():
    tracker = Tracker()
    for i in range(10):
        step(tracker, i / 25, [face_at(300, A)])
    for i in range(10, 20):
        step(tracker, i / 25, [])
    for i in range(20, 25):
        out = step(tracker, i / 25, [face_at(300, C)])
    assert out == {2: 300}


def test_a_third_who_is_a_little_like_the_first_is_somebody_else():
    """Speakers take turns at one place: who was replaced there is not brought back by the place."""
    tracker, seen = Tracker(), []
    for i, person in enumerate([A] * 10 + [B] * 10 + [blend(A, C, 0.73)] * 10):
        room = SPOTS if i // 10 % 2 else SPOTS[::-1].copy()
        seen.append(list(step(tracker, i / 25, [face_at(300, person)], room)))
    assert DOUBTED < float(A @ blend(A, C, 0.73)) < SAME
    assert seen == [[1]] * 10 + [[2]] * 10 + [[3]] * 10


def test_two_whose_tracks_were_exchanged_get_their_own_back():
    tracker = Tracker()
    for i in range(10):
        step(tracker, i / 25, [face_at(300, A), face_at(380, B)])
    out = step(tracker, 0.4, [face_at(300, B), face_at(380, A)], SPOTS[::-1].copy())
    assert out == {1: 380, 2: 300}


def test_who_is_hidden_by_somebody_is_not_taken_for_a_third():
    """Two pass each other: what is seen of the one behind is like nobody, and no evidence."""
    tracker = Tracker()
    for i in range(50):
        apart = max(0, abs(25 - i) * 12 - 60) + 60  # pixels, of faces that are 80 wide
        person = blend(B, C, 0.9) if apart < 80 else B
        out = step(tracker, i / 25, [face_at(600, A), face_at(600 + apart, person)])
        assert set(out) <= {1, 2}
    assert out == {1: 600, 2: 600 + apart}


def test_who_was_never_seen_well_is_followed_by_somebody_else():
    """A face in three-quarter profile changes to another at a cut: neither was seen from the front before."""
    tracker, seen = Tracker(), []
    for i in range(30):
        other = i >= 10
        room = SPOTS[::-1].copy() if other else SPOTS
        seen.append(list(step(tracker, i / 25, [face_at(300, B if other else A, yaw=40.0)], room)))
    assert seen[9] == [1] and seen[-1] == [2]


def test_a_stranger_in_profile_is_named_at_once_though_somebody_may_return():
    tracker, seen = Tracker(), []
    for i in range(40):
        faces = [] if 10 <= i < 20 else [face_at(300, A)] if i < 10 else [face_at(900, B, yaw=40.0)]
        seen.append(list(step(tracker, i / 25, faces)))
    assert seen[9] == [1] and seen[24] == [2] and seen[-1] == [2]


def test_where_pictures_come_slowly_one_look_is_enough():
    """Two people in turn, each twice, a picture every five seconds; somewhat alike, as all faces are."""
    tracker, seen = Tracker(), []
    people = [A, A, blend(A, B, 0.8), blend(A, B, 0.8)] * 3
    assert OTHER < float(A @ people[2]) < DOUBTED
    for i, person in enumerate(people):
        room = SPOTS if i // 2 % 2 else SPOTS[::-1].copy()
        seen += step(tracker, 5.0 * i, [face_at(300, person)], room)
    assert seen == [1, 1, 2, 2] * 3


def test_a_head_that_turns_away_or_is_blurred_for_a_moment_keeps_its_id():
    tracker = Tracker()
    for i in range(50):
        turned, blurred = 20 <= i < 35, i == 10
        person = C if turned else blend(A, C, 0.9) if blurred else A
        assert list(step(tracker, i / 25, [face_at(300, person, yaw=70.0 if turned else 0.0)])) == [1]


def test_who_returns_in_profile_is_named_once_the_face_is_seen():
    tracker, ids = Tracker(), set()
    for i in range(10):
        step(tracker, i / 25, [face_at(300, A)])
    for i in range(10, 10 + round((MEMORY + 1) * 25)):
        step(tracker, i / 25, [])
    for i in range(10):
        ids |= set(step(tracker, 5 + i / 25, [face_at(900, C if i < 3 else A, yaw=80.0 if i < 3 else 0.0)]))
    assert ids == {1}


def test_a_place_is_remembered_for_as_long_as_pictures_come():
    """A picture every five seconds: nobody is gone before three pictures came without them."""
    tracker = Tracker()
    for i in range(12):
        faces = [] if i in (4, 5) else [face_at(300, A)]
        out = step(tracker, 5.0 * i, faces, by_look=False)
        assert out == ({1: 300} if faces else {})


def test_what_is_remembered_is_bounded_and_plain():
    tracker, draws = Tracker(), np.random.default_rng(2)
    for i in range(40):
        vector = draws.normal(size=128).astype(np.float32)
        step(tracker, 2.0 * i, [face_at(100 + 30 * i, vector / np.linalg.norm(vector))])
    assert len(tracker.away) <= PEOPLE and all(len(looks) <= 8 for looks in tracker.away.values())
    for twin in (copy.deepcopy(tracker), pickle.loads(pickle.dumps(tracker))):
        assert step(twin, 90.0, [face_at(300, A)]) == step(copy.deepcopy(tracker), 90.0, [face_at(300, A)])


def test_looks_compare_with_all_views():
    looks = Looks()
    assert looks.like(A) == -1
    looks.add(A)
    looks.add(blend(A, B, 0.4))
    assert looks.like(A) == pytest.approx(1) and looks.like(blend(A, B, 0.4)) == pytest.approx(1)
    assert OTHER < SAME < ADD
    for i in range(20):
        looks.add(np.eye(128, dtype=np.float32)[i])
    assert len(looks) == 8 and looks.like(A) == pytest.approx(1)  # the first view stays


@pytest.mark.parametrize("change", ["yaw", "small", "cut off", "misfit"])
def test_only_good_views_tell_people_apart(change):
    good = face_at(300, A)
    assert is_good_view(SPOTS, good)
    box, pose, fit = good.box, good.pose, good.fit
    if change == "yaw":
        pose = Pose(60, 0, 0)
    elif change == "small":
        box = Box(300, 200, 20, 20)
    elif change == "cut off":
        box = Box(-30, 200, 80, 80)
    else:
        fit = 2.0
    assert not is_good_view(SPOTS, DetectedFace(box, 0.9, good.points, good.landmarks, pose, fit=fit))


def test_a_light_is_no_jump_and_another_face_is():
    face = face_at(300, A)
    before = pattern_of(SPOTS, face)
    assert not is_jump(before, pattern_of(SPOTS // 3, face))
    assert is_jump(before, pattern_of(SPOTS[::-1].copy(), face))
    assert is_jump(None, before)
