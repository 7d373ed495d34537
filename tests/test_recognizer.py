"""Frames and a session in, faces out: shared weights, sessions that never touch, streaming as offline."""

import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from itertools import islice

import cv2
import numpy as np
import pytest

from emotion_core import EMOTIONS, EmotionError, Face, Frame, Recognizer, Session
from emotion_core.faces.crop import crop_face, has_colors, key_points, normalize_landmarks, to_tensor
from emotion_core.faces.finder import FaceFinder
from emotion_core.network.runtime import load_network
from emotion_core.session import Person


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained()


@pytest.fixture(scope="module")
def stream(_astronaut) -> list[Frame]:
    """A face that drifts through 640x480 for a second and a half."""
    from benchmarks.clip import drift

    return [Frame(image, i, i / 15) for i, image in enumerate(drift(_astronaut, 640, 480, 22, 15))]


@pytest.fixture(scope="module")
def other_stream(_astronaut) -> list[Frame]:
    """The same face mirrored and darker, so that its numbers are others."""
    from benchmarks.clip import drift

    dark = (np.ascontiguousarray(_astronaut[:, ::-1]) * 0.5).astype(np.uint8)
    return [Frame(image, i, i / 15) for i, image in enumerate(drift(dark, 480, 480, 22, 15))]


def numbers(faces: list[Face]) -> np.ndarray:
    """Give all that is read of the faces of a frame as one row."""
    rows = [(f.id, *f.box.as_list(), *f.probabilities, f.valence, f.arousal, f.confidence) for f in faces]
    return np.array(rows).ravel()


def run(recognizer: Recognizer, frames: list[Frame], session: Session) -> list[np.ndarray]:
    return [numbers(recognizer(frame, session)) for frame in frames]


def same(some: list[np.ndarray], others: list[np.ndarray], tolerance: float = 1e-9) -> bool:
    return all(
        a.shape == b.shape and np.abs(a - b).max(initial=0) <= tolerance
        for a, b in zip(some, others, strict=True)
    )


def test_a_face_has_all_that_the_design_says(recognizer, astronaut):
    (face,) = recognizer(Frame(astronaut), Session())
    assert face.id == 1 and face.labels == recognizer.labels == EMOTIONS
    assert face.emotion == EMOTIONS[int(np.argmax(face.probabilities))]
    assert face.confidence == max(face.probabilities) and np.isclose(sum(face.probabilities), 1)
    assert -1 <= face.valence <= 1 and 0 <= face.arousal <= 1
    assert not face.uncertain and face.blendshapes is None
    assert face.landmarks is not None and face.landmarks.shape == (50, 2) and face.pose is not None


def test_no_face_is_an_empty_list(recognizer):
    assert recognizer(np.zeros((480, 640, 3), np.uint8), Session()) == []


def test_metadata_is_ready_for_json(recognizer):
    import json

    assert json.loads(json.dumps(recognizer.metadata))["trained"] is recognizer.trained
    assert recognizer.metadata["labels"] == list(EMOTIONS) and recognizer.metadata["sha256"]


def test_a_still_picture_equals_a_clip_of_its_copies(recognizer, astronaut):
    alone = numbers(recognizer(astronaut, Session()))
    session = Session()
    for i in range(40):
        assert np.abs(numbers(recognizer(Frame(astronaut, i, i / 25), session)) - alone).max() < 1e-5


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_is_searched_as_thoroughly_as_can_be(recognizer, zidane_path, quarters):
    """A head that lies is found by a thorough search alone: the first picture of a session needs one."""
    whole = cv2.cvtColor(cv2.imread(str(zidane_path)), cv2.COLOR_BGR2RGB)
    picture = cv2.resize(np.ascontiguousarray(whole[:500, 640:]), None, fx=0.6, fy=0.6)
    (upright,) = recognizer(picture, Session())
    (lying,) = recognizer(np.ascontiguousarray(np.rot90(picture, quarters)), Session())
    assert lying.emotion == upright.emotion
    assert np.abs(np.subtract(lying.probabilities, upright.probabilities)).max() < 0.1


def test_pictures_without_a_clock(recognizer, stream):
    bare = run(recognizer, [frame.image for frame in stream[:8]], Session())
    timed = run(recognizer, [Frame(f.image, i, i / 30) for i, f in enumerate(stream[:8])], Session())
    assert same(bare, timed)


@pytest.mark.parametrize("every_frame", [True, False])
def test_streaming_equals_offline(recognizer, stream, every_frame):
    """One frame at a time, against all features at once and a decision over each window.

    A frame in which a face hardly changed counts with the features of the one before, and its answer stands.
    """
    network = load_network()
    used = Recognizer(network, FaceFinder(every_frame=True)) if every_frame else recognizer
    session, streamed, crops, landmarks, read = Session(smoothing=1), [], [], [], []
    for i, frame in enumerate(stream):
        (face,) = used(frame, session)
        streamed.append((*face.probabilities, face.valence, face.arousal))
        window = session.people[1].window
        if i and np.array_equal(window[-1], window[-2]):
            read.append(read[-1])
            continue
        read.append(len(crops))
        found = session.tracker.present[0].face
        crops.append(crop_face(frame.image, found.points))
        landmarks.append(
            np.zeros((50, 2)) if found.landmarks is None else normalize_landmarks(key_points(found.landmarks))
        )
    present = np.array([np.any(points != 0) for points in landmarks], np.float32)
    assert (len(crops) == len(stream)) == every_frame
    features = network.encode(to_tensor(crops), np.array(landmarks, np.float32), present)[read]
    padded = np.concatenate([np.repeat(features[:1], network.window - 1, axis=0), features])
    windows = np.stack([padded[i : i + network.window] for i in range(len(stream))])
    color = np.array([has_colors(crop) for crop in crops])[read]
    probabilities, valence, arousal = network.decide(windows, color)
    first = [read.index(number) for number in read]  # the frame whose answer stands
    offline = np.column_stack([probabilities, valence, arousal])[first]
    assert np.abs(np.array(streamed) - offline).max() < 1e-4


def test_a_window_that_is_not_full_repeats_its_first():
    person = Person.first(np.array([1.0]), 4)
    seen = [np.concatenate(person.window).tolist()]
    for value in (2.0, 3.0, 4.0, 5.0):
        person.add(np.array([value]))
        seen.append(np.concatenate(person.window).tolist())
    assert seen == [[1, 1, 1, 1], [1, 1, 1, 2], [1, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]


def test_two_interleaved_sessions_equal_two_separate_ones(recognizer, stream, other_stream):
    alone = run(recognizer, stream, Session()), run(recognizer, other_stream, Session(smoothing=3))
    assert not same(*alone, tolerance=1e-4)
    first, second = Session(), Session(smoothing=3)
    mixed: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for a, b in zip(stream, other_stream, strict=True):
        mixed[0].append(numbers(recognizer(a, first)))
        mixed[1].append(numbers(recognizer(b, second)))
    assert same(alone[0], mixed[0]) and same(alone[1], mixed[1])


def test_threads_share_a_recognizer(recognizer, stream, other_stream):
    jobs = [stream, other_stream, stream, other_stream]
    alone = [run(recognizer, frames, Session()) for frames in jobs[:2]] * 2
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda frames: run(recognizer, frames, Session()), jobs))
    assert all(same(a, b, 1e-5) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda session: pickle.loads(pickle.dumps(session))])
def test_a_session_is_plain_data(recognizer, stream, twin):
    session = Session()
    run(recognizer, stream[:10], session)
    other = twin(session)
    expected = run(recognizer, stream[10:], session)
    assert same(expected, run(recognizer, stream[10:], other))


def test_reset_forgets(recognizer, stream, other_stream):
    session = Session(smoothing=4, threshold=0.2)
    run(recognizer, other_stream, session)
    session.reset()
    assert (session.smoothing, session.threshold) == (4, 0.2)
    assert same(run(recognizer, stream, session), run(recognizer, stream, Session(smoothing=4)))


def test_settings_are_checked_and_act_at_once(recognizer, stream):
    for wrong in (0, -3, 2.5):
        with pytest.raises(ValueError, match="smoothing counts frames"):
            Session(smoothing=wrong)
    with pytest.raises(EmotionError, match="between 0 and 1"):
        Session(threshold=1.5)
    session = Session()
    assert not recognizer(stream[0], session)[0].uncertain
    session.threshold = 1.0
    assert recognizer(stream[1], session)[0].uncertain
    with pytest.raises(EmotionError):
        session.smoothing = 0


def test_smoothing_averages_what_one_frame_says(recognizer, stream):
    raw = np.array([row for row in run(recognizer, stream, Session(smoothing=1))])[:, 5:14]
    calm = np.array([row for row in run(recognizer, stream, Session(smoothing=5))])[:, 5:14]
    for i in range(len(stream)):
        assert np.abs(calm[i] - raw[max(0, i - 4) : i + 1].mean(0)).max() < 1e-6


def test_memory_does_not_grow_with_the_stream(recognizer, stream):
    session, sizes = Session(), []
    for turn in range(4):
        run(recognizer, [Frame(f.image, 0, turn * 2 + f.time) for f in stream], session)
        sizes.append(len(pickle.dumps(session)))
    assert max(sizes[1:]) <= 1.02 * sizes[1]
    recognizer(Frame(np.zeros((64, 64, 3), np.uint8), 0, 100.0), session)
    recognizer(Frame(stream[0].image, 0, 100.1), session)
    assert list(session.people) == [1]  # known again, with a window that starts anew


# Ready-made crops ---------------------------------------------------------------------------------------


def test_crops_are_read_as_live_frames_are(recognizer, astronaut):
    (live,) = recognizer(astronaut, Session())
    crops = [np.ascontiguousarray(astronaut[50:190, 155:295]), np.ascontiguousarray(astronaut[:300, 70:380])]
    probabilities, valence, arousal = recognizer.classify(crops)
    assert probabilities.shape == (2, 7) and valence.shape == arousal.shape == (2,)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert np.abs(probabilities - live.probabilities).max() < 0.15
    assert np.abs(valence - live.valence).max() < 0.15


def test_crops_of_any_kind(recognizer, astronaut):
    face = astronaut[60:180, 165:285]
    tiny = cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(tiny, cv2.COLOR_RGB2GRAY)
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    odd = [np.zeros((1, 1, 3), np.uint8), np.zeros((5, 300, 3), np.uint8), noise, face[:, :70]]
    probabilities, valence, arousal = recognizer.classify([tiny, grey, np.stack([grey] * 3, 2), *odd])
    assert np.isfinite(probabilities).all() and np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert np.allclose(probabilities[1], probabilities[2], atol=1e-6)
    assert np.abs(valence).max() <= 1 and arousal.min() >= 0 and arousal.max() <= 1


def test_many_crops_are_each_for_itself(recognizer, astronaut):
    crops = [np.ascontiguousarray(np.roll(astronaut[60:180, 165:285], i % 5, axis=1)) for i in range(40)]
    together = recognizer.classify(crops)[0]
    alone = np.concatenate([recognizer.classify([crop])[0] for crop in crops[:5]])
    assert np.abs(together[:5] - alone).max() < 1e-4
    assert np.abs(together[35:40] - together[:5]).max() < 1e-4


def test_no_crops_and_wrong_crops(recognizer):
    probabilities, valence, arousal = recognizer.classify([])
    assert probabilities.shape == (0, 7) and valence.shape == arousal.shape == (0,)
    for wrong in (np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="crop 0"):
            recognizer.classify([wrong])


# Other weights, other machines --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_weights(tmp_path_factory):
    """Initialised weights for three categories of a user's own."""
    torch = pytest.importorskip("torch")
    from emotion_core.network.checkpoint import save_network
    from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "own.safetensors"
    save_network(
        SpatioTemporalEmotionNet(NetConfig(classes=3)), path, ("bored", "calm", "tense"), trained=False
    )
    return path


def test_labels_come_from_the_network_and_untrained_weights_are_loud(own_weights, astronaut, caplog):
    own = Recognizer.from_pretrained(own_weights, backend="torch")
    assert "UNTRAINED" in caplog.text and not own.trained
    (face,) = own(astronaut, Session())
    assert face.labels == ("bored", "calm", "tense") and face.emotion in face.labels
    assert own.classify([astronaut])[0].shape == (1, 3)


def test_both_backends_agree(recognizer, stream):
    pytest.importorskip("torch")
    other = Recognizer.from_pretrained(backend="torch")
    assert same(run(recognizer, stream[:8], Session()), run(other, stream[:8], Session()), 1e-3)


def test_blendshapes_when_asked_for(astronaut):
    (face,) = Recognizer.from_pretrained(blendshapes=True)(astronaut, Session())
    assert face.blendshapes is not None and len(face.blendshapes) == 52


def test_without_a_mesh(astronaut):
    plain = Recognizer.from_pretrained(mesh=False)
    session = Session()
    alone = numbers(plain(astronaut, session))
    for i in range(1, 20):
        (face,) = plain(Frame(astronaut, i, i / 25), session)
        assert np.abs(numbers([face]) - alone).max() < 1e-5
    assert face.landmarks is None and face.pose is None
    assert plain.classify([astronaut[60:180, 165:285]])[0].shape == (1, 7)


def test_wrong_files_are_one_clear_line(tmp_path):
    (tmp_path / "x.safetensors").write_text("hello")
    for kind in (
        {"path": tmp_path / "x.safetensors"},
        {"face_model": tmp_path / "x.task"},
        {"backend": "tpu"},
    ):
        with pytest.raises(EmotionError) as caught:
            Recognizer.from_pretrained(**kind)
        assert "\n" not in str(caught.value)


def test_import_loads_nothing_heavy():
    heavy = ("numpy", "cv2", "torch", "mediapipe", "onnxruntime")
    code = f"import sys, emotion_core; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Clips --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "people", "last"),
    [
        ("two_people_heads_turn.mp4", 2, None),
        ("three_people_walk_in.mp4", 3, None),
        ("crema_1001_angry.mp4", 1, None),
        ("low_light_made.mp4", 1, None),
        ("hand_at_mouth.mp4", 1, None),
        ("face_then_none.mov", 1, 2.39),
        ("no_face.mp4", 0, None),
    ],
)
def test_ids_of_the_clips(recognizer, clips, name, people, last):
    """Everyone keeps one id in every frame from first to last; whoever leaves is gone."""
    from emotion_core import frames

    session = Session()
    with frames(clips / name) as reader:
        for frame in reader:
            ids = [face.id for face in recognizer(frame, session)]
            gone = last is not None and frame.time > last
            assert ids == ([] if gone else list(range(1, people + 1))), f"{name} at {frame.time:.2f} s"


@pytest.mark.weights
def test_acted_clips_are_read_as_acted(recognizer, clips):
    """The same person thrice: each emotion is likeliest in the clip in which it is acted."""
    from emotion_core import frames

    if not recognizer.trained:
        pytest.skip("the weights are untrained")
    acted = ("Angry", "Happy", "Neutral")
    shares = []
    for emotion in acted:
        session = Session(smoothing=1)
        with frames(clips / f"crema_1001_{emotion.lower()}.mp4") as reader:
            rows = [face.probabilities for frame in reader for face in recognizer(frame, session)]
        mean = dict(zip(recognizer.labels, np.mean(rows, axis=0), strict=True))
        shares.append([mean[name] for name in acted])
    assert np.argmax(shares, axis=0).tolist() == [0, 1, 2]


def test_types_stay_frozen(recognizer, astronaut):
    (face,) = recognizer(astronaut, Session())
    with pytest.raises(AttributeError):
        face.id = 7  # type: ignore[misc]
    assert len(astuple(face.box)) == 4


@pytest.mark.parametrize(
    ("one", "other", "ids"),
    [
        ("crema_1001_angry.mp4", "webcam_near_far.mp4", [1, 2, 1]),  # two people at the same place
        ("many_emotions.mp4", "neutral_to_happy.mp4", [1, 2, 1]),
        ("neutral_to_happy.mp4", "low_light_made.mp4", [1, 1, 1]),  # one person as the light goes off and on
    ],
)
def test_who_is_who_across_a_hard_cut(recognizer, clips, one, other, ids):
    from emotion_core import frames

    shots = []
    for name in (one, other):
        with frames(clips / name) as reader:
            shots.append([cv2.resize(frame.image, (640, 360)) for frame in islice(reader, 8)])
    session, found = Session(), []
    for i, image in enumerate(shots[0] + shots[1] + shots[0]):
        found.append([face.id for face in recognizer(Frame(image, i, i / 25), session)])
    assert found == [[number] for number in ids for _ in range(8)], "from the very first frame of each shot"
    distinct = len(np.unique(session.people[ids[1]].window, axis=0))
    assert (distinct <= 8) == (ids[1] == 2), "nothing is carried over to another person"
