"""Faces of stills that talk, blink and turn while their expression stays."""

import cv2
import numpy as np
import pytest
import torch

from emotion_core.faces.crop import KEY_POINTS, crop_face, key_points, normalize_landmarks
from emotion_core.faces.finder import FaceFinder
from train.data.motion import Motion, aligned, in_crop

T, MARGIN = 16, 144 / 112
MOTIONS = ("talks", "blinks", "turns")


@pytest.fixture(scope="module")
def face(_astronaut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the grey crop of a photograph with its margin, and its aligned key points (1, 50, 2)."""
    (found,) = FaceFinder().detect(_astronaut)
    assert found.landmarks is not None
    crop = cv2.cvtColor(crop_face(_astronaut, found.points, 144, MARGIN), cv2.COLOR_RGB2GRAY)
    return crop, normalize_landmarks(key_points(found.landmarks))[None]


def motion(points: torch.Tensor, kind: str, seed: int = 0) -> Motion:
    yes = [torch.tensor([name == kind]) for name in MOTIONS]
    return Motion(points, *yes, T, torch.Generator().manual_seed(seed))


def moved(points: torch.Tensor, kind: str) -> torch.Tensor:
    """Give the key points (T, 50, 2) of a face that moves."""
    many = points[:, None].expand(-1, T, -1, -1)
    return (many + motion(points, kind).shift(many))[0]


def apart(points: torch.Tensor, a: int, b: int) -> torch.Tensor:
    """Give the distance of two mesh points in each frame (T,)."""
    rows = [KEY_POINTS.index(i) for i in (a, b)]
    return (points[:, rows[0]] - points[:, rows[1]]).norm(dim=-1)


def test_key_points_lie_on_the_crop_where_the_live_crop_puts_them(
    face: tuple[np.ndarray, np.ndarray],
) -> None:
    placed, unit = in_crop(face[1], MARGIN)
    eyes = placed[0, [KEY_POINTS.index(i) for i in (33, 133, 362, 263)]].mean(0)
    assert abs(float(eyes[0])) < 0.05  # in the middle, and at 0.385 of the height from the top
    assert float(eyes[1]) == pytest.approx((2 * 0.385 - 1) / MARGIN, abs=0.02)
    assert torch.allclose(aligned(placed), torch.from_numpy(face[1]), atol=1e-3)
    assert 0.5 < float(unit) < 1.2


def test_each_motion_moves_its_own_part(face: tuple[np.ndarray, np.ndarray]) -> None:
    placed, _ = in_crop(face[1], MARGIN)
    lips, lids, nose = (13, 14), (160, 144), (1, 33)
    spread = {
        kind: [float(apart(moved(placed, kind), *pair).std()) for pair in (lips, lids, nose)]
        for kind in MOTIONS
    }
    assert spread["talks"][0] > 0.01
    assert spread["talks"][1] < 1e-3 and spread["blinks"][0] < 1e-3
    assert spread["blinks"][1] > 5e-3
    assert spread["turns"][2] > 0.01 > 2 * spread["blinks"][2]


def test_the_picture_moves_with_the_points(face: tuple[np.ndarray, np.ndarray]) -> None:
    placed, _ = in_crop(face[1], MARGIN)
    steps = (torch.arange(72) + 0.5) / 36 - 1
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).expand(T, -1, -1, -1)
    for kind in MOTIONS:
        way = motion(placed, kind)
        there = grid + way.shift(grid[None].flatten(2, 3)).reshape(grid.shape)
        back = way.fetch(there)
        error = (back - grid).norm(dim=-1)
        assert float(error.median()) < 1e-3 and float((error < 0.03).float().mean()) > 0.97, kind
    still = motion(placed, "nothing")
    assert not still.any and torch.equal(still.fetch(grid), grid)
    assert float(motion(placed, "talks").gap(grid).amax()) > 0.5 > float(still.gap(grid).amax())
