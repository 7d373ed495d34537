"""Elements of the overlay: what each draws, and that one which is registered can be chosen everywhere."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main
from emotion_core.desktop import live
from emotion_core.faces.finder import FaceFinder
from emotion_core.faces.regions import head_pose
from emotion_core.overlay import elements
from emotion_core.overlay.draw import DrawStyle, draw
from emotion_core.overlay.elements import ELEMENTS
from emotion_core.overlay.elements.base import Element, Scene
from emotion_core.overlay.elements.pose import axes
from emotion_core.types import Box, Pose
from tests.test_draw import face


def test_without_a_panel_there_is_a_name_and_without_both_nothing() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    one = face(Box(100, 100, 150, 200))
    assert np.array_equal(draw(image, [one], style=DrawStyle(())), image)
    sizes = [int((draw(image, [one], style=DrawStyle({e})) > 0).any(2).sum()) for e in ("name", "panel")]
    assert 0 < 3 * sizes[0] < sizes[1]
    both = draw(image, [one], style=DrawStyle({"name", "panel"}))
    assert np.array_equal(both, draw(image, [one], style=DrawStyle({"panel"})))


def test_an_element_that_is_registered_can_be_chosen_everywhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    def dye(scene: Scene) -> None:
        scene.canvas[:] = 7

    monkeypatch.setitem(ELEMENTS, "dye", Element("dye", "one colour over all", mark=dye, key="y"))
    image = np.full((48, 64, 3), 90, np.uint8)
    assert np.array_equal(draw(image, []), image), "it is off unless chosen"
    assert (draw(image, [], style=DrawStyle().switched("dye")) == 7).all()
    assert main.build_parser().parse_args(["--video", "x", "--overlay", "Box, dye"]).overlay == ("box", "dye")
    assert "panel,dye" in "".join(main.build_parser().format_help().split())
    assert live.switches()["y"] == "dye" and live.keys().endswith("y dye")
    with pytest.raises(SystemExit):
        main.build_parser().parse_args(["--video", "x", "--overlay", "boxes"])
    assert "'boxes' is no list of objects, " in capsys.readouterr().err


@pytest.mark.parametrize("yaw, pitch, roll", [(0, 0, 0), (40, 0, 0), (0, 30, 0), (0, 0, 25), (-35, 20, -60)])
def test_the_axes_of_a_head_are_the_rotation_that_its_angles_were_read_from(yaw, pitch, roll) -> None:

    own = axes(Pose(yaw, pitch, roll))
    assert own @ own.T == pytest.approx(np.eye(3))
    read = head_pose((own * (1, -1, 1)).T, np.eye(2, 3))
    assert (read.yaw, read.pitch, read.roll) == pytest.approx((yaw, pitch, roll), abs=1e-9)


def test_the_forward_axis_points_where_the_nose_does(zidane_path: Path) -> None:
    pytest.importorskip("mediapipe")

    found = FaceFinder(mesh=True).detect(np.asarray(Image.open(zidane_path).convert("RGB")))
    turned = [f for f in found if f.pose is not None and abs(f.pose.yaw) > 10 and f.landmarks is not None]
    assert turned
    for one in turned:
        assert one.pose is not None and one.landmarks is not None
        nose = one.points[2] - one.landmarks.mean(0)
        assert np.sign(axes(one.pose)[2, 0]) == np.sign(nose[0])


def test_every_file_of_the_elements_is_registered() -> None:
    folder = Path(elements.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == {*ELEMENTS, "__init__", "base"}
