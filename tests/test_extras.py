"""Head pose, blendshapes and key points in results, where they are asked for."""

import json
from pathlib import Path

import numpy as np
import pytest

from emotion_core.analysis import Part, analyze
from emotion_core.analytics import loading
from emotion_core.labels import BLENDSHAPES
from emotion_core.recognizer import Recognizer
from emotion_core.results import formats
from emotion_core.results.extras import COLUMNS, EXTRAS
from emotion_core.results.record import columns
from emotion_core.results.recording import Recording, read, read_results
from emotion_core.types import EmotionError
from emotion_core.video.reader import frames
from main import main


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.from_pretrained(blendshapes=True)


def test_every_format_holds_them_and_reads_them_back(
    talking_clip: Path, tmp_path: Path, recognizer: Recognizer
) -> None:
    result = analyze(
        talking_clip,
        recognizer=recognizer,
        output_dir=tmp_path,
        formats=formats.available(),
        write_video=False,
        extras=("gaze", "landmarks", "pose", "blendshapes"),
        part=Part(every=10),
    )
    assert result.summary["settings"]["extras"] == list(EXTRAS)
    records = json.loads(result.paths["json"].read_text())
    first = records[0]
    assert set(first["pose"]) == {"yaw", "pitch", "roll"} and abs(first["pose"]["yaw"]) < 45
    assert tuple(first["blendshapes"]) == BLENDSHAPES and abs(first["gaze"]["yaw"]) < 20
    assert all(0 <= share <= 1 for share in first["blendshapes"].values())
    x, y, width, height = first["box"]
    points = np.array(first["landmarks"])
    assert points.shape == (50, 2)
    assert (points > [x - 2, y - 2]).all() and (points < [x + width + 2, y + height + 2]).all()
    for name in formats.readable():
        table = read_results(result.paths[name])
        assert list(table.columns) == columns(extras=EXTRAS) and len(table) == len(records) == 5, name
        assert table.attrs["skipped"] == 0
        assert table["pose_yaw"].tolist() == pytest.approx([r["pose"]["yaw"] for r in records], abs=1e-3)
        looks = [r["gaze"]["yaw"] for r in records]
        assert table["gaze_yaw"].tolist() == pytest.approx(looks, abs=1e-3)
        smiles = [r["blendshapes"]["mouthSmileLeft"] for r in records]
        assert table["blend_mouthSmileLeft"].tolist() == pytest.approx(smiles, abs=1e-5)
        assert table["landmark_y_49"].tolist() == pytest.approx(
            [r["landmarks"][49][1] for r in records], abs=1e-3
        )
        shown = loading.read(result.paths[name])  # as the dashboard does
        assert len(shown.frame) == 5 and not shown.notes


def test_what_is_not_asked_for_is_not_there(astronaut_path: Path, tmp_path: Path) -> None:
    recognizer = Recognizer.from_pretrained()
    paths = analyze(
        astronaut_path,
        recognizer=recognizer,
        output_dir=tmp_path,
        formats=["csv"],
        write_video=False,
        extras=["pose"],
    ).paths
    [record] = json.loads(paths["json"].read_text())
    assert "pose" in record and "landmarks" not in record and "blendshapes" not in record
    assert paths["csv"].read_text().splitlines()[0].endswith("duration,pose_yaw,pose_pitch,pose_roll")
    with pytest.raises(EmotionError, match="blendshapes=True"):
        analyze(astronaut_path, recognizer=recognizer, output_dir=tmp_path, extras=["blendshapes"])


def test_records_come_back_whole_also_without_a_face(
    astronaut_path: Path, tmp_path: Path, recognizer: Recognizer
) -> None:
    from emotion_core.session import Session
    from emotion_core.types import Frame

    [picture] = frames(astronaut_path)
    faces = recognizer(picture, Session())
    with Recording.create(tmp_path / "a_results.json", formats=["csv"], extras=EXTRAS) as recording:
        for number in range(3):
            recording.append(Frame(picture.image, number, number / 10), [] if number == 1 else faces)
    for name in ("json", "csv"):
        one, nobody, three = read(recording.paths[name])
        assert nobody.pose is None and nobody.landmarks is None and nobody.blendshapes is None
        assert one.pose is not None and one.pose == three.pose and faces[0].pose is not None
        assert one.pose["roll"] == pytest.approx(faces[0].pose.roll, abs=0.01)
        assert one.landmarks is not None and faces[0].landmarks is not None
        assert np.array(one.landmarks) == pytest.approx(faces[0].landmarks, abs=0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pose": 7, "landmarks": "here", "blendshapes": []},
        {"pose": {"yaw": "left"}, "landmarks": [[1, 2, 3]] * 50, "blendshapes": {"jawOpen": None}},
        {"pose": {"yaw": [1]}, "landmarks": [1] * 50, "blendshapes": {"jawOpen": 1e300}},
    ],
)
def test_another_tool_s_keys_of_these_names_are_no_stumbling_block(tmp_path: Path, wrong: object) -> None:
    usual = {"frame": 0, "emotion": "Happy", "confidence": 0.9, "valence": 0.5, "arousal": 0.5}
    path = tmp_path / "a_results.json"
    path.write_text(json.dumps([usual, {**usual, "frame": 1, **wrong}]))  # type: ignore[dict-item]
    table = read_results(path)
    assert len(table) == 2 and table.attrs["skipped"] == 0
    assert table[[*COLUMNS["pose"], *COLUMNS["landmarks"]]].isna().all(axis=None)
    assert len(loading.read(path).frame) == 2


def test_an_unknown_one_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EmotionError, match="choose from pose, blendshapes, landmarks"):
        Recording.create(tmp_path / "a.json", extras=["aura"])
    with pytest.raises(SystemExit):
        main(["--video", "x.mp4", "--with", "aura"])
    assert "no list of pose, blendshapes, landmarks" in capsys.readouterr().err


def test_the_command_line_asks_for_them(astronaut_path: Path, tmp_path: Path) -> None:
    words = ["--video", str(astronaut_path), "--output", str(tmp_path), "--no-objects", "--no-video"]
    assert main([*words, "--with", "pose,blendshapes"]) == 0
    [record] = json.loads((tmp_path / "astronaut_results.json").read_text())
    assert len(record["blendshapes"]) == 52 and record["blendshapes"]["mouthSmileLeft"] > 0.3
