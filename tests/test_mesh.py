"""The face mesh by the model alone, against MediaPipe's own landmarker."""

import subprocess
import sys
import zipfile
from itertools import islice

import cv2
import numpy as np
import pytest

from emotion_core.faces import wire
from emotion_core.faces.finder import FaceFinder
from emotion_core.faces.geometry import HeadGeometry
from emotion_core.faces.mesh import MeshMissingError
from emotion_core.faces.meshes import load_mesh
from emotion_core.faces.weights import find_landmarker
from emotion_core.types import DetectedFace
from tests.test_faces import turned


def needs_mediapipe() -> str:
    """Skip a test where MediaPipe, or a system library that it needs, is not there."""
    pytest.importorskip("mediapipe")
    try:
        load_mesh("mediapipe", find_landmarker())
    except MeshMissingError as e:
        pytest.skip(str(e))
    return "mediapipe"


@pytest.fixture(scope="module")
def reference() -> FaceFinder:
    return FaceFinder(mesh=needs_mediapipe(), blendshapes=True)


@pytest.fixture(scope="module")
def shaped() -> FaceFinder:
    return FaceFinder(blendshapes=True)


def angle(rotation: np.ndarray, other: np.ndarray) -> float:
    """Give the angle between two rotations in degrees."""
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation.T @ other) - 1) / 2, -1, 1))))


@pytest.mark.parametrize("shape", [(260, 300), (300, 260), (200, 200)])
@pytest.mark.parametrize("degrees", [0, 20, -35])
def test_a_face_in_a_picture_is_read_as_mediapipe_does(reference, shaped, astronaut, shape, degrees):
    height, width = shape
    picture = cv2.getRectSubPix(turned(astronaut, degrees), (width, height), (256, 262))
    ours, theirs = shaped._mesh.find(picture), reference._mesh.find(picture)
    assert np.abs(ours.points - theirs.points).max() < 0.1  # pixels
    assert angle(ours.rotation, theirs.rotation) < 1
    assert list(ours.blendshapes) == list(theirs.blendshapes)
    assert max(abs(ours.blendshapes[k] - theirs.blendshapes[k]) for k in ours.blendshapes) < 0.02


@pytest.mark.parametrize("degrees", [-40, 0, 15])
@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.5])
def test_a_face_that_is_followed_is_read_as_mediapipe_does(reference, shaped, astronaut, degrees, zoom):
    size = (round(512 * zoom), round(512 * zoom))
    picture = cv2.resize(turned(astronaut, degrees), size, interpolation=cv2.INTER_AREA)
    ours, theirs = shaped.detect(picture)[0], reference.detect(picture)[0]
    compare(ours, theirs, 0.03, 4)


def compare(ours: DetectedFace, theirs: DetectedFace, far: float, degrees: float) -> None:
    """Require two readings alike: points in units of the distance of the outer eye corners, and angles."""
    eyes = np.hypot(*(theirs.landmarks[33] - theirs.landmarks[263]))
    assert np.linalg.norm(ours.landmarks - theirs.landmarks, axis=1).mean() < far * eyes
    turn = np.array([ours.pose.yaw - theirs.pose.yaw, ours.pose.pitch - theirs.pose.pitch])
    assert np.abs(turn).max() < degrees
    assert abs((ours.pose.roll - theirs.pose.roll + 180) % 360 - 180) < degrees


@pytest.mark.parametrize("name", ["crema_1001_happy.mp4", "sad_to_happy_hands.mp4", "webcam_near_far.mp4"])
def test_faces_of_clips_are_read_as_mediapipe_does(reference, shaped, clips, name):
    from emotion_core import frames

    with frames(clips / name) as reader:
        for frame in islice(reader, 0, 240, 40):
            compare(shaped.detect(frame.image)[0], reference.detect(frame.image)[0], 0.04, 5)


def test_the_head_is_turned_as_the_reference_face_was():
    """The reference face itself, turned and seen from afar, gives its own rotation back."""
    with zipfile.ZipFile(find_landmarker()) as archive:
        head = HeadGeometry(archive.read("geometry_pipeline_metadata_landmarks.binarypb"))
    turn, _ = cv2.Rodrigues(np.array([0.3, -0.4, 0.2]))
    mesh = np.zeros((478, 3))
    mesh[head._used] = head._vertices @ turn.T
    mesh[:468, 2] -= mesh[:468, 2].mean()
    # far away: 1 / 1000 of the picture's width is a centimetre; z of the mesh grows away from the camera
    seen = mesh * (1e-3, -1e-3, -1e-3) + (0.5, 0.5, 0)
    assert angle(head.rotation(seen), turn) < 0.5
    with pytest.raises(ValueError, match="no reference face"):
        HeadGeometry(b"\x08\x01")


def test_a_mesh_is_the_same_by_the_short_way_and_by_mediapipes_own(astronaut):
    mesh = load_mesh(needs_mediapipe(), find_landmarker(), blendshapes=True)
    assert mesh._direct is not None, "a new MediaPipe: compare its face_landmarker.py, then list its version"
    crop, nobody = astronaut[:260, 80:380], astronaut[300:, :200]
    short = mesh.read(crop)
    assert mesh.read(nobody) is None
    mesh._direct = None
    usual = mesh.read(crop)
    assert mesh.read(nobody) is None
    np.testing.assert_array_equal(short.points, usual.points)
    np.testing.assert_array_equal(short.rotation, usual.rotation)
    assert short.points.shape == (478, 2) and short.blendshapes == usual.blendshapes


@pytest.mark.parametrize("mesh", ["litert", "mediapipe"])
def test_loading_writes_nothing_to_stderr(mesh):
    if mesh == "mediapipe":
        needs_mediapipe()
    code = f"""
import numpy, sys
from emotion_core.faces.finder import FaceFinder
FaceFinder(mesh="{mesh}").detect(numpy.zeros((64, 64, 3), "uint8"))
assert ("mediapipe" in sys.modules) == ({mesh!r} == "mediapipe")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_messages_are_read_and_changed_in_their_places():
    inner = wire.embedded(2, b"name") + b"\x08\x96\x01"  # field 1 is 150
    message = wire.embedded(7, inner) + wire.embedded(3, b"x" * 300) + b"\x25\x00\x00\xc0\x3f"  # 4 is 1.5
    assert list(wire.fields(message)) == [(7, inner), (3, b"x" * 300), (4, 1.5)]
    assert list(wire.fields(inner)) == [(2, b"name"), (1, 150)]
    changed = wire.rewritten(message, {7: lambda m: wire.rewritten(m, {2: bytes.upper}), 3: lambda _: None})
    assert changed == wire.embedded(7, inner.replace(b"name", b"NAME")) + b"\x25\x00\x00\xc0\x3f"
    with pytest.raises(IndexError):
        list(wire.fields(message[:-1]))
    with pytest.raises(ValueError, match="wire type"):
        list(wire.fields(b"\x07"))
