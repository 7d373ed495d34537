"""File against file: who is who, what is compared, and what the commands say and write."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emotion_core.analytics.agreeing import agree, as_table, crossed, is_sample, longest_shown, matched
from emotion_core.analytics.agreement import cohen_kappa
from emotion_core.results.converting import read_any
from emotion_core.types import EmotionError
from main import main
from tests.stimuli import made_study
from tests.tables import rows_of, write_json

SHOWN = "HHHHNNNNSSSSHHNN" * 4


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Results at 10 pictures a second: each letter is shown for half a second."""
    letters = [letter for letter in SHOWN for _ in range(5)]
    valence = 0.5 * np.sin(np.arange(len(letters)) / 9)
    return write_json(rows_of(letters, valence=valence), tmp_path / "talk_results.json")


def coding(path: Path, letters: str, *, length: float = 0.5, every: float = 0.5, person: str = "1") -> Path:
    names = {"H": "Happy", "N": "Neutral", "S": "Sad"}
    rows = [f"{i * every:g},{length:g},{names[c]},{person}" for i, c in enumerate(letters) if c != "."]
    path.write_text("onset,duration,label,person\n" + "\n".join(rows) + "\n")
    return path


def tables(*paths: Path) -> dict[str, pd.DataFrame]:
    return {path.name: read_any(path) for path in paths}


def test_a_coding_of_the_same_is_full_agreement_and_of_another_is_kappa(talk: Path, tmp_path: Path) -> None:
    same = agree(tables(talk, coding(tmp_path / "same.csv", SHOWN)))
    assert [(a.measure, a.figure.name) for a in same] == [
        *(("emotion", "Cohen's kappa"), ("emotion", "Krippendorff's alpha"), ("events", "Event F1"))
    ]
    assert [a.figure.value for a in same] == pytest.approx([1.0, 1.0, 1.0])
    other = SHOWN.replace("S", "N")
    found = agree(tables(talk, coding(tmp_path / "other.csv", other)))
    codes = [np.array(["HNS".index(c) for c in text], float) for text in (SHOWN, other)]
    assert found[0].figure.value == pytest.approx(cohen_kappa(*codes).value, abs=1e-9)
    assert found[0].figure.units == len(SHOWN) and "agreement" in found[0].figure.sentence
    cells = crossed([*tables(talk, tmp_path / "other.csv").values()], (1, 1))
    assert cells.loc["Sad"].to_dict() == {"Happy": 0, "Neutral": 16}


def test_numbers_are_compared_where_both_have_them(talk: Path, tmp_path: Path) -> None:
    again = write_json(read_any(talk).assign(arousal=0.4), tmp_path / "again_results.json")
    found = {(a.measure, a.figure.name): a.figure for a in agree(tables(talk, again))}
    assert found["valence", "Concordance"].value == pytest.approx(1.0)
    assert found["valence", "Intraclass correlation"].value == pytest.approx(1.0)
    assert found["arousal", "Concordance"].value == 0.0  # 0.4 and 0.5 throughout


def test_three_raters_have_alpha_alone(talk: Path, tmp_path: Path) -> None:
    one, other = coding(tmp_path / "a.csv", SHOWN), coding(tmp_path / "b.csv", SHOWN[::-1])
    assert [a.figure.name for a in agree(tables(talk, one, other))] == ["Krippendorff's alpha"]


def test_a_coding_of_samples_is_compared_span_by_span(talk: Path, tmp_path: Path) -> None:
    """Each span is one unit, and there are no events to compare: most could not be coded."""
    few = "".join(c if i % 4 == 1 else "." for i, c in enumerate(SHOWN))
    sample = coding(tmp_path / "blind.csv", few)
    assert is_sample(read_any(sample)) and not is_sample(read_any(talk))
    found = agree(tables(talk, sample))
    assert [a.figure.name for a in found] == ["Cohen's kappa", "Krippendorff's alpha"]
    assert [a.figure.units for a in found] == [16, 16] and found[0].figure.value == pytest.approx(1.0)
    assert crossed([*tables(talk, sample).values()], (1, 1)).to_numpy().sum() == 16


def test_what_is_shown_for_longest_in_a_span(talk: Path) -> None:
    spans = np.array([[1.8, 2.5], [1.2, 2.1], [400.0, 401.0]])
    assert longest_shown(read_any(talk), 1, spans).tolist() == ["Neutral", "Happy", None]


def test_who_is_who(talk: Path, tmp_path: Path) -> None:
    anna = coding(tmp_path / "anna.csv", SHOWN, person="Anna 7")
    assert matched(tables(talk, anna)) == [(1, 7)]
    two = tmp_path / "two.csv"
    two.write_text("onset,duration,label,person\n0,1,Happy,7\n0,1,Happy,8\n")
    with pytest.raises(EmotionError, match="say who is who") as raised:
        agree(tables(talk, two))
    assert raised.value.settings == ("people",)
    assert as_table(agree(tables(talk, anna)))["person"].unique().tolist() == ["1=7"]


def test_files_that_share_nothing_are_said(talk: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.csv"
    late.write_text("onset,duration,label\n900,50,Happy\n950,50,Sad\n")
    with pytest.raises(EmotionError, match="share no time"):
        agree(tables(talk, late))
    with pytest.raises(EmotionError, match="two files"):
        agree(tables(talk))


def test_the_agreement_command(talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coder = coding(tmp_path / "coder.csv", SHOWN)
    assert main(["--agreement", str(talk), str(coder), "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "Person 1" in said.out and "Cohen's kappa is 1.00" in said.out
    about = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert about["files"] == ["talk_results.json", "coder.csv"]
    assert pd.read_csv(tmp_path / "out" / "agreement.csv")["value"].tolist() == [1.0, 1.0, 1.0]
    assert main(["--agreement", str(talk), str(coder), "--people", "1=9"]) == 1
    assert "coder.csv has no person 9" in capsys.readouterr().err.splitlines()[-1]


def test_the_responses_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, events = made_study(1, people=2, repetitions=2)
    paths = []
    for name, table in made.items():
        table = table.assign(confidence=0.8, valence=table["valence"].clip(-1, 1))
        paths.append(str(write_json(table, tmp_path / name)))
    events[["onset", "duration", "name"]].to_csv(tmp_path / "events.csv", index=False)
    (tmp_path / "p01_marks.tsv").write_text("onset\tduration\ttrial_type\tkind\n7\t3\tnoise\texclusion\n")
    call = ["--responses", *paths, "--events", str(tmp_path / "events.csv"), "--measure", "valence"]
    assert main([*call, "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "After clip, valence departs from its baseline by up to" in said.out
    assert "p01_results.json: 1 spans that were marked" in said.err and "1 of 4 trials" in said.err
    about = json.loads((tmp_path / "out" / "responses.json").read_text())
    assert about["responses"][0]["trials"] == 3 and about["window"] == {
        "before": 1.0,
        "after": 4.0,
        "step": 0.1,
    }
    assert main([*call, "--output", str(tmp_path / "out")]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main([*call, "--before", "-3"]) == 1
    assert "(--before)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "call",
    [
        ["--responses", "x.json"],
        ["--agreement", "a", "b", "--events", "c"],
        ["--video", "a", "--people", "1=2"],
    ],
)
def test_options_that_do_not_go_together_are_wrong_use(
    call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(call)
    assert ended.value.code == 2 and len(capsys.readouterr().err.splitlines()) == 1
