"""Faces of real pictures: found at every size and turn, followed, and read alike in ready-made crops."""

import logging
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import cv2
import numpy as np
import pytest

from emotion_core import hashes
from emotion_core.faces import weights
from emotion_core.faces.finder import FaceFinder
from emotion_core.faces.weights import find_landmarker
from emotion_core.faces.yunet import YuNet
from emotion_core.types import DetectedFace, EmotionError


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(mesh=True)


@pytest.fixture(scope="module")
def plain_finder() -> FaceFinder:
    return FaceFinder(mesh=False)


@pytest.fixture
def background() -> np.ndarray:
    """1280x720 without a face."""
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(cv2.resize(data.coffee(), (1280, 720)))


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turn the astronaut clockwise about the face, on grey."""
    matrix = cv2.getRotationMatrix2D((224, 117), -degrees, 1.0)
    matrix[:, 2] += (32, 139)
    return cv2.warpAffine(image, matrix, (512, 512), borderValue=(128, 128, 128))


def center(face: DetectedFace) -> np.ndarray:
    return np.array([face.box.x + face.box.width / 2, face.box.y + face.box.height / 2])


def test_one_face_with_all_it_has(finder, astronaut):
    (face,) = finder.detect(astronaut)
    assert np.hypot(*(center(face) - (225, 120))) < 12
    assert 75 < face.box.width < 110
    assert face.landmarks is not None and face.landmarks.shape == (478, 2)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.points
    assert right_eye[0] < nose[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
    assert right_eye[1] < nose[1] < right_mouth[1]
    assert face.blendshapes is None
    assert abs(face.pose.yaw) < 15 and abs(face.pose.roll) < 10


@pytest.mark.parametrize("size", [90, 45, 30, 22])
def test_small_faces_of_a_large_picture(finder, astronaut, background, size):
    zoom = size / 90
    person = cv2.resize(astronaut, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    background[60 : 60 + person.shape[0], 700 : 700 + person.shape[1]] = person
    (face,) = finder.detect(background)
    assert np.hypot(*(center(face) - (700 + 225 * zoom, 60 + 120 * zoom))) < 0.3 * size


@pytest.mark.parametrize("size", [(1280, 720), (640, 333), (201, 150), (40, 31)])
def test_the_detector_answers_as_opencv_does(bus_path, zidane_path, size):
    detector = YuNet()
    opencv = cv2.FaceDetectorYN.create(str(weights.find_yunet()), "", size, 0.6, 0.3, 1000)
    for path in (bus_path, zidane_path):
        image = cv2.resize(cv2.imread(str(path)), size, interpolation=cv2.INTER_AREA)
        rows = opencv.detect(image)[1]
        expected = np.zeros((0, 15)) if rows is None else rows
        answer = detector._run(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), 0.6)
        np.testing.assert_allclose(answer, expected, atol=2e-3)


@pytest.mark.parametrize("margin", [1.0, 1.5, 3.0])
def test_faces_that_fill_the_picture(finder, astronaut, margin):
    side = int(100 * margin)
    close = cv2.resize(cv2.getRectSubPix(astronaut, (side, side), (225, 118)), (960, 960))
    (face,) = finder.detect(close)
    assert face.box.width > 0.6 * 960 / margin


@pytest.mark.parametrize("degrees", [-120, -90, -60, -30, 0, 30, 60, 90, 150, 180])
def test_a_tilted_head_has_its_roll(finder, astronaut, degrees):
    face = finder.detect(turned(astronaut, degrees))[0]
    assert face.pose is not None
    difference = (face.pose.roll - 3 - degrees + 180) % 360 - 180  # she tilts her head by 3 degrees
    assert abs(difference) < 12


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["astronaut", "zidane"])
def test_a_face_is_read_upright_however_the_picture_lies(finder, astronaut, zidane_path, name, quarters):
    picture = astronaut
    if name == "zidane":
        whole = cv2.cvtColor(cv2.imread(str(zidane_path)), cv2.COLOR_BGR2RGB)
        picture = cv2.resize(np.ascontiguousarray(whole[:500, 640:]), None, fx=0.6, fy=0.6)
    upright = finder.detect(picture)[0]
    lying = finder.detect(np.ascontiguousarray(np.rot90(picture, quarters)))[0]
    assert lying.fit > 10
    back = (lying.pose.roll + 90 * quarters - upright.pose.roll + 180) % 360 - 180
    assert abs(back) < 12 and abs(lying.pose.yaw - upright.pose.yaw) < 12


def test_what_lies_the_wrong_way_round_is_not_followed(finder, astronaut):
    """A cut to the same picture upside down: the mesh would be laid over it as if nothing had happened."""
    picture = np.ascontiguousarray(astronaut[:236, 110:340])  # the face lies in the middle
    face = finder.detect(picture)[0]
    assert finder.follow(picture, [face]) != [None]
    over = np.ascontiguousarray(picture[::-1, ::-1])
    (followed,) = finder.follow(over, [face])
    assert followed is None or abs(followed.pose.roll) > 150
    assert abs(finder.detect(over)[0].pose.roll) > 150


def test_a_mirrored_head_looks_the_other_way(finder, zidane_path):
    picture = cv2.cvtColor(cv2.imread(str(zidane_path)), cv2.COLOR_BGR2RGB)
    faces = finder.detect(picture)
    assert len(faces) == 2
    left = min(faces, key=lambda f: f.box.x)
    assert left.pose is not None and left.pose.yaw > 30  # looks to the right of the picture: to his left
    mirrored = max(finder.detect(np.ascontiguousarray(picture[:, ::-1])), key=lambda f: f.box.x)
    assert mirrored.pose is None or mirrored.pose.yaw < -30


def test_no_face_in_other_things(finder, background):
    data = pytest.importorskip("skimage.data")
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    for picture in (background, noise, np.zeros((480, 640, 3), np.uint8), data.rocket(), data.chelsea()):
        assert finder.detect(np.ascontiguousarray(picture)) == []


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (900, 3), (20, 20)])
def test_pictures_of_odd_shape(finder, shape):
    assert finder.detect(np.full((*shape, 3), 200, np.uint8)) == []


@pytest.mark.parametrize("with_mesh", [True, False])
def test_a_still_picture_gives_the_same_again(finder, plain_finder, astronaut, with_mesh):
    used = finder if with_mesh else plain_finder
    faces = used.detect(astronaut)
    assert (faces[0].landmarks is not None) == with_mesh
    for _ in range(4):
        again = used.follow(astronaut, faces)
        assert np.array_equal(again[0].points, faces[0].points)
        faces = again


def test_following_a_face_that_moves_and_leaves(finder, astronaut):
    before = finder.detect(astronaut)
    moved = np.roll(astronaut, (9, 16), axis=(0, 1))
    (face,) = finder.follow(moved, before)
    assert np.abs(face.points - before[0].points - (16, 9)).max() < 2
    assert finder.follow(np.full_like(astronaut, 90), before) == [None]
    assert finder.follow(moved, []) == []


def test_searching_while_following(finder, astronaut):
    before = finder.detect(astronaut)
    followed, seen = finder.follow_and_search(astronaut, before)
    assert np.array_equal(followed[0].points, before[0].points)
    assert len(seen) == 1 and seen[0].box.iou(before[0].box) > 0.5


@pytest.mark.parametrize("side", [42, 48, 120, 400])
@pytest.mark.parametrize("margin", [1.0, 1.3, 2.4])
def test_crops_of_any_size(finder, astronaut, side, margin):
    reach = 110 * margin
    crop = cv2.resize(cv2.getRectSubPix(astronaut, (int(reach), int(reach)), (225, 118)), (side, side))
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    whole = finder.detect(astronaut)[0]
    for picture in (crop, grey):
        face = finder.in_crop(picture)
        assert face is not None and face.landmarks is not None
        expected = (whole.points - (225, 118)) * side / reach + side / 2
        assert np.abs(face.points - expected).max() < 0.05 * side / margin + 0.8


def test_a_crop_without_a_face(finder):
    noise = np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    assert finder.in_crops([noise, np.zeros((7, 90, 3), np.uint8)]) == [None, None]


def test_blendshapes_when_asked_for(astronaut):
    (face,) = FaceFinder(blendshapes=True).detect(astronaut)
    assert face.blendshapes is not None and len(face.blendshapes) == 52
    assert face.blendshapes["mouthSmileLeft"] > 0.4 > face.blendshapes["mouthFrownLeft"]


def test_many_threads_share_one_finder(finder, astronaut):
    pictures = [np.roll(astronaut, 8 * i, axis=1) for i in range(6)]
    alone = [finder.detect(p)[0].points for p in pictures]
    with ThreadPoolExecutor(6) as pool:
        together = [faces[0].points for faces in pool.map(finder.detect, pictures)]
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_the_largest_are_read_first(astronaut):
    pair = np.hstack([astronaut, cv2.resize(astronaut[:400, :400], (512, 512))])
    (face,) = FaceFinder(mesh=False, max_faces=1).detect(pair)
    assert face.box.x > 512
    with pytest.raises(EmotionError, match="max_faces"):
        FaceFinder(mesh=False, max_faces=0)


def test_mediapipe_is_a_choice_that_says_what_it_needs(astronaut, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert FaceFinder().detect(astronaut)[0].landmarks is not None
    with pytest.raises(EmotionError, match="pip install mediapipe") as caught:
        FaceFinder(mesh="mediapipe")
    assert "\n" not in str(caught.value)
    with pytest.raises(EmotionError, match="one of litert, mediapipe, not 'dlib'"):
        FaceFinder(mesh="dlib")


def test_without_litert_it_works_and_says_so_once(astronaut, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with caplog.at_level(logging.WARNING):
        finder = FaceFinder()
        faces = finder.detect(astronaut)
        assert finder.follow(astronaut, faces)[0] is not None
    assert len(faces) == 1 and faces[0].landmarks is None
    crop = finder.in_crop(np.ascontiguousarray(astronaut[60:180, 165:285]))
    assert crop is not None and crop.landmarks is None
    assert len(caplog.records) == 1 and "pip install ai-edge-litert" in caplog.records[0].getMessage()
    with pytest.raises(EmotionError, match="pip install ai-edge-litert"):
        FaceFinder(mesh=True)


# Model files --------------------------------------------------------------------------------------------


def test_a_model_of_the_user_is_never_passed_over(tmp_path):
    with pytest.raises(EmotionError, match="is no file"):
        FaceFinder(tmp_path / "missing.task")
    (tmp_path / "text.task").write_text("hello")
    with pytest.raises(EmotionError, match="no FaceLandmarker bundle"):
        FaceFinder(tmp_path / "text.task")


@pytest.mark.parametrize("name", [weights.YUNET, weights.LANDMARKER])
def test_the_models_that_are_shipped_are_verified(name, tmp_path, monkeypatch):
    find = {weights.YUNET: weights.find_yunet, weights.LANDMARKER: find_landmarker}[name]
    listed = find().with_name(hashes.NAME)
    shutil.copy(listed, tmp_path)
    monkeypatch.setattr(weights, "weights_dir", lambda: tmp_path)
    with pytest.raises(EmotionError, match="is missing"):
        find()
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(EmotionError, match=f"{name} was changed"):
        find()


# Clips --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("no_face.mp4", 0),
        ("three_people_walk_in.mp4", 3),
        ("two_people_heads_turn.mp4", 2),
        ("hand_at_mouth.mp4", 1),
    ],
)
def test_faces_of_the_clips(finder, clips, name, count):
    from emotion_core import frames

    with frames(clips / name) as reader:
        for frame in islice(reader, 0, None, 8):
            faces = [f for f in finder.detect(frame.image) if f.score >= 0.75]
            assert len(faces) == count, f"{name}, frame {frame.index}"


def test_no_model_library_is_loaded_that_runs_nothing():
    code = """
import sys
from emotion_core.faces.finder import FaceFinder
FaceFinder()
print([name for name in ("onnx", "torch", "mediapipe") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
