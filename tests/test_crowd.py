"""More faces than are read, and pictures of another order of channels."""

from pathlib import Path

import numpy as np
import pytest

from emotion_core.analysis import analyze
from emotion_core.faces.finder import FaceFinder
from emotion_core.network.runtime import load_network
from emotion_core.recognizer import Recognizer, Session
from emotion_core.types import Frame


def test_faces_beyond_the_most_are_counted_and_said(astronaut: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    face = astronaut[0:260, 90:350]
    Image.fromarray(np.tile(face, (2, 3, 1))).save(tmp_path / "crowd.png")
    recognizer = Recognizer(load_network(), FaceFinder(max_faces=4))
    summary = analyze(tmp_path / "crowd.png", recognizer=recognizer, write_video=False).summary
    assert summary["people"] == 4
    [remark] = [r for r in summary["remarks"] if "faces" in r]
    assert remark == "up to 2 more in one picture may be faces: the 4 largest are read"
    session, crowd = Session(), np.tile(face, (2, 3, 1))
    for number in range(12):  # those that are followed leave no room for more
        assert len(recognizer(Frame(crowd, number, number / 5), session)) == 4
    enough = Recognizer(load_network(), FaceFinder(max_faces=6))
    summary = analyze(tmp_path / "crowd.png", recognizer=enough, write_video=False).summary
    assert summary["people"] == 6 and not summary["remarks"]


def test_bgr_is_a_named_argument(astronaut: np.ndarray) -> None:
    recognizer = Recognizer.from_pretrained()
    bgr = astronaut[:, :, ::-1]
    [wanted], [found] = recognizer(astronaut, Session()), recognizer(bgr, Session(), channels="bgr")
    assert found.probabilities == wanted.probabilities and found.box == wanted.box
    crop = astronaut[0:260, 90:350]
    for one, other in zip(
        recognizer.classify([crop]), recognizer.classify([crop[:, :, ::-1]], channels="bgr"), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="a Frame holds RGB"):
        recognizer(Frame(astronaut), Session(), channels="bgr")
    with pytest.raises(ValueError, match="'rgb' or 'bgr'"):
        recognizer(astronaut, Session(), channels="gbr")
