"""One live viewer's state: calibration, threshold, what is sent of a face; and the pictures taken in."""

import copy
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from emotion_core.labels import EMOTIONS
from emotion_core.types import Box, Face
from webapp.live.baseline import Baseline
from webapp.live.connection import decode_jpeg
from webapp.live.viewer import LiveOptions, LiveState, face_message


def face(number: int = 1, *, emotion: str = "Neutral", sure: float = 0.7, size: float = 50.0) -> Face:
    rest = (1 - sure) / 6
    chances = tuple(sure if label == emotion else rest for label in EMOTIONS)
    return Face(number, Box(10, 20, size, size), emotion, sure, chances, valence=0.1, arousal=0.6)


def jpeg(image: np.ndarray, quality: int = 85) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality)
    return out.getvalue()


# -- state -----------------------------------------------------------------------------------------------


def test_a_resting_face_that_looks_angry_becomes_neutral_after_calibration() -> None:
    state = LiveState(session=None)
    resting = face(emotion="Angry", sure=0.55)
    state.calibrate([resting], None, 10.0)
    assert state.news.pop() == {"type": "baseline", "state": "looking", "face": 1}
    for i in range(20):
        shown = state.against_baseline([resting], 10.0 + i * 0.15)
    assert shown[0].emotion == "Angry"  # three seconds are not over
    shown = state.against_baseline([resting], 13.1)
    assert state.news.pop() == {"type": "baseline", "state": "done", "face": 1}
    assert shown[0].emotion == "Neutral"
    assert sum(shown[0].probabilities) == pytest.approx(1)
    assert (shown[0].valence, shown[0].arousal) == (pytest.approx(0), pytest.approx(0.5))
    # Another face is left as it is, and a clear expression of the same face stays clear.
    other = face(2, emotion="Angry", sure=0.55)
    happy = face(1, emotion="Happy", sure=0.95)
    shown = state.against_baseline([happy, other], 13.3)
    assert [f.emotion for f in shown] == ["Happy", "Angry"]
    assert shown[1] is other
    state.forget_baseline()
    assert state.against_baseline([resting], 13.4) == [resting]


def test_calibration_without_a_face_or_with_too_little_of_it() -> None:
    state = LiveState(session=None)
    state.calibrate([], None, 0.0)
    assert state.news.pop()["state"] == "noface"
    state.calibrate([face(1, size=20), face(2, size=90)], None, 0.0)
    assert state.news.pop()["face"] == 2  # the largest
    state.against_baseline([face(2)], 1.0)
    state.against_baseline([face(2)], 3.1)
    assert state.news == []  # a slow machine gets a little longer
    state.against_baseline([face(2)], 9.1)
    assert state.news.pop()["state"] == "failed" and state.baseline is None


def test_calibration_leaves_custom_categories_without_neutral_alone() -> None:
    labels = ("Calm", "Tense")
    calm = Face(1, Box(0, 0, 9, 9), "Calm", 0.6, (0.6, 0.4), 0, 0.5, labels=labels)
    assert Baseline(1, (-0.5, -0.9), 0, 0.5).apply(calm) is calm


def test_the_threshold_counts_after_calibration_too() -> None:
    state = LiveState(session=None, options=LiveOptions(threshold=0.99))
    state.baseline = Baseline(1, tuple(np.log([1 / 7] * 7)), 0.0, 0.5)
    assert state.against_baseline([face(sure=0.5)], 0.0)[0].uncertain


def test_state_is_plain_data() -> None:
    state = LiveState(session={"any": "thing"})
    twin = copy.deepcopy(state)
    twin.session["any"] = "other"
    assert state.session == {"any": "thing"}


def test_a_face_message_is_small_and_complete() -> None:
    message = face_message(face(7, emotion="Sad", sure=0.6), landmarks=True)
    assert message["id"] == 7 and EMOTIONS[message["e"]] == "Sad"
    assert len(message["p"]) == 7 and "lm" not in message
    assert len(json.dumps(message)) < 220


# -- pictures --------------------------------------------------------------------------------------------


def test_a_jpeg_comes_back_as_rgb() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[..., 0] = 200
    decoded = decode_jpeg(jpeg(image))
    assert decoded.shape == (48, 64, 3) and decoded.dtype == np.uint8
    assert decoded[..., 0].mean() > 190 and decoded[..., 2].mean() < 10


def test_what_is_no_small_jpeg_is_refused() -> None:
    png = io.BytesIO()
    Image.new("RGB", (64, 64)).save(png, "PNG")
    good = jpeg(np.zeros((64, 64, 3), np.uint8))
    for data in (b"", b"x" * 100, png.getvalue(), good[:20], jpeg(np.zeros((8, 64, 3), np.uint8))):
        with pytest.raises(ValueError):
            decode_jpeg(data)
    # 9,000 pixels square in the header of a few bytes: 243 MB if anyone believed it.
    at = good.index(b"\xff\xc0")
    forged = good[: at + 5] + struct.pack(">HH", 9000, 9000) + good[at + 9 :]
    with pytest.raises(ValueError, match="9000 x 9000"):
        decode_jpeg(forged)
