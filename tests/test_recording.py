"""Results files: what stands in them, what survives a kill, what is refused and why."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emotion_core.labels import EMOTIONS
from emotion_core.results.recording import Record, Recording, columns, read, read_results, summarize
from emotion_core.types import Box, DetectedObject, EmotionError, Face, Frame

PICTURE = np.zeros((8, 8, 3), np.uint8)


def face(
    emotion: str, number: int = 1, sure: float = 0.7, valence: float = 0.25, arousal: float = 0.5
) -> Face:
    """A face whose `emotion` has the probability `sure`."""
    rest = (1 - sure) / 6
    chances = tuple(sure if name == emotion else rest for name in EMOTIONS)
    return Face(number, Box(10, 20, 30, 40), emotion, sure, chances, valence, arousal)


def frame(index: int, rate: float = 10.0) -> Frame:
    return Frame(PICTURE, index, index / rate)


def record_some(path: Path, count: int = 30, formats: tuple[str, ...] = ("json",)) -> Recording:
    with Recording.create(path, formats=formats) as recording:
        for i in range(count):
            faces = [] if i % 5 == 4 else [face("Happy"), face("Sad", 2)]
            recording.append(frame(i), faces)
    return recording


# What stands in the file


def test_the_file_is_the_flat_list_that_users_know(tmp_path: Path) -> None:
    path = tmp_path / "talk_results.json"
    bus = DetectedObject("bus", 0.91, Box(1, 2, 3, 4))
    with Recording.create(path) as recording:
        recording.append(frame(0), [face("Happy"), face("Sad", 2)], [bus])
        recording.append(frame(1), [])
        recording.append(frame(2), [], [])
    records = json.loads(path.read_text())
    assert [list(r)[:5] for r in records] == [["frame", "emotion", "confidence", "valence", "arousal"]] * 4
    first, second, none, looked = records
    assert first["face"] == 1 and second["face"] == 2
    assert first["probabilities"]["Happy"] == 0.7 and list(first["probabilities"]) == list(EMOTIONS)
    assert first["box"] == [10.0, 20.0, 30.0, 40.0]
    assert first["objects"] == [{"label": "bus", "score": 0.91, "box": [1.0, 2.0, 3.0, 4.0]}]
    assert "objects" not in second and "objects" not in none and looked["objects"] == []
    assert (none["face"], none["emotion"], none["frame"], none["time"]) == (None, None, 1, 0.1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["talk_results.json", "talk_summary.json"]


@pytest.mark.parametrize("ending", ["json", "csv", "parquet"])
def test_every_format_reads_back_the_same(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a_results.json"
    recording = record_some(path, formats=("json", "csv", "parquet"))
    table = read_results(recording.paths[ending])
    assert list(table.columns) == columns()
    assert len(table) == 24 * 2 + 6
    happy = table[table["face"] == 1]
    assert (happy["emotion"] == "Happy").all() and len(happy) == 24
    assert happy["p_Happy"].to_numpy() == pytest.approx(0.7)
    assert happy["box_w"].to_numpy() == pytest.approx(30)
    nobody = table[table["face"].isna()]
    assert len(nobody) == 6 and nobody["emotion"].isna().all() and nobody["valence"].isna().all()
    assert table["time"].to_numpy() == pytest.approx(table["frame"].to_numpy() / 10)
    assert table.attrs["skipped"] == 0 and table.attrs["complete"]


def test_records_read_back_equal_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a_results.json"
    bus = [DetectedObject("bus", 0.5, Box(1, 2, 3, 4))]
    with Recording.create(path) as recording:
        recording.append(frame(0), [face("Angry")], bus)
        recording.append(frame(1), [])
    one, two = read(path)
    known = Record.of(frame(0), face("Angry"), bus)
    assert one.as_dict() | {"probabilities": 0} == known.as_dict() | {
        "probabilities": 0,
        "objects": one.objects,
        "duration": 0.1,
    }
    assert one.objects == tuple(json.loads(json.dumps(known.objects)))
    assert dict(one.probabilities or {}) == pytest.approx(dict(known.probabilities or {}), abs=1e-6)
    assert two == Record(1, None, None, None, None, 0.1, None, duration=0.1)


def test_labels_of_ones_own_go_all_the_way(tmp_path: Path) -> None:
    labels = ("bored", "confused", "focused")
    own = Face(3, Box(0, 0, 5, 5), "focused", 0.8, (0.1, 0.1, 0.8), 0.0, 0.5, labels=labels)
    path = tmp_path / "a_results.json"
    with Recording.create(path, formats=("csv", "parquet"), labels=labels) as recording:
        recording.append(frame(0), [])
        recording.append(frame(1), [own])
    for kind in ("json", "csv", "parquet"):
        table = read_results(recording.paths[kind])
        assert [c for c in table.columns if c.startswith("p_")] == ["p_bored", "p_confused", "p_focused"]
        assert table["emotion"].tolist()[1] == "focused"
    assert recording.summary["share"] == {"bored": 0.0, "confused": 0.0, "focused": 1.0}
    with pytest.raises(ValueError, match="the recording is of"), Recording.create(path, labels=labels) as bad:
        bad.append(frame(0), [face("Happy")])


# What survives


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_can_be_read_to_its_last_frames(tmp_path: Path) -> None:
    path = tmp_path / "a_results.json"
    code = f"""
import time, numpy as np
from tests.test_recording import face, frame, Recording
recording = Recording.create({str(path)!r}, formats=("csv", "ndjson"))
for i in range(100_000):
    recording.append(frame(i), [face("Happy")])
    time.sleep(0.002)
    if i % 100 == 0: print(i, flush=True)
"""
    root = Path(__file__).resolve().parent.parent
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 800:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for target in (path, path.with_suffix(".csv"), path.with_suffix(".ndjson")):
        table = read_results(target)
        assert len(table) > 400, target
        assert table["frame"].tolist() == list(range(len(table)))
    table = read_results(path)
    assert not table.attrs["complete"] and "not finished" in table.attrs["notes"][0]


def test_a_file_cut_anywhere_gives_its_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "a_results.json"
    bus = [DetectedObject("a}, {b", 0.5, Box(1, 2, 3, 4)), DetectedObject("bus", 0.5, Box(1, 2, 3, 4))]
    with Recording.create(path) as recording:
        for i in range(6):
            recording.append(frame(i), [face("Happy")], bus)
    data = path.read_bytes()
    ends = [
        i + 1 for i in range(len(data)) if data[i : i + 2] in (b"},", b"}\n") and data[i + 2 : i + 3] != b'"'
    ]
    ends = [e for e in ends if data[e : e + 2] == b",\n" or data[e : e + 2] == b"\n]"]
    assert len(ends) == 6
    for cut in range(3, len(data) - 3, 7):
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends)
        assert len(read_results(path)) == whole, cut


def test_lines_cut_anywhere_give_their_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "a_results.json"
    bus = [DetectedObject("a}, {b\n", 0.5, Box(1, 2, 3, 4))]
    with Recording.create(path, formats=["ndjson"]) as recording:
        for i in range(4):
            recording.append(frame(i), [face("Happy")], bus)
    lines = recording.paths["ndjson"]
    data = lines.read_bytes()
    ends = [i for i, byte in enumerate(data) if byte == ord("\n")]
    assert len(ends) == 4
    for cut in range(1, len(data), 5):
        lines.write_bytes(data[:cut])
        table = read_results(lines)
        assert len(table) == sum(end <= cut for end in ends), cut
        assert table.attrs["complete"] == (cut in ends or data[cut - 1 : cut] == b"\n"), cut
    lines.write_bytes(data[: ends[0] + 1] + b"{nonsense}\n" + data[ends[0] + 1 :])
    table = read_results(lines)
    assert len(table) == 4 and table.attrs["skipped"] == 1 and table.attrs["skipped_rows"][0][0] == 1


def test_an_earlier_result_is_replaced_only_by_a_complete_one(tmp_path: Path) -> None:
    path = tmp_path / "a_results.json"
    record_some(path, 10)
    before = path.read_bytes()
    with pytest.raises(RuntimeError), Recording.create(path) as recording:  # noqa: PT012
        recording.append(frame(0), [face("Sad")])
        raise RuntimeError
    assert path.read_bytes() == before
    assert recording.paths["json"].name == "a_results.partial.json"
    assert len(read_results(recording.paths["json"])) == 1
    discarded = Recording.create(path)
    discarded.append(frame(0), [])
    discarded.discard()
    assert path.read_bytes() == before
    assert not (tmp_path / "a_results.partial.json").exists()
    record_some(path, 3)
    assert len(read_results(path)) == 6 and path.read_bytes() != before


def test_the_last_picture_lasts_until_the_stream_ends(tmp_path: Path) -> None:
    known, guessed, single = (tmp_path / f"{name}_results.json" for name in ("known", "guessed", "single"))
    for path, end in ((known, 5.0), (guessed, None)):
        recording = Recording.create(path, formats=("csv", "parquet"))
        for i, time in enumerate((0.0, 0.5, 2.0)):
            recording.append(Frame(PICTURE, i, time), [face("Happy")])
        recording.close(end=end)
        last = 3.0 if end else 1.0  # the mean of the others
        for kind in ("json", "csv", "parquet"):
            assert read_results(recording.paths[kind])["duration"].tolist() == [0.5, 1.5, last]
        assert recording.summary["seconds"] == 2.0 + last
    with Recording.create(single) as recording:
        recording.append(Frame(PICTURE), [face("Happy")])
    assert "duration" not in json.loads(single.read_text())[0]
    assert recording.summary["seconds"] == 0.0 and recording.summary["share"]["Happy"] == 1.0


def test_nothing_recorded_leaves_nothing(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "a_results.json", formats=("csv", "parquet")):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(EmotionError, match="xml"):
        Recording.create(tmp_path / "a_results.json", formats=("xml",))
    with pytest.raises(EmotionError, match="json"):
        Recording.create(tmp_path / "a_results.mp4")


# What others wrote


def five(emotion: str | None = "Happy", **changes: object) -> dict[str, object]:
    record: dict[str, object] = {
        "frame": 0,
        "emotion": emotion,
        "confidence": 0.9,
        "valence": 0.1,
        "arousal": 0.2,
    }
    return record | changes


@pytest.mark.parametrize("indent", [None, 2])
def test_the_bare_five_key_list(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps([five(frame=i, emotion="happiness") for i in range(50)], indent=indent))
    table = read_results(path)
    assert len(table) == 50 and (table["emotion"] == "Happy").all()
    assert table["time"].isna().all() and table["face"].isna().all() and table["p_Happy"].isna().all()
    summary = summarize(table)
    assert summary["people"] == 1 and summary["share"]["Happy"] == 1.0 and summary["seconds"] == 2.0


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (five(valence=7.3), "valence 7.3 is outside"),
        (five(arousal=-0.5), "arousal -0.5 is outside"),
        (five(confidence=math.nan), "confidence is not a number"),
        (five(valence=math.inf), "valence is not a number"),
        (five(confidence="high"), "confidence is not a number"),
        (five(frame=None), "no frame number"),
        (five(frame=-3), "no frame number"),
        (five(time=math.nan), "no usable time"),
        (five(time=1.0, face="Anna"), "face id"),
        (five(time=1.0, probabilities={"Happy": 1.7}), "probability"),
        ([1, 2], "no frame number"),
        ("text", "no frame number"),
        (None, "no frame number"),
    ],
)
def test_a_bad_record_is_left_out_and_named(tmp_path: Path, bad: object, why: str) -> None:
    path = tmp_path / "some.json"
    good = five(time=0.5, face=1)
    path.write_text(json.dumps([good, bad, good]))
    table = read_results(path)
    assert len(table) == 2
    assert table.attrs["skipped"] == 1
    [(row, reason)] = table.attrs["skipped_rows"]
    assert row == 1 and why in reason and why in table.attrs["reason"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.json", b"", "empty"),
        ("a.json", b'{"frames": 3}', "list of records"),
        ("a.json", b"hello", "list of records"),
        ("a.json", b'[{"a": 1}, {"a": 2}]', "no record that makes sense"),
        ("a.json", b"[1, 2, 3]", "no record that makes sense"),
        ("a.csv", b"a,b\n1,2\n", "no column 'frame'"),
        ("a.csv", b"", "no CSV"),
        ("a.parquet", b"PAR1 not really", "Parquet"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EmotionError, match=why) as caught:
        read_results(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_list_without_records_and_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    table = read_results(tmp_path / "a.json")
    assert table.empty and list(table.columns) == columns()
    with pytest.raises(EmotionError, match="does not exist"):
        read_results(tmp_path / "b.json")
    with pytest.raises(EmotionError, match="folder"):
        read_results(tmp_path)


def test_long_files_are_read_in_pieces_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "long_results.json"
    count = 30_000
    bus = [DetectedObject("bus}, {", 0.5, Box(1, 2, 3, 4))] * 3
    with Recording.create(path) as recording:
        for i in range(count):
            recording.append(frame(i), [face("Happy" if i % 2 else "Sad")], bus if i % 7 == 0 else None)
    assert path.stat().st_size > 8_000_000  # more than one piece
    table = read_results(path)
    assert table["frame"].tolist() == list(range(count))
    assert table["objects"].notna().sum() == len(range(0, count, 7))
    assert table.memory_usage(deep=True).sum() < 10_000_000


# The summary


def make(recipe: Callable[[int], list[Face]], count: int = 100) -> dict[str, object]:
    from emotion_core.results.summary import Summary

    counts = Summary()
    for i in range(count):
        for item in recipe(i) or [None]:
            if item is None:
                counts.add(i, i / 10, None, None, 0, 0, 0, 0.1)
            else:
                numbers = (item.confidence, item.valence, item.arousal)
                counts.add(i, i / 10, item.id, item.emotion, *numbers, 0.1)
    return counts.as_dict()


def test_the_summary_counts_right() -> None:
    # 0-3 s Happy, 3-4.1 s nobody, 4.1-10 s Neutral with one Sad peak at 7.0 s
    def recipe(i: int) -> list[Face]:
        if i < 30:
            return [face("Happy", sure=0.6 + 0.01 * (i == 12), valence=0.5)]
        if i < 41:
            return []
        return [face("Sad", sure=0.95) if i == 70 else face("Neutral", valence=-0.1)]

    summary = make(recipe)
    assert summary["frames"] == 100 and summary["frames_with_face"] == 89
    assert summary["seconds"] == 10.0 and summary["people"] == 1
    [person] = summary["faces"]  # type: ignore[misc]
    assert person["share"]["Happy"] == pytest.approx(30 / 89, abs=1e-4)
    assert person["emotion"] == "Neutral"
    values = [0.5] * 30 + [-0.1] * 58 + [0.25]
    assert person["valence"]["mean"] == pytest.approx(np.mean(values), abs=1e-4)
    assert person["valence"]["sd"] == pytest.approx(np.std(values), abs=1e-4)
    assert person["longest_run"] == {"emotion": "Happy", "start": 0.0, "end": 3.0, "seconds": 3.0}
    assert person["changes"] == 2  # into Sad and out of it; the pause hides the change before
    assert [(m["emotion"], m["time"]) for m in person["moments"]] == [("Sad", 7.0), ("Happy", 1.2)]


def test_the_summary_keeps_the_strongest_moments_only() -> None:
    def recipe(i: int) -> list[Face]:
        return [face("Sad", sure=0.3 + 0.006 * i) if i % 10 == 5 else face("Neutral")]

    [person] = make(recipe)["faces"]  # type: ignore[misc]
    assert [m["time"] for m in person["moments"]] == [9.5, 8.5, 7.5, 6.5, 5.5]


def test_a_table_is_summarised_like_the_run_itself(tmp_path: Path) -> None:
    recording = record_some(tmp_path / "a_results.json", 200)
    again = summarize(read_results(tmp_path / "a_results.json"))
    assert again == {k: recording.summary[k] for k in again}
    written = json.loads((tmp_path / "a_summary.json").read_text())
    assert written == recording.summary and written["complete"] is True


def test_tables_can_be_written_again(tmp_path: Path) -> None:
    record_some(tmp_path / "a_results.json")
    table = read_results(tmp_path / "a_results.json")
    table.to_csv(tmp_path / "b.csv", index=False)
    table.to_parquet(tmp_path / "b.parquet", index=False)
    for name in ("b.csv", "b.parquet"):
        pd.testing.assert_frame_equal(read_results(tmp_path / name), table, check_dtype=False, rtol=1e-5)
