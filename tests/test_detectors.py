"""Face detectors to choose from: each finds faces, and one that is registered can be chosen everywhere."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

import main
from emotion_core.faces import detectors
from emotion_core.faces.detector import DetectorKind
from emotion_core.faces.detectors import DETECTORS
from emotion_core.faces.finder import FaceFinder
from emotion_core.faces.short_range import ShortRange
from emotion_core.recognizer import Recognizer, Session
from emotion_core.types import Box, Candidate, EmotionError

FACE = (225.0, 118.0)  # the middle of the astronaut's face, in pixels


@pytest.fixture(scope="module", params=list(DETECTORS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("mesh", [True, False])
def test_a_face_is_found_and_followed(name: str, mesh: bool, astronaut: np.ndarray) -> None:
    if mesh:
        pytest.importorskip("mediapipe")
    finder = FaceFinder(mesh=mesh, detector=name)
    (face,) = finder.detect(astronaut)
    assert (face.landmarks is not None) == mesh
    middle = face.box.x + face.box.width / 2, face.box.y + face.box.height / 2
    assert np.hypot(middle[0] - FACE[0], middle[1] - FACE[1]) < 25
    right_eye, left_eye, nose, right_mouth, left_mouth = face.points
    assert right_eye[0] < nose[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
    assert right_eye[1] < nose[1] < right_mouth[1]
    (again,) = finder.follow(np.roll(astronaut, 6, axis=1), [face])
    assert again is not None and again.points[:, 0].mean() == pytest.approx(
        face.points[:, 0].mean() + 6, abs=3
    )


def test_both_people_of_a_wide_picture(name: str, zidane_path: Path) -> None:
    image = cv2.cvtColor(cv2.imread(str(zidane_path)), cv2.COLOR_BGR2RGB)
    assert len(FaceFinder(mesh=False, detector=name).detect(image)) == 2


def test_no_face_where_there_is_none(name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    for picture in (noise, np.zeros((64, 64, 3), np.uint8), np.full((480, 640, 3), 128, np.uint8)):
        assert FaceFinder(mesh=False, detector=name).detect(picture) == []


@pytest.mark.weights
def test_the_recognizer_reads_with_any_detector(name: str, astronaut: np.ndarray) -> None:
    recognizer = Recognizer.from_pretrained(detector=name)
    (face,) = recognizer(astronaut, Session(smoothing=1))
    assert face.emotion == "Happy"
    assert recognizer.metadata["detector"] == name


class Middle:
    """A detector that says that the face is in the middle of every picture."""

    least, least_alone = 0.5, 0.5

    def detect(self, image: np.ndarray, sides: object, least: float) -> list[Candidate]:
        height, width = image.shape[:2]
        spots = np.array([[0.4, 0.4], [0.6, 0.4], [0.5, 0.5], [0.42, 0.6], [0.58, 0.6]], np.float32)
        box = Box(width / 4, height / 4, width / 2, height / 2)
        return [Candidate(box, 0.9, spots * np.array([width, height], np.float32))]


def test_a_registered_detector_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DETECTORS, "middle", DetectorKind("middle", "the middle", Middle))
    (face,) = FaceFinder(mesh=False, detector="middle").detect(np.zeros((40, 80, 3), np.uint8))
    assert (face.box.x + face.box.width / 2, face.box.y + face.box.height / 2) == pytest.approx((40, 20))
    args = main.build_parser().parse_args(["--video", "x.mp4", "--detector", "middle"])
    assert args.detector == "middle" and ",middle}" in main.build_parser().format_help()


def test_a_bundle_without_a_detector_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "face_landmarker.task"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("something.else", "x")
    for content in (path.read_bytes(), b"no archive"):
        path.write_bytes(content)
        with pytest.raises(EmotionError, match="holds no face detector"):
            ShortRange(path)


def test_an_unknown_detector_is_one_line() -> None:
    with pytest.raises(EmotionError, match="'eyes' is no face detector: choose from yunet"):
        FaceFinder(detector="eyes")
    with pytest.raises(EmotionError, match="'eyes' is no face detector"):
        Recognizer.from_pretrained(detector="eyes")


def test_every_registered_file_has_its_own_name() -> None:
    folder = Path(detectors.__file__).parent
    assert all((folder / f"{name}.py").is_file() and kind.name == name for name, kind in DETECTORS.items())
