"""Tables that a spreadsheet wrote anew are read as the ones that were written first."""

from pathlib import Path

import pytest

from emotion_core.labels import EMOTIONS
from emotion_core.results.recording import Recording, read_results
from emotion_core.types import Box, EmotionError, Face, Frame


@pytest.fixture
def table(tmp_path: Path) -> list[list[str]]:
    """The cells of a table of results as this project writes it."""
    import csv

    import numpy as np

    chances = (0.05, 0.05, 0.05, 0.6, 0.15, 0.05, 0.05)
    with Recording.create(tmp_path / "first_results.json", formats=("csv",)) as recording:
        for index in range(12):
            face = Face(
                1, Box(10.5, 20.25, 30, 40), "Happy", 0.6, chances, 0.25, 0.5, EMOTIONS, index % 2 == 0
            )
            recording.append(
                Frame(np.zeros((90, 90, 3), np.uint8), index, index / 8), [face] if index % 3 else []
            )
    with (tmp_path / "first_results.csv").open(newline="") as file:
        return list(csv.reader(file))


def rewritten(
    table: list[list[str]],
    separator: str,
    *,
    comma: bool,
    first: str = "",
    yes: str = "True",
    end: str = "\r\n",
) -> str:
    lines = []
    for row in table:
        cells = [cell.replace(".", ",") if comma and not cell.isalpha() else cell for cell in row]
        cells = [yes if cell == "True" else cell for cell in cells]
        lines.append(separator.join(f'"{c}"' if separator in c else c for c in cells))
    return first + end.join(lines) + end


@pytest.mark.parametrize(
    ("separator", "comma", "letters", "first", "yes"),
    [
        (";", True, "utf-8", "", "True"),
        (";", True, "utf-8-sig", "sep=;\r\n", "WAHR"),
        (";", False, "cp1252", "", "VRAI"),
        ("\t", True, "utf-16", "", "VERDADERO"),
        ("\t", False, "utf-16", "", "True"),
        ("\t", True, "utf-16-le", "", "True"),
        ("\t", False, "utf-8", "", "TRUE"),
        (",", True, "utf-8", "", "True"),
        ("|", False, "utf-8", "", "True"),
        (",", False, "utf-8", "", "True"),
    ],
)
def test_what_spreadsheets_write_is_read(
    tmp_path: Path, table: list[list[str]], separator: str, comma: bool, letters: str, first: str, yes: str
) -> None:
    wanted = read_results(tmp_path / "first_results.csv")
    text = rewritten(table, separator, comma=comma, first=first, yes=yes)
    for name in ("a_results.csv", "a_results.tsv"):
        (tmp_path / name).write_bytes(text.encode(letters))
        read = read_results(tmp_path / name)
        assert read.equals(wanted), (read.dtypes, wanted.dtypes)
        assert read.attrs["skipped"] == 0


def test_a_word_of_another_alphabet_does_no_harm(tmp_path: Path, table: list[list[str]]) -> None:
    wide = [[*row, "größe" if number == 0 else "schön"] for number, row in enumerate(table)]
    (tmp_path / "a.csv").write_bytes(rewritten(wide, ";", comma=True).encode("cp1252"))
    assert read_results(tmp_path / "a.csv").equals(read_results(tmp_path / "first_results.csv"))


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"sep=;", b"a;b\n1;2\n", b"\n\n", b"frame;emotion\n1;Happy\n", b"\xff\xfe" * 9],
)
def test_what_is_no_table_of_results_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(EmotionError, match=r"^a\.csv ") as caught:
        read_results(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("face", ["1.5", "1e30", "-1e400", "1e-3"])
def test_a_face_of_no_whole_number_is_one_line(tmp_path: Path, face: str) -> None:
    record = '{"frame":0,"emotion":"Happy","confidence":0.9,"valence":0.1,"arousal":0.5,"time":0,"face":%s}'
    (tmp_path / "a_results.json").write_text(f"[{record % face}]")
    with pytest.raises(EmotionError, match="face id is not a (whole )?number|is no JSON|makes sense"):
        read_results(tmp_path / "a_results.json")
    row = f"0,Happy,0.9,0.1,0.5,0,{face}\n1,Happy,0.9,0.1,0.5,0.04,1\n"
    (tmp_path / "a_results.csv").write_text(f"frame,emotion,confidence,valence,arousal,time,face\n{row}")
    read = read_results(tmp_path / "a_results.csv")
    assert read["frame"].tolist() == [1] and read.attrs["skipped"] == 1
