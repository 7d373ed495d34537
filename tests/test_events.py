"""Events files of every kind into one table; marks of the timeline with undo."""

from pathlib import Path

import pytest

from emotion_core.analytics.events import of_source, read_events, read_participants
from emotion_core.analytics.marks import EXCLUSION, Mark, Marks, read_marks, write_marks
from emotion_core.results.names import is_results, marks_path, name_of
from emotion_core.types import EmotionError


def written(folder: Path, name: str, text: str, letters: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(letters))
    return path


@pytest.mark.parametrize(
    "name, text, letters",
    [
        ("plain.csv", "onset,duration,name\n1.5,2,cat\n4,0,beep\n", "utf-8"),
        ("order.csv", "Stimulus;Onset (s);Duration (s)\nbeep;4,0;0\ncat;1,5;2,0\n", "utf-8-sig"),
        ("bids_events.tsv", "onset\tduration\ttrial_type\n1.5\t2\tcat\n4\tn/a\tbeep\n", "utf-8"),
        ("ends.csv", "start,end,label\n1.5,3.5,cat\n4,4,beep\n", "utf-8"),
        ("ms.csv", "onset_ms,duration_ms,event\n1500,2000,cat\n4000,0,beep\n", "utf-8"),
        ("clock.csv", "onset,duration,name\n0:01.5,0:02,cat\n00:00:04,0,beep\n", "utf-8"),
        ("excel.csv", "sep=;\nonset;duration;name\n1,5;2;cat\n4;0;beep\n", "utf-16"),
        (
            "boris.tsv",
            "Observation id\tSubject\tBehavior\tBehavior type\tTime\n"
            "o\tNo focal subject\tcat\tSTART\t1.5\no\tNo focal subject\tcat\tSTOP\t3.5\n"
            "o\tNo focal subject\tbeep\tPOINT\t4.0\n",
            "utf-8",
        ),
        (
            "boris_aggregated.csv",
            "Observation id,Subject,Behavior,Behavior type,Start (s),Stop (s),Duration (s)\n"
            "o,No focal subject,cat,STATE,1.5,3.5,2.0\no,No focal subject,beep,POINT,4.0,4.0,NA\n",
            "utf-8",
        ),
    ],
)
def test_every_kind_gives_the_same_events(tmp_path: Path, name: str, text: str, letters: str) -> None:
    events = read_events(written(tmp_path, name, text, letters))
    assert events["onset"].tolist() == [1.5, 4.0]
    assert events["duration"].tolist() == [2.0, 0.0]
    assert events["name"].tolist() == ["cat", "beep"]
    assert events[["person", "source", "group"]].isna().all(axis=None)


def test_people_recordings_and_groups(tmp_path: Path) -> None:
    text = "onset,name,person,file,group\n1,a,Person 2,talk.mp4,old\n2,b,,,\n3,c,1,Other_results.json,young\n"
    events = read_events(written(tmp_path, "e.csv", text))
    assert events["person"].fillna(0).tolist() == [2, 0, 1]
    assert events["group"].fillna("").tolist() == ["old", "", "young"]
    assert of_source(events, "talk_results.json")["name"].tolist() == ["a", "b"]
    assert of_source(events, "other.parquet")["name"].tolist() == ["b", "c"]


def test_several_observations_of_boris_are_recordings(tmp_path: Path) -> None:
    text = (
        "Observation id,Subject,Behavior,Behavior type,Time\nx,Person 2,a,START,1\nx,Anna,a,START,2\n"
        "x,Person 2,a,STOP,3\ny,Person 1,b,POINT,4\n"
    )
    events = read_events(written(tmp_path, "e.csv", text))
    assert events["source"].tolist() == ["x", "x", "y"] and events["duration"].tolist() == [2.0, 0.0, 0.0]
    assert events["person"].fillna(0).tolist() == [2, 0, 1]
    assert [note.split(":")[0] for note in events.attrs["notes"]] == [
        "events of Anna count for everyone",
        "1 states that do not end are taken as points",
    ]


def test_rows_that_make_no_sense_are_left_out_and_named(tmp_path: Path) -> None:
    text = "onset,duration,name\n1,1,a\nlater,1,b\n3,-1,c\n4,1,\n5,,d\n"
    events = read_events(written(tmp_path, "e.csv", text))
    assert events["name"].tolist() == ["a", "d"] and events["duration"].tolist() == [1.0, 0.0]
    assert "3 rows" in events.attrs["notes"][0] and "line 3, 4, 5" in events.attrs["notes"][0]
    text = "onset,duration,name\n1,long,a\n2,,b\n3,n/a,c\n4,-,d\n5,2,e\n"
    events = read_events(written(tmp_path, "f.csv", text), open_ended=True)
    assert events["name"].tolist() == ["b", "c", "d", "e"] and events["duration"].isna().sum() == 3
    assert events.attrs["left_out"] and "line 2" in events.attrs["notes"][-1]


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "can't be read"),
        ("a,b\n1,2\n", "no column onset"),
        ("onset,name\n", "holds no events"),
        ("onset,name\nx,y\n", "no event that can be used"),
        ("onset,name,person\n1,a,Anna\n", "'Anna' is no number of a person"),
    ],
)
def test_what_is_no_events_file_is_said_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(EmotionError, match=why) as raised:
        read_events(written(tmp_path, "e.csv", text))
    assert "\n" not in str(raised.value)


def test_groups_of_participants(tmp_path: Path) -> None:
    table = written(tmp_path, "participants.tsv", "participant_id\tage\tgroup\np1\t20\told\np2\t30\tn/a\n")
    whose, groups = read_participants(
        table, ["p1_results.json", "p2_results.json", "p1_film_results.csv", "p11.csv"]
    )
    assert groups == {"p1_results.json": "old", "p1_film_results.csv": "old"}
    assert whose == dict.fromkeys(groups, "p1")
    with pytest.raises(EmotionError, match="names none"):
        read_participants(table, ["q_results.json"])
    with pytest.raises(EmotionError, match="needs the columns"):
        read_participants(written(tmp_path, "x.csv", "a,b\n1,2\n"), ["p1"])


def test_marks_are_kept_undone_and_done_again(tmp_path: Path) -> None:
    path = marks_path(tmp_path / "talk_results.json")
    assert path.name == "talk_marks.tsv" and not is_results(path) and name_of(path.name) == "talk"
    assert read_marks(path) == Marks()
    one, other = Mark(4.0, name="laugh\t now "), Mark(1.0, 2.5, kind=EXCLUSION)
    marks = Marks().add(one).add(other)
    write_marks(marks, path)
    again = read_marks(path)
    assert again.marks == (Mark(1.0, 2.5, "exclusion", EXCLUSION), Mark(4.0, 0.0, "laugh now"))
    assert again.exclusions == [(1.0, 3.5)]
    assert marks.undo().marks == (one,) and marks.undo().undo().marks == () == Marks().undo().marks
    assert marks.undo().redo() == marks and marks.redo() == marks
    assert marks.undo().add(Mark(9.0)).redo().marks == (one, Mark(9.0))
    assert marks.remove(one).undo().marks == marks.marks and marks.remove(Mark(77.0)) == marks
    assert read_events(path)["name"].tolist() == ["laugh now"]  # exclusions are no events


@pytest.mark.parametrize("text", ["a\tb\n1\t2\n", "onset\tduration\ttrial_type\tkind\nx\t1\ta\tmarker\n"])
def test_a_file_that_holds_no_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    with pytest.raises(EmotionError, match="holds no marks"):
        read_marks(written(tmp_path, "talk_marks.tsv", text))
    with pytest.raises(EmotionError):
        Mark(1.0, 0.0, kind=EXCLUSION)
