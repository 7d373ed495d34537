"""Results of other tools and codings by people, read into our table.

OpenFace 3, Py-Feat, LibreFace, DeepFace and BORIS: files written to the columns of the tools' own code.
OpenFace 2, AFFDEX, FaceReader and MorphCast: files written to the tools' public descriptions. The numbers are
made up.
"""

import json
from pathlib import Path

import pytest

from emotion_core.analytics import loading
from emotion_core.results.converting import convert, read_any
from emotion_core.results.incoming import TOOLS, read_foreign, tool_of
from emotion_core.results.record import columns
from emotion_core.results.recording import Recording
from emotion_core.results.spans import spans
from emotion_core.results.whole import Whole
from emotion_core.types import EmotionError
from tests.test_exchange import recorded

OPENFACE = """\
frame, face_id, timestamp, confidence, success, gaze_0_x, pose_Tx, pose_Ry, AU01_r, AU12_r, AU12_c
1, 0, 0.000, 0.98, 1, 0.01, 12.5, 0.11, 0.20, 2.5, 1
2, 0, 0.040, 0.97, 1, 0.02, 12.6, 0.12, 0.21, 2.6, 1
3, 0, 0.080, 0.02, 0, 0.00, 0.0, 0.00, 0.00, 0.0, 0
4, 0, 0.120, 0.96, 1, 0.03, 12.7, 0.13, 0.22, 2.7, 1
"""
OPENFACE3 = """\
timestamp,video_path,frame_index,face_id,face_detection,landmarks,emotion,gaze_yaw,gaze_pitch,action_units
2026-01-01 10:00:00,a.mp4,0,0.0,"[10.0, 20.0, 50.0, 80.0, 0.99]",,1.0,0.1,-0.2,"[[0.1, 0.2]]"
2026-01-01 10:00:00,a.mp4,0,1.0,"[110.0, 20.0, 150.0, 80.0, 0.99]",,6.0,0.1,-0.2,"[[0.1, 0.2]]"
2026-01-01 10:00:01,a.mp4,1,,,,,,,
2026-01-01 10:00:01,a.mp4,2,0.0,"[12.0, 20.0, 52.0, 80.0, 0.99]",,7.0,0.1,-0.2,"[[0.1, 0.2]]"
"""
PYFEAT = """\
FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,Pitch,Roll,Yaw,AU01,AU12,\
anger,disgust,fear,happiness,sadness,surprise,neutral,input,frame
10,20,30,40,0.99,1,2,3,0.1,0.9,0.02,0.01,0.01,0.9,0.02,0.02,0.02,a.mp4,0
60,20,30,40,0.98,1,2,3,0.1,0.1,0.7,0.1,0.05,0.05,0.05,0.02,0.03,a.mp4,0
11,20,30,40,0.99,1,2,3,0.1,0.8,0.1,0.1,0.1,0.1,0.1,0.1,0.4,a.mp4,10
"""
LIBREFACE = """\
frame_idx,frame_time_in_ms,pitch,yaw,roll,au_1,au_12,au_1_intensity,au_12_intensity,facial_expression
0,{0},1,2,3,0,1,0.1,2.5,Happiness
1,{1},1,2,3,0,1,0.1,2.4,Neutral
2,{2},1,2,3,0,1,0.1,2.3,Contempt
"""
IMOTIONS = """\
#METADATA,,,,
#Recording time,Date: 01/01/2026,,,
#DATA,,,,
Row,Timestamp,EventSource,SlideEvent,Anger,Contempt,Disgust,Fear,Joy,Sadness,Surprise,Engagement,Valence
1,0,1,StartSlide,,,,,,,,,
2,33.3,2,,1,2,3,4,80,1,2,60,75.5
3,66.7,2,,1,2,3,4,5,1,2,10,-20
"""
FACEREADER_NAMES = (
    *("Video Time", "Neutral", "Happy", "Sad", "Angry", "Surprised", "Scared", "Disgusted", "Contempt"),
    *("Valence", "Arousal", "X - Head Orientation"),
)
FACEREADER_ROWS = (
    ("00:00:00.000", 0.90, 0.05, 0.01, 0.01, 0.01, 0.01, 0.01, 0.0, 0.04, 0.3, 1.5),
    ("00:00:00.040", *["FIT_FAILED"] * 10, ""),
    ("00:01:00.080", 0.10, 0.85, 0.01, 0.01, 0.01, 0.01, 0.01, 0.0, 0.84, 0.6, 1.7),
)
FACEREADER = "\n".join(
    [
        *("Video analysis detailed log\t\t", "Face Model:\tGeneral\t", "Filename:\tC:\\talk.mp4\t"),
        *("Frame rate:\t25\t", ""),
        *("\t".join(map(str, row)) for row in (FACEREADER_NAMES, *FACEREADER_ROWS)),
    ]
)
CHANCES = {
    "angry": 1.0,
    "disgust": 0.5,
    "fear": 2.5,
    "happy": 90.0,
    "sad": 1.0,
    "surprise": 1.0,
    "neutral": 4.0,
}
FACE = {"region": {"x": 1, "y": 2, "w": 3, "h": 4}, "emotion": CHANCES, "dominant_emotion": "happy"}


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_openface_2(tmp_path: Path) -> None:
    table = read_foreign(put(tmp_path, "talk.csv", OPENFACE))
    assert table["frame"].tolist() == [0, 1, 3] and table["time"].tolist() == [0.0, 0.04, 0.12]
    assert table["emotion"].isna().all() and table["face"].tolist() == [1, 1, 1]
    assert table["AU12_r"].tolist() == [2.5, 2.6, 2.7] and table["pose_Ry"].tolist() == [0.11, 0.12, 0.13]
    measures = table.attrs["measures"]
    assert measures["AU12_r"] == "intensity, 0 to 5" and measures["pose_Ry"] == "radians"
    assert measures["AU12_c"] == "presence, 0 or 1" and measures["pose_Tx"] == "millimetres"
    assert table.attrs["origin"] == "OpenFace 2" and table.attrs["rate_known"]
    assert "1 frames in which no face was tracked" in table.attrs["notes"][0]
    with pytest.raises(EmotionError, match="OpenFace 2 names no categories"):
        convert(tmp_path / "talk.csv", ["eaf"])


def test_openface_3_says_that_it_has_no_times(tmp_path: Path) -> None:
    path = put(tmp_path, "face_analysis_a.csv", OPENFACE3)
    table = read_foreign(path)
    assert table["emotion"].tolist() == ["Happy", "Angry", "Contempt"]
    assert table["face"].tolist() == [1, 2, 1] and table["frame"].tolist() == [0, 0, 2]
    assert table.loc[1, ["box_x", "box_y", "box_w", "box_h"]].tolist() == [110, 20, 40, 60]
    assert not table.attrs["rate_known"] and "no frame rate: 25 frames" in table.attrs["notes"][-1]
    assert table["time"].tolist() == [0, 0, 2 / 25]
    convert(path, ["eaf"])
    summary = json.loads((tmp_path / "face_analysis_a_summary.json").read_text("utf-8"))
    assert "the file holds no frame rate: 25 frames a second are assumed" in summary["remarks"]
    slower = loading.at_rate(loading.read(path), 5)
    assert slower.frame["time"].tolist() == slower.table["time"].tolist() == [0, 0, 0.4]
    assert slower.notes[-1] == "the file holds no frame rate: 5 frames a second are assumed"
    known = read_foreign(path, rate=10)
    assert known["time"].tolist() == [0, 0, 0.2] and known.attrs["rate_known"]


def test_py_feat(tmp_path: Path) -> None:
    table = read_foreign(put(tmp_path, "fex.csv", PYFEAT), rate=10)
    assert table["emotion"].tolist() == ["Happy", "Angry", "Neutral"]
    assert table["confidence"].tolist() == [0.9, 0.7, 0.4] and table["p_Fear"].tolist() == [0.01, 0.05, 0.1]
    assert table["frame"].tolist() == [0, 0, 10] and table["time"].tolist() == [0, 0, 1]
    assert table["face"].tolist() == [1, 2, 1] and table["AU12"].tolist() == [0.9, 0.1, 0.8]
    assert table["box_w"].tolist() == [30, 30, 30] and table["valence"].isna().all()
    assert table.attrs["measures"]["Yaw"] == "degrees"


def test_py_feats_second_detector_and_a_rate_that_its_whole_seconds_tell(tmp_path: Path) -> None:
    names = [
        "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU12,Neutral,Happy,Sad,Surprise,Fear"
    ]
    names[0] += ",Disgust,Anger,valence,arousal,gaze_yaw,Identity_1,frame,input,approx_time,Identity"
    line = (
        "10,20,30,40,0.99,0.8,0.1,0.1,0.1,0.1,0.1,0.1,0.4,-0.5,-0.2,0.1,0.3,{0},a.mp4,{1:02.0f}:{2:02.0f},P"
    )
    steps = [(frame, frame / 29.97 // 60, frame / 29.97 % 60 // 1) for frame in range(0, 3600, 7)]
    path = put(tmp_path, "fex.csv", "\n".join([*names, *(line.format(*step) for step in steps)]) + "\n")
    table = read_foreign(path)
    assert table["emotion"].unique().tolist() == ["Angry"] and table["arousal"][0] == pytest.approx(0.4)
    assert table["valence"][0] == -0.5 and table["p_Disgust"][0] == 0.1 and "Identity_1" not in table
    assert table["time"].iloc[-1] == pytest.approx(3598 / 29.97, rel=0.005) and table.attrs["rate_known"]
    assert any("about 30.0 frames a second" in note for note in table.attrs["notes"])
    short = put(
        tmp_path, "short.csv", "\n".join([*names, *(line.format(*step) for step in steps[:9])]) + "\n"
    )
    assert not read_foreign(short).attrs["rate_known"]


@pytest.mark.parametrize("times, noted", [((0, 33.4, 66.7), False), ((0, 0.0334, 0.0667), True)])
def test_libreface_in_milliseconds_and_in_seconds_that_it_calls_so(
    tmp_path: Path, times: tuple[float, ...], noted: bool
) -> None:
    table = read_foreign(put(tmp_path, "a.csv", LIBREFACE.format(*times)))
    assert table["time"].tolist() == pytest.approx([0, 0.0334, 0.0667])
    assert table["emotion"].tolist() == ["Happy", "Neutral", "Contempt"]
    assert table["au_12_intensity"].tolist() == [2.5, 2.4, 2.3]
    assert bool(table.attrs["notes"]) == noted


@pytest.mark.parametrize("lines", [True, False])
def test_deepface(tmp_path: Path, lines: bool) -> None:
    pictures = [[FACE, {**FACE, "emotion": {**CHANCES, "sad": 95.0}}], [], [FACE]]
    text = "\n".join(map(json.dumps, pictures)) if lines else json.dumps(pictures)
    table = read_foreign(put(tmp_path, "a.json", text), rate=5)
    assert table["emotion"].tolist() == ["Happy", "Sad", "Happy"] and table["frame"].tolist() == [0, 0, 2]
    assert table["confidence"].tolist() == pytest.approx([0.9, 0.95, 0.9])
    assert table["box_h"].tolist() == [4, 4, 4] and table["time"].tolist() == [0, 0, 0.4]


def test_imotions(tmp_path: Path) -> None:
    table = read_foreign(put(tmp_path, "sensor.csv", IMOTIONS))
    assert table["emotion"].tolist() == ["Happy", "Neutral"]
    assert table["time"].tolist() == pytest.approx([0.0333, 0.0667])
    assert table["valence"].tolist() == [0.755, -0.2] and table["p_Contempt"].tolist() == [0.02, 0.02]
    assert table["Engagement"].tolist() == [60, 10] and table["arousal"].isna().all()
    assert any("no neutral category" in note for note in table.attrs["notes"])
    newer = IMOTIONS.replace("Engagement,Valence", "Neutral,Valence")  # whose second row has 10 of 100 there
    table = read_foreign(put(tmp_path, "newer.csv", newer))
    assert table["emotion"].tolist() == ["Happy", "Neutral"] and table["p_Neutral"].tolist() == [0.6, 0.1]
    assert not any("no neutral category" in note for note in table.attrs["notes"])


def test_facereader(tmp_path: Path) -> None:
    table = read_foreign(put(tmp_path, "talk_detailed.txt", FACEREADER))
    assert table["emotion"].tolist() == ["Neutral", "Happy"]
    assert table["time"].tolist() == [0.0, 60.08] and table["frame"].tolist() == [0, 1502]
    assert table["valence"].tolist() == [0.04, 0.84] and table["arousal"].tolist() == [0.3, 0.6]
    assert table["p_Fear"].tolist() == [0.01, 0.01] and table["X - Head Orientation"].tolist() == [1.5, 1.7]
    assert any("1 frames without a face" in note for note in table.attrs["notes"])
    comma = FACEREADER.replace("\t0.", "\t0,").replace("\t1.", "\t1,")
    assert read_foreign(put(tmp_path, "b.txt", comma))["valence"].tolist() == [0.04, 0.84]


def test_morphcast(tmp_path: Path) -> None:
    scores = {"Angry": 0.1, "Disgust": 0, "Fear": 0, "Happy": 0.7, "Neutral": 0.2, "Sad": 0, "Surprise": 0}
    events = []
    for at in (0, 100, 200):
        events.append({"timestamp": at, "output": {"dominantEmotion": "Happy", "emotion": scores}})
        events.append({"timestamp": at, "output": {"arousal": 0.5, "valence": -0.25, "affects38": {}}})
    table = read_foreign(put(tmp_path, "m.json", json.dumps(events)))
    assert table["emotion"].tolist() == ["Happy"] * 3 and table["time"].tolist() == [0, 0.1, 0.2]
    assert table["arousal"].tolist() == [0.75] * 3 and table["valence"].tolist() == [-0.25] * 3


# Codings by people


@pytest.mark.parametrize("name", ["eaf", "textgrid", "boris", "bids"])
@pytest.mark.parametrize("case", ["steady", "variable", "crowd", "nobody"])
def test_a_coding_is_read_with_the_spans_that_were_written(tmp_path: Path, name: str, case: str) -> None:
    recorded(tmp_path, case, "json")
    source = tmp_path / "talk one_results.json"
    wanted = spans(Whole.of(read_any(source), "talk"))
    path = convert(source, [name]).paths[name]
    if name == "bids":
        events = sorted(path.glob("sub-*/beh/*_events.tsv"))
        assert len(events) == max(1, len(wanted))
        path, wanted = events[0], {1: wanted[1]} if wanted else {}
    table = read_foreign(path)
    assert table.attrs["spans"] and list(table.columns)[:7] == columns()[:7]
    found = {int(face): rows for face, rows in table.groupby("face")}
    assert set(found) == set(wanted)
    labels = Whole.of(read_any(source), "talk").labels
    for face, line in wanted.items():
        assert found[face]["emotion"].tolist() == [labels[span.label] for span in line]
        assert found[face]["time"].tolist() == pytest.approx([span.start / 1000 for span in line], abs=1e-9)
        ends = (found[face]["time"] + found[face]["duration"]).tolist()
        assert ends == pytest.approx([span.end / 1000 for span in line], abs=1e-9)


def test_files_that_other_libraries_wrote(tmp_path: Path) -> None:
    """An ELAN file by pympi, a TextGrid by praatio in both its forms."""
    pympi = pytest.importorskip("pympi")
    file = pympi.Elan.Eaf()
    file.add_tier("anna", part="Anna")
    file.add_annotation("anna", 1500, 2750, "smile")
    file.add_tier("ben")
    file.add_annotation("ben", 0, 400, "happy")
    file.to_file(str(tmp_path / "a.eaf"))
    table = read_foreign(tmp_path / "a.eaf")
    assert table["emotion"].tolist() == ["Happy", "smile"] and table["time"].tolist() == [0, 1.5]
    assert table["duration"].tolist() == pytest.approx([0.4, 1.25]) and table["face"].nunique() == 2
    praatio = pytest.importorskip("praatio.textgrid")
    grid = praatio.Textgrid()
    grid.addTier(praatio.IntervalTier("Person 2", [(0.25, 1.0, 'so "so"'), (1.5, 2.0, "sad")], 0, 3))
    grid.addTier(praatio.PointTier("clicks", [(0.5, "x")], 0, 3))
    for form in ("long_textgrid", "short_textgrid"):
        grid.save(str(tmp_path / "b.TextGrid"), format=form, includeBlankSpaces=True)
        table = read_foreign(tmp_path / "b.TextGrid")
        assert table["emotion"].tolist() == ['so "so"', "Sad"] and table["face"].tolist() == [2, 2]
        assert table["time"].tolist() == [0.25, 1.5] and table["duration"].tolist() == [0.75, 0.5]
        assert "1 points" in table.attrs["notes"][0]


def test_events_of_boris(tmp_path: Path) -> None:
    head = "Observation id,Subject,Behavior,Behavior type,Time\n"
    rows = ["a,P 1,happy,START,1.5", "a,P 1,wave,POINT,1.6", "a,P 1,happy,STOP,2.25", "a,P 1,sad,START,3"]
    table = read_foreign(put(tmp_path, "e.csv", head + "\n".join(rows) + "\n"))
    assert table[["time", "duration"]].to_numpy().tolist() == [[1.5, 0.75]]
    left = ["1 point events were left out", "1 states that do not end were left out"]
    assert table.attrs["notes"][:2] == left
    head = "Observation id,Subject,Behavior,Behavior type,Start (s),Stop (s)\n"
    table = read_foreign(put(tmp_path, "f.csv", head + "a,P 1,happy,STATE,1.5,2.25\na,P 1,x,POINT,2,2\n"))
    assert table[["time", "duration"]].to_numpy().tolist() == [[1.5, 0.75]]


def test_a_coding_is_converted_and_a_format_of_records_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "coder.csv", "onset;duration;label;person\n0,5;1,25;happy;A\n0,75;3;sad;B\n")
    grid = convert(path, ["textgrid"]).paths["textgrid"]
    table = read_foreign(grid)
    assert table["time"].tolist() == [0.5, 0.75] and table["duration"].tolist() == [1.25, 3.0]
    with pytest.raises(EmotionError, match="which a coding"):
        convert(path, ["csv"])


def test_what_nobody_knows_and_what_is_broken_is_one_line(tmp_path: Path) -> None:
    for name, text in (
        ("a.csv", "x,y\n1,2\n"),
        ("a.eaf", "<ANNOTATION_DOCUMENT><TIER>"),
        ("a.textgrid", 'File type = "ooTextFile"\nObject class = "TextGrid"\n0 1'),
        ("a.boris", '{"observations": {}}'),
        ("a.boris", "{"),
    ):
        with pytest.raises(EmotionError) as caught:
            read_foreign(put(tmp_path, name, text))
        assert "\n" not in str(caught.value)


def test_our_own_results_are_no_tools(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "a_results.json", formats=["csv", "ndjson"]) as recording:
        pass
    recorded(tmp_path, "steady", "csv")
    for path in tmp_path.glob("*.*"):
        assert tool_of(path) is None, path
    assert not recording.paths["json"].exists() and len(TOOLS) == 13
