"""Names for the people of a recording: in the summary, in every file, and back again."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emotion_core.labels import BLENDSHAPES, EMOTIONS
from emotion_core.results.converting import convert
from emotion_core.results.extras import EXTRAS
from emotion_core.results.formats import FORMATS
from emotion_core.results.named import LONGEST, cleaned, names_of
from emotion_core.results.people import name_people
from emotion_core.results.recording import Recording, read, read_results
from emotion_core.types import Box, DetectedObject, EmotionError, Face, Frame, Gaze, Pose

RECORDS = tuple(name for name, fmt in FORMATS.items() if fmt.reader)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Two people at odd numbers, who come and go, with all that a record can hold, in all formats."""
    rng = np.random.default_rng(4)
    path = tmp_path / "talk_results.json"
    with Recording.create(path, formats=RECORDS, extras=EXTRAS) as recording:
        for i in range(40):
            faces = []
            for number in (1, 7):
                if (i + number) % 9 < 4:
                    shares = rng.dirichlet(np.ones(7))
                    best = int(shares.argmax())
                    faces.append(
                        Face(
                            number, Box(*rng.uniform(1, 900, 4)), EMOTIONS[best], float(shares[best]),
                            tuple(shares.tolist()), float(rng.uniform(-1, 1)), float(rng.uniform()),
                            uncertain=bool(shares[best] < 0.4), landmarks=rng.uniform(0, 900, (50, 2)),
                            pose=Pose(*rng.uniform(-30, 30, 3)), gaze=Gaze(float(rng.uniform(-30, 30))),
                            blendshapes=dict(zip(BLENDSHAPES, rng.uniform(size=52), strict=True)),
                        )
                    )  # fmt: skip
            things = [DetectedObject("cup", 0.5, Box(1, 2, 3, 4))] if i % 4 == 0 else None
            recording.append(Frame(np.zeros((9, 9, 3), np.uint8), i, i / 30), faces, things)
    return path


def test_a_name_goes_into_every_file_and_changes_nothing_else(made: Path) -> None:
    before = json.loads(made.read_text())
    tables = {fmt: read_results(made.with_suffix(FORMATS[fmt].endings[0])) for fmt in RECORDS}
    summary = name_people(made, {7: "  Ada \n Lovelace\u202e "})
    assert names_of(summary) == {7: "Ada Lovelace"}
    assert json.loads((made.parent / "talk_summary.json").read_text()) == summary
    after = json.loads(made.read_text())
    assert [{k: v for k, v in record.items() if k != "name"} for record in after] == before
    assert [list(record)[:5] for record in after] == [list(record)[:5] for record in before]
    assert {record["face"]: record.get("name") for record in after} == {
        1: None,
        7: "Ada Lovelace",
        None: None,
    }
    for fmt in RECORDS:
        table = read_results(made.with_suffix(FORMATS[fmt].endings[0]))
        assert table["name"].dropna().unique().tolist() == ["Ada Lovelace"]
        assert (table["name"].notna() == (table["face"] == 7).fillna(False)).all()
        pd.testing.assert_frame_equal(table.drop(columns="name"), tables[fmt], rtol=1e-6)
    with made.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["face"]: row["name"] for row in rows} == {"1": "", "7": "Ada Lovelace", "": ""}
    assert {record.name for record in read(made) if record.face == 7} == {"Ada Lovelace"}


def test_names_join_those_before_and_can_be_taken_away(made: Path) -> None:
    text = made.read_bytes()
    name_people(made, {7: "Ada"})
    assert names_of(name_people(made, {1: "Ben"})) == {1: "Ben", 7: "Ada"}
    assert "name" not in json.dumps(name_people(made, {1: "", 7: " "})["faces"])
    assert made.read_bytes() == text, "without names the file is what it was"


def test_the_formats_of_other_tools_call_people_by_their_names(made: Path) -> None:
    name_people(made, {1: 'A & "B"', 7: 'A & "B"'})
    written = convert(made, ["eaf", "textgrid", "boris"]).paths
    assert 'TIER_ID="A &amp; &quot;B&quot; (1)"' in written["eaf"].read_text()
    assert 'name = "A & ""B"" (7)"' in written["textgrid"].read_text()
    subjects = json.loads(written["boris"].read_text())["subjects_conf"]
    assert [subject["name"] for subject in subjects.values()] == ['A & "B" (1)', 'A & "B" (7)']


def test_what_can_not_be_named_is_refused(made: Path) -> None:
    text = made.read_bytes()
    with pytest.raises(EmotionError, match="nobody in talk_results.json has the number 3"):
        name_people(made, {3: "Cleo"})
    (made.parent / "talk_summary.json").unlink()
    with pytest.raises(EmotionError, match="no summary beside it"):
        name_people(made, {1: "Ada"})
    assert made.read_bytes() == text


def test_names_are_one_line_and_not_endless() -> None:
    assert cleaned("x" * 500) == "x" * LONGEST and cleaned(None) == cleaned("\x00\x1b \t") == ""
    assert cleaned("नि\u200dता") == "नि\u200dता" and names_of({"faces": None}) == {}
    assert names_of({"faces": [{"face": "1", "name": "A"}, {"face": 2, "name": 5}, 3]}) == {}
