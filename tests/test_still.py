"""Faces that hardly change are carried on, with hardly another answer; what changes is read at once."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emotion_core import Frame, Recognizer, Session
from emotion_core.faces.finder import FaceFinder
from emotion_core.faces.still import MOST, anchored, carried
from emotion_core.types import DetectedFace

RIGHT_EYE, LEFT_EYE = 33, 263  # outer corners in the mesh


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained()


@pytest.fixture(scope="module")
def moving(_astronaut) -> list[Frame]:
    """A face that drifts and grows for two seconds at 30 frames a second."""
    from benchmarks.clip import drift

    return [Frame(image, i, i / 30) for i, image in enumerate(drift(_astronaut, 640, 360, 60, 30))]


@pytest.fixture
def face(recognizer, astronaut) -> DetectedFace:
    (found,) = recognizer.finder.detect(astronaut)
    return anchored(astronaut, found)


def shifted(image: np.ndarray, x: float, y: float) -> np.ndarray:
    move = np.array([[1, 0, x], [0, 1, y]], np.float64)
    return cv2.warpAffine(image, move, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def test_carried_answers_are_hardly_others(recognizer, moving):
    exact = Recognizer(recognizer._network, FaceFinder(every_frame=True))
    one, other, held, differences = Session(), Session(), 0, []
    for frame in moving:
        sighting = recognizer.find(frame, one)
        (face,), (read,) = recognizer.read(sighting, one), exact(frame, other)
        held += sighting.found[1].held > 0
        assert (face.id, face.emotion) == (read.id, read.emotion)
        assert face.landmarks is not None and read.landmarks is not None
        eyes = np.hypot(*(read.landmarks[18] - read.landmarks[27]))
        apart = np.hypot(*(face.landmarks - read.landmarks).T).mean() / eyes
        differences.append((abs(face.valence - read.valence), abs(face.arousal - read.arousal), apart))
    assert held > len(moving) / 4, "something is saved"
    assert np.mean(differences, axis=0).max() < 0.02


def test_the_mesh_follows_a_face_that_moves(astronaut, face):
    for x, y in ((1.0, 0.0), (-0.6, 1.3), (0.0, -0.8)):
        now = carried(shifted(astronaut, x, y), face)
        assert now is not None and now.held == 1 and now.landmarks is not None and face.landmarks is not None
        assert np.abs(now.landmarks - face.landmarks - (x, y)).max() < 0.25
        assert np.abs(now.points - face.points - (x, y)).max() < 0.25
        assert abs(now.box.x - face.box.x - x) < 0.25 and abs(now.box.y - face.box.y - y) < 0.25


def test_the_mesh_follows_a_face_that_turns_and_grows(astronaut, face):
    box = face.box
    middle = (box.x + box.width / 2, box.y + box.height / 2)
    turn = cv2.getRotationMatrix2D(middle, 0.7, 1.01)
    now = carried(cv2.warpAffine(astronaut, turn, astronaut.shape[1::-1]), face)
    assert now is not None and now.landmarks is not None and face.landmarks is not None
    expected = face.landmarks @ turn[:, :2].T + turn[:, 2]
    assert np.abs(now.landmarks - expected).max() < 0.3


def test_a_little_noise_or_light_changes_nothing(astronaut, face):
    noise = np.random.default_rng(0).normal(0, 2, astronaut.shape)
    for image in (astronaut, astronaut + noise, astronaut * 1.05, astronaut + 6.0):
        now = carried(np.clip(image, 0, 255).astype(np.uint8), face)
        assert now is not None and now.anchor is face.anchor


def test_more_meshes_are_spared_of_many_faces(recognizer, moving):
    """A face moves among so many others: its mesh is as many frames old as they allow."""
    for count, oldest in ((2, 1), (3, 2), (5, 3)):
        faces, age = recognizer.finder.detect(moving[0].image) * count, 0
        for frame in moving[1:12]:
            faces = recognizer.finder.follow(frame.image, faces)
            age = max(age, *(face.held for face in faces))
        assert age == oldest


def test_what_changes_is_read_again(astronaut, face):
    assert face.landmarks is not None
    x, y = np.round(face.points[3:].mean(0)).astype(int)  # the mouth
    size = round(float(np.hypot(*(face.landmarks[LEFT_EYE] - face.landmarks[RIGHT_EYE]))))
    opened, eye = astronaut.copy(), astronaut.copy()
    cv2.ellipse(opened, (int(x), int(y)), (size // 4, size // 5), 0, 0, 360, (40, 10, 10), -1)
    at = np.round(face.points[0]).astype(int)
    cv2.ellipse(eye, (int(at[0]), int(at[1])), (size // 6, size // 8), 0, 0, 360, (200, 160, 140), -1)
    turned = cv2.warpAffine(
        astronaut, cv2.getRotationMatrix2D((float(x), float(y)), 15, 1), astronaut.shape[1::-1]
    )
    others = {
        "a mouth": opened,
        "an eye": eye,
        "a mirrored face": np.ascontiguousarray(astronaut[:, ::-1]),
        "a face turned by 15 degrees": turned,
        "one 12 pixels further": shifted(astronaut, 12, 0),
        "black": np.zeros_like(astronaut),
        "half the light": (astronaut * 0.5).astype(np.uint8),
        "a plain grey": np.full_like(astronaut, 127),
    }
    for name, image in others.items():
        now = carried(image, face)
        assert now is None or now.anchor is not face.anchor, name


def test_a_cut_is_never_carried_over(recognizer, astronaut, face):
    """Another face in the very same place: the same person in a mirror is as near as it gets."""
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    (there,) = recognizer.finder.detect(mirrored)
    x, y = face.points.mean(0) - there.points.mean(0)
    cut = shifted(mirrored, float(x), float(y))
    assert carried(cut, face) is None
    session = Session()
    for i in range(3):
        recognizer(Frame(astronaut, i, i / 30), session)
    sighting = recognizer.find(Frame(cut, 3, 3 / 30), session)
    assert [found.held for found in sighting.found.values()] in ([], [0])


def test_nothing_is_carried_on_for_long(astronaut, face):
    now: DetectedFace | None = face
    for held in range(1, MOST + 1):
        assert now is not None
        now = carried(astronaut, now)
        assert now is not None and now.held == held and now.landmarks is face.landmarks
    assert now is not None and carried(astronaut, now) is None
    assert carried(astronaut, replace(face, anchor=None)) is None


def test_every_frame_can_be_read(recognizer, moving):
    exact = Recognizer(recognizer._network, FaceFinder(every_frame=True))
    session = Session()
    for frame in moving[:12]:
        assert [face.held for face in exact.find(frame, session).found.values()] == [0]


def test_a_frame_that_nobody_read_leaves_no_answer_behind(recognizer, moving):
    """What was found but not read is read when it is asked for, also where it is carried on by then."""
    session, once = Session(smoothing=1), Session(smoothing=1)
    sightings = [recognizer.find(frame, session) for frame in moving[:20]]
    late = next(i for i, one in enumerate(sightings) if i > 4 and one.found[1].held == 1)
    (before,) = recognizer.read(sightings[0], session)
    (after,) = recognizer.read(sightings[late], session)
    (alone,) = recognizer.read(sightings[late], once)
    assert before.probabilities != after.probabilities
    assert not np.array_equal(session.people[1].window[-1], session.people[1].window[-2])
    assert np.allclose(session.people[1].window[-1], once.people[1].window[-1])
    assert alone.id == after.id
