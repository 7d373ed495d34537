"""Faces as signals: units, sides of a smile, looks, blinks; by known numbers and by drawn faces."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from emotion_core import Recognizer, Recording, Session
from emotion_core.analytics import loading
from emotion_core.analytics.signal_tables import of_people
from emotion_core.analytics.signals import BLINK_LONGEST, UNITS, blinks, closure, signals
from emotion_core.labels import BLENDSHAPES
from emotion_core.results.converting import convert
from emotion_core.results.extras import COLUMNS
from emotion_core.results.recording import read_results
from emotion_core.types import EmotionError, Face, Frame

Columns = dict[str, np.ndarray]


def rows(count: int, rate: float = 30.0, **shapes: np.ndarray | float) -> Columns:
    """Columns of one face with those blendshapes, and 0 for the others."""
    time = np.arange(count) / rate
    columns = {"face": np.ones(count), "time": time, "duration": np.full(count, 1 / rate)}
    columns |= {f"blend_{name}": np.zeros(count) for name in BLENDSHAPES}
    return columns | {f"blend_{name}": np.broadcast_to(value, count) for name, value in shapes.items()}


def test_every_unit_stands_for_blendshapes_that_are_there() -> None:
    assert len({unit.column for unit in UNITS}) == len(UNITS)
    for unit in UNITS:
        assert set(unit.shapes) <= set(BLENDSHAPES)
        found = signals(rows(2, **{unit.shapes[0]: 0.6}))
        assert found[unit.column] == pytest.approx([0.6 / len(unit.shapes)] * 2)


def test_a_smile_has_a_side_where_there_is_one() -> None:
    left, right = np.array([0.6, 0.2, 0.04, np.nan]), np.array([0.2, 0.6, 0.01, np.nan])
    found = signals(rows(4, mouthSmileLeft=left, mouthSmileRight=right))
    assert found["smile_asymmetry"][:2] == pytest.approx([0.5, -0.5])
    assert np.isnan(found["smile_asymmetry"][2:]).all() and np.isnan(found["au12_approx"][3])


# blinks

TRUE = (
    (1.0, 0.2),
    (2.5, 0.1),
    (4.0, 0.3),
    (7.0, 0.9),
)  # onset and duration; the last is too long for a blink


def shut_at(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shut = np.zeros(len(time))
    for onset, lasting in TRUE:
        shut[(time >= onset - 1e-9) & (time < onset + lasting - 1e-9)] = 0.6
    return np.clip(0.08 + shut + rng.normal(0, 0.02, len(time)), 0, 1)


@pytest.mark.parametrize("rate", (15.0, 30.0, 60.0))
def test_blinks_are_found_where_they_are(rate: float) -> None:
    columns = rows(round(10 * rate), rate)
    shut = shut_at(columns["time"], np.random.default_rng(1))
    found = blinks(rows(len(shut), rate, eyeBlinkLeft=shut, eyeBlinkRight=shut), 1)
    kept = [one for one in TRUE if one[1] <= BLINK_LONGEST]
    assert len(found.onset) == len(kept) and found.closures == 1
    assert found.onset == pytest.approx([onset for onset, _ in kept], abs=1 / rate + 1e-6)
    assert found.duration == pytest.approx([lasting for _, lasting in kept], abs=1 / rate + 1e-6)
    assert found.per_minute == pytest.approx(18) and not found.caution


def test_open_eyes_that_waver_do_not_blink_and_few_pictures_are_told() -> None:
    noise = np.random.default_rng(2).normal(0.1, 0.03, 300)
    found = blinks(rows(300, 10.0, eyeBlinkLeft=noise, eyeBlinkRight=noise), 1)
    assert not len(found.onset) and not found.closures and "10 pictures a second" in found.caution


def test_an_absence_ends_a_blink_and_is_not_watched() -> None:
    shut = np.where((np.arange(120) // 6) % 5 == 2, 0.7, 0.05)
    columns = rows(120, eyeBlinkLeft=shut, eyeBlinkRight=shut)
    columns["time"] = columns["time"] + np.where(np.arange(120) >= 14, 5.0, 0.0)  # in the middle of the first
    found = blinks(columns, 1)
    assert found.watched == pytest.approx(4.0) and len(found.onset) == 5
    assert found.duration[:2] == pytest.approx([2 / 30, 4 / 30])


def test_key_points_tell_how_far_lids_are_closed() -> None:
    points = np.zeros((200, 50, 2))
    share = np.where((np.arange(200) % 50) < 5, 0.1, 1.0)
    for first, x in ((18, 0), (24, 60)):
        eye = np.array([[0, 0], [8, -4], [16, -4], [24, 0], [16, 4], [8, 4]], float) + (x, 0)
        points[:, first : first + 6] = eye
        points[:, first : first + 6, 1] *= share[:, None]
    columns = {"face": np.ones(200), "time": np.arange(200) / 30, "duration": np.full(200, 1 / 30)}
    columns |= dict(zip(COLUMNS["landmarks"], points.reshape(200, -1).T, strict=True))
    assert closure(columns) == pytest.approx(1 - share, abs=1e-9)
    assert len(blinks(columns, 1).onset) == 4


def test_results_without_them_say_what_is_missing() -> None:
    columns = {name: np.ones(3) for name in ("face", "time", "duration")}
    assert signals(columns) == {}
    with pytest.raises(EmotionError, match="need blendshapes or landmarks"):
        blinks(columns, 1)


def test_a_table_holds_them_in_its_own_order_and_sums_them_up_by_person() -> None:
    """Records that come unordered, with one twice; the second person's smile is one-sided."""
    rng = np.random.default_rng(3)
    parts = []
    for number, left in ((1, 0.4), (2, 0.8)):
        columns = rows(300, eyeBlinkLeft=0.0, mouthSmileLeft=left, mouthSmileRight=0.4)
        shut = shut_at(columns["time"], rng)
        columns |= {"blend_eyeBlinkLeft": shut, "blend_eyeBlinkRight": shut, "pose_yaw": np.full(300, 9.0)}
        columns |= {"pose_pitch": np.zeros(300), "pose_roll": np.zeros(300), "face": np.full(300, number)}
        seen = {
            "frame": np.arange(300),
            "emotion": "Happy",
            "confidence": 0.9,
            "valence": 0.1,
            "arousal": 0.5,
        }
        parts.append(pd.DataFrame(columns | seen))
    raw = pd.concat([parts[1], parts[0], parts[0][:1]], ignore_index=True)
    table = loading.check(raw, name="made").signals
    assert table is not None and len(table) == 600 and table["time"].is_monotonic_increasing
    people = of_people(table)
    assert people["blinks"].tolist() == [3, 3] and people["closures"].tolist() == [1, 1]
    assert people.loc[[1, 2], "smile_asymmetry"].tolist() == pytest.approx([0, 1 / 3], abs=1e-6)
    assert people["pose_yaw"].tolist() == pytest.approx([9, 9]) and "gaze_yaw" not in people
    assert people["lasting"].tolist() == pytest.approx([0.2, 0.2], abs=0.01)
    assert loading.check(raw[["frame", *list(seen)[1:]]], name="bare").signals is None


# drawn faces, read by the real reader


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained(blendshapes=True, reidentify=False)


def seen(recognizer: Recognizer, picture: np.ndarray) -> Face:
    [face] = recognizer(picture, Session(smoothing=1))
    return face


def of(face: Face) -> dict[str, float]:
    assert face.blendshapes is not None
    found = signals(rows(1, **{name: float(value) for name, value in face.blendshapes.items()}))
    return {name: float(values[0]) for name, values in found.items()}


def eyes(face: Face) -> tuple[np.ndarray, np.ndarray]:
    assert face.landmarks is not None
    return face.landmarks[18:24], face.landmarks[24:30]


Paint = Callable[[np.ndarray, np.ndarray, np.ndarray], None]


def drawn(picture: np.ndarray, face: Face, paint: Paint) -> np.ndarray:
    """The picture with both eyes painted: `paint` changes the pixels (H, W, 3) of an eye by its points."""
    out = picture.astype(np.float32)
    for eye in eyes(face):
        paint(out, eye, eye.mean(axis=0))
    return out.clip(0, 255).astype(np.uint8)


def lids(out: np.ndarray, eye: np.ndarray, middle: np.ndarray) -> None:
    """Lay skin over an eye, and a dark line along its lower lid."""
    wide, (x, y) = float(np.linalg.norm(eye[0] - eye[3])), middle
    skin = out[int(y) + 8 : int(y) + 11, int(x) - 3 : int(x) + 4].reshape(-1, 3).mean(axis=0)
    down, across = np.mgrid[: out.shape[0], : out.shape[1]].astype(np.float32)
    share = np.clip(1.5 - ((across - x) / (wide * 0.62)) ** 2 - ((down - y) / (wide * 0.34)) ** 2, 0, 1)
    out += share[..., None] * (skin - out)
    curve = y + 2.5 + 1.2 * (1 - ((across - x) / (wide / 2)) ** 2)
    line = np.exp(-((down - curve) ** 2)) * (np.abs(across - x) < wide / 2)
    out *= 1 - 0.7 * line[..., None]


def looking(shift: float) -> Paint:
    """Draw an eye whose iris lies beside its middle by `shift` of the eye's width."""

    def paint(out: np.ndarray, eye: np.ndarray, middle: np.ndarray) -> None:
        wide = float(np.linalg.norm(eye[0] - eye[3]))
        hull = np.zeros(out.shape[:2], np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(eye.astype(np.int32)), 255)
        inside = cv2.GaussianBlur(hull, (0, 0), 0.8)[..., None] / np.float32(255)
        down, across = np.mgrid[: out.shape[0], : out.shape[1]].astype(np.float32)
        away = np.hypot(across - middle[0] - shift * wide, down - middle[1])
        ball = np.full_like(out, (205, 195, 190))
        for radius, color in ((0.21 * wide, (90, 60, 40)), (0.09 * wide, (15, 12, 12))):
            share = np.clip(radius - away + 0.5, 0, 1)[..., None]
            ball += share * (np.array(color, np.float32) - ball)
        out += inside * (ball - out)

    return paint


@pytest.mark.weights
def test_drawn_blinks_are_found_in_a_video(
    recognizer: Recognizer, astronaut: np.ndarray, tmp_path: Path
) -> None:
    picture = astronaut[20:270, 90:340]
    shut = drawn(picture, seen(recognizer, picture), lids)
    path, session, onsets = tmp_path / "a_results.json", Session(smoothing=1), (20, 50, 80)
    with Recording.create(path, extras=("blendshapes", "landmarks")) as recording:
        for index in range(100):
            closed = any(onset <= index < onset + 6 for onset in onsets)
            frame = Frame(shut if closed else picture, index, index / 30)
            recording.append(frame, recognizer(frame, session))
    table = read_results(path)
    points_only = table.drop(columns=list(COLUMNS["blendshapes"]))
    for given in (table, points_only):
        found = blinks(given, 1)
        assert found.onset * 30 == pytest.approx(onsets, abs=1.01)
        assert found.duration == pytest.approx([0.2] * 3, abs=0.05)
    tidy = pd.read_csv(convert(path, ["tidy"]).paths["tidy"])
    assert tidy["blink"].sum() == pytest.approx(18, abs=3)
    assert {unit.column for unit in UNITS} <= set(tidy.columns) and tidy["smile_left"].between(0, 1).all()


@pytest.mark.weights
def test_eyes_that_are_drawn_to_a_side_look_there(recognizer: Recognizer, astronaut: np.ndarray) -> None:
    picture = cv2.resize(astronaut[20:270, 90:340], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    face = seen(recognizer, picture)
    shifts = (-0.26, -0.16, -0.08, 0.0, 0.08, 0.16, 0.26)
    faces = [seen(recognizer, drawn(picture, face, looking(shift))) for shift in shifts]
    found = [of(one)["look_right"] for one in faces]
    assert np.all(np.diff(found) > 0) and found[0] < -0.4 and found[-1] > 0.4 and abs(found[3]) < 0.15
    # By the iris in degrees: an eyeball of 0.4 widths of the eye turns by asin(shift / 0.4).
    gaze = np.array([one.gaze.yaw for one in faces if one.gaze is not None])
    away = gaze - np.degrees(np.arcsin(np.array(shifts) / 0.4))
    assert np.all(np.diff(gaze) > 0) and np.sqrt(np.mean(away**2)) < 8 and np.abs(away).max() < 15


@pytest.mark.weights
def test_sides_are_the_persons_own(recognizer: Recognizer, astronaut: np.ndarray) -> None:
    """In a mirror the eyes look the other way, and the other side of the mouth smiles more."""
    picture = cv2.resize(astronaut[20:270, 90:340], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    aside = drawn(picture, seen(recognizer, picture), looking(0.2))
    one, other = (of(seen(recognizer, np.ascontiguousarray(p))) for p in (aside, aside[:, ::-1]))
    assert one["look_right"] > 0.3 and other["look_right"] < -0.3
    assert one["smile_asymmetry"] == pytest.approx(-other["smile_asymmetry"], abs=0.1)
