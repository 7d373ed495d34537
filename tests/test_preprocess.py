"""From a picture to the network's input."""

import cv2
import numpy as np
import pytest

from emotion_core.faces import crop as pp

POINTS = np.array([[300.0, 200.0], [400.0, 200.0], [350.0, 260.0], [310.0, 305.0], [390.0, 305.0]])


def turned(points: np.ndarray, degrees: float, zoom: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    matrix = cv2.getRotationMatrix2D((350, 250), degrees, zoom)
    return points @ matrix[:, :2].T + matrix[:, 2], matrix


@pytest.mark.parametrize("degrees", [-80, -30, 0, 15, 60])
@pytest.mark.parametrize("zoom", [0.3, 1.0, 1.7])
def test_the_crop_is_upright_whatever_the_tilt_and_size(degrees, zoom):
    points, _ = turned(POINTS, degrees, zoom)
    matrix = pp.crop_matrix(points)
    seen = points @ matrix[:, :2].T + matrix[:, 2]
    right, left = seen[0], seen[1]
    assert right[1] == pytest.approx(left[1], abs=0.01)
    assert right[0] < left[0]
    assert (right[0] + left[0]) / 2 == pytest.approx(111.5, abs=0.5)
    assert right[1] == pytest.approx(0.385 * 224, abs=1.0)


def test_turned_picture_gives_the_same_crop():
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (500, 700, 3), dtype=np.uint8), (0, 0), 6)
    points, matrix = turned(POINTS, 25)
    other = cv2.warpAffine(picture, matrix, (700, 500), flags=cv2.INTER_CUBIC)
    straight, tilted = pp.crop_face(picture, POINTS), pp.crop_face(other, points)
    assert np.abs(straight[40:180, 40:180].astype(int) - tilted[40:180, 40:180]).mean() < 2


@pytest.mark.parametrize("zoom", [2.0, 3.0, 5.0])
def test_a_large_face_gives_the_crop_of_a_small_one(zoom):
    rng = np.random.default_rng(1)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (500, 700, 3), dtype=np.uint8), (0, 0), 8)
    large = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    points = (POINTS + 0.5) * zoom - 0.5
    difference = pp.crop_face(picture, POINTS).astype(int) - pp.crop_face(large, points)
    assert np.abs(difference).mean() < 1.5


def test_a_crop_may_leave_the_picture():
    picture = np.full((120, 120, 3), 90, np.uint8)
    assert (pp.crop_face(picture, POINTS - [300, 200]) == 90).all()


def test_points_that_fall_together_are_refused():
    with pytest.raises(ValueError, match="fall together"):
        pp.crop_matrix(np.full((5, 2), 7.0))


def test_tensor_is_grey_standardised_and_blind_to_light():
    rng = np.random.default_rng(2)
    crop = cv2.GaussianBlur(rng.integers(0, 255, (224, 224, 3), dtype=np.uint8), (0, 0), 1)
    dark = (crop * 0.4).astype(np.uint8)
    tensor = pp.to_tensor([crop, dark])
    assert tensor.shape == (2, 3, 224, 224) and tensor.dtype == np.float32
    assert np.allclose(tensor[:, 0], tensor[:, 2])
    assert tensor[0].mean() == pytest.approx(0, abs=1e-3) and tensor[0].std() == pytest.approx(1, abs=1e-2)
    assert np.abs(tensor[0] - tensor[1]).mean() < 0.1  # what is left is rounding
    assert np.allclose(pp.to_tensor([cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)])[0], tensor[0])
    assert np.isfinite(pp.to_tensor([np.zeros((48, 48, 3), np.uint8)])).all()


def test_colours_are_told_from_grey_in_any_light(astronaut):
    face = pp.warp(astronaut, np.array([[1.2, 0, -180.0], [0, 1.2, -20]]), pp.SIZE)
    grey = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    packed = cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
    assert pp.has_colors(face) and pp.has_colors(face // 6)
    assert not any(pp.has_colors(picture) for picture in (grey, packed, grey // 6, np.zeros_like(grey)))


def test_key_points_are_fifty_and_normalised():
    assert len(set(pp.KEY_POINTS)) == 50
    rng = np.random.default_rng(3)
    mesh = rng.normal(size=(478, 2)) * 40 + 300
    one = pp.normalize_landmarks(pp.key_points(mesh))
    angle = np.deg2rad(33)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    two = pp.normalize_landmarks(pp.key_points(mesh @ spin.T * 2.5 + 90))
    assert np.allclose(one, two, atol=1e-4)
    right, left = one[pp.KEY_POINTS.index(33)], one[pp.KEY_POINTS.index(263)]
    assert np.allclose(left - right, [1, 0], atol=1e-5)


def test_mirrored_key_points_match_a_mirrored_mesh():
    torch = pytest.importorskip("torch")
    from train.data.augment import MIRROR_POINTS, mirror_landmarks

    assert sorted(MIRROR_POINTS.tolist()) == list(range(50))
    assert (MIRROR_POINTS[MIRROR_POINTS] == torch.arange(50)).all()
    points = torch.randn(1, 50, 2)
    assert torch.equal(
        mirror_landmarks(mirror_landmarks(points, torch.tensor([True])), torch.tensor([True])), points
    )
